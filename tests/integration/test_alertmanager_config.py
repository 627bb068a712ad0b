"""A real Alertmanager with our configuration: who hears what, how often, in which words."""

import json
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from incident_records import incident_record
from receiving_server import Posted, ReceivingServer

from dashboards.alerting import incidents, objective, page, worker
from dashboards.alerting.alerts import AlertOptions
from dashboards.alerting.receivers import TEMPLATES, TEMPLATES_FILE, ReceiverKind, Receivers
from dashboards.alertmanager import Timing, render_alertmanager
from dashboards.rules import alerts
from streams.adapters.local_servers import alertmanager
from streams.wiring.pages import open_incident

QUICK = Timing(pager_wait="1s", wait="2s", interval="1s", heartbeat="1s")
OPTIONS = AlertOptions(
    runbook_url="https://wiki.example/opwatch", dashboard_url="https://grafana.example"
)
SEVERITIES = {one.name: one.severity.value for one in alerts(OPTIONS)}

Labels = Mapping[str, str]


@contextmanager
def running(folder: Path, receivers: Receivers, server: ReceivingServer) -> Iterator[str]:
    """Run Alertmanager with our configuration, PagerDuty and Opsgenie being the test's server."""
    document = yaml.safe_load(render_alertmanager(receivers, QUICK))
    document["global"] = {
        "pagerduty_url": f"{server.url}/pagerduty",
        "opsgenie_api_url": f"{server.url}/opsgenie/",
    }
    secrets = {
        "secrets/pagerduty_routing_key": "key-of-pagerduty",
        "secrets/opsgenie_api_key": "key-of-opsgenie",
        "secrets/slack_url": f"{server.url}/slack",
        "secrets/webhook_token": "token-of-webhook",
    }
    files = {TEMPLATES_FILE: TEMPLATES, **secrets}
    with alertmanager(folder, yaml.safe_dump(document), files=files) as started:
        yield started.url


@pytest.fixture
def server() -> Iterator[ReceivingServer]:
    with ReceivingServer() as running_one:
        yield running_one


def receivers(
    folder: Path, server: ReceivingServer, pager: ReceiverKind, chat: ReceiverKind
) -> Receivers:
    return Receivers(
        pager=pager,
        chat=chat,
        secrets=str(folder / "secrets"),
        webhook_url=f"{server.url}/webhook",
        heartbeat_url=f"{server.url}/heartbeat",
    )


def alert(
    name: str, labels: Labels, annotations: Mapping[str, str] | None = None, *, over: bool = False
) -> dict[str, Any]:
    """Give an alert as Prometheus sends it."""
    now = datetime.now(UTC)
    return {
        "labels": {"alertname": name, "severity": SEVERITIES[name], **labels},
        "annotations": dict(annotations or {"summary": f"{name} of {dict(labels)}"}),
        # Alertmanager does not wait for the rest of a group whose alert is older than the wait.
        "startsAt": now.isoformat(),
        "endsAt": (now if over else now + timedelta(minutes=10)).isoformat(),
    }


