"""What the stages do, as samples of the metric catalogue, log lines, and the worker's readiness."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import structlog

from detectors.detections import Direction
from streams import telemetry
from streams.adapters.prometheus import MetricStore
from streams.config import Settings
from streams.domain.incidents import Candidate, IncidentRecord, IncidentStatus
from streams.stages.incidents import Incidents
from streams.stages.ingest import Flush
from streams.stages.judge import Judge
from streams.windows.closed import ClosedWindow
from streams.wiring.scope_text import scope_text

log = structlog.get_logger("opwatch")

LIKELY = 0.5
"""Probability from which a release is named as an incident's top candidate."""


class Observation:
    """Listens to the stages of one worker."""

    def __init__(self, settings: Settings, store: MetricStore) -> None:
        """Start listening; every role is not ready until it has done its first work.

        Args:
            settings: The installation's settings.
            store: Where the samples go.
        """
        self._settings = settings
        self._store = store
        self._waiting = {role: "waits for its first input" for role in settings.worker.roles}
        self._incidents: dict[str, IncidentRecord] = {}

    def readiness(self) -> Mapping[str, str]:
        """Give role -> why it is not ready; empty when all are."""
        return dict(self._waiting)

    def ready(self, role: str) -> None:
        """Note that a role works."""
        self._waiting.pop(role, None)

    def flushed(self, flush: Flush, lag: Mapping[int, int]) -> None:
        """Count what a committed flush of ingest brought."""
        self.ready("ingest")
        store, topic = self._store, self._settings.topics.outcomes
        found = flush.statistics
        store.add(telemetry.TRANSACTIONS, 1, ("committed",))
        store.add(telemetry.RECORDS_READ, found.records, (topic,))
        store.add(telemetry.DUPLICATES, found.duplicates)
        store.add(telemetry.LATE, found.late)
        for reason, count in found.dead_letters.items():
            store.add(telemetry.DEAD_LETTERS, count, (topic, reason.value))
        for partition, records in lag.items():
            store.set(telemetry.CONSUMER_LAG, records, (topic, str(partition)))
        if flush.dead_letters:
            first = flush.dead_letters[0]
            log.warning(
                "dead_letters",
                count=len(flush.dead_letters),
                first_partition=first.source.partition,
                first_offset=first.offset,
                first_reason=first.reason.value,
                first_detail=first.detail,
            )

    def judged(self, partition: int, judge: Judge, windows: Sequence[ClosedWindow]) -> None:
        """Export what a judge has closed."""
        self.ready("judge")
        watermark = judge.watermark
        if watermark is not None:
            self._store.set(telemetry.WATERMARK, watermark, (str(partition),))
        judged = [window for window in windows if window.window is not None]
        for window in judged:
            self._count(window)
        if judged:
            self._store.add(telemetry.WINDOWS_CLOSED, len(judged), (str(partition),))
            self._expose(partition, judged[-1])

    def built(self, _: Incidents, closed: ClosedWindow, records: Sequence[IncidentRecord]) -> None:
        """Export the incidents as their newest records have them."""
        self.ready("incidents")
        for record in records:
            self._incidents[record.incident] = record
            log.info(
                "incident",
                incident=record.incident,
                revision=record.revision,
                status=record.status.value,
                scope={name: list(values) for name, values in record.scope.items()},
                top_candidate=_top(record),
                no_release_probability=record.no_release_probability,
            )
        if records:
            self._expose_incidents()

    def _count(self, window: ClosedWindow) -> None:
        cells, keys = window.cells, window.cells.keys()
        outcomes = {
            "success": cells.trials - cells.failures,
            "failure": cells.failures,
            "cancelled": cells.cancelled,
            "caller_fault": cells.caller_faults,
        }
        for outcome, counts in outcomes.items():
            rows = [(*key, outcome) for key, count in zip(keys, counts.tolist(), strict=True) if count]
            amounts = [count for count in counts.tolist() if count]
            self._store.add_series(telemetry.OPERATIONS, rows, amounts)
        for point in window.change_points:
            self._store.add(telemetry.CHANGE_POINTS, 1, (point.direction.value,))
            if point.direction is Direction.DEGRADED:
                log.info("change_point", **point.record())

    def _expose(self, partition: int, window: ClosedWindow) -> None:
        cells, keys = window.cells, window.cells.keys()
        trials = cells.trials
        ratio = np.where(trials > 0, 1 - cells.failures / np.maximum(trials, 1), np.nan)
        baseline = np.where(window.learning, np.nan, 1 - window.baseline)
        active = np.where(window.alarmed > 0, 1.0, np.nan)
        self._store.set_series(telemetry.SUCCESS_RATIO, keys, ratio.tolist(), partition)
        self._store.set_series(telemetry.BASELINE_SUCCESS_RATIO, keys, baseline.tolist(), partition)
        self._store.set_series(telemetry.CHANGE_POINTS_ACTIVE, keys, active.tolist(), partition)
        states = {
            "learning": int(window.learning.sum()),
            "degraded": int((window.alarmed > 0).sum()),
        }
        states["watched"] = len(cells) - sum(states.values())
        for state, count in states.items():
            self._store.set(telemetry.SERIES, count, (str(partition), state))

    def _expose_incidents(self) -> None:
        store = self._store
        lasting = [
            record
            for record in self._incidents.values()
            if record.status is not IncidentStatus.RESOLVED
        ]
        self._incidents = {record.incident: record for record in lasting}
        names = [(record.incident,) for record in lasting]
        store.set(telemetry.INCIDENTS_OPEN, len(lasting))
        store.set_series(
            telemetry.INCIDENT,
            [
                (one.incident, scope_text(one.scope), one.status.value, _top(one))
                for one in lasting
            ],
            [1.0] * len(lasting),
        )
        store.set_series(telemetry.INCIDENT_ONSET, names, [record.onset for record in lasting])
        store.set_series(
            telemetry.INCIDENT_EXCESS_FAILURES,
            names,
            [one.impact.failures - one.impact.expected_failures for one in lasting],
        )
        store.set_series(
            telemetry.NO_RELEASE_PROBABILITY, names, [one.no_release_probability for one in lasting]
        )
        candidates: list[tuple[str, Candidate]] = [
            (record.incident, candidate) for record in lasting for candidate in record.candidates
        ]
        store.set_series(
            telemetry.CANDIDATE_PROBABILITY,
            [(incident, candidate.release) for incident, candidate in candidates],
            [candidate.probability for _, candidate in candidates],
        )


def _top(record: IncidentRecord) -> str:
    first: Any = record.candidates[0] if record.candidates else None
    return first.release if first is not None and first.probability >= LIKELY else ""
