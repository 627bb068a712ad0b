"""When an incident's state is worth a record, and the record."""

import json

from streams.domain.incidents import IncidentRecord
from streams.domain.time import window_end, window_start
from streams.stages.regions import affected_regions, impact
from streams.stages.risen_errors import risen_errors
from streams.stages.tracking import TrackedIncident

LIKELY = (0.1, 0.5, 0.9)
"""Bounds between bands of probability: unlikely, possible, likely, all but certain."""


def write(
    incident: TrackedIncident, names: tuple[str, ...], window: int, seconds: int, every: int
) -> IncidentRecord | None:
    """Give a record if it says anything a reader would act on, or if the impact is due again.

    Args:
        incident: The incident; what it remembers of its records is changed.
        names: Names of the regions, in the order of its counts.
        window: The window just closed.
        seconds: Length of a window.
        every: After how many windows the impact of an open incident is due.
    """
    facts = _facts(incident)
    due = incident.resolved is None and window - incident.written >= every
    if facts == incident.facts and not due:
        return None
    incident.facts, incident.written = facts, window
    incident.revision += 1
    resolved = incident.resolved
    interval = (incident.onset_low, incident.onset_high)
    return IncidentRecord(
        incident=incident.id,
        revision=incident.revision,
        status=incident.status,
        raised=window_end(window, seconds),
        onset=window_start(incident.onset, seconds),
        onset_interval=(window_start(interval[0], seconds), window_start(interval[1], seconds)),
        resolved=None if resolved is None else window_start(resolved, seconds),
        scope=incident.scope,
        regions=affected_regions(incident, seconds),
        impact=impact(incident, names),
        errors=risen_errors(incident),
        candidates=incident.candidates,
        no_release_probability=incident.none_probability,
    )


def _facts(incident: TrackedIncident) -> str:
    """Give what a reader would act on: probabilities by band, the size of the impact not at all."""
    affected = [[name, one.onset, one.recovered] for name, one in sorted(incident.regions.items())]
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
        ]
    )


def _band(probability: float) -> int:
    return sum(probability >= bound for bound in LIKELY)
