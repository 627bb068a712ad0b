"""What an incident record means in metrics: once, for the live exporter and for the backfill."""

from collections.abc import Mapping
from typing import Any

from streams.domain.incidents import RegionStatus
from streams.domain.time import parse_instant
from streams.telemetry import (
    CANDIDATE_PROBABILITY,
    INCIDENT,
    INCIDENT_BASELINE_SUCCESS_RATIO,
    INCIDENT_EXCESS_FAILURES,
    INCIDENT_ONSET,
    INCIDENT_REGION_EXCESS_FAILURES,
    INCIDENT_REGION_RELAPSES,
    INCIDENT_REGION_STATUS,
    INCIDENT_SUCCESS_RATIO,
    NO_RELEASE_PROBABILITY,
    Metric,
)

INCIDENT_METRICS = (
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
)
"""The metrics of `incident_samples`."""

REGION_STATUS = {
    RegionStatus.RECOVERED: 0.0,
    RegionStatus.AFFECTED: 1.0,
    RegionStatus.NO_TRAFFIC: 2.0,
}
"""What the value of `INCIDENT_REGION_STATUS` stands for."""

Sample = tuple[Metric, tuple[str, ...], float]
"""Metric, values of its labels, value."""

LIKELY = 0.5
"""Probability from which a release is named as an incident's top candidate."""


def incident_samples(record: Mapping[str, Any]) -> list[Sample]:
    """Give the samples of one incident that is not resolved; a resolved one has none.

    Args:
        record: An incident record of the contract.
    """
    if record["status"] == "resolved":
        return []
    incident = str(record["incident"])
    scope = scope_text(record["scope"])
    impact = record["impact"]
    return [
        (INCIDENT, (incident, scope, str(record["status"]), top_candidate(record)), 1.0),
        (INCIDENT_ONSET, (incident,), parse_instant(record["onset"])),
        (INCIDENT_EXCESS_FAILURES, (incident,), float(impact["excess_failures"])),
        (INCIDENT_SUCCESS_RATIO, (incident,), float(impact["success_ratio"])),
        (INCIDENT_BASELINE_SUCCESS_RATIO, (incident,), float(impact["baseline_success_ratio"])),
        *(sample for one in record["regions"] for sample in _region_samples(incident, one)),
        *(
            (CANDIDATE_PROBABILITY, (incident, str(one["release"])), float(one["probability"]))
            for one in record["candidates"]
        ),
        (NO_RELEASE_PROBABILITY, (incident,), float(record["no_release_probability"])),
    ]


def _region_samples(incident: str, region: Mapping[str, Any]) -> list[Sample]:
    labels = (incident, str(region["region"]))
    return [
        (INCIDENT_REGION_STATUS, labels, REGION_STATUS[RegionStatus(region["status"])]),
        (INCIDENT_REGION_RELAPSES, labels, float(region["relapses"])),
        (INCIDENT_REGION_EXCESS_FAILURES, labels, float(region["excess_failures"])),
    ]


def top_candidate(record: Mapping[str, Any]) -> str:
    """Give the likeliest release, or nothing where none is as likely as all else together."""
    candidates = record["candidates"]
    if not candidates or candidates[0]["probability"] < LIKELY:
        return ""
    return str(candidates[0]["release"])


def scope_text(scope: Mapping[str, list[str]]) -> str:
    """Write a scope in one line, such as `os=windows operation=create|start`."""
    parts = [f"{dimension}={'|'.join(values)}" for dimension, values in sorted(scope.items())]
    return " ".join(parts) or "everything"
