"""The stack without Docker: broker, fleet, worker, Prometheus, Alertmanager, on loopback."""

import json
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from dashboards.alerting import page
from dashboards.alerting.alerts import AlertOptions
from dashboards.grafana.catalogue import dashboards
from dashboards.grafana.installation import Installation
from streams.adapters import local_servers
from streams.adapters.faust import lifetime
from streams.adapters.http import HttpServer
from streams.adapters.kafka.fleet import FleetProducer
from streams.adapters.local_servers import LocalServer
from streams.adapters.logging import configure
from streams.adapters.prometheus import Exporter, MetricStore
from streams.adapters.stop_signal import sigterm_as_ctrl_c
from streams.adapters.system_clock import SystemClock
from streams.adapters.webhook_receiver import NotifiedAlert, WebhookReceiver
from streams.config import Settings
from streams.domain.incidents import IncidentRecord, IncidentStatus
from streams.scenarios.generate import Scenario
from streams.stages.incidents import Incidents
from streams.windows.closed import ClosedWindow
from streams.wiring import stack_configuration as texts
from streams.wiring.embedded import Fleet, ToldObservation, embedded_installation
from streams.wiring.narration import Narrator
from streams.wiring.pager import Pager
from streams.wiring.playing import Course, live_scenario
from streams.wiring.worker import build_worker, probes

SNAPSHOT_EVERY = timedelta(seconds=20)

TAIL = timedelta(days=7)
"""How long the fleet goes on after the scenario's end, if nobody stops it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackRequest:
    """What to show.

    Attributes:
        course: What happens.
        webhook: Where Alertmanager notifies, too; None for nowhere else.
        metrics_port: Port of the worker; 0 takes any free one, like the following.
        prometheus_port: Port of Prometheus.
        alertmanager_port: Port of Alertmanager.
        grafana_port: Port of Grafana.
    """

    course: Course
    webhook: str | None = None
    metrics_port: int = 0
    prometheus_port: int = 0
    alertmanager_port: int = 0
    grafana_port: int = 0


class StackObservation(ToldObservation):
    """Knows besides when an incident's records were made, to tell how long a page takes."""

    def __init__(self, settings: Settings, store: MetricStore, narrator: Narrator) -> None:
        """Start listening."""
        super().__init__(settings, store, narrator)
        self._made: dict[tuple[str, bool], float] = {}

    def built(
        self, stage: Incidents, closed: ClosedWindow, records: Sequence[IncidentRecord]
    ) -> None:
        """Note the first record of an incident, and the one that resolves it."""
        now = SystemClock().now()
        for record in records:
            is_over = record.status is IncidentStatus.RESOLVED
            self._made.setdefault((record.incident, is_over), now)
        super().built(stage, closed, records)

    def remark(self, alert: NotifiedAlert) -> str:
        """Say how long the notification of an incident's page, or of its end, has taken."""
        key = (alert.labels.get("incident", ""), alert.status == "resolved")
        if alert.labels.get("alertname") != page.NAME or key not in self._made:
            return ""
        return f" ({SystemClock().now() - self._made[key]:.1f} s after the window was judged)"


