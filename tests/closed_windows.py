"""Closed windows for tests, as a judge would tell of them."""

from collections.abc import Iterator, Sequence

import numpy as np
from cell_tables import Cell, cell_table

from streams.domain.change_points import ChangePoint
from streams.windows.cells import CellTable
from streams.windows.closed import ClosedWindow
from streams.windows.merging import select

SECONDS = 60


def closed_window(
    cells: CellTable,
    partition: int = 0,
    through: int | None = None,
    *,
    baseline: float = 0.01,
    points: Sequence[ChangePoint] = (),
) -> ClosedWindow:
    """Give what a judge tells of one window, or of late outcomes and progress.

    Args:
        cells: All of one window and in time, or none is.
        partition: The counts partition.
        through: The window closed last; given for late outcomes and progress.
        baseline: Failure probability of all series; NaN while they are learning.
        points: Change points of the window.
    """
    size = len(cells)
    window = int(cells.windows[0]) if through is None else None
    learning = np.full(size, np.isnan(baseline))
    return ClosedWindow(
        partition=partition,
        closed_through=through if window is None and through is not None else window or 0,
        window=window,
        window_seconds=SECONDS,
        cells=cells,
        baseline=np.where(learning, 0.0, baseline),
        learning=learning,
        alarmed=np.zeros(size, np.int8),
        rho=np.full(size, 0.001),
        statistic=np.full(size, 2.0),
        change_points=tuple(points),
        threshold=9.5,
    )


def closed_windows(
    dimensions: tuple[str, ...], cells: Sequence[Cell], baseline: float = 0.01
) -> Iterator[ClosedWindow]:
    """Give what the judge of the only counts partition tells of some cells.

    Late ones come first, before the window that is closed next.
    """
    table = cell_table(dimensions, cells)
    if table.late.any():
        first = int(table.windows[~table.late].min(initial=int(table.windows.max()) + 1))
        yield closed_window(select(table, table.late), through=first - 1)
    for window in np.unique(table.windows[~table.late]).tolist():
        chosen = (table.windows == window) & ~table.late
        yield closed_window(select(table, chosen), baseline=baseline)
