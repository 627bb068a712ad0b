"""Incidents: closed windows and release events in, incident records out, for the whole fleet.

Pure: it steps through windows in event time, and a step uses what is known up to the window's end
alone. Windows of the counts partitions are lined up first: a window is stepped through when every
partition has closed it.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import timedelta

import numpy as np

from streams.config import Settings
from streams.domain.incidents import IncidentRecord
from streams.domain.releases import ReleaseEvent
from streams.domain.series import ANY
from streams.domain.time import format_instant, window_end, window_of
from streams.stages import regions, scoping
from streams.stages.exposures import RegionExposure, region_exposures
from streams.stages.history import Bool, Float64
from streams.stages.incident_state import IncidentsState
from streams.stages.ranking import rank_releases
from streams.stages.region_counts import RegionCounts
from streams.stages.risen_errors import count_errors
from streams.stages.rollouts import ReleaseLog
from streams.stages.settings_match import refuse_foreign
from streams.stages.tracking import (
    LOOKBACK,
    Degradation,
    ErrorCounts,
    TrackedIncident,
    covers,
)
from streams.stages.writing import write
from streams.windows.closed import ClosedWindow

WAIT = 3
"""Windows for which a degradation that a young incident does not explain waits for its scope."""

CLEAR_SCOPE = 10.0
"""Log-likelihood ratio below which a scope is not trusted: the series stands for itself."""

KEPT_EXCESS = 0.9
"""Share of an incident's excess failures that a wider scope must still hold."""

KEPT_EXCESS_SETTLING = 0.5
"""The same while it settles: whoever holds less than half of it is another incident."""


