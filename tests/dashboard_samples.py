"""Two hours of every metric of the catalogue, as OpenMetrics: a fleet with one incident.

A release reaches two regions; half an hour later Windows machines fail there, and recover.
"""

import itertools
from collections.abc import Iterator, Sequence

from streams.telemetry import (
    ALERTS_PUSHED,
    ARCHIVE_FAILURES,
    ARCHIVED_WINDOWS,
    BASELINE_LOWER_BOUND,
    BASELINE_SUCCESS_RATIO,
    BASELINE_UPPER_BOUND,
    BUILD,
    CANDIDATE_PROBABILITY,
    CATALOGUE,
    CHANGE_POINTS,
    CHANGE_POINTS_ACTIVE,
    CONSUMER_LAG,
    DEAD_LETTERS,
    DUPLICATES,
    FAILURES_BY_CODE,
    INCIDENT,
    INCIDENT_BASELINE_SUCCESS_RATIO,
    INCIDENT_EXCESS_FAILURES,
    INCIDENT_ONSET,
    INCIDENT_REGION_EXCESS_FAILURES,
    INCIDENT_REGION_RELAPSES,
    INCIDENT_REGION_STATUS,
    INCIDENT_SUCCESS_RATIO,
    INCIDENTS_OPEN,
    LATE,
    NO_RELEASE_PROBABILITY,
    OPERATIONS,
    OVERFLOWED,
    RECORDS_READ,
    RELEASE_EXPOSURE,
    SERIES,
    SNAPSHOT,
    STAGE_DURATION,
    STATISTIC,
    SUCCESS_RATIO,
    THRESHOLD,
    TRANSACTIONS,
    WATERMARK,
    WINDOWS_CLOSED,
    Kind,
    Metric,
    label_text,
    number_text,
)

START = 1_634_104_800
"""2021-10-13T06:00:00Z."""
MINUTES = 120
END = START + 60 * MINUTES
ONSET, RECOVERY = 60, 90
INCIDENT_ID = "20211013T070000Z-0a1b2c3d"
RELEASE, OTHER_RELEASE = "agent-2", "billing-7"

REGIONS, HIT = ("asia", "eu", "us"), ("eu", "us")
VALUES = (REGIONS, ("linux", "windows"), ("large", "small"), ("create", "start"))
"""Values of the four usual dimensions."""

Point = tuple[tuple[str, ...], int, float]
"""Label values, minute, value."""

_COUNTED: dict[Metric, list[tuple[str, ...]]] = {
    FAILURES_BY_CODE: [(region, code) for region in REGIONS for code in ("Timeout", "NoCapacity")],
    CHANGE_POINTS: [("success_ratio", "degraded"), ("success_ratio", "recovered")],
    RECORDS_READ: [("vm-operations",)],
    DUPLICATES: [()],
    LATE: [()],
    DEAD_LETTERS: [("vm-operations", "not_json")],
    OVERFLOWED: [("vm_type",)],
    TRANSACTIONS: [("committed",), ("aborted",)],
    WINDOWS_CLOSED: [("0",), ("1",)],
    ALERTS_PUSHED: [("accepted",), ("failed",)],
    ARCHIVED_WINDOWS: [("0",), ("1",)],
    ARCHIVE_FAILURES: [()],
}
_STEADY: dict[Metric, dict[tuple[str, ...], float]] = {
    SERIES: {("0", "learning"): 1, ("0", "watched"): 20, ("0", "degraded"): 3},
    THRESHOLD: {("0",): 2_000_000, ("1",): 2_500_000},
    CONSUMER_LAG: {("vm-operations", "0"): 12},
    BUILD: {("0.1.0", "3.11.7"): 1},
}


def open_metrics(without: Sequence[Metric] = ()) -> str:
    """Give everything, ready for `promtool tsdb create-blocks-from openmetrics`.

    Args:
        without: Metrics to leave out.
    """
    lines: list[str] = []
    for metric in CATALOGUE:
        if metric not in without:
            family = metric.name.removesuffix("_total").removesuffix("_info")
            lines.append(f"# TYPE {family} {metric.kind.value}")
            lines += _histogram() if metric.kind is Kind.HISTOGRAM else _lines(metric)
    return "\n".join([*lines, "# EOF", ""])


def _lines(metric: Metric) -> Iterator[str]:
    names = metric.label_names(("region", "os", "vm_type", "operation"))
    for labels, minute, value in _points(metric):
        # Where the points do not say a partition there is one.
        where = names.index("partition") if len(labels) < len(names) else len(labels)
        text = label_text(
            names, (*labels[:where], *["0"][: len(names) - len(labels)], *labels[where:])
        )
        yield f"{metric.name}{{{text}}} {number_text(float(value))} {START + 60 * minute}"


