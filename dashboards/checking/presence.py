"""Which metrics may be absent without anything being wrong, each with its reason."""

from collections.abc import Mapping
from types import MappingProxyType

from streams.telemetry import (
    ALERTS_PUSHED,
    ARCHIVE_FAILURES,
    ARCHIVED_WINDOWS,
    BUILD,
    CONSUMER_LAG,
    DEAD_LETTERS,
    OVERFLOWED,
    SNAPSHOT,
    STAGE_DURATION,
    TRANSACTIONS,
    Metric,
)

LIVE_ONLY: Mapping[Metric, str] = MappingProxyType(
    {
        CONSUMER_LAG: "a replay reads files to their end and trails nobody",
        TRANSACTIONS: "a replay writes no Kafka transactions",
        SNAPSHOT: "a replay keeps no snapshots",
        STAGE_DURATION: "processing time, which a replay does not repeat",
        ALERTS_PUSHED: "a replay wakes nobody",
        ARCHIVED_WINDOWS: "a replay writes its own windows.parquet",
        ARCHIVE_FAILURES: "a replay writes its own windows.parquet",
        BUILD: "the version that runs, not the one that replayed",
    }
)
"""Metrics without meaning in a replay -> why."""

OCCASIONAL: Mapping[Metric, str] = MappingProxyType(
    {
        DEAD_LETTERS: "begins with the first record that is set aside for that reason",
        OVERFLOWED: "begins with the first value beyond a dimension's bound",
        ALERTS_PUSHED: "only where opwatch itself pushes to Alertmanager",
        ARCHIVED_WINDOWS: "only where there is an archive",
        ARCHIVE_FAILURES: "begins with the first attempt that failed",
    }
)
"""Metrics that a healthy installation may not have -> why."""