class Incidents:
    """Builds incidents from degradations, follows them, and ranks what could explain them."""

    def __init__(self, settings: Settings, state: IncidentsState | None = None) -> None:
        """Start from a state, or without any knowledge."""
        self._settings = settings
        self._seconds = settings.windows.seconds
        self._dimensions = settings.ingest.dimensions
        self._releases = ReleaseLog()
        self.state = state or IncidentsState.fresh(settings)

    def add_releases(self, events: Iterable[ReleaseEvent]) -> None:
        """Take in release events; a step uses those up to its window's end."""
        self._releases.add(events)

    def exposures(self, window: int) -> tuple[RegionExposure, ...]:
        """Give how far the releases are at the end of a window, region by region."""
        history = self.state.history
        regions = history.values[history.dimensions.index("region")]
        steps = self._releases.steps(window_end(window, self._seconds))
        return region_exposures(steps, regions)

    def on_closed(self, message: ClosedWindow) -> tuple[IncidentRecord, ...]:
        """Take in what a judge says; the same message again changes nothing.

        Returns:
            The records written, in order.

        Raises:
            OperatorError: The message was written under other windows or dimensions.
        """
        refuse_foreign(self._settings, message.window_seconds, message.cells.dimensions)
        records: list[IncidentRecord] = []
        for window, pieces in self.state.alignment.add(message):
            records += self._step(window, pieces)
        return tuple(records)

    def _step(self, window: int, pieces: tuple[ClosedWindow, ...]) -> list[IncidentRecord]:
        state = self.state
        for piece in pieces:
            state.history.append(window, piece.cells, piece.baseline)
        state.pending += self._degradations(pieces)
        for incident in state.tracked:
            self._follow(incident, window)
        self._place_pending(window)
        for incident in state.tracked:
            if incident.resolved is None or incident.ranked is None:
                rank_releases(incident, state.history, self._releases, window, self._seconds)
        every = self._windows(self._settings.incidents.impact_every)
        written = [
            write(incident, self._regions, window, self._seconds, every)
            for incident in state.tracked
        ]
        relapse = self._windows(self._settings.incidents.relapse_within)
        state.tracked = [
            one for one in state.tracked if one.resolved is None or window - one.resolved <= relapse
        ]
        return [record for record in written if record is not None]

    def _degradations(self, pieces: tuple[ClosedWindow, ...]) -> list[Degradation]:
        return sorted(
            Degradation(
                tuple(point.series.get(name, ANY) for name in self._dimensions),
                window_of(point.onset, self._seconds),
                piece.closed_through,
            )
            for piece in pieces
            for point in piece.change_points
            if point.breaks_success
        )

    def _follow(self, incident: TrackedIncident, window: int) -> None:
        """Bring one incident up to a window."""
        history = self.state.history
        added = len(history) - len(incident.baseline)
        if added:
            newest = np.nan_to_num(history.baseline_at(window))[-added:]
            incident.baseline = np.concatenate([incident.baseline, newest])
        near = self._near(incident)
        recount = self._may_recount(incident, window) and (
            incident.is_settling(window) or bool(near)
        )
        if recount:
            self._rescope(incident, window, near)
            self._recount(incident, window)
        else:
            incident.counts.extend(scoping.pool(history, incident, window, window))
            count_errors(incident, history, window)
        regions.follow(incident, self._regions, window, recounted=recount)

    def _near(self, incident: TrackedIncident) -> list[Degradation]:
        """Give the unexplained degradations that may belong to an incident."""
        reach = self._windows(self._settings.incidents.merge_within)
        return [
            one
            for one in self.state.pending
            if one.onset >= incident.onset - reach
            and not covers(incident.scope, self._dimensions, one.key)
        ]

    def _may_recount(self, incident: TrackedIncident, window: int) -> bool:
        """Tell whether an incident is open and all of it still in the history."""
        age = window - incident.onset + LOOKBACK
        return incident.resolved is None and age < self.state.history.length

    def _rescope(self, incident: TrackedIncident, window: int, near: Sequence[Degradation]) -> None:
        """Work out the scope anew; a settled one only grows, to take in what is near.

        What an incident no longer explains has to be explained by another.
        """
        history = self.state.history
        explained = self._explained(incident.onset, besides=incident)
        found = scoping.find_scope(history, incident.baseline, incident.onset, window, explained)
        scope = found.values
        if scope == incident.scope or found.ratio < CLEAR_SCOPE:
            return
        inside = history.matches(scope)
        if incident.is_settling(window):
            accepted = self._keeps(incident, inside, window, KEPT_EXCESS_SETTLING)
        else:
            takes = any(covers(scope, self._dimensions, one.key) for one in near)
            accepted = takes and self._keeps(incident, inside, window, KEPT_EXCESS)
        if accepted:
            incident.scope = scope
            incident.regions = {}
            self.state.pending += incident.degradations
            incident.degradations = []

    def _keeps(self, incident: TrackedIncident, inside: Bool, window: int, share: float) -> bool:
        """Tell whether another scope still holds what the incident is about.

        Args:
            incident: The incident.
            inside: (S,) series in the other scope.
            window: The window just closed.
            share: How much of its excess failures that must be, 0 to 1.
        """
        stretch = self.state.history.stretch(incident.onset, window)
        excess = stretch.failures.sum(axis=1) - stretch.trials.sum(axis=1) * incident.baseline
        mine = self.state.history.matches(incident.scope)
        whole = float(excess[mine].sum())
        return whole > 0 and float(excess[mine & inside].sum()) >= share * whole

    def _recount(self, incident: TrackedIncident, window: int) -> None:
        """Work out what follows from an incident's scope."""
        history = self.state.history
        first = incident.onset - LOOKBACK
        if incident.is_settling(window):
            mask = history.matches(incident.scope)
            found = scoping.locate_onset(history, mask, incident.baseline, first, window)
            incident.onset, incident.onset_low, incident.onset_high = found
        incident.counts = scoping.pool(history, incident, first, window)
        incident.errors = ErrorCounts()
        count_errors(incident, history, incident.counts.first)

    def _explained(self, since: int, besides: TrackedIncident | None = None) -> Bool:
        """Give the (S,) mask of the series that incidents explain, one incident aside.

        Args:
            since: First window that counts: whoever had resolved by then explains nothing.
            besides: The incident that is left out, with all that it explains itself.
        """
        history = self.state.history
        mask = np.zeros(len(history), np.bool_)
        for incident in self.state.tracked:
            lasted = incident.resolved is None or incident.resolved > since
            if incident is not besides and lasted:
                mask |= history.matches(incident.scope)
        return mask if besides is None else mask & ~history.matches(besides.scope)

    def _place_pending(self, window: int) -> None:
        """Give every unexplained degradation its incident: one that covers it, or a new one.

        It opens one at once if no open incident is young, otherwise when it has waited for the
        scopes of the young ones. Each turn of the loop explains at least one.
        """
        self._assign(window)
        while due := self._due(window):
            self._open(due, window)
            self._assign(window)

    def _assign(self, window: int) -> None:
        """Give degradations to incidents that cover them; a relapse shows in their counts."""
        pending = []
        for one in self.state.pending:
            owners = (
                incident
                for incident in self.state.tracked
                if covers(incident.scope, self._dimensions, one.key)
            )
            owner = next(owners, None)
            if owner is None:
                pending.append(one)
            elif owner.is_settling(window):
                owner.degradations.append(one)
        self.state.pending = pending

    def _due(self, window: int) -> list[Degradation]:
        young = any(
            one.resolved is None and window - one.opened < WAIT for one in self.state.tracked
        )
        return [one for one in self.state.pending if not young or window - one.raised >= WAIT]

    def _open(self, due: Sequence[Degradation], window: int) -> None:
        """Open an incident that explains at least one degradation."""
        history = self.state.history
        first = max(min(one.onset for one in due), window - LOOKBACK)
        baseline = scoping.frozen_baseline(history, first, window)
        found = scoping.find_scope(history, baseline, first, window, self._explained(first))
        scope = found.values
        if found.ratio < CLEAR_SCOPE or not any(
            covers(scope, self._dimensions, one.key) for one in due
        ):
            named = zip(self._dimensions, due[0].key, strict=True)
            scope = {name: (value,) for name, value in named if value != ANY}
        incident = self._new_incident(scope, baseline, first, window)
        self.state.tracked.append(incident)
        regions.follow(incident, self._regions, window, recounted=True)

    def _new_incident(
        self, scope: dict[str, tuple[str, ...]], baseline: Float64, first: int, window: int
    ) -> TrackedIncident:
        opened = format_instant(window_end(window, self._seconds))
        named = json.dumps([opened, sorted(scope.items())])
        digest = hashlib.blake2b(named.encode(), digest_size=4).hexdigest()
        nothing = np.zeros((0, 0), np.int64)
        incident = TrackedIncident(
            id=f"{opened.replace(':', '').replace('-', '')}-{digest}",
            opened=window,
            onset=first,
            onset_low=first,
            onset_high=first,
            scope=scope,
            baseline=baseline,
            counts=RegionCounts(first, nothing, nothing, nothing.astype(np.float64)),
        )
        self._recount(incident, window)
        return incident

    @property
    def _regions(self) -> tuple[str, ...]:
        return self.state.history.values[self._dimensions.index("region")]

    def _windows(self, duration: timedelta) -> int:
        return int(duration.total_seconds()) // self._seconds
