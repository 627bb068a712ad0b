"""The live worker: settings and roles put together into a Faust app with its services."""

import os
import secrets
import socket
from contextlib import ExitStack
from typing import TYPE_CHECKING, cast

import structlog
from confluent_kafka import Message

from streams.adapters.alertmanager import Alertmanager
from streams.adapters.archive import ArchiveStore
from streams.adapters.faust import lifetime
from streams.adapters.faust.app import WorkerApp, build_app
from streams.adapters.faust.partition import StageWiring
from streams.adapters.http import HttpServer, Probes
from streams.adapters.kafka.ingest import KafkaIngest
from streams.adapters.kafka.releases import KafkaReleases
from streams.adapters.kafka.store import KafkaStageStore
from streams.adapters.kafka.topics import check_topics
from streams.adapters.prometheus import CONTENT_TYPE, Exporter, MetricStore
from streams.adapters.system_clock import SystemClock
from streams.config import Settings
from streams.domain.errors import OperatorError
from streams.domain.releases import ReleaseEvent
from streams.formats.release_json import decode_release
from streams.ports import Clock
from streams.stages.incident_state import STAGE as INCIDENTS
from streams.stages.judge import STAGE as JUDGE
from streams.stages.partitions import IncidentsPartition, JudgePartition
from streams.wiring.alerts import alert_options
from streams.wiring.archiving import Archiver
from streams.wiring.observation import Observation
from streams.wiring.pages import PagePusher

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

    from streams.formats.cloudevents import Headers

log = structlog.get_logger("opwatch")


def run_worker(settings: Settings, worker_id: str | None = None) -> None:
    """Run one worker until it is told to stop.

    Args:
        settings: The installation's settings.
        worker_id: A name that is this worker's alone, and the same after a restart; None makes one
            up.

    Raises:
        OperatorError: Topics are missing, or the port is taken.
        OutsideSystemError: Kafka does not answer.
    """
    problems = check_topics(settings)
    if problems:
        raise OperatorError("; ".join(problems))
    store = MetricStore(settings.ingest.dimensions)
    observation = Observation(settings, store, SystemClock())
    with (
        Exporter(store) as exporter,
        HttpServer(settings.http, probes(exporter, observation)) as server,
    ):
        log.info(
            "worker_starts", roles=list(settings.worker.roles), metrics=f"{server.url}/metrics"
        )
        name = worker_id or _made_up_name()
        lifetime.run(lambda: build_worker(settings, name, observation), observation.beat)
        log.info("worker_stopped")


def probes(exporter: Exporter, observation: Observation) -> Probes:
    """Give what the HTTP server asks."""
    return Probes(
        metrics=exporter.page,
        metrics_type=CONTENT_TYPE,
        health=observation.health,
        readiness=observation.readiness,
    )


def build_worker(
    settings: Settings, worker_id: str, observation: Observation, *, check_crcs: bool = True
) -> WorkerApp:
    """Put the roles of a worker together; see `build_app` for `check_crcs`."""
    roles, clock = settings.worker.roles, SystemClock()
    stages: list[StageWiring] = []
    loops: list[tuple[str, Callable[[Event], None]]] = []
    if "judge" in roles:
        stages.append(_judge(settings, observation))
        if settings.archive.url:
            store = ArchiveStore(settings.archive.url, settings.archive.options)
            loops.append(("archive", Archiver(settings, store, observation, clock).run))
    if "incidents" in roles:
        stages.append(_incidents(settings, observation, clock))
        if settings.alertmanager.url:
            loops.append(("pages", page_pusher(settings, observation, clock).run))
    if "ingest" in roles:
        ingest = KafkaIngest(settings, worker_id, clock, observation)
        loops.append(("ingest", ingest.run))
    return build_app(settings, stages, loops, clock, check_crcs=check_crcs)


def _judge(settings: Settings, observation: Observation) -> StageWiring:
    topic = settings.topics.named("counts")
    return StageWiring(
        name=JUDGE,
        topic=topic,
        make=lambda partition, snapshot, _: JudgePartition(
            settings, partition, snapshot, observation
        ),
        store=lambda partition: KafkaStageStore(settings, JUDGE, topic, partition),
        observer=observation,
    )


def _incidents(settings: Settings, observation: Observation, clock: Clock) -> StageWiring:
    topic = settings.topics.named("windows")

    def make(_: int, snapshot: bytes | None, resources: ExitStack) -> IncidentsPartition:
        releases = KafkaReleases(settings, decode_message, clock)
        resources.callback(releases.close)
        return IncidentsPartition(settings, snapshot, releases, observation)

    return StageWiring(
        name=INCIDENTS,
        topic=topic,
        make=make,
        store=lambda partition: KafkaStageStore(settings, INCIDENTS, topic, partition),
        observer=observation,
    )


def page_pusher(settings: Settings, observation: Observation, clock: Clock) -> PagePusher:
    """Give what pushes the worker's incidents to Alertmanager."""
    return PagePusher(
        observation,
        Alertmanager(settings.alertmanager).push,
        settings.alertmanager.every,
        alert_options(settings.alerts),
        clock,
    )


def decode_message(message: Message) -> ReleaseEvent | None:
    """Give the release event of a message; a bad one is logged with its coordinates."""
    event = decode_release(message.value(), cast("Headers | None", message.headers()))
    if isinstance(event, ReleaseEvent):
        return event
    log.warning(
        "release_set_aside",
        topic=message.topic(),
        partition=message.partition(),
        offset=message.offset(),
        reason=event.reason.value,
        detail=event.detail,
    )
    return None


def _made_up_name() -> str:
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
