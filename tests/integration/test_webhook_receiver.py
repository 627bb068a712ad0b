"""What a real Alertmanager sends to a webhook is received, and nothing else is."""

import http.client
import json
import urllib.request
from pathlib import Path
from queue import Queue
from urllib.parse import urlsplit

import pytest

from streams.adapters import local_servers
from streams.adapters.webhook_receiver import Notification, NotifiedAlert, WebhookReceiver

CONFIGURATION = """\
route: {{receiver: here, group_wait: 0s}}
receivers: [{{name: here, webhook_configs: [{{url: "{url}"}}]}}]
"""


def test_it_hands_on_what_alertmanager_sends(tmp_path: Path) -> None:
    received: Queue[Notification] = Queue()
    labels = {"alertname": "One", "incident": "7"}
    with (
        WebhookReceiver(received.put) as receiver,
        local_servers.alertmanager(tmp_path, CONFIGURATION.format(url=receiver.url)) as server,
    ):
        body = json.dumps([{"labels": labels, "annotations": {"summary": "It is so."}}]).encode()
        request = urllib.request.Request(  # noqa: S310 loopback
            f"{server.url}/api/v2/alerts", body, {"Content-Type": "application/json"}
        )
        urllib.request.urlopen(request, timeout=10).close()  # noqa: S310 loopback
        notification = received.get(timeout=30)
    assert notification == Notification(
        receiver="here",
        status="firing",
        alerts=(NotifiedAlert("firing", labels, {"summary": "It is so."}),),
    )


@pytest.mark.parametrize(
    ("body", "length", "status"),
    [
        (b"{}", None, 400),
        (b"no JSON", None, 400),
        (b"", "much", 411),
        (b"", "5000000", 413),
        (b"", "-1", 413),
    ],
)
def test_what_is_no_notification_is_refused(body: bytes, length: str | None, status: int) -> None:
    received: list[Notification] = []
    with WebhookReceiver(received.append) as receiver:
        connection = http.client.HTTPConnection(urlsplit(receiver.url).netloc, timeout=10)
        headers = {"Content-Length": str(len(body)) if length is None else length}
        connection.request("POST", "/", body, headers)
        assert connection.getresponse().status == status
        connection.close()
    assert received == []
