"""Incidents: closed windows and release events in, incident records out. One stage for the whole fleet.

Pure: it steps through windows in event time, and a step uses what is known up to the window's end alone. Windows of
the counts partitions are lined up first: a window is stepped through when every partition has closed it.
"""

import hashlib
import json
from collections.abc import Iterable
from datetime import timedelta

import numpy as np

from detectors.detections import Direction
from streams.config import Settings
from streams.domain.incidents import IncidentRecord
from streams.domain.releases import ReleaseEvent
from streams.domain.time import format_instant, window_end, window_of, window_start
from streams.stages import tracking
from streams.stages.history import Bool
from streams.stages.incident_state import IncidentsState, PendingChange
from streams.stages.ranking import rank_releases
from streams.stages.rollouts import ReleaseLog
from streams.stages.tracking import LOOKBACK, SETTLING, TrackedIncident
from streams.windows.closed import ClosedWindow

WAIT = 3
"""Windows for which a change outside a young incident's scope waits for that scope to settle."""

CLEAR_SCOPE = 10.0
"""Log-likelihood ratio below which a scope is not trusted and the series that alarmed stands for itself."""

KEPT_EXCESS = 0.9
"""Share of an incident's excess failures that a wider scope must still hold."""


class Incidents:
    """Builds incidents from change points, follows them, and ranks the releases that could explain them."""

    def __init__(self, settings: Settings, state: IncidentsState | None = None) -> None:
        """Start from a state, or without any knowledge."""
        self._settings = settings
        self._seconds = settings.windows.seconds
        self._dimensions = settings.ingest.dimensions
        self._releases = ReleaseLog()
        self.state = state or IncidentsState.fresh(settings)

    @property
    def tracked(self) -> tuple[TrackedIncident, ...]:
        """Give the incidents that are open, or resolved so lately that they may relapse."""
        return tuple(self.state.tracked)

    def add_releases(self, events: Iterable[ReleaseEvent]) -> None:
        """Take in release events; a step uses those up to its window's end."""
        self._releases.add(events)

    def on_closed(self, message: ClosedWindow) -> tuple[IncidentRecord, ...]:
        """Take in what a judge says; the same message again changes nothing.

        Returns:
            The records written, in order.
        """
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
        written = [self._write(incident, window) for incident in state.tracked]
        relapse = self._windows(self._settings.incidents.relapse_within)
        state.tracked = [
            one for one in state.tracked if one.resolved is None or window - one.resolved <= relapse
        ]
        return [record for record in written if record is not None]

    def _degradations(self, pieces: tuple[ClosedWindow, ...]) -> list[PendingChange]:
        return sorted(
            PendingChange(
                tuple(point.series[name] for name in self._dimensions),
                window_of(point.onset, self._seconds),
                piece.closed_through,
            )
            for piece in pieces
            for point in piece.change_points
            if point.direction is Direction.DEGRADED
        )

    def _follow(self, incident: TrackedIncident, window: int) -> None:
        """Bring one incident up to a window."""
        history = self.state.history
        added = len(history) - len(incident.baseline)
        if added:
            newest = np.nan_to_num(history.baseline_at(window))[-added:]
            incident.baseline = np.concatenate([incident.baseline, newest])
        near = self._near(incident)
        unsettled = window - incident.opened <= SETTLING
        if self._may_rescope(incident, window) and (unsettled or near):
            self._rescope(incident, window, near)
        else:
            incident.counts.extend(tracking.pool(history, incident, window, window))
            tracking.count_errors(incident, history, window)
        tracking.follow(incident, history, window)

    def _near(self, incident: TrackedIncident) -> list[PendingChange]:
        """Give the unexplained changes that may belong to an incident."""
        reach = self._windows(self._settings.incidents.merge_within)
        return [
            change
            for change in self.state.pending
            if change.onset >= incident.onset - reach
            and not incident.covers(self._dimensions, change.key)
        ]

    def _may_rescope(self, incident: TrackedIncident, window: int) -> bool:
        """Tell whether an incident is open and all of it still in the history."""
        age = window - incident.onset + LOOKBACK
        return incident.resolved is None and age < self.state.history.length

    def _rescope(self, incident: TrackedIncident, window: int, near: list[PendingChange]) -> None:
        """Work out scope and onset anew; a settled scope only grows, to take in changes that are near."""
        history = self.state.history
        scope, ratio = tracking.find_scope(
            history, incident.baseline, incident.onset, window, self._explained(incident)
        )
        unsettled = window - incident.opened <= SETTLING
        inside = history.matches(scope)
        takes = any(inside[history.rows[change.key]] for change in near)
        if ratio >= CLEAR_SCOPE and (unsettled or (takes and self._keeps(incident, inside, window))):
            incident.scope = scope
        self._recount(incident, window)

    def _keeps(self, incident: TrackedIncident, inside: Bool, window: int) -> bool:
        """Tell whether a wider scope still holds what the incident is about."""
        stretch = self.state.history.stretch(incident.onset, window)
        trials = stretch.trials.sum(axis=1)
        excess = stretch.failures.sum(axis=1) - trials * incident.baseline
        mine = self.state.history.matches(incident.scope)
        return bool(excess[mine & inside].sum() >= KEPT_EXCESS * excess[mine].sum())

    def _recount(self, incident: TrackedIncident, window: int) -> None:
        """Work out what follows from an incident's scope."""
        history = self.state.history
        first = incident.onset - LOOKBACK
        if window - incident.opened <= SETTLING:
            mask = history.matches(incident.scope)
            found = tracking.locate_onset(history, mask, incident.baseline, first, window)
            incident.onset, incident.onset_low, incident.onset_high = found
        incident.counts = tracking.pool(history, incident, first, window)
        incident.errors = tracking.ErrorCounts()
        tracking.count_errors(incident, history, incident.counts.first)

    def _explained(self, besides: TrackedIncident | None) -> Bool:
        """Give the (S,) mask of the series that open incidents explain, one incident aside."""
        history = self.state.history
        mask = np.zeros(len(history), np.bool_)
        for incident in self.state.tracked:
            if incident is not besides and incident.resolved is None:
                mask |= history.matches(incident.scope)
        return mask if besides is None else mask & ~history.matches(besides.scope)

    def _place_pending(self, window: int) -> None:
        """Give every unexplained change its incident: an open one, a relapsed one, or a new one."""
        state = self.state
        state.pending = [change for change in state.pending if not self._explains(change)]
        reach = self._windows(self._settings.incidents.merge_within)
        while state.pending:
            young = any(
                one.resolved is None and window - one.opened < WAIT for one in state.tracked
            )
            waiting = [change for change in state.pending if window - change.raised < WAIT]
            if young and waiting:
                state.pending = [one for one in state.pending if window - one.raised <= reach]
                return
            self._open(window)

    def _explains(self, change: PendingChange) -> bool:
        """Tell whether an incident covers a change; whether a resolved one has relapsed shows in its counts."""
        return any(one.covers(self._dimensions, change.key) for one in self.state.tracked)

    def _open(self, window: int) -> None:
        """Open an incident from the unexplained changes."""
        history, state = self.state.history, self.state
        first = max(min(change.onset for change in state.pending), window - LOOKBACK)
        baseline = tracking.frozen_baseline(history, first, window)
        excluded = self._explained(None)
        scope, ratio = tracking.find_scope(history, baseline, first, window, excluded)
        inside = history.matches(scope)
        covered = [one for one in state.pending if inside[history.rows[one.key]]]
        if ratio < CLEAR_SCOPE or not covered:
            covered = state.pending[:1]
            scope = {
                name: (value,)
                for name, value in zip(self._dimensions, covered[0].key, strict=True)
            }
        incident = self._new_incident(scope, baseline, first, window)
        state.tracked.append(incident)
        state.pending = [one for one in state.pending if one not in covered]
        tracking.follow(incident, history, window)

    def _new_incident(
        self,
        scope: dict[str, tuple[str, ...]],
        baseline: tracking.Float64,
        first: int,
        window: int,
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
            counts=tracking.RegionCounts(first, nothing, nothing, nothing.astype(np.float64)),
        )
        self._recount(incident, window)
        return incident

    def _write(self, incident: TrackedIncident, window: int) -> IncidentRecord | None:
        """Write a record if it says anything that a reader would act on, or if its impact is due."""
        instant = window_end(window, self._seconds)
        if incident.resolved is None or incident.ranked is None:
            rank_releases(incident, self.state.history, self._releases, window, self._seconds)
        facts = _facts(incident)
        every = self._windows(self._settings.incidents.impact_every)
        due = incident.resolved is None and window - incident.written >= every
        if facts == incident.facts and not due:
            return None
        incident.facts, incident.written = facts, window
        incident.revision += 1
        return self._record(incident, instant)

    def _record(self, incident: TrackedIncident, raised: float) -> IncidentRecord:
        seconds = self._seconds
        names = self.state.history.values[self._dimensions.index("region")]
        resolved = incident.resolved
        return IncidentRecord(
            incident=incident.id,
            revision=incident.revision,
            status=incident.status,
            raised=raised,
            onset=window_start(incident.onset, seconds),
            onset_interval=(
                window_start(incident.onset_low, seconds),
                window_start(incident.onset_high, seconds),
            ),
            resolved=None if resolved is None else window_start(resolved, seconds),
            scope=incident.scope,
            regions=tracking.affected_regions(incident, seconds),
            impact=tracking.impact(incident, names),
            errors=tracking.risen_errors(incident),
            candidates=incident.candidates,
            no_release_probability=incident.none_probability,
        )

    def _windows(self, duration: timedelta) -> int:
        return int(duration.total_seconds()) // self._seconds


def _facts(incident: TrackedIncident) -> str:
    """Give what a reader would act on: probabilities count in bands, the size of the impact does not."""
    regions = [[name, one.onset, one.recovered] for name, one in sorted(incident.regions.items())]
    likely = [
        [one.release, _band(one.probability)] for one in incident.candidates if one.probability >= 0.1
    ]
    return json.dumps(
        [
            incident.status.value,
            sorted(incident.scope.items()),
            incident.onset,
            regions,
            likely,
            _band(incident.none_probability),
        ]
    )


def _band(probability: float) -> int:
    """Give the band of a probability: unlikely, possible, likely, all but certain."""
    return sum(probability >= bound for bound in (0.1, 0.5, 0.9))
