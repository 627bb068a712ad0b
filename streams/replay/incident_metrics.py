"""What incident records and release events say at the end of each window of a replay."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from streams.domain.releases import ReleaseEvent
from streams.domain.time import parse_instant
from streams.incident_samples import incident_samples
from streams.stages.exposures import region_exposures
from streams.stages.rollouts import ReleaseLog
from streams.telemetry import INCIDENTS_OPEN, RELEASE_EXPOSURE, Metric, label_text, number_text
from streams.windows.cells import Int64

Lines = Mapping[Metric, list[str]]
"""Metric -> pieces of text, each one or more whole samples."""


def incident_lines(records: Iterable[Mapping[str, Any]], ends: Int64) -> Lines:
    """Write the samples of incidents, each record's until the next one of its incident.

    Args:
        records: All incident records, in the order they were written.
        ends: (W,) the ends of the windows, in seconds since the epoch, ascending.
    """
    lines: dict[Metric, list[str]] = {}
    changes = np.zeros(len(ends) + 1, np.int64)
    for record, first, last in _states(records, ends):
        if record["status"] != "resolved":
            changes[first] += 1
            changes[last] -= 1
        for metric, labels, value in incident_samples(record):
            text = _lasting(_sample(metric, labels, value), ends[first:last].tolist())
            lines.setdefault(metric, []).append(text)
    open_now = np.cumsum(changes[:-1]).tolist()
    lines[INCIDENTS_OPEN] = [
        f"{INCIDENTS_OPEN.name} {count} {end}\n"
        for count, end in zip(open_now, ends.tolist(), strict=True)
    ]
    return lines


def exposure_lines(
    releases: Sequence[ReleaseEvent], regions: Sequence[str], ends: Int64
) -> Iterator[str]:
    """Write how far the releases are in each region.

    Args:
        releases: The release log.
        regions: All regions there are.
        ends: (W,) the ends of the windows, in seconds since the epoch, ascending.
    """
    log = ReleaseLog()
    log.add(releases)
    seen: list[tuple[str, int]] = []
    heads: list[str] = []
    for end in ends.tolist():
        steps = log.steps(float(end))
        # Worked out again only when a release has moved, or has been over for so long that nobody
        # asks for it any more.
        now = [(one[0].release, len(one)) for one in steps]
        if now != seen:
            seen = now
            heads = [
                _sample(
                    RELEASE_EXPOSURE, (one.release, one.component or "", one.region), one.exposure
                )
                for one in region_exposures(steps, regions)
            ]
        yield from (f"{head} {end}\n" for head in heads)


def _states(
    records: Iterable[Mapping[str, Any]], ends: Int64
) -> Iterator[tuple[Mapping[str, Any], int, int]]:
    """Give each record with the part of the windows, [first, last), in which it is the newest."""
    of_incident: dict[str, list[Mapping[str, Any]]] = {}
    for record in records:
        of_incident.setdefault(record["incident"], []).append(record)
    for revisions in of_incident.values():
        begins = np.searchsorted(ends, [parse_instant(one["raised"]) for one in revisions]).tolist()
        for record, first, last in zip(revisions, begins, [*begins[1:], len(ends)], strict=True):
            yield record, first, last


def _sample(metric: Metric, labels: Sequence[str], value: float) -> str:
    """Write a sample up to its time."""
    return f"{metric.name}{{{label_text(metric.labels, labels)}}} {number_text(float(value))}"


def _lasting(sample: str, ends: Sequence[int]) -> str:
    return "".join(f"{sample} {end}\n" for end in ends)
