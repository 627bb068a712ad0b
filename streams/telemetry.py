"""The catalogue of metrics: every name, kind, unit, label and meaning, once, as data.

The exporter, the backfill, the documentation and the dashboards derive from it. Pure: it measures
nothing itself.

`docs/metrics.md` is rendered from here: `python -m streams.telemetry > docs/metrics.md`.
"""

import enum
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby


class Kind(enum.Enum):
    """What a metric's value means to Prometheus."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    INFO = "info"


class Unit(enum.Enum):
    """Unit of a metric's value; the name ends in it."""

    NONE = ""
    SECONDS = "seconds"
    RATIO = "ratio"
    PROBABILITY = "probability"
    RECORDS = "records"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    Attributes:
        name: Full name as Prometheus stores it, with its unit and `_total` or `_info`.
        kind: What its value means.
        unit: Unit of its value.
        topic: Heading it stands under in the documentation.
        help: One sentence.
        labels: Its own labels, after those of the dimensions.
        per_series: Whether the configured dimensions are labels too, before its own.
        by_partition: Whether the worker adds the label `partition`, which a backfill does without:
            such a counter belongs to a partition, and goes with it to another worker.
        buckets: Upper bounds of a histogram's buckets, ascending, without +Inf.
    """

    name: str
    kind: Kind
    unit: Unit
    topic: str
    help: str
    labels: tuple[str, ...] = ()
    per_series: bool = False
    by_partition: bool = False
    buckets: tuple[float, ...] = ()

    def label_names(self, dimensions: Sequence[str]) -> tuple[str, ...]:
        """Give the names of all labels, in the order of their values.

        Args:
            dimensions: The configured dimensions.
        """
        return (*dimension_labels(dimensions), *self.labels) if self.per_series else self.labels

    def served_label_names(self, dimensions: Sequence[str]) -> tuple[str, ...]:
        """Give the names of all labels on a worker's /metrics, in the order of their values.

        Args:
            dimensions: The configured dimensions.
        """
        own = self.label_names(dimensions)
        return (*own, PARTITION) if self.by_partition else own


PARTITION = "partition"
"""Label that a worker adds to counters of partitions."""

_SERVICE = "What is watched"
_FINDINGS = "Change points and incidents"
_RELEASES = "Releases"
_INGEST = "Reading events"
_ENGINE = "The worker itself"

OPERATIONS = Metric(
    "opwatch_operations_total",
    Kind.COUNTER,
    Unit.NONE,
    _SERVICE,
    "Operations by outcome: success, failure (timeouts too), cancelled or caller_fault; late ones "
    "are in opwatch_late_total.",
    labels=("outcome",),
    by_partition=True,
    per_series=True,
)
SUCCESS_RATIO = Metric(
    "opwatch_success_ratio",
    Kind.GAUGE,
    Unit.RATIO,
    _SERVICE,
    "Success / (success + failure) in the last closed window; absent without operations.",
    per_series=True,
)
BASELINE_SUCCESS_RATIO = Metric(
    "opwatch_baseline_success_ratio",
    Kind.GAUGE,
    Unit.RATIO,
    _SERVICE,
    "Success ratio in control that the series is judged against; absent while it is being learned.",
    per_series=True,
)
BASELINE_LOWER_BOUND = Metric(
    "opwatch_baseline_lower_success_ratio",
    Kind.GAUGE,
    Unit.RATIO,
    _SERVICE,
    "Success ratio above which 99.5 % of windows with as many operations lie while in control.",
    per_series=True,
)
BASELINE_UPPER_BOUND = Metric(
    "opwatch_baseline_upper_success_ratio",
    Kind.GAUGE,
    Unit.RATIO,
    _SERVICE,
    "Success ratio below which 99.5 % of windows with as many operations lie while in control.",
    per_series=True,
)
FAILURES_BY_CODE = Metric(
    "opwatch_failures_total",
    Kind.COUNTER,
    Unit.NONE,
    _SERVICE,
    "Failures by error code; codes beyond detectors.error_codes are counted as __other__, failures "
    "without a code as unknown.",
    labels=("region", "error_code"),
    by_partition=True,
)
SERIES = Metric(
    "opwatch_series",
    Kind.GAUGE,
    Unit.NONE,
    _SERVICE,
    "Series by state: learning, watched or degraded.",
    labels=("partition", "state"),
)
CHANGE_POINTS = Metric(
    "opwatch_change_points_total",
    Kind.COUNTER,
    Unit.NONE,
    _FINDINGS,
    "Change points raised, by kind (success_ratio, volume, error_code or duration) and direction: "
    "degraded or recovered.",
    labels=("kind", "direction"),
    by_partition=True,
)
CHANGE_POINTS_ACTIVE = Metric(
    "opwatch_change_points_active",
    Kind.GAUGE,
    Unit.NONE,
    _FINDINGS,
    "1 while a degradation of the series lasts; absent otherwise.",
    per_series=True,
)
STATISTIC = Metric(
    "opwatch_change_point_statistic",
    Kind.GAUGE,
    Unit.NONE,
    _FINDINGS,
    "Evidence that the series has degraded; a change point is raised at the threshold. While one "
    "is open: evidence that it has recovered.",
    per_series=True,
)
THRESHOLD = Metric(
    "opwatch_change_point_threshold",
    Kind.GAUGE,
    Unit.NONE,
    _FINDINGS,
    "Evidence at which a change point is raised in the counts partition.",
    labels=("partition",),
)
INCIDENTS_OPEN = Metric(
    "opwatch_incidents_open",
    Kind.GAUGE,
    Unit.NONE,
    _FINDINGS,
    "Incidents that are not resolved.",
)
INCIDENT = Metric(
    "opwatch_incident_info",
    Kind.INFO,
    Unit.NONE,
    _FINDINGS,
    "1 until the incident is resolved; top_candidate: the release, once one has 0.5.",
    labels=("incident", "scope", "status", "top_candidate"),
)
INCIDENT_ONSET = Metric(
    "opwatch_incident_onset_timestamp_seconds",
    Kind.GAUGE,
    Unit.SECONDS,
    _FINDINGS,
    "Event time at which the incident began.",
    labels=("incident",),
)
INCIDENT_EXCESS_FAILURES = Metric(
    "opwatch_incident_excess_failures",
    Kind.GAUGE,
    Unit.NONE,
    _FINDINGS,
    "Failures of the incident so far beyond those expected from the baseline.",
    labels=("incident",),
)
CANDIDATE_PROBABILITY = Metric(
    "opwatch_candidate_probability",
    Kind.GAUGE,
    Unit.PROBABILITY,
    _FINDINGS,
    "Probability that the release caused the incident.",
    labels=("incident", "release"),
)
NO_RELEASE_PROBABILITY = Metric(
    "opwatch_no_release_probability",
    Kind.GAUGE,
    Unit.PROBABILITY,
    _FINDINGS,
    "Probability that no known release caused the incident; sums to 1 with the candidates'.",
    labels=("incident",),
)
INCIDENT_SUCCESS_RATIO = Metric(
    "opwatch_incident_success_ratio",
    Kind.GAUGE,
    Unit.RATIO,
    _FINDINGS,
    "Success ratio inside the incident, from its onset on.",
    labels=("incident",),
)
INCIDENT_BASELINE_SUCCESS_RATIO = Metric(
    "opwatch_incident_baseline_success_ratio",
    Kind.GAUGE,
    Unit.RATIO,
    _FINDINGS,
    "Success ratio that the same operations would have had without the incident.",
    labels=("incident",),
)
INCIDENT_REGION_STATUS = Metric(
    "opwatch_incident_region_status",
    Kind.GAUGE,
    Unit.NONE,
    _FINDINGS,
    "How a region of an open incident is: 0 recovered, 1 affected, 2 no traffic.",
    labels=("incident", "region"),
)
INCIDENT_REGION_RELAPSES = Metric(
    "opwatch_incident_region_relapses",
    Kind.GAUGE,
    Unit.NONE,
    _FINDINGS,
    "Recoveries of a region of an open incident that were taken back.",
    labels=("incident", "region"),
)
INCIDENT_REGION_EXCESS_FAILURES = Metric(
    "opwatch_incident_region_excess_failures",
    Kind.GAUGE,
    Unit.NONE,
    _FINDINGS,
    "Failures in a region of an open incident so far beyond those expected from the baseline.",
    labels=("incident", "region"),
)
RELEASE_EXPOSURE = Metric(
    "opwatch_release_exposure_ratio",
    Kind.GAUGE,
    Unit.RATIO,
    _RELEASES,
    "Largest share of any part of the region that runs the release, at the watermark.",
    labels=("release", "component", "region"),
)
RECORDS_READ = Metric(
    "opwatch_records_read_total",
    Kind.COUNTER,
    Unit.NONE,
    _INGEST,
    "Records read from the source topics.",
    labels=("topic",),
    by_partition=True,
)
DUPLICATES = Metric(
    "opwatch_duplicates_total",
    Kind.COUNTER,
    Unit.NONE,
    _INGEST,
    "Events left out because their id had been counted within the duplicate horizon.",
    by_partition=True,
)
LATE = Metric(
    "opwatch_late_total",
    Kind.COUNTER,
    Unit.NONE,
    _INGEST,
    "Outcomes whose window was closed when they came; kept in the late topic.",
    by_partition=True,
)
DEAD_LETTERS = Metric(
    "opwatch_dead_letters_total",
    Kind.COUNTER,
    Unit.NONE,
    _INGEST,
    "Records set aside because they can never be counted; kept in the dead-letter topic.",
    labels=("topic", "reason"),
    by_partition=True,
)
OVERFLOWED = Metric(
    "opwatch_overflowed_total",
    Kind.COUNTER,
    Unit.NONE,
    _INGEST,
    "Outcomes counted under __other__ because the dimension (or the number of `series`) was at its "
    "bound.",
    labels=("dimension",),
    by_partition=True,
)
CONSUMER_LAG = Metric(
    "opwatch_consumer_lag_records",
    Kind.GAUGE,
    Unit.RECORDS,
    _INGEST,
    "Records in the source partition that have not been read.",
    labels=("topic", "partition"),
)
TRANSACTIONS = Metric(
    "opwatch_transactions_total",
    Kind.COUNTER,
    Unit.NONE,
    _INGEST,
    "Kafka transactions that wrote counts and source offsets, by result: committed or aborted.",
    labels=("result",),
)
WATERMARK = Metric(
    "opwatch_watermark_timestamp_seconds",
    Kind.GAUGE,
    Unit.SECONDS,
    _ENGINE,
    "Event time before which nothing more is expected; time() minus it is how far it trails.",
    labels=("partition",),
)
WINDOWS_CLOSED = Metric(
    "opwatch_windows_closed_total",
    Kind.COUNTER,
    Unit.NONE,
    _ENGINE,
    "Windows closed by the judge of the counts partition.",
    labels=("partition",),
)
ALERTS_PUSHED = Metric(
    "opwatch_alerts_pushed_total",
    Kind.COUNTER,
    Unit.NONE,
    _ENGINE,
    "Pushes of open incidents to Alertmanager, by result: accepted or failed.",
    labels=("result",),
)
ARCHIVED_WINDOWS = Metric(
    "opwatch_archived_windows_total",
    Kind.COUNTER,
    Unit.NONE,
    _ENGINE,
    "Closed windows of counts partitions written to the archive.",
    labels=("partition",),
)
ARCHIVE_FAILURES = Metric(
    "opwatch_archive_failures_total",
    Kind.COUNTER,
    Unit.NONE,
    _ENGINE,
    "Attempts to write to the archive that failed and are made again.",
)
STAGE_DURATION = Metric(
    "opwatch_stage_duration_seconds",
    Kind.HISTOGRAM,
    Unit.SECONDS,
    _ENGINE,
    "Processing time of one step of a stage: ingest, judge or incidents; exposition: a scrape of "
    "/metrics; rendering: the text of what is told of the series.",
    labels=("stage",),
    buckets=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0),
)
SNAPSHOT = Metric(
    "opwatch_snapshot_timestamp_seconds",
    Kind.GAUGE,
    Unit.SECONDS,
    _ENGINE,
    "Processing time of the newest snapshot of the stage's partition; time() minus it is its age.",
    labels=("stage", "partition"),
)
BUILD = Metric(
    "opwatch_build_info",
    Kind.INFO,
    Unit.NONE,
    _ENGINE,
    "1, with the versions of opwatch and Python.",
    labels=("version", "python"),
)

CATALOGUE: tuple[Metric, ...] = (
    OPERATIONS,
    SUCCESS_RATIO,
    BASELINE_SUCCESS_RATIO,
    BASELINE_LOWER_BOUND,
    BASELINE_UPPER_BOUND,
    FAILURES_BY_CODE,
    SERIES,
    CHANGE_POINTS,
    CHANGE_POINTS_ACTIVE,
    STATISTIC,
    THRESHOLD,
    INCIDENTS_OPEN,
    INCIDENT,
    INCIDENT_ONSET,
    INCIDENT_EXCESS_FAILURES,
    INCIDENT_SUCCESS_RATIO,
    INCIDENT_BASELINE_SUCCESS_RATIO,
    INCIDENT_REGION_STATUS,
    INCIDENT_REGION_RELAPSES,
    INCIDENT_REGION_EXCESS_FAILURES,
    CANDIDATE_PROBABILITY,
    NO_RELEASE_PROBABILITY,
    RELEASE_EXPOSURE,
    RECORDS_READ,
    DUPLICATES,
    LATE,
    DEAD_LETTERS,
    OVERFLOWED,
    CONSUMER_LAG,
    TRANSACTIONS,
    WATERMARK,
    WINDOWS_CLOSED,
    ALERTS_PUSHED,
    ARCHIVED_WINDOWS,
    ARCHIVE_FAILURES,
    STAGE_DURATION,
    SNAPSHOT,
    BUILD,
)

_RESERVED = frozenset({"direction", "instance", "job", "le", "outcome", PARTITION})
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def dimension_labels(dimensions: Sequence[str]) -> tuple[str, ...]:
    """Give the label names of dimensions, which may have names that Prometheus does not allow.

    Args:
        dimensions: For example `("region", "cluster.name", "job")`.

    Returns:
        One label each, all different: `("region", "cluster_name", "dimension_job")`.
    """
    labels: list[str] = []
    for dimension in dimensions:
        label = re.sub(r"[^a-zA-Z0-9_]", "_", dimension)
        # A leading "__" is Prometheus's own, and job and instance are set by the scrape.
        if not re.match(r"[a-zA-Z]|_[a-zA-Z0-9]", label) or label in _RESERVED:
            label = f"dimension_{label}"
        while label in labels:
            label += "_"
        labels.append(label)
    return tuple(labels)


def label_text(names: Sequence[str], values: Sequence[str]) -> str:
    """Write labels as they stand between the braces of a sample, in both text formats.

    Args:
        names: Label names.
        values: Their values, as they are.
    """
    return ",".join(
        f'{name}="{value.translate(_ESCAPES)}"' for name, value in zip(names, values, strict=True)
    )


def number_text(value: float) -> str:
    """Write a value in both of Prometheus's text formats; whole numbers without a fraction."""
    if (
        value.is_integer() and abs(value) < 2**53
    ):  # beyond, the digits would claim more than a float knows
        return str(int(value))
    return {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}.get(text := repr(value), text)