def _points(metric: Metric) -> list[Point]:
    if metric.per_series:
        found = list(_of_series(metric))
    elif metric in _COUNTED:
        counted = _COUNTED[metric]
        since = ONSET if metric is CHANGE_POINTS else 0
        found = [
            (labels, at, 2 * max(at - since, 0)) for labels in counted for at in range(MINUTES + 1)
        ]
    elif metric in _STEADY:
        steady = _STEADY[metric].items()
        found = [(labels, at, value) for labels, value in steady for at in range(MINUTES + 1)]
    else:
        found = list(_of_incident(metric)) or list(_of_time(metric))
    assert found, f"say what {metric.name} is in {__file__}"
    return found


def _of_series(metric: Metric) -> Iterator[Point]:
    for key in itertools.product(*VALUES):
        fails = key[0] in HIT and key[1] == "windows"
        for at in range(MINUTES + 1):
            bad = fails and ONSET <= at < RECOVERY
            gauges = {
                SUCCESS_RATIO: 0.4 if bad else 0.99,
                BASELINE_SUCCESS_RATIO: 0.985,
                BASELINE_LOWER_BOUND: 0.9,
                BASELINE_UPPER_BOUND: 1.0,
                STATISTIC: 1e8 if bad else 1.5,
            }
            if metric in gauges:
                yield key, at, gauges[metric]
            elif metric is CHANGE_POINTS_ACTIVE and bad:
                yield key, at, 1
    if metric is OPERATIONS:
        for labels in itertools.product(*VALUES, ("failure", "success")):
            fails = labels[0] in HIT and labels[1] == "windows"
            each, worse = (2, 150) if labels[-1] == "failure" else (200, -150)
            for at in range(MINUTES + 1):
                bad_minutes = min(max(at - ONSET, 0), RECOVERY - ONSET) if fails else 0
                yield labels, at, each * at + worse * bad_minutes


def _of_incident(metric: Metric) -> Iterator[Point]:
    for at in range(ONSET + 3, RECOVERY):
        likely = at > ONSET + 5
        statuses = {True: ("open", RELEASE), False: ("open", "")}
        whole: dict[Metric, tuple[tuple[str, ...], float]] = {
            INCIDENT: (("os=windows", *statuses[likely]), 1),
            INCIDENT_ONSET: ((), START + 60 * ONSET),
            INCIDENT_EXCESS_FAILURES: ((), 60 * (at - ONSET)),
            INCIDENT_SUCCESS_RATIO: ((), 0.4),
            INCIDENT_BASELINE_SUCCESS_RATIO: ((), 0.985),
            NO_RELEASE_PROBABILITY: ((), 0.05 if likely else 0.4),
        }
        if metric in whole:
            labels, value = whole[metric]
            yield (INCIDENT_ID, *labels), at, value
        regional: dict[Metric, float] = {
            INCIDENT_REGION_STATUS: 1,
            INCIDENT_REGION_RELAPSES: 0,
            INCIDENT_REGION_EXCESS_FAILURES: 30 * (at - ONSET),
        }
        if metric in regional:
            for region in HIT:
                recovered = (
                    metric is INCIDENT_REGION_STATUS and at > RECOVERY - 5 and region == "eu"
                )
                yield (INCIDENT_ID, region), at, 0 if recovered else regional[metric]
        if metric is CANDIDATE_PROBABILITY:
            yield (INCIDENT_ID, RELEASE), at, 0.9 if likely else 0.5
            yield (INCIDENT_ID, OTHER_RELEASE), at, 0.05 if likely else 0.1


def _of_time(metric: Metric) -> Iterator[Point]:
    for at in range(MINUTES + 1):
        now = START + 60.0 * at
        if metric is INCIDENTS_OPEN:
            yield (), at, int(ONSET + 3 <= at < RECOVERY)
        elif metric is WATERMARK:
            yield from (((partition,), at, now - 30) for partition in ("0", "1"))
        elif metric is SNAPSHOT:
            yield from (((stage, "0"), at, now - 70) for stage in ("judge", "incidents"))
        elif metric is RELEASE_EXPOSURE and at >= ONSET - 30:
            share = min(1.0, (at - ONSET + 31) / 40)
            yield from (((RELEASE, "agent", region), at, share) for region in HIT)
            yield (OTHER_RELEASE, "billing", "asia"), at, 1.0


def _histogram() -> Iterator[str]:
    name, bounds = STAGE_DURATION.name, [*map(str, STAGE_DURATION.buckets), "+Inf"]
    for stage in ("ingest", "judge", "incidents", "exposition"):
        for at in range(MINUTES + 1):
            when, labels = START + 60 * at, f'stage="{stage}"'
            for place, bound in enumerate(bounds, start=1):
                yield f'{name}_bucket{{{labels},le="{bound}"}} {place * at} {when}'
            yield f"{name}_sum{{{labels}}} {number_text(0.1 * at)} {when}"
            yield f"{name}_count{{{labels}}} {len(bounds) * at} {when}"
