"""A worker's pages in a real Alertmanager: one notification each, whatever happens."""

import json
import socket
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from incident_records import incident_record
from observed_fleet import MENDED, WINDOWS, FleetRun
from receiving_server import ReceivingServer
from small_fleets import SETTINGS

from dashboards.alerting import page
from dashboards.alerting.alerts import AlertOptions
from dashboards.alerting.receivers import TEMPLATES, TEMPLATES_FILE, ReceiverKind, Receivers
from dashboards.alertmanager import Timing, render_alertmanager
from streams.adapters.alertmanager import Alertmanager, PushedAlert
from streams.adapters.local_servers import LocalServer, alertmanager, free_port
from streams.adapters.prometheus import MetricStore
from streams.adapters.system_clock import SystemClock
from streams.config_alerts import AlertmanagerSettings
from streams.domain.errors import OperatorError, OutsideSystemError
from streams.wiring.observation import Observation
from streams.wiring.pages import PagePusher
from streams.wiring.worker import page_pusher

QUICK = Timing(pager_wait="0s", wait="0s", interval="1s")
EVERY = timedelta(seconds=60)
ALERT = PushedAlert({"alertname": "A"}, {"summary": "s"}, 2_000_000_000, 2_000_000_000, "http://x/")


class Known:
    """What is known of incidents, set by the test."""

    def __init__(self) -> None:
        self.unresolved: dict[str, Mapping[str, Any]] = {}
        self.resolved: dict[str, Mapping[str, Any]] = {}
        self.counts = {"accepted": 0, "failed": 0}

    def open_incidents(self) -> Mapping[str, Mapping[str, Any]]:
        return self.unresolved

    def resolved_incidents(self) -> Mapping[str, Mapping[str, Any]]:
        return self.resolved

    def pushed(self, result: str, count: int) -> None:
        self.counts[result] += count


@pytest.fixture
def server() -> Iterator[ReceivingServer]:
    with ReceivingServer() as running:
        yield running


@pytest.fixture
def running(tmp_path: Path, server: ReceivingServer) -> Iterator[LocalServer]:
    with alertmanager(tmp_path, configuration(server), files={TEMPLATES_FILE: TEMPLATES}) as one:
        yield one


def configuration(server: ReceivingServer) -> str:
    kind = ReceiverKind.WEBHOOK
    receivers = Receivers(pager=kind, chat=kind, webhook_url=server.url, webhook_token=False)
    return render_alertmanager(receivers, QUICK)


def pusher(url: str, known: Known, every: timedelta = EVERY) -> PagePusher:
    """Give a worker's pusher, just started: what is open is news to it."""
    client = Alertmanager(AlertmanagerSettings(url=url))
    return PagePusher(known, client.push, every, AlertOptions(), SystemClock())


def alerts_in(url: str) -> list[Any]:
    with urllib.request.urlopen(f"{url}/api/v2/alerts", timeout=10) as answer:  # noqa: S310
        found = json.load(answer)
    assert isinstance(found, list)
    return found


def told(server: ReceivingServer) -> tuple[str, list[str]]:
    body = server.next().body
    return body["status"], [one["labels"]["incident"] for one in body["alerts"]]


def test_an_incident_is_one_alert_and_two_notifications_however_often_it_is_pushed(
    running: LocalServer, server: ReceivingServer
) -> None:
    known = Known()
    first = pusher(running.url, known)
    known.unresolved["i-1"] = incident_record()
    first.turn()
    assert told(server) == ("firing", ["i-1"])
    (before,) = alerts_in(running.url)
    assert before["labels"] == page.labels("i-1")

    # The worker is started again: it has forgotten what it pushed, and when.
    for _ in range(3):
        pusher(running.url, known).turn()
    (after,) = alerts_in(running.url)
    assert (after["fingerprint"], after["startsAt"]) == (before["fingerprint"], before["startsAt"])
    assert datetime.fromisoformat(after["endsAt"]) > datetime.fromisoformat(before["endsAt"])

    last = pusher(running.url, known)
    known.resolved["i-1"] = known.unresolved.pop("i-1")
    last.turn()
    assert told(server) == ("resolved", ["i-1"])
    last.turn()
    known.unresolved["i-2"] = incident_record(incident="i-2")
    last.turn()
    assert told(server) == ("firing", ["i-2"])  # and nothing between
    assert server.rest() == []
    assert known.counts == {"accepted": 6, "failed": 0}