def render_markdown() -> str:
    """Give the text of `docs/metrics.md`."""
    lines = [
        "# Metrics",
        "",
        "Everything opwatch serves on `/metrics`. This page is generated from",
        "`streams/telemetry.py`: `python -m streams.telemetry > docs/metrics.md`.",
        "",
        "*dimensions* stands for one label per configured dimension (by default `region`, `os`,",
        "`vm_type`, `operation`); a character that Prometheus allows in no label becomes `_`.",
        "A counter with the label `partition` belongs to a partition (of the source topic where it",
        "is about reading events, of the counts otherwise): it goes on where it was after a",
        "restart, and moves with the partition to another worker. Sum over it. The others, and the",
        "archived windows, belong to the process and begin at 0 with it.",
        "",
        "Samples never carry event-time timestamps: history goes through `metrics.om` of",
        "`opwatch replay`. The usual `process_*` and `python_*` metrics of the Prometheus client",
        "are served too.",
    ]
    for topic, metrics in groupby(CATALOGUE, key=lambda metric: metric.topic):
        lines += ["", f"## {topic}", "", "| name | kind | labels | meaning |", "|-|-|-|-|"]
        lines += [_row(metric) for metric in metrics]
    return "\n".join(lines) + "\n"


def _row(metric: Metric) -> str:
    own = [f"`{label}`" for label in metric.labels]
    shared, added = ["*dimensions*"] * metric.per_series, [f"`{PARTITION}`"] * metric.by_partition
    labels = ", ".join((*shared, *own, *added))
    return f"| `{metric.name}` | {metric.kind.value} | {labels} | {metric.help} |"


if __name__ == "__main__":
    sys.stdout.write(render_markdown())
