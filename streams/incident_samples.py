"""What an incident record means in metrics: once, for the live exporter and for the backfill."""

from collections.abc import Mapping
from typing import Any

from streams.domain.time import parse_instant
from streams.telemetry import (
    CANDIDATE_PROBABILITY,
    INCIDENT,
    INCIDENT_EXCESS_FAILURES,
    INCIDENT_ONSET,
    NO_RELEASE_PROBABILITY,
    Metric,
)

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
    return [
        (INCIDENT, (incident, scope, str(record["status"]), top_candidate(record)), 1.0),
        (INCIDENT_ONSET, (incident,), parse_instant(record["onset"])),
        (INCIDENT_EXCESS_FAILURES, (incident,), float(record["impact"]["excess_failures"])),
        *(
            (CANDIDATE_PROBABILITY, (incident, str(one["release"])), float(one["probability"]))
            for one in record["candidates"]
        ),
        (NO_RELEASE_PROBABILITY, (incident,), float(record["no_release_probability"])),
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
