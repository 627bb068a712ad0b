"""The worker killed in the middle of the incident, on Apache Kafka: still one page, and one end.

`opwatch stack play` is the fleet, `opwatch run` the worker; Prometheus and Alertmanager have the
rules and routes of every installation, with their waiting times shortened.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue

from live_installation import LiveInstallation

from dashboards.alerting.alerts import AlertOptions
from dashboards.alertmanager import PAGER
from streams.adapters import local_servers
from streams.adapters.local_servers import LocalServer
from streams.adapters.webhook_receiver import Notification, WebhookReceiver
from streams.wiring.stack_configuration import (
    alertmanager_configuration,
    prometheus_configuration,
    rules,
)

HURRY = 15.0
"""How much sooner the servers act: a page goes on for 20 s after its cause is no longer seen."""

FLEET = (
    *("--speed", "40", "--volume", "0.3"),
    *("--before", "100", "--incident-duration", "40", "--after", "12"),
)
PATIENCE_SECONDS = 240.0
PAGE = "OpwatchIncident"


def pages(notifications: list[Notification]) -> list[str]:
    """Give the status of each page about an incident."""
    return [
        alert.status
        for one in notifications
        if one.receiver == PAGER
        for alert in one.alerts
        if alert.labels["alertname"] == PAGE
    ]


def until(status: str, received: Queue[Notification], known: list[Notification]) -> None:
    """Take notifications until a page of this status comes."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while status not in pages(known):
        assert time.monotonic() < deadline, known
        try:
            known.append(received.get(timeout=1))
        except Empty:
            continue


@contextmanager
def watched(folder: Path, port: int, webhook: str) -> Iterator[LocalServer]:
    """Run Prometheus and Alertmanager on a worker that serves at a port."""
    routes, templates = alertmanager_configuration(webhook, None, HURRY)
    with local_servers.alertmanager(folder / "alertmanager", routes, files=templates) as manager:
        configuration = prometheus_configuration(
            metrics=f"http://127.0.0.1:{port}", alertmanager=manager.url, speed=HURRY
        )
        with local_servers.prometheus(
            folder / "prometheus",
            configuration,
            files={"rules.yaml": rules(AlertOptions(), HURRY)},
        ) as server:
            yield server


@contextmanager
def played(installation: LiveInstallation) -> Iterator[subprocess.Popen[bytes]]:
    """Run the fleet."""
    environment = {f"OPWATCH_{name}": value for name, value in installation.environment.items()}
    fleet = subprocess.Popen(  # noqa: S603 our own command
        [sys.executable, "-m", "streams.cli", "stack", "play", *FLEET],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
    )
    try:
        yield fleet
    finally:
        fleet.kill()
        fleet.communicate()


def test_a_worker_that_is_killed_and_started_again_pages_once(kafka: str, tmp_path: Path) -> None:
    port = local_servers.free_port()
    received: Queue[Notification] = Queue()
    known: list[Notification] = []
    with (
        LiveInstallation(kafka, "stack-restart", tmp_path, {"HTTP__PORT": str(port)}) as live,
        WebhookReceiver(received.put) as receiver,
        watched(tmp_path, port, receiver.url),
    ):
        worker = live.start_worker()
        with played(live) as fleet:
            until("firing", received, known)
            worker.kill()
            worker.wait()
            live.start_worker()
            until("resolved", received, known)
            said, _ = fleet.communicate(timeout=PATIENCE_SECONDS)
        assert fleet.returncode == 0
    assert said.decode().startswith("founding-incident: history from ")
    assert "published " in said.decode()
    assert pages(known) == ["firing", "resolved"], live.logs()
