"""Closed windows: what the judge tells the incidents stage and the archive."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from streams.domain.change_points import ChangePoint
from streams.windows.cells import CellTable


@dataclass(frozen=True, slots=True)
class ClosedWindow:
    """One closed window of one counts partition, or late outcomes of windows closed before.

    Attributes:
        partition: The counts partition.
        closed_through: All windows up to and including this one are closed in the partition.
        window: The window the cells are of; None for a message that only brings progress or late
            outcomes.
        window_seconds: Length of the window.
        cells: Its N cells; late ones of any older window where `window` is None.
        baseline: (N,) failure probability in control; 0 for late cells.
        learning: (N,) whether the series' baseline is not yet fit to judge by.
        alarmed: (N,) 1 while a degradation is open, -1 while an improvement is, else 0.
        rho: (N,) intra-class correlation of the outcomes of one window in control; NaN where it is
            not known: for late cells, and where an older version closed the window.
        statistic: (N,) evidence that the series has changed, with an open degradation that it has
            recovered; NaN as for `rho`.
        change_points: Change points raised by this window: of success ratios in the order of the
            cells, then of other kinds. An empty window that raises some has a message of its own,
            with `window` None.
        threshold: Evidence at which a series alone raises a change point; None where it is not
            known.
    """

    partition: int
    closed_through: int
    window: int | None
    window_seconds: int
    cells: CellTable
    baseline: npt.NDArray[np.float64]
    learning: npt.NDArray[np.bool_]
    alarmed: npt.NDArray[np.int8]
    rho: npt.NDArray[np.float64]
    statistic: npt.NDArray[np.float64]
    change_points: tuple[ChangePoint, ...] = ()
    threshold: float | None = None
