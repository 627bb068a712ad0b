"""An incident from window to window: its scope, its onset, and the counts that follow from them."""

from collections.abc import Sequence

import numpy as np

from streams.stages import regions, scoping
from streams.stages.history import Bool
from streams.stages.incident_state import IncidentsState
from streams.stages.risen_errors import count_errors
from streams.stages.spans import Spans
from streams.stages.tracking import (
    LOOKBACK,
    Degradation,
    ErrorCounts,
    TrackedIncident,
    covers,
)

CLEAR_SCOPE = 10.0
"""Log-likelihood ratio below which a scope is not trusted: the series stands for itself."""

KEPT_EXCESS = 0.9
"""Share of an incident's excess failures that a wider scope must still hold."""

KEPT_EXCESS_SETTLING = 0.5
"""The same while it settles: whoever holds less than half of it is another incident."""


def follow(state: IncidentsState, incident: TrackedIncident, window: int, spans: Spans) -> None:
    """Bring one incident up to a window."""
    history = state.history
    added = len(history) - len(incident.baseline)
    if added:
        newest = np.nan_to_num(history.baseline_at(window))[-added:]
        incident.baseline = np.concatenate([incident.baseline, newest])
    near = _near(state, incident, spans)
    again = _may_recount(state, incident, window) and (incident.is_settling(window) or bool(near))
    if again:
        _rescope(state, incident, window, near)
        recount(state, incident, window)
    else:
        incident.counts.extend(scoping.pool(history, incident, window, window))
        count_errors(incident, history, window)
    regions.follow(incident, state.regions, window, recounted=again)


def recount(state: IncidentsState, incident: TrackedIncident, window: int) -> None:
    """Work out what follows from an incident's scope."""
    history = state.history
    first = incident.onset - LOOKBACK
    if incident.is_settling(window):
        mask = history.matches(incident.scope)
        found = scoping.locate_onset(history, mask, incident.baseline, first, window)
        incident.onset, incident.onset_low, incident.onset_high = found
    incident.counts = scoping.pool(history, incident, first, window)
    incident.errors = ErrorCounts()
    count_errors(incident, history, incident.counts.first)


def _near(state: IncidentsState, incident: TrackedIncident, spans: Spans) -> list[Degradation]:
    """Give the unexplained degradations that may belong to an incident."""
    return [
        one
        for one in state.pending
        if one.onset >= incident.onset - spans.merge_within
        and not covers(incident.scope, state.history.dimensions, one.key)
    ]


def _may_recount(state: IncidentsState, incident: TrackedIncident, window: int) -> bool:
    """Tell whether an incident is open and all of it still in the history."""
    age = window - incident.onset + LOOKBACK
    return incident.resolved is None and age < state.history.length


def _rescope(
    state: IncidentsState, incident: TrackedIncident, window: int, near: Sequence[Degradation]
) -> None:
    """Work out the scope anew; a settled one only grows, to take in what is near.

    What an incident no longer explains has to be explained by another.
    """
    history = state.history
    explained = state.explained(incident.onset, besides=incident)
    found = scoping.find_scope(history, incident.baseline, incident.onset, window, explained)
    scope = found.values
    if scope == incident.scope or found.ratio < CLEAR_SCOPE:
        return
    inside = history.matches(scope)
    if incident.is_settling(window):
        accepted = _keeps(state, incident, inside, window, KEPT_EXCESS_SETTLING)
    else:
        takes = any(covers(scope, history.dimensions, one.key) for one in near)
        accepted = takes and _keeps(state, incident, inside, window, KEPT_EXCESS)
    if accepted:
        incident.scope = scope
        incident.regions = {}
        state.pending += incident.degradations
        incident.degradations = []


def _keeps(
    state: IncidentsState, incident: TrackedIncident, inside: Bool, window: int, share: float
) -> bool:
    """Tell whether another scope still holds what the incident is about.

    Args:
        state: The state of the stage.
        incident: The incident.
        inside: (S,) series in the other scope.
        window: The window just closed.
        share: How much of its excess failures that must be, 0 to 1.
    """
    stretch = state.history.stretch(incident.onset, window)
    excess = stretch.failures.sum(axis=1) - stretch.trials.sum(axis=1) * incident.baseline
    mine = state.history.matches(incident.scope)
    whole = float(excess[mine].sum())
    return whole > 0 and float(excess[mine & inside].sum()) >= share * whole
