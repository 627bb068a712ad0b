"""The report as JSON: for programs; its form is told in `docs/report.md`."""

import json
from typing import Any

import numpy as np

from streams.replay.report.clock import ReportClock
from streams.replay.report.counts import RegionWindows, span_of
from streams.replay.report.document import Inline, Moment, Text
from streams.replay.report.drawings import (
    CURVE_POINTS,
    HEAT_COLUMNS,
    exposure_plot,
    posterior_plot,
)
from streams.replay.report.facts import IncidentFacts, RegionCounts, ReportFacts
from streams.replay.report.moments import key_moments
from streams.replay.report.records import CHANGE_POINTS, INCIDENTS
from streams.replay.report.sources import RecordSources

VERSION = 1
"""Of the form: raised when a reader of the last one could go wrong."""

_INCIDENT_KEY = "i{}"


def structure(facts: ReportFacts, clock: ReportClock) -> str:
    """Give the report as one JSON object, indented, with a line end."""
    begin, end = span_of(facts.fleet)
    trials, failures, late, _ = facts.fleet.counts.sum(axis=(1, 2)).tolist()
    report = {
        "format": "opwatch-report",
        "version": VERSION,
        "timezone": clock.zone.key,
        "window_seconds": facts.seconds,
        "allowed_disorder_seconds": facts.disorder,
        "from": clock.exact(begin) if begin < end else None,
        "to": clock.exact(end) if begin < end else None,
        "operations": trials,
        "failures": failures,
        "late_operations": late,
        "regions": list(facts.fleet.regions),
        "change_points": len(facts.points),
        "release_steps": len(facts.steps),
        "success": _series(facts.fleet, clock),
        "incidents": [_incident(incident, clock) for incident in facts.incidents],
    }
    return json.dumps(report, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _incident(facts: IncidentFacts, clock: ReportClock) -> dict[str, Any]:
    last = facts.revisions[-1]
    sources = RecordSources(_INCIDENT_KEY.format(facts.number), last.raw)
    onset = facts.last.onset.timestamp()
    posterior, exposure = posterior_plot(facts), exposure_plot(facts)
    return {
        "number": facts.number,
        "incident": facts.last.incident,
        "page": clock.exact(facts.page.raised.timestamp()),
        "page_seconds_from_onset": facts.page.raised.timestamp() - onset,
        "earliest_evidence": _earliest(facts, clock),
        "moments": [
            {
                "time": clock.exact(moment.time),
                "seconds_from_onset": moment.time - onset,
                "what": _plain(moment.what, clock),
                "source": moment.origin,
            }
            for moment in key_moments(facts, sources)
        ],
        "counts": [_counts(one) for one in facts.regions],
        "success": _series(facts.affected, clock),
        "failures_by_region": _by_region(facts.everywhere, clock),
        "posterior": {
            "times": [clock.exact(time) for time in posterior.times],
            "causes": dict(zip(posterior.names[:-1], posterior.probabilities[:-1], strict=True)),
            "no_release": posterior.probabilities[-1],
        },
        "exposure": {
            release: [
                [dot.region, clock.exact(dot.time), dot.exposure, dot.trials, dot.failures]
                for dot in dots
            ]
            for release, dots in zip(exposure.releases, exposure.dots, strict=True)
        },
        "change_points": [f"{CHANGE_POINTS}, line {point.line}" for point in facts.points],
        "source": f"{INCIDENTS}, line {last.line}",
        "record": last.raw,
    }


def _earliest(facts: IncidentFacts, clock: ReportClock) -> dict[str, Any] | None:
    if facts.earliest is None:
        return None
    return {
        "time": clock.exact(facts.earliest.time),
        "operations": facts.earliest.operations,
        "failures": facts.earliest.failures,
        "expected_failures": round(facts.earliest.expected, 3),
    }


def _counts(one: RegionCounts) -> dict[str, Any]:
    recorded = (one.region.operations, one.region.failures)
    return {
        "region": one.region.region,
        "operations": one.operations,
        "failures": one.failures,
        "late_operations": one.late,
        "equals_record": recorded == (one.operations, one.failures),
    }


def _series(counts: RegionWindows, clock: ReportClock) -> dict[str, Any]:
    binned = counts.binned(CURVE_POINTS)
    trials, failures = binned.counts[0].sum(axis=0), binned.counts[1].sum(axis=0)
    busy = np.flatnonzero(trials)
    return {
        "seconds": binned.seconds,
        "starts": [clock.exact(start) for start in binned.starts()[busy].tolist()],
        "operations": trials[busy].tolist(),
        "failures": failures[busy].tolist(),
    }


def _by_region(counts: RegionWindows, clock: ReportClock) -> dict[str, Any]:
    binned = counts.binned(HEAT_COLUMNS)
    return {
        "seconds": binned.seconds,
        "starts": [clock.exact(start) for start in binned.starts().tolist()],
        "operations": dict(zip(binned.regions, binned.counts[0].tolist(), strict=True)),
        "failures": dict(zip(binned.regions, binned.counts[1].tolist(), strict=True)),
    }


def _plain(text: Text, clock: ReportClock) -> str:
    return "".join(_part(part, clock) for part in text)


def _part(part: Inline, clock: ReportClock) -> str:
    if isinstance(part, str):
        return part
    return clock.instant(part.time, part.since) if isinstance(part, Moment) else part.text