def test_a_workers_incidents_page_when_they_open_and_end_when_they_resolve(
    running: LocalServer, server: ReceivingServer
) -> None:
    store = MetricStore(SETTINGS.ingest.dimensions)
    observation = Observation(SETTINGS, store, SystemClock())
    alertmanager_settings = AlertmanagerSettings(url=running.url)
    settings = SETTINGS.model_copy(update={"alertmanager": alertmanager_settings})
    worker = page_pusher(settings, observation, SystemClock())
    fleet = FleetRun()
    fleet.go_on(observation, MENDED - 1)
    worker.turn()
    (incident,) = observation.open_incidents()
    assert told(server) == ("firing", [incident])
    fleet.go_on(observation, WINDOWS)
    worker.turn()
    assert told(server) == ("resolved", [incident])
    assert 'opwatch_alerts_pushed_total{result="accepted"} 2\n' in store.text()


def test_the_page_says_what_the_newest_record_says(
    running: LocalServer, server: ReceivingServer
) -> None:
    known = Known()
    known.unresolved["i-1"] = incident_record(candidates=[])
    pusher(running.url, known).turn()
    assert server.next().body["commonAnnotations"]["top_candidate"] == "none"
    known.unresolved["i-1"] = incident_record()
    pusher(running.url, known).turn()
    (alert,) = alerts_in(running.url)
    assert alert["annotations"]["top_candidate"] == "migration"


def test_an_incident_whose_worker_is_gone_ends_by_itself(
    running: LocalServer, server: ReceivingServer
) -> None:
    known = Known()
    known.unresolved["i-1"] = incident_record()
    pusher(running.url, known, timedelta(seconds=3)).turn()
    assert told(server) == ("firing", ["i-1"])
    assert told(server) == ("resolved", ["i-1"])


def test_an_alertmanager_that_comes_back_gets_the_page(
    tmp_path: Path, server: ReceivingServer
) -> None:
    port = free_port()
    known = Known()
    known.unresolved["i-1"] = incident_record()
    url = f"http://127.0.0.1:{port}"
    with structlog.testing.capture_logs() as logged:
        pusher(url, known).turn()
        files = {TEMPLATES_FILE: TEMPLATES}
        with alertmanager(tmp_path, configuration(server), files=files, port=port):
            pusher(url, known).turn()
            assert told(server) == ("firing", ["i-1"])
    assert known.counts == {"accepted": 1, "failed": 1}
    assert logged[0]["reason"].startswith(f"Alertmanager at {url} does not answer: ")


def test_a_refusal_is_the_operators_fault_and_names_the_reason(running: LocalServer) -> None:
    client = Alertmanager(AlertmanagerSettings(url=running.url))
    nameless = PushedAlert({}, {}, 2_000_000_000, 2_000_000_000, "")
    with pytest.raises(OperatorError, match=r"refuses alerts with status 4\d\d: .*; see \[alert"):
        client.push([nameless])
    elsewhere = Alertmanager(AlertmanagerSettings(url=f"{running.url}/nowhere"))
    with pytest.raises(OperatorError, match="status 404"):
        elsewhere.push([ALERT])


def test_a_server_in_trouble_is_an_outside_systems_fault(server: ReceivingServer) -> None:
    server.status = 503
    client = Alertmanager(AlertmanagerSettings(url=server.url))
    with pytest.raises(OutsideSystemError, match="cannot take alerts: status 503"):
        client.push([ALERT])


def test_a_server_that_says_nothing_or_nonsense_does_not_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        client = Alertmanager(AlertmanagerSettings(url=url, timeout=timedelta(seconds=1)))
        with pytest.raises(OutsideSystemError, match=f"{url} does not answer: timed out"):
            client.push([ALERT])

        def babble() -> None:
            for _ in range(2):  # the first connection is the one that was given up
                with listening.accept()[0] as connection:
                    connection.sendall(b"who is there?\r\n\r\n")

        with ThreadPoolExecutor(1) as other:
            other.submit(babble)
            with pytest.raises(OutsideSystemError, match=f"{url} does not answer: who is there"):
                client.push([ALERT])


@pytest.mark.parametrize(
    ("settings", "header"),
    [
        ({"token_file": "secret"}, "Bearer päss"),
        ({"username": "me", "password_file": "secret"}, "Basic bWU6cMOkc3M="),
    ],
)
def test_secrets_are_read_for_every_push(
    tmp_path: Path, server: ReceivingServer, settings: dict[str, str], header: str
) -> None:
    path = tmp_path / "secret"
    named = {
        name: str(path) if name.endswith("_file") else value for name, value in settings.items()
    }
    client = Alertmanager(AlertmanagerSettings(url=server.url, **named))
    with pytest.raises(OperatorError, match=f"cannot read {path}, .*: no such file"):
        client.push([ALERT])
    path.write_text("päss\n", "utf-8")
    client.push([ALERT])
    posted = server.next()
    assert posted.path == "/api/v2/alerts"
    assert posted.headers["authorization"] == header
