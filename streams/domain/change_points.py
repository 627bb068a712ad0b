"""Change points: the judged changes in single series."""

from collections.abc import Mapping
from dataclasses import dataclass

from detectors.bank import Direction
from streams.domain.time import format_instant


@dataclass(frozen=True, slots=True)
class ChangePoint:
    """One judged change in one series.

    Attributes:
        series: Dimension -> value.
        direction: Degraded or recovered.
        onset: When it began, in seconds since the epoch (start of the window).
        raised: Event time (watermark) at which it was raised.
        baseline_ratio: Success ratio in control, 0 to 1.
        ratio: Success ratio from the onset on, 0 to 1.
        statistic: Value of the detector's statistic.
        threshold: What it had to reach.
    """

    series: Mapping[str, str]
    direction: Direction
    onset: float
    raised: float
    baseline_ratio: float
    ratio: float
    statistic: float
    threshold: float

    def record(self) -> dict[str, object]:
        """Give the plain record that goes to the topic and to `change_points.jsonl`."""
        return {
            "series": dict(self.series),
            "direction": self.direction.value,
            "onset": format_instant(self.onset),
            "raised": format_instant(self.raised),
            "baseline_ratio": round(self.baseline_ratio, 6),
            "ratio": round(self.ratio, 6),
            "statistic": round(self.statistic, 3),
            "threshold": round(self.threshold, 3),
        }
