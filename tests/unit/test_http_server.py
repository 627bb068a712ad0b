"""The server of /metrics, /healthz and /readyz."""

import http.client
import json
import socket
from collections.abc import Iterator

import pytest

from streams.adapters.http import HttpServer, Probes
from streams.config import HttpSettings
from streams.domain.errors import OperatorError


class Worker:
    """What the server asks, settable by a test."""

    def __init__(self) -> None:
        self.health: str | None = None
        self.waiting: dict[str, str] = {}
        self.page: bytes | None = b"opwatch_up 1\n"

    def metrics(self) -> list[bytes]:
        if self.page is None:
            raise RuntimeError("no page")
        return [self.page[:4], self.page[4:]]

    def probes(self) -> Probes:
        return Probes(self.metrics, "text/plain", lambda: self.health, lambda: self.waiting)


@pytest.fixture
def worker() -> Worker:
    return Worker()


@pytest.fixture
def server(worker: Worker) -> Iterator[HttpServer]:
    with HttpServer(HttpSettings(port=0), worker.probes()) as running:
        yield running


def _ask(server: HttpServer, path: str) -> tuple[int, str, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.headers["Content-Type"], answer.read()
    finally:
        connection.close()


def test_metrics_are_served_with_their_content_type(server: HttpServer) -> None:
    assert _ask(server, "/metrics") == (200, "text/plain", b"opwatch_up 1\n")
    assert _ask(server, "/metrics?name[]=x")[0] == 200


def test_a_head_request_gets_no_body(server: HttpServer) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(b"HEAD /metrics HTTP/1.1\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"Content-Length: 13\r\n" in answer
    assert answer.endswith(b"\r\n\r\n")


def test_health_fails_with_its_reason(server: HttpServer, worker: Worker) -> None:
    assert _ask(server, "/healthz")[0] == 200
    worker.health = "the event loop has not turned for 60 s"
    status, _, body = _ask(server, "/healthz")
    assert status == 503
    assert json.loads(body)["reason"] == worker.health


def test_readiness_says_which_role_waits_for_what(server: HttpServer, worker: Worker) -> None:
    worker.waiting = {"judge": "restores its snapshot"}
    status, kind, body = _ask(server, "/readyz")
    assert (status, kind) == (503, "application/json")
    assert json.loads(body) == {
        "status": "unavailable",
        "waiting": {"judge": "restores its snapshot"},
    }
    worker.waiting = {}
    assert _ask(server, "/readyz") == (200, "application/json", b'{"status": "ok"}\n')


def test_another_path_is_not_found(server: HttpServer) -> None:
    status, _, body = _ask(server, "/admin")
    assert status == 404
    assert "/readyz" in json.loads(body)["paths"]


def test_a_page_that_fails_ends_the_request_and_not_the_server(
    server: HttpServer, worker: Worker
) -> None:
    worker.page = None
    with pytest.raises(http.client.RemoteDisconnected):
        _ask(server, "/metrics")
    assert _ask(server, "/healthz")[0] == 200


def test_port_0_takes_a_free_port_on_loopback(server: HttpServer) -> None:
    assert server.port > 0
    assert server.url == f"http://127.0.0.1:{server.port}"


def test_a_port_in_use_is_one_clear_line(server: HttpServer, worker: Worker) -> None:
    with pytest.raises(OperatorError) as caught:
        HttpServer(HttpSettings(port=server.port), worker.probes())
    assert str(caught.value) == (
        f"cannot serve /metrics on 127.0.0.1:{server.port}: address already in use; "
        "choose another address with [http] host and port"
    )


def test_an_address_that_is_not_ours_is_one_clear_line(worker: Worker) -> None:
    with pytest.raises(OperatorError, match=r"cannot serve /metrics on 192\.0\.2\.1:9464"):
        HttpServer(HttpSettings(host="192.0.2.1"), worker.probes())


def test_a_stopped_server_frees_its_port(worker: Worker) -> None:
    server = HttpServer(HttpSettings(port=0), worker.probes())
    server.start()
    server.stop()
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", server.port))