def send(url: str, sent: Sequence[Mapping[str, Any]]) -> None:
    request = urllib.request.Request(  # noqa: S310 loopback
        f"{url}/api/v2/alerts",
        data=json.dumps(sent).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        assert answer.status == 200


def told(posted: Posted) -> tuple[str, str, list[str]]:
    """Give receiver, status and alerts of a notification to a webhook."""
    body = posted.body
    names = sorted(one["labels"]["alertname"] for one in body["alerts"])
    return body["receiver"], body["status"], names


TEXT = page.annotations(open_incident(incident_record()), OPTIONS)


def page_of(incident: str) -> dict[str, Any]:
    return alert(page.NAME, {"incident": incident}, TEXT)


def regions_of(incident: str) -> list[dict[str, Any]]:
    labels = [{"incident": incident, "region": f"region-{number}"} for number in range(60)]
    return [alert(incidents.REGION, one) for one in labels]


def found(incident: str, text: Mapping[str, str] | None = None) -> dict[str, Any]:
    return alert(incidents.ATTRIBUTION, {"incident": incident, "release": "r-1"}, text)


def over(sent: Mapping[str, Any]) -> dict[str, Any]:
    return {**sent, "endsAt": datetime.now(UTC).isoformat()}


def test_sixty_regions_are_one_page_one_attribution_and_one_end(
    tmp_path: Path, server: ReceivingServer
) -> None:
    to = receivers(tmp_path, server, ReceiverKind.WEBHOOK, ReceiverKind.WEBHOOK)
    with running(tmp_path, to, server) as url:
        paged, regions, cause = page_of("i-1"), regions_of("i-1"), found("i-1")
        send(url, [*regions[:30], paged, *regions[30:]])
        assert told(server.next()) == ("opwatch-pager", "firing", [page.NAME])
        send(url, [paged, *regions, cause])  # again, as Prometheus does
        assert told(server.next()) == ("opwatch-news", "firing", [incidents.ATTRIBUTION])
        send(url, [over(one) for one in regions])
        send(url, [over(paged), over(cause)])
        assert told(server.next()) == ("opwatch-pager", "resolved", [page.NAME])
        # Whatever else there was to send would be sent before this.
        send(url, [alert(worker.ARCHIVE, {})])
        assert told(server.next()) == ("opwatch-chat", "firing", [worker.ARCHIVE])
        assert server.rest() == []


def test_regions_are_told_where_the_page_of_their_incident_is_missing(
    tmp_path: Path, server: ReceivingServer
) -> None:
    to = receivers(tmp_path, server, ReceiverKind.WEBHOOK, ReceiverKind.WEBHOOK)
    with running(tmp_path, to, server) as url:
        send(url, [page_of("i-2"), *regions_of("i-1")])
        assert told(server.next()) == ("opwatch-pager", "firing", [page.NAME])
        assert told(server.next()) == ("opwatch-chat", "firing", [incidents.REGION] * 60)


def test_two_incidents_page_twice_and_what_is_down_is_told_once(
    tmp_path: Path, server: ReceivingServer
) -> None:
    to = receivers(tmp_path, server, ReceiverKind.WEBHOOK, ReceiverKind.WEBHOOK)
    with running(tmp_path, to, server) as url:
        send(url, [page_of("i-1"), page_of("i-2"), alert(worker.DOWN, {})])
        send(url, [alert(worker.WORKER_DOWN, {"instance": "a"}), alert(worker.WATERMARK, {})])
        pages = [server.next() for _ in range(3)]
        assert sorted(told(one)[2][0] for one in pages) == [worker.DOWN, page.NAME, page.NAME]
        send(url, [alert(worker.ARCHIVE, {})])
        assert told(server.next())[2] == [worker.ARCHIVE]
        assert server.rest() == []


def test_the_dead_mans_switch_is_sent_again_and_again(
    tmp_path: Path, server: ReceivingServer
) -> None:
    to = receivers(tmp_path, server, ReceiverKind.PAGERDUTY, ReceiverKind.SLACK)
    with running(tmp_path, to, server) as url:
        send(url, [alert(worker.DEAD_MAN, {})])
        beats = [server.next() for _ in range(3)]
        assert {one.path for one in beats} == {"/heartbeat"}
        assert [told(one) for one in beats] == [
            ("opwatch-heartbeat", "firing", [worker.DEAD_MAN])
        ] * 3


def test_pagerduty_gets_one_event_with_scope_cause_and_links(
    tmp_path: Path, server: ReceivingServer
) -> None:
    to = receivers(tmp_path, server, ReceiverKind.PAGERDUTY, ReceiverKind.SLACK)
    with running(tmp_path, to, server) as url:
        send(url, [page_of("i-1"), *regions_of("i-1")])
        event = server.next()
    assert event.path == "/pagerduty"
    assert event.body["routing_key"] == "key-of-pagerduty"
    assert event.body["event_action"] == "trigger"
    assert event.body["client_url"] == TEXT["dashboard_url"]
    assert event.body["links"] == [
        {"href": "https://wiki.example/opwatch#opwatchincident", "text": "Runbook"},
        {
            "href": "https://grafana.example/d/opwatch-incident?var-incident=i-1",
            "text": "Dashboard",
        },
    ]
    payload = event.body["payload"]
    assert payload["summary"] == (
        "VM operations fail: os=windows; regions: 1 affected; release migration with "
        "probability 75%"
    )
    assert payload["severity"] == "critical"
    details = payload["custom_details"]
    assert details["text"] == TEXT["description"]
    assert (details["scope"], details["top_candidate"]) == ("os=windows", "migration")
    assert details["top_candidate_probability"] == "75%"


def test_slack_shows_what_was_found_with_its_links(tmp_path: Path, server: ReceivingServer) -> None:
    to = receivers(tmp_path, server, ReceiverKind.PAGERDUTY, ReceiverKind.SLACK)
    links = {"runbook_url": "https://wiki.example/r", "dashboard_url": "https://g.example/d"}
    texts = {"summary": "Release r-1 most probably caused it", "description": "Scope: os=windows"}
    with running(tmp_path, to, server) as url:
        send(
            url,
            [alert(incidents.ATTRIBUTION, {"incident": "i-1", "release": "r-1"}, texts | links)],
        )
        message = server.next()
    assert message.path == "/slack"
    (attachment,) = message.body["attachments"]
    assert attachment["title"] == "Release r-1 most probably caused it"
    assert attachment["title_link"] == "https://g.example/d"
    assert attachment["text"] == (
        "Scope: os=windows\n<https://wiki.example/r|Runbook> · <https://g.example/d|Dashboard>"
    )
    assert attachment["color"] == "#439fe0"


def test_slack_lists_alerts_that_come_together(tmp_path: Path, server: ReceivingServer) -> None:
    to = receivers(tmp_path, server, ReceiverKind.PAGERDUTY, ReceiverKind.SLACK)
    down = [
        alert(
            worker.WORKER_DOWN,
            {"instance": one},
            {"summary": f"{one} is down", "description": "Prometheus does not reach it."},
        )
        for one in "ab"
    ]
    with running(tmp_path, to, server) as url:
        send(url, down)
        (firing,) = server.next().body["attachments"]
        send(url, [over(one) for one in down])
        (resolved,) = server.next().body["attachments"]
    assert firing["title"] == f"{worker.WORKER_DOWN}: 2 alerts"
    assert firing["text"] == "a is down\nb is down"
    assert firing["color"] == "warning"
    assert resolved["title"] == f"Resolved: {worker.WORKER_DOWN}: 2 alerts"
    assert resolved["color"] == "good"


def test_opsgenie_gets_one_alert_with_its_priority(tmp_path: Path, server: ReceivingServer) -> None:
    to = receivers(tmp_path, server, ReceiverKind.OPSGENIE, ReceiverKind.SLACK)
    with running(tmp_path, to, server) as url:
        send(url, [page_of("i-1")])
        posted = server.next()
    assert posted.path == "/opsgenie/v2/alerts"
    assert posted.headers["authorization"] == "GenieKey key-of-opsgenie"
    assert posted.body["message"] == TEXT["summary"]
    assert posted.body["description"] == TEXT["description"]
    assert posted.body["priority"] == "P1"
    assert posted.body["details"]["runbook"] == "https://wiki.example/opwatch#opwatchincident"


def test_a_webhook_gets_its_token_from_the_file(tmp_path: Path, server: ReceivingServer) -> None:
    to = receivers(tmp_path, server, ReceiverKind.WEBHOOK, ReceiverKind.WEBHOOK)
    with running(tmp_path, to, server) as url:
        send(url, [page_of("i-1")])
        posted = server.next()
    assert posted.headers["authorization"] == "Bearer token-of-webhook"
    assert posted.body["commonAnnotations"] == TEXT


def _amtool(folder: Path, chosen: Receivers, *words: str) -> str:
    (folder / "templates").mkdir(exist_ok=True)
    (folder / TEMPLATES_FILE).write_text(TEMPLATES)
    (folder / "alertmanager.yml").write_text(render_alertmanager(chosen, Timing()))
    done = subprocess.run(  # noqa: S603 our own words
        ["amtool", *words],  # noqa: S607 wherever the system has it
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("pager", ReceiverKind)
@pytest.mark.parametrize("chat", ReceiverKind)
def test_amtool_accepts_every_choice_of_receivers(
    tmp_path: Path, pager: ReceiverKind, chat: ReceiverKind
) -> None:
    _amtool(tmp_path, Receivers(pager=pager, chat=chat), "check-config", "alertmanager.yml")


PAGED = {page.NAME, worker.DOWN, worker.WATERMARK, worker.STALLED}
TALKED_OF = {
    incidents.REGION,
    incidents.RELAPSE,
    objective.NAME,
    worker.WORKER_DOWN,
    worker.DEAD_LETTERS,
    worker.ARCHIVE,
    worker.PUSH,
}
ROUTES = {
    **dict.fromkeys(PAGED, "opwatch-pager"),
    **dict.fromkeys(TALKED_OF, "opwatch-chat"),
    incidents.ATTRIBUTION: "opwatch-news",
    worker.DEAD_MAN: "opwatch-heartbeat",
}


@pytest.mark.parametrize("name", SEVERITIES)
def test_amtool_routes_every_alert_to_who_has_to_hear_of_it(tmp_path: Path, name: str) -> None:
    words = ("--config.file=alertmanager.yml", f"alertname={name}", f"severity={SEVERITIES[name]}")
    assert _amtool(tmp_path, Receivers(), "config", "routes", "test", *words) == ROUTES[name]
