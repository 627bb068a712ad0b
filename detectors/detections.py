"""What the bank says about a window: values only."""

import enum
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detectors.arrays import Flags, Floats


class Direction(enum.Enum):
    """Which way a series changed."""

    DEGRADED = "degraded"
    RECOVERED = "recovered"


@dataclass(frozen=True, slots=True)
class Detection:
    """One change found in one series.

    Attributes:
        row: The series.
        direction: Degraded, or recovered (also: better than it ever was).
        window: Index of the window that raised it.
        onset: Index of the first changed window, estimated.
        onset_low: Earliest onset of its 90 % interval.
        onset_high: Latest onset of its 90 % interval.
        baseline_ratio: Success ratio in control, 0 to 1.
        ratio: Success ratio from the onset on, 0 to 1.
        ratio_low: Lower end of its 90 % interval.
        ratio_high: Upper end of its 90 % interval.
        statistic: Evidence when it was raised.
        threshold: Evidence that the series alone would have needed; with others it may be less (see
            `multiplicity`).
    """

    row: int
    direction: Direction
    window: int
    onset: int
    onset_low: int
    onset_high: int
    baseline_ratio: float
    ratio: float
    ratio_low: float
    ratio_high: float
    statistic: float
    threshold: float


@dataclass(frozen=True, slots=True)
class BankStep:
    """What one window did to the bank.

    Attributes:
        window: Index of the window.
        baseline: Failure probability in control that this window was judged by, shape [S].
        rho: Intra-class correlation of the outcomes of one window in control, shape [S]: that of
            the group, widened by what is not known about the baseline.
        learning: Whether the series is not judged yet, shape [S].
        alarmed: After this window: 0 none, +1 a degradation is open, -1 an improvement is being
            learned, shape [S].
        statistic: Evidence after this window, before an alarm sets it back, shape [S]. For a series
            with an open degradation: the evidence that it is over.
        threshold: A: what a series' evidence has to reach on its own.
        detections: Changes raised in this window, by row.
    """

    window: int
    baseline: Floats
    rho: Floats
    learning: Flags
    alarmed: npt.NDArray[np.int8]
    statistic: Floats
    threshold: float
    detections: tuple[Detection, ...]
