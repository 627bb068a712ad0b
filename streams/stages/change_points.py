"""Detections of a bank as change points: windows become instants, rows get names."""

from collections.abc import Mapping

from detectors.detections import Detection
from streams.domain.change_points import ChangeKind, ChangePoint
from streams.domain.time import window_end, window_start


def change_point(
    found: Detection,
    series: Mapping[str, str],
    seconds: int,
    kind: ChangeKind = ChangeKind.SUCCESS_RATIO,
    *,
    error_code: str | None = None,
    quantile: float | None = None,
) -> ChangePoint:
    """Name what a detector bank found.

    Args:
        found: The detection.
        series: Dimension -> value of its row.
        seconds: Length of a window.
        kind: What the bank's counts are of.
        error_code: Which error code, where they are of one.
        quantile: Which quantile of the durations, where they are of one.
    """
    return ChangePoint(
        series=series,
        direction=found.direction,
        onset=window_start(found.onset, seconds),
        raised=window_end(found.window, seconds),
        baseline_ratio=found.baseline_ratio,
        ratio=found.ratio,
        statistic=found.statistic,
        threshold=found.threshold,
        kind=kind,
        error_code=error_code,
        quantile=quantile,
        onset_interval=(
            window_start(found.onset_low, seconds),
            window_start(found.onset_high, seconds),
        ),
        ratio_interval=(found.ratio_low, found.ratio_high),
    )
