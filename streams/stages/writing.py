"""When an incident's state is worth a record, and the record."""

import json
from collections.abc import Sequence

from streams.domain.incidents import IncidentRecord, SecondaryImpact
from streams.domain.time import window_end, window_start
from streams.stages.history import History
from streams.stages.impacts import affected_regions, impact, status
from streams.stages.risen_errors import risen_errors
from streams.stages.spans import Spans
from streams.stages.surroundings import surroundings
from streams.stages.tracking import TrackedIncident

LIKELY = (0.1, 0.5, 0.9)
"""Bounds between bands of probability: unlikely, possible, likely, all but certain."""


def write(
    incident: TrackedIncident,
    attached: Sequence[TrackedIncident],
    history: History,
    window: int,
    spans: Spans,
) -> IncidentRecord | None:
    """Give a record if it says anything a reader would act on, or if the impact is due again.

    Args:
        incident: The incident; what it remembers of its records is changed.
        attached: Its secondary impact.
        history: Counts of all series.
        window: The window just closed.
        spans: Durations in windows.
    """
    names = history.values[history.dimensions.index("region")]
    facts = _facts(incident, attached, names)
    due = incident.resolved is None and window - incident.written >= spans.impact_every
    if facts == incident.facts and not due:
        return None
    incident.facts, incident.written = facts, window
    incident.revision += 1
    return _record(incident, attached, history, window, spans.seconds)


def _record(
    incident: TrackedIncident,
    attached: Sequence[TrackedIncident],
    history: History,
    window: int,
    seconds: int,
) -> IncidentRecord:
    names = history.values[history.dimensions.index("region")]
    resolved = incident.resolved
    interval = (incident.onset_low, incident.onset_high)
    whole = impact(incident, names)
    return IncidentRecord(
        incident=incident.id,
        revision=incident.revision,
        status=incident.status,
        raised=window_end(window, seconds),
        onset=window_start(incident.onset, seconds),
        onset_interval=(window_start(interval[0], seconds), window_start(interval[1], seconds)),
        resolved=None if resolved is None else window_start(resolved, seconds),
        scope=incident.scope,
        regions=affected_regions(incident, names, seconds),
        impact=whole,
        errors=risen_errors(incident),
        candidates=incident.candidates,
        no_release_probability=incident.none_probability,
        causes=incident.causes,
        related=incident.related,
        secondary=tuple(_secondary(one, names, seconds) for one in attached),
        surroundings=surroundings(incident, history, window, whole),
    )


def _secondary(incident: TrackedIncident, names: tuple[str, ...], seconds: int) -> SecondaryImpact:
    resolved = incident.resolved
    return SecondaryImpact(
        scope=incident.scope,
        regions=tuple(sorted(incident.regions)),
        onset=window_start(incident.onset, seconds),
        resolved=None if resolved is None else window_start(resolved, seconds),
        impact=impact(incident, names),
    )


def _facts(
    incident: TrackedIncident, attached: Sequence[TrackedIncident], names: tuple[str, ...]
) -> str:
    """Give what a reader would act on: probabilities by band, the size of the impact not at all.

    Nor is it news that one more value is surely healthy: that only takes time, and a value that
    ceases to be changes the scope, is secondary impact, or opens an incident.
    """
    affected = [
        [name, one.onset, one.recovered, status(incident.counts, names.index(name), one).value]
        for name, one in sorted(incident.regions.items())
    ]
    likely = [
        [one.release, _band(one.probability)]
        for one in incident.candidates
        if _band(one.probability)
    ]
    return json.dumps(
        [
            incident.status.value,
            sorted(incident.scope.items()),
            incident.onset,
            affected,
            likely,
            _band(incident.none_probability),
            [[one.incident, one.relation.value] for one in incident.related],
            [[sorted(one.scope.items()), one.status.value] for one in attached],
        ]
    )


def _band(probability: float) -> int:
    return sum(probability >= bound for bound in LIKELY)
