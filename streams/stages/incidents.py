"""Incidents: closed windows and release events in, incident records out, for the whole fleet.

Pure: it steps through windows in event time, and a step uses what is known up to the window's end
alone. Windows of the counts partitions are lined up first: a window is stepped through when every
partition has closed it.
"""

from collections.abc import Iterable

from streams.config import Settings
from streams.domain.incidents import IncidentRecord
from streams.domain.releases import ReleaseAction, ReleaseEvent
from streams.domain.series import ANY
from streams.domain.time import window_end, window_of
from streams.stages.exposures import RegionExposure, region_exposures
from streams.stages.following import follow
from streams.stages.incident_state import IncidentsState
from streams.stages.opening import place_pending
from streams.stages.ranking import rank_releases
from streams.stages.relations import Outline, relate
from streams.stages.rollouts import ReleaseLog
from streams.stages.secondary import part
from streams.stages.settings_match import refuse_foreign
from streams.stages.spans import Spans
from streams.stages.tracking import LOOKBACK, SETTLING, Degradation, TrackedIncident
from streams.stages.writing import write
from streams.windows.closed import ClosedWindow


class Incidents:
    """Builds incidents from degradations, follows them, and ranks what could explain them."""

    def __init__(self, settings: Settings, state: IncidentsState | None = None) -> None:
        """Start from a state, or without any knowledge."""
        self._settings = settings
        self._spans = Spans.of(settings)
        self._releases = ReleaseLog()
        self.state = state or IncidentsState.fresh(settings)

    def add_releases(self, events: Iterable[ReleaseEvent]) -> None:
        """Take in release events; a step uses those up to its window's end."""
        self._releases.add(events)

    def exposures(self, window: int) -> tuple[RegionExposure, ...]:
        """Give how far the releases are at the end of a window, region by region."""
        steps = self._releases.steps(window_end(window, self._spans.seconds))
        return region_exposures(steps, self.state.regions)

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
        state, spans = self.state, self._spans
        for piece in pieces:
            state.history.append(window, piece.cells, piece.baseline)
        state.pending += self._degradations(pieces)
        for incident in state.tracked:
            follow(state, incident, window, spans)
        place_pending(state, window, spans, self._settings.incidents.dependencies)
        part(state, window, spans)
        told = [incident for incident in state.tracked if not incident.is_secondary]
        for incident in told:
            if incident.resolved is None or incident.ranked is None:
                rank_releases(
                    incident,
                    state.history,
                    self._releases,
                    window,
                    self._settings,
                    others=state.tracked,
                )
        self._relate(told, window)
        written = [
            write(incident, self._attached(incident), state.history, window, spans)
            for incident in told
        ]
        self._forget(window)
        records = [record for record in written if record is not None]
        for record in records:
            state.note(record)
        return records

    def _degradations(self, pieces: tuple[ClosedWindow, ...]) -> list[Degradation]:
        return sorted(
            Degradation(
                tuple(point.series.get(name, ANY) for name in self.state.history.dimensions),
                window_of(point.onset, self._spans.seconds),
                piece.closed_through,
            )
            for piece in pieces
            for point in piece.change_points
            if point.breaks_success
        )

    def _attached(self, incident: TrackedIncident) -> list[TrackedIncident]:
        return [
            one for one in self.state.tracked if one.is_secondary and one.primary == incident.id
        ]

    def _relate(self, told: list[TrackedIncident], window: int) -> None:
        """Link incidents that nobody has read of yet, or whose onset is still worked out."""
        linked = [one for one in told if not one.revision or one.is_settling(window)]
        if not linked:
            return
        rollbacks = [
            event
            for steps in self._releases.steps(window_end(window, self._spans.seconds))
            for event in steps
            if event.action is ReleaseAction.ROLLED_BACK
        ]
        for incident in linked:
            earlier = told[: told.index(incident)]
            outlines = [*self.state.past, *map(Outline.of, earlier)]
            incident.related = relate(incident, outlines, rollbacks, self._spans)

    def _forget(self, window: int) -> None:
        """Let go of what has been over for long; links to it are possible for a while longer."""
        state, spans = self.state, self._spans
        lasting = [
            one
            for one in state.tracked
            if one.resolved is None or window - one.resolved <= spans.relapse_within
        ]
        told = {one.id for one in lasting if not one.is_secondary}
        kept = [
            one
            for one in state.tracked
            if one in lasting or (one.is_secondary and one.primary in told)
        ]
        state.past += [
            Outline.of(one) for one in state.tracked if one not in kept and not one.is_secondary
        ]
        state.tracked = kept
        longest = spans.related_within + SETTLING + LOOKBACK
        state.past = [one for one in state.past if window - (one.resolved or 0) <= longest]
