"""Change points: the judged changes in single series."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from detectors.bank import Direction
from streams.domain.time import format_instant


class ChangeKind(enum.Enum):
    """What changed in a series."""

    SUCCESS_RATIO = "success_ratio"
    VOLUME = "volume"
    ERROR_CODE = "error_code"
    DURATION = "duration"


@dataclass(frozen=True, slots=True)
class ChangePoint:
    """One judged change in one series.

    Attributes:
        series: Dimension -> value; a dimension that is absent does not matter.
        direction: Degraded or recovered.
        onset: When it began, in seconds since the epoch (start of the window).
        raised: Event time (watermark) at which it was raised.
        baseline_ratio: Success ratio in control, 0 to 1. Of the other kinds: 1; the share of
            operations without the error code; the share that is not slower than a fixed duration.
        ratio: The same from the onset on; of a volume the share of the expected operations that
            came, at most 1.
        statistic: Value of the detector's statistic.
        threshold: What it had to reach.
        kind: What changed. Incidents are made of success ratios alone.
        error_code: Which error code became more frequent.
        quantile: Which quantile of the durations moved, 0 to 1.
        onset_interval: Earliest and latest onset, with 90 %.
        ratio_interval: Lower and upper end of the ratio from the onset on, with 90 %; none of a
            volume.
    """

    series: Mapping[str, str]
    direction: Direction
    onset: float
    raised: float
    baseline_ratio: float
    ratio: float
    statistic: float
    threshold: float
    kind: ChangeKind = ChangeKind.SUCCESS_RATIO
    error_code: str | None = None
    quantile: float | None = None
    onset_interval: tuple[float, float] | None = None
    ratio_interval: tuple[float, float] | None = None

    @property
    def breaks_success(self) -> bool:
        """Whether more operations fail than before."""
        return self.kind is ChangeKind.SUCCESS_RATIO and self.direction is Direction.DEGRADED

    @property
    def place(self) -> tuple[object, ...]:
        """Where it stands among the change points raised at the same time."""
        series = tuple(sorted(self.series.items()))
        return series, self.kind.value, self.error_code or "", self.quantile or 0.0

    def record(self) -> dict[str, object]:
        """Give the plain record that goes to the topic and to `change_points.jsonl`."""
        record: dict[str, object] = {
            "series": dict(self.series),
            "kind": self.kind.value,
            "direction": self.direction.value,
            "onset": format_instant(self.onset),
            "raised": format_instant(self.raised),
            "baseline_ratio": round(self.baseline_ratio, 6),
            "ratio": round(self.ratio, 6),
            "statistic": round(self.statistic, 3),
            "threshold": round(self.threshold, 3),
        }
        if self.onset_interval:
            record["onset_interval"] = [format_instant(end) for end in self.onset_interval]
        if self.ratio_interval:
            record["ratio_interval"] = [round(end, 6) for end in self.ratio_interval]
        own = {"error_code": self.error_code, "quantile": self.quantile}
        return record | {name: value for name, value in own.items() if value is not None}
