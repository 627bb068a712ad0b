"""The demo: embedded broker, simulated fleet and the real worker in one process."""

import time
from datetime import timedelta

from rich.console import Console

from streams.adapters.faust import lifetime
from streams.adapters.http import HttpServer
from streams.adapters.kafka.fleet import FleetProducer
from streams.adapters.logging import configure
from streams.adapters.prometheus import Exporter, MetricStore
from streams.adapters.system_clock import SystemClock
from streams.config import Settings
from streams.scenarios.catalogue import build
from streams.scenarios.live import all_history
from streams.wiring.embedded import Fleet, ToldObservation, embedded_installation
from streams.wiring.narration import Narrator
from streams.wiring.worker import build_worker, probes

SEED = 1
BEFORE = timedelta(hours=2, minutes=45)
INCIDENT = timedelta(minutes=40)
AFTER = timedelta(minutes=12)

PATIENCE_SECONDS = 60.0
"""Longest wait for the end of the incident after the last event and the worker's last step."""


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
    with embedded_installation(settings) as own:
        store = MetricStore(own.ingest.dimensions)
        observation = ToldObservation(own, store, narrator)
        producer = FleetProducer(own, SystemClock())
        fleet = Fleet(
            lambda stop: producer.publish(all_history(scenario), stop, observation.is_behind)
        )
        with (
            Exporter(store) as exporter,
            HttpServer(own.http, probes(exporter, observation)) as server,
        ):
            narrator.begin(scenario, own.kafka.bootstrap, f"{server.url}/metrics")
            with fleet:
                lifetime.run(
                    lambda: build_worker(own, "demo", observation, check_crcs=False),
                    observation.beat,
                    lambda: _is_over(observation, fleet.silent_for()),
                )
            narrator.end(store, observation.read, time.monotonic() - begun)


def _is_over(observation: ToldObservation, silent_for: float | None) -> bool:
    if silent_for is None:
        return False
    # On a busy machine the worker may be far behind the fleet.
    waited = min(silent_for, observation.idle_for())
    return observation.resolved.is_set() or waited > PATIENCE_SECONDS
