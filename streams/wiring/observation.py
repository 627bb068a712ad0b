"""What the stages do, as metrics, log lines, health and readiness."""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from threading import Lock
from typing import Any

import structlog

from detectors.detections import Direction
from streams import telemetry
from streams.adapters.prometheus import MetricStore
from streams.config import Settings
from streams.domain.incidents import IncidentRecord, IncidentStatus
from streams.domain.outcomes import SourcePartition
from streams.incident_samples import scope_text, top_candidate
from streams.ports import Clock
from streams.stages.incident_state import STAGE as INCIDENTS
from streams.stages.incidents import Incidents
from streams.stages.ingest import Flush
from streams.stages.judge import STAGE as JUDGE
from streams.stages.judge import Judge
from streams.stages.records import PartitionPosition
from streams.windows.closed import ClosedWindow
from streams.wiring.partition_samples import PartitionSamples

log = structlog.get_logger("opwatch")

STUCK_SECONDS = 30.0
"""An event loop that has not turned for so long does not work any more."""

ONLY_PARTITION = 0
"""The incidents stage reads a topic of one partition."""

RESOLVED_SECONDS = 900.0
"""How long a resolved incident can still be asked for: whoever tells others of it may have to try
again."""


@dataclass(slots=True)
class _Judged:
    """A partition's judge, and its newest window that had any operation."""

    judge: Judge
    window: ClosedWindow | None = None


