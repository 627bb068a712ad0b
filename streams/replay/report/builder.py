"""Gathers what a report says while the windows of a replay pass by."""

from collections.abc import Mapping, Sequence
from typing import Any

from streams.config import Settings
from streams.domain.releases import ReleaseEvent
from streams.replay.report.clock import ReportClock
from streams.replay.report.counts import ScopeCounter, span_of
from streams.replay.report.facts import ReportFacts, counter_of, incident_facts
from streams.replay.report.markdown import markdown
from streams.replay.report.overview import document_of
from streams.replay.report.page import page
from streams.replay.report.records import read_change_points, read_incidents, read_steps
from streams.replay.report.structure import structure
from streams.replay.windows_table import ArchiveRows


class Report:
    """A report in the making: give it all windows, then take it in the form you like."""

    def __init__(
        self,
        settings: Settings,
        incidents: Sequence[Mapping[str, Any]],
        change_points: Sequence[Mapping[str, Any]],
        releases: Sequence[ReleaseEvent] = (),
    ) -> None:
        """Say what the report is about.

        Args:
            settings: For the window length and the allowed disorder.
            incidents: All incident records, in the order of their lines.
            change_points: All change points, in the order of their lines.
            releases: All release steps, in the order of their lines.

        Raises:
            OperatorError: A record is not what it should be.
        """
        self._seconds = settings.windows.seconds
        self._disorder = settings.ingest.allowed_disorder.total_seconds()
        self._incidents = tuple(read_incidents(incidents).values())
        self._points = read_change_points(change_points)
        self._steps = read_steps(releases)
        self._fleet = ScopeCounter({}, self._seconds)
        self._facts: ReportFacts | None = None
        self._counters = [
            counter_of(revisions[-1].record, self._steps, self._seconds)
            for revisions in self._incidents
        ]

    def add_rows(self, rows: ArchiveRows) -> None:
        """Take whole windows."""
        self._facts = None
        for counter in (self._fleet, *self._counters):
            counter.add_rows(rows)

    def html(self, clock: ReportClock) -> str:
        """Give the report as one HTML file."""
        facts, clock = self._told(clock)
        return page(document_of(facts, clock), clock)

    def markdown(self, clock: ReportClock) -> str:
        """Give the report as Markdown."""
        facts, clock = self._told(clock)
        return markdown(document_of(facts, clock), clock)

    def json(self, clock: ReportClock) -> str:
        """Give the report as JSON."""
        facts, clock = self._told(clock)
        return structure(facts, clock)

    def _told(self, clock: ReportClock) -> tuple[ReportFacts, ReportClock]:
        """Give what is known, and a clock that knows over which time it tells."""
        if self._facts is None:
            self._facts = self._counted()
        return self._facts, clock.over(_instants(self._facts))

    def _counted(self) -> ReportFacts:
        return ReportFacts(
            seconds=self._seconds,
            disorder=self._disorder,
            fleet=self._fleet.counted(),
            incidents=tuple(
                incident_facts(number, revisions, counter.counted(), self._points, self._steps)
                for number, (revisions, counter) in enumerate(
                    zip(self._incidents, self._counters, strict=True), 1
                )
            ),
            points=self._points,
            steps=self._steps,
        )


def _instants(facts: ReportFacts) -> list[float]:
    """Give instants that a report tells: the first and the last of everything."""
    instants = [*span_of(facts.fleet), *(step.event.time for step in facts.steps)]
    for incident in facts.incidents:
        instants += [one.record.raised.timestamp() for one in incident.revisions]
        instants += [incident.last.onset.timestamp()]
    return instants
