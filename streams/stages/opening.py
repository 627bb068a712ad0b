"""Degradations that no incident explains: they join one, wait, or open a new one."""

import hashlib
import json
from collections.abc import Sequence

import numpy as np

from streams.config import Dependency
from streams.domain.series import ANY
from streams.domain.time import format_instant, window_end
from streams.stages import regions, scoping
from streams.stages.following import CLEAR_SCOPE, recount
from streams.stages.history import Bool, Float64
from streams.stages.incident_state import IncidentsState
from streams.stages.region_counts import RegionCounts
from streams.stages.secondary import PATIENCE, Verdict, primary_of
from streams.stages.spans import Spans
from streams.stages.spreading import reach, spreads_from
from streams.stages.tracking import LOOKBACK, Degradation, TrackedIncident, covers

WAIT = 3
"""Windows for which a degradation that a young incident does not explain waits for its scope."""


def place_pending(
    state: IncidentsState, window: int, spans: Spans, dependencies: Sequence[Dependency]
) -> None:
    """Give every unexplained degradation its incident: one that covers it or spreads, or a new one.

    It opens one at once if no open incident is young, otherwise when it has waited for the scopes
    of the young ones, or for what tells it from secondary impact. Each turn of the loop explains at
    least one, or lets it wait.
    """
    held = np.zeros(len(state.history), np.bool_)
    waiting: list[Degradation] = []
    _assign(state, window)
    while due := [one for one in _due(state, window) if one not in waiting]:
        incident = _new_incident(state, due, window, held, spans)
        spreading = spreads_from(incident, state, window, spans)
        if spreading is not None:
            reach(spreading, incident, state, window)
            _assign(state, window)
            continue
        verdict, primary = primary_of(incident, state, window, spans, dependencies)
        covered = _covered(state, incident, due)
        if verdict is Verdict.UNDECIDED and window - min(one.raised for one in covered) < PATIENCE:
            waiting += covered
            held |= state.history.matches(incident.scope)
            continue
        incident.primary = primary if verdict is Verdict.SECONDARY else None
        state.tracked.append(incident)
        _assign(state, window)


def _assign(state: IncidentsState, window: int) -> None:
    """Give degradations to incidents that cover them; a relapse shows in their counts."""
    pending = []
    for one in state.pending:
        owners = (
            incident
            for incident in state.tracked
            if covers(incident.scope, state.history.dimensions, one.key)
        )
        owner = next(owners, None)
        if owner is None:
            pending.append(one)
        elif owner.is_settling(window):
            owner.degradations.append(one)
    state.pending = pending


def _due(state: IncidentsState, window: int) -> list[Degradation]:
    young = any(one.resolved is None and window - one.opened < WAIT for one in state.tracked)
    return [one for one in state.pending if not young or window - one.raised >= WAIT]


def _covered(
    state: IncidentsState, incident: TrackedIncident, due: Sequence[Degradation]
) -> list[Degradation]:
    return [one for one in due if covers(incident.scope, state.history.dimensions, one.key)]


def _new_incident(
    state: IncidentsState, due: Sequence[Degradation], window: int, held: Bool, spans: Spans
) -> TrackedIncident:
    """Make up an incident that explains at least one degradation.

    Args:
        state: The state of the stage.
        due: Degradations that want an explanation, at least one.
        window: The window just closed.
        held: (S,) series that wait for theirs.
        spans: Durations in windows.
    """
    history = state.history
    first = max(min(one.onset for one in due), window - LOOKBACK)
    baseline = scoping.frozen_baseline(history, first, window)
    excluded = state.explained(first) | held
    found = scoping.find_scope(history, baseline, first, window, excluded)
    scope = found.values
    if found.ratio < CLEAR_SCOPE or not any(
        covers(scope, history.dimensions, one.key) for one in due
    ):
        named = zip(history.dimensions, due[0].key, strict=True)
        scope = {name: (value,) for name, value in named if value != ANY}
    incident = _tracked(scope, baseline, first, window, spans.seconds)
    recount(state, incident, window)
    regions.follow(incident, state.regions, window, recounted=True)
    return incident


def _tracked(
    scope: dict[str, tuple[str, ...]], baseline: Float64, first: int, window: int, seconds: int
) -> TrackedIncident:
    opened = format_instant(window_end(window, seconds))
    named = json.dumps([opened, sorted(scope.items())])
    digest = hashlib.blake2b(named.encode(), digest_size=4).hexdigest()
    nothing = np.zeros((0, 0), np.int64)
    return TrackedIncident(
        id=f"{opened.replace(':', '').replace('-', '')}-{digest}",
        opened=window,
        onset=first,
        onset_low=first,
        onset_high=first,
        scope=scope,
        baseline=baseline,
        counts=RegionCounts(first, nothing, nothing, nothing.astype(np.float64)),
    )