class Observation:
    """Listens to the stages of one worker; any thread may call it."""

    def __init__(self, settings: Settings, store: MetricStore, clock: Clock) -> None:
        """Start listening; a role is not ready until it has done its first work.

        Args:
            settings: The installation's settings.
            store: Where the samples go.
            clock: Processing time.
        """
        self._settings = settings
        self._store = store
        self._samples = PartitionSamples(settings, store)
        self._clock = clock
        self._beat = clock.now()
        roles: tuple[str, ...] = settings.worker.roles
        self._waiting = dict.fromkeys(roles, "waits for its first input")
        self._lock = Lock()
        self._behind: set[tuple[str, int]] = set()
        self._judged: dict[int, _Judged] = {}
        self._reading: set[int] = set()
        self._kept: dict[tuple[str, int], float] = {}
        self._incidents: dict[str, Mapping[str, Any]] = {}
        self._resolved: dict[str, tuple[float, Mapping[str, Any]]] = {}
        store.set(telemetry.INCIDENTS_OPEN, 0)
        self._begin_counting()
        store.set(telemetry.BUILD, 1, (version("opwatch"), platform.python_version()))

    def _begin_counting(self) -> None:
        """Let transactions begin at 0: Prometheus sees no increase from nothing."""
        if "ingest" not in self._settings.worker.roles:
            return
        for result in ("committed", "aborted"):
            self._store.set(telemetry.TRANSACTIONS, 0, (result,))

    def beat(self) -> None:
        """Note that the event loop turns."""
        self._beat = self._clock.now()

    def health(self) -> str | None:
        """Give why the worker does not work any more; None while it does."""
        silent = self._clock.now() - self._beat
        return f"the event loop is stuck for {silent:.0f} s" if silent > STUCK_SECONDS else None

    def readiness(self) -> Mapping[str, str]:
        """Give role -> why it is not ready; empty when all are."""
        return dict(self._waiting)

    def ready(self, role: str) -> None:
        """Note that a role works."""
        self._waiting.pop(role, None)

    def open_incidents(self) -> Mapping[str, Mapping[str, Any]]:
        """Give the newest record of every incident that is not resolved, by its name.

        Empty while another worker has the incidents, and until this one is where its predecessor
        was: an incident of an old snapshot may be long over.
        """
        with self._lock:
            return {} if self._is_behind(INCIDENTS) else dict(self._incidents)

    def resolved_incidents(self) -> Mapping[str, Mapping[str, Any]]:
        """Give the last record of every incident resolved in the last `RESOLVED_SECONDS`.

        Empty when `open_incidents` is for the same reasons. An incident that relapses is open.
        """
        oldest = self._clock.now() - RESOLVED_SECONDS
        with self._lock:
            self._resolved = {
                name: (at, one) for name, (at, one) in self._resolved.items() if at >= oldest
            }
            return {} if self._is_behind(INCIDENTS) else self._last_records()

    def _last_records(self) -> dict[str, Mapping[str, Any]]:
        return {name: one for name, (_, one) in self._resolved.items()}

    def stepped(self, stage: str, seconds: float) -> None:
        """Count a step of a stage and how long it took."""
        self._store.observe(telemetry.STAGE_DURATION, seconds, (stage,))

    def caught_up(self, stage: str, partition: int) -> None:
        """Export what a partition says from now on, beginning with where it stands."""
        with self._lock:
            self._behind.discard((stage, partition))
        if stage == INCIDENTS:
            self._samples.incidents(self.open_incidents())
        elif stage == JUDGE and partition in self._judged:
            self._tell_judge(partition)

    def kept(self, stage: str, partition: int) -> None:
        """Note that a stage's partition has kept a snapshot."""
        with self._lock:
            self._kept[stage, partition] = self._clock.now()
        self._tell_snapshots()

    def released(self, stage: str, partition: int) -> None:
        """Take back what was known of a partition that another worker may have now."""
        with self._lock:
            self._behind.discard((stage, partition))
            self._kept.pop((stage, partition), None)
        self._tell_snapshots()
        if stage == JUDGE:
            self._judged.pop(partition, None)
            self._samples.forget_judge(partition)
        elif stage == INCIDENTS:
            with self._lock:
                self._incidents.clear()
                self._resolved.clear()
            self._samples.incidents({})
            self._store.set_series(telemetry.RELEASE_EXPOSURE, [], [])

    def pushed(self, result: str, count: int) -> None:
        """Count pushes to Alertmanager: `accepted` or `failed`."""
        self._store.add(telemetry.ALERTS_PUSHED, count, (result,))

    def archived(self, partition: int, windows: int) -> None:
        """Count closed windows of a counts partition that are in the archive now."""
        self._store.add(telemetry.ARCHIVED_WINDOWS, windows, (str(partition),))

    def archive_failed(self) -> None:
        """Count an attempt to write to the archive that is made again."""
        self._store.add(telemetry.ARCHIVE_FAILURES)

    def aborted(self) -> None:
        """Count a transaction of ingest that had to be given up and is done again."""
        self._store.add(telemetry.TRANSACTIONS, 1, ("aborted",))
        log.warning("transaction_aborted", consequence="its input is read again")

    def reading(self, positions: Mapping[SourcePartition, PartitionPosition]) -> None:
        """Know which source partitions are read here; of others nothing remains."""
        for partition in self._reading - {source.partition for source in positions}:
            self._samples.forget_read(partition)
        if not positions:
            self._store.set_series(telemetry.CONSUMER_LAG, [], [])
        self._reading = {source.partition for source in positions}
        self._samples.read(positions)

    def flushed(self, flush: Flush, lag: Mapping[int, int]) -> None:
        """Count what a committed flush of ingest brought."""
        self.ready("ingest")
        store, topic = self._store, self._settings.topics.outcomes
        store.add(telemetry.TRANSACTIONS, 1, ("committed",))
        self._samples.read(flush.positions)
        # All at once: of a partition that another worker has now nothing must remain.
        rows = [(topic, str(partition)) for partition in lag]
        store.set_series(telemetry.CONSUMER_LAG, rows, lag.values())
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

    def judge_resumed(self, partition: int, judge: Judge) -> None:
        """Know where a judge stands that takes a partition over.

        Its counters lag behind those of its predecessor until it has caught up. They are not told
        before: a counter that falls and rises again counts twice.
        """
        with self._lock:
            self._behind.add((JUDGE, partition))
        self._judged[partition] = _Judged(judge)

    def judged(self, partition: int, judge: Judge, windows: Sequence[ClosedWindow]) -> None:
        """Export what a judge has closed."""
        self.ready("judge")
        for window in windows:
            for point in window.change_points:
                if point.direction is Direction.DEGRADED:
                    log.info("change_point", **point.record())
        known = self._judged.setdefault(partition, _Judged(judge))
        closed = [window for window in windows if window.window is not None]
        if closed:
            known.window = closed[-1]
        if (JUDGE, partition) not in self._behind:
            self._samples.watermark(partition, judge.watermark)
            if closed or any(window.change_points for window in windows):
                self._tell_judge(partition)

    def incidents_resumed(self, stage: Incidents) -> None:
        """Know the incidents that were open when the stage's snapshot was kept."""
        with self._lock:
            self._behind.add((INCIDENTS, ONLY_PARTITION))
            self._incidents = dict(stage.state.told)

    def built(
        self, stage: Incidents, closed: ClosedWindow, records: Sequence[IncidentRecord]
    ) -> None:
        """Export the incidents as their newest records have them, and how far the releases are."""
        self.ready("incidents")
        for record in records:
            plain = record.record()
            self._note(record, plain)
            log.info(
                "incident",
                incident=record.incident,
                revision=record.revision,
                status=record.status.value,
                scope=scope_text(plain["scope"]),  # type: ignore[arg-type]
                top_candidate=top_candidate(plain),
                no_release_probability=record.no_release_probability,
            )
        if records:
            self._samples.incidents(self.open_incidents())
        if closed.window is not None:
            exposures = stage.exposures(closed.window)
            rows = [(one.release, one.component or "", one.region) for one in exposures]
            shares = [one.exposure for one in exposures]
            self._store.set_series(telemetry.RELEASE_EXPOSURE, rows, shares)

    def _note(self, record: IncidentRecord, plain: Mapping[str, Any]) -> None:
        with self._lock:
            if record.status is IncidentStatus.RESOLVED:
                self._incidents.pop(record.incident, None)
                self._resolved[record.incident] = (self._clock.now(), plain)
            else:
                self._resolved.pop(record.incident, None)
                self._incidents[record.incident] = plain

    def _tell_judge(self, partition: int) -> None:
        """Say where a judge stands, and how its series are."""
        known = self._judged[partition]
        self._samples.watermark(partition, known.judge.watermark)
        self._samples.totals(partition, known.judge.totals)
        if known.window is not None:
            self._samples.series(partition, known.window)

    def _tell_snapshots(self) -> None:
        with self._lock:
            kept = {(stage, str(partition)): at for (stage, partition), at in self._kept.items()}
        self._store.set_series(telemetry.SNAPSHOT, list(kept), kept.values())

    def _is_behind(self, stage: str) -> bool:
        return any(behind == stage for behind, _ in self._behind)
