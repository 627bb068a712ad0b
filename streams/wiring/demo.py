"""The demo: embedded broker, simulated fleet and the real worker in one process."""

import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from threading import Event, Thread

from confluent_kafka import Producer
from rich.console import Console

from streams.adapters.embedded_broker import EmbeddedBroker
from streams.adapters.faust import lifetime
from streams.adapters.http import HttpServer
from streams.adapters.kafka.topics import planned_topics
from streams.adapters.logging import configure
from streams.adapters.prometheus import MetricStore
from streams.adapters.system_clock import SystemClock
from streams.config import Settings
from streams.domain.incidents import IncidentRecord, IncidentStatus
from streams.scenarios.catalogue import build
from streams.scenarios.generate import Scenario
from streams.stages.incidents import Incidents
from streams.stages.ingest import Flush
from streams.stages.judge import Judge
from streams.windows.closed import ClosedWindow
from streams.wiring.narration import Narrator
from streams.wiring.observation import Observation
from streams.wiring.worker import build_worker, probes

SEED = 1
BEFORE = timedelta(hours=2, minutes=45)
INCIDENT = timedelta(minutes=40)
AFTER = timedelta(minutes=12)

PARTITIONS = 2

AHEAD = 20_000
"""Events the fleet may be ahead of the worker: what the broker keeps, with room to spare."""

PATIENCE_SECONDS = 60.0
"""Longest wait, after the last event, for the incident to be resolved."""


class DemoObservation(Observation):
    """Tells the narrator what the stages do, and the fleet how far the worker is."""

    def __init__(self, settings: Settings, store: MetricStore, narrator: Narrator) -> None:
        """Start listening."""
        super().__init__(settings, store, SystemClock())
        self._narrator = narrator
        self.read = 0
        self.resolved = Event()

    def flushed(self, flush: Flush, lag: Mapping[int, int]) -> None:
        """Count what has been read."""
        super().flushed(flush, lag)
        self.read += flush.statistics.records

    def judged(self, partition: int, judge: Judge, windows: Sequence[ClosedWindow]) -> None:
        """Tell of success ratios and change points."""
        super().judged(partition, judge, windows)
        for window in windows:
            self._narrator.window(window)

    def built(
        self, stage: Incidents, closed: ClosedWindow, records: Sequence[IncidentRecord]
    ) -> None:
        """Tell of incidents."""
        super().built(stage, closed, records)
        for record in records:
            self._narrator.incident(record)
            if record.status is IncidentStatus.RESOLVED:
                self.resolved.set()


def demo(settings: Settings, console: Console) -> None:
    """Run the demo to its end.

    Args:
        settings: Only the address to serve on matters; the demo has its own broker and its own
            pace.
        console: Where the story is told.

    Raises:
        OpwatchError: The broker or the worker could not be started, or died.
    """
    begun = time.monotonic()
    configure(settings.log.model_copy(update={"level": "error"}))
    narrator = Narrator(console, Settings().topics.counts_partitions)
    scenario = build(
        "founding-incident", seed=SEED, before=BEFORE, after=AFTER, incident_duration=INCIDENT
    )
    with EmbeddedBroker() as broker:
        own = _demo_settings(settings, broker.bootstrap)
        broker.create_topics(
            {plan.name: plan.partitions or PARTITIONS for plan in planned_topics(own)}
        )
        store = MetricStore(own.ingest.dimensions)
        observation = DemoObservation(own, store, narrator)
        with HttpServer(own.http, probes(store, observation)) as server:
            narrator.begin(scenario, broker.bootstrap, f"{server.url}/metrics")
            stop = Event()
            ended: list[float] = []
            fleet = Thread(
                target=_play,
                args=(scenario, own, observation, stop, ended),
                name="fleet",
                daemon=True,
            )
            fleet.start()
            try:
                lifetime.run(
                    lambda: build_worker(own, "demo", observation, check_crcs=False),
                    observation.beat,
                    lambda: _is_over(observation, ended),
                )
            finally:
                stop.set()
                fleet.join()
            narrator.end(store, observation.read, time.monotonic() - begun)


def _demo_settings(settings: Settings, bootstrap: str) -> Settings:
    """Give the settings the embedded broker and a fleet in a hurry need."""
    own = Settings()
    kafka = own.kafka.model_copy(
        update={"bootstrap": bootstrap, "session_timeout": timedelta(seconds=6)}
    )
    ingest = own.ingest.model_copy(
        update={"idle_after": timedelta(seconds=2), "flush_interval": timedelta(milliseconds=300)}
    )
    worker = own.worker.model_copy(
        # The embedded broker keeps 5 MB a partition: nothing to spend on snapshots nobody resumes
        # from.
        update={"snapshot_every": timedelta(hours=1)}
    )
    http = settings.http.model_copy(update={"port": 0})
    return own.model_copy(update={"kafka": kafka, "ingest": ingest, "worker": worker, "http": http})


def _play(
    scenario: Scenario,
    settings: Settings,
    observation: DemoObservation,
    stop: Event,
    ended: list[float],
) -> None:
    """Produce the scenario's events in order, never far ahead of the worker."""
    producer = Producer(
        {
            "bootstrap.servers": settings.kafka.bootstrap,
            "linger.ms": 50,
            "compression.type": "zstd",
            "log_level": 2,
        }
    )
    for line in scenario.release_events():
        producer.produce(settings.topics.releases, line)
    producer.flush()
    sent = 0
    for batch in scenario.batches():
        while sent - observation.read > AHEAD and not stop.is_set():
            time.sleep(0.02)
        if stop.is_set():
            return
        for line in batch.lines:
            producer.produce(settings.topics.outcomes, line, partition=sent % PARTITIONS)
            sent += 1
        producer.flush()
    ended.append(time.monotonic())


def _is_over(observation: DemoObservation, ended: Sequence[float]) -> bool:
    if not ended:
        return False
    return observation.resolved.is_set() or time.monotonic() - ended[0] > PATIENCE_SECONDS