def stack_up(settings: Settings, request: StackRequest, console: Console) -> None:
    """Run the stack until SIGINT or SIGTERM comes.

    Args:
        settings: Only the address to serve on matters; the stack has its own broker and pace.
        request: What to show.
        console: Where it is told.

    Raises:
        OpwatchError: A server could not be started or died, or the worker did.
    """
    configure(settings.log.model_copy(update={"level": "error"}))
    live = live_scenario(request.course, now=SystemClock().now(), tail=TAIL)
    with ExitStack() as stack:
        stack.enter_context(sigterm_as_ctrl_c())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="opwatch-stack-")))
        own = stack.enter_context(embedded_installation(settings))
        http = own.http.model_copy(update={"port": request.metrics_port})
        # Nobody resumes from them, but their age is to be seen.
        worker = own.worker.model_copy(update={"snapshot_every": SNAPSHOT_EVERY})
        own = own.model_copy(update={"worker": worker})
        store = MetricStore(own.ingest.dimensions)
        observation = StackObservation(own, store, Narrator(console, own.topics.counts_partitions))
        exporter = stack.enter_context(Exporter(store))
        server = stack.enter_context(HttpServer(http, probes(exporter, observation)))
        pager = stack.enter_context(WebhookReceiver(Pager(console, observation.remark).notified))
        servers = _start_servers(stack, own, request, folder, server.url, pager.url)
        _introduce(console, live.scenario, request, own, server.url, servers)
        producer = FleetProducer(own, SystemClock())
        fleet = stack.enter_context(
            Fleet(lambda stop: producer.publish(live, stop, observation.is_behind))
        )

        def look_after() -> bool:
            for one in servers:
                one.check()
            fleet.silent_for()
            return False

        lifetime.run(
            lambda: build_worker(own, "stack", observation, check_crcs=False),
            observation.beat,
            look_after,
        )
    console.print("stopped")


def _start_servers(
    stack: ExitStack,
    settings: Settings,
    request: StackRequest,
    folder: Path,
    metrics: str,
    pager: str,
) -> list[LocalServer]:
    has_grafana = local_servers.is_installed(local_servers.GRAFANA)
    grafana_port = request.grafana_port or local_servers.free_port()
    options = AlertOptions(dashboard_url=f"http://{local_servers.LOOPBACK}:{grafana_port}")
    configuration, templates = texts.alertmanager_configuration(
        pager, request.webhook, request.course.speed
    )
    alertmanager = stack.enter_context(
        local_servers.alertmanager(
            folder / "alertmanager",
            configuration,
            files=templates,
            port=request.alertmanager_port,
        )
    )
    prometheus = stack.enter_context(
        local_servers.prometheus(
            folder / "prometheus",
            texts.prometheus_configuration(
                metrics=metrics, alertmanager=alertmanager.url, speed=request.course.speed
            ),
            files={"rules.yaml": texts.rules(options, request.course.speed)},
            port=request.prometheus_port,
        )
    )
    servers = [prometheus, alertmanager]
    if has_grafana:
        files = _grafana_files(settings, folder / "grafana", prometheus.url)
        servers.append(
            stack.enter_context(
                local_servers.grafana(folder / "grafana", files=files, port=grafana_port)
            )
        )
    return servers


def _grafana_files(settings: Settings, folder: Path, prometheus: str) -> dict[str, str]:
    installation = Installation(settings.ingest.dimensions, settings.windows.length)
    boards = dashboards(installation)
    return {
        "provisioning/datasources/prometheus.yaml": texts.grafana_data_source(prometheus),
        "provisioning/dashboards/opwatch.yaml": texts.grafana_dashboards(folder / "dashboards"),
        **{
            f"dashboards/{uid}.json": json.dumps(board, sort_keys=True)
            for uid, board in boards.items()
        },
    }


def _introduce(
    console: Console,
    scenario: Scenario,
    request: StackRequest,
    settings: Settings,
    metrics: str,
    servers: Sequence[LocalServer],
) -> None:
    def say(text: str) -> None:
        console.print(text, highlight=False, soft_wrap=True)

    say(
        f"[bold]opwatch stack[/bold]: {escape(scenario.name)}, {request.course.speed:g} x real time"
    )
    say(f"  broker        {settings.kafka.bootstrap} (embedded)")
    say(f"  opwatch       {metrics}/metrics")
    for server in servers:
        say(f"  {server.name:13} {server.url}")
    if not any(server.name == "Grafana" for server in servers):
        say("  Grafana       not on PATH; docs/stack.md says how to get it")
    say("Everything is on loopback and in a temporary folder. Stop it with Ctrl-C.")
    say("")
