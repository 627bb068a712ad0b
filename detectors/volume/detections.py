"""What the volume bank says about a window: values only."""

from dataclasses import dataclass

from detectors.arrays import Flags, Floats
from detectors.detections import Direction


@dataclass(frozen=True, slots=True)
class VolumeDetection:
    """One collapse, or its end, found in one series.

    Attributes:
        row: The series.
        direction: Degraded: operations stopped arriving. Recovered: they came back.
        window: Index of the window that raised it.
        onset: Index of the first changed window, estimated.
        onset_low: Earliest onset of its 90 % interval.
        onset_high: Latest onset of its 90 % interval.
        share: Operations from the onset on over the expected ones, 0 or more.
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
    share: float
    statistic: float
    threshold: float


@dataclass(frozen=True, slots=True)
class VolumeStep:
    """What the windows up to one did to the bank.

    Attributes:
        window: Index of the window.
        expected: Operations expected in it, shape [S].
        learning: Whether the series is not judged yet, shape [S].
        alarmed: Whether a collapse is open after it, shape [S].
        statistic: Evidence after it, before an alarm sets it back; for an open collapse: that it is
            over, shape [S].
        threshold: A: what a series' evidence has to reach on its own.
        detections: Changes raised by it and by the windows left out before it, in time order, then
            by row.
    """

    window: int
    expected: Floats
    learning: Flags
    alarmed: Flags
    statistic: Floats
    threshold: float
    detections: tuple[VolumeDetection, ...]
