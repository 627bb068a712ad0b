"""HTTP: /metrics, /healthz and /readyz on a small server of its own.

It runs in threads beside the worker's event loop, so that a busy worker still answers, and a stuck
one is seen to be
stuck: `health` is asked from outside the loop.
"""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import structlog

from streams.config import HttpSettings
from streams.domain.errors import OperatorError

_LOG = structlog.stdlib.get_logger(__name__)
_JSON = "application/json"
_STALLED_AFTER_S = 10
"""A client that sends nothing for so long is dropped, so that it cannot hold a thread."""


@dataclass(frozen=True, slots=True)
class Probes:
    """What the server asks; called from its threads.

    Attributes:
        metrics: Gives the page of /metrics, in pieces.
        metrics_type: Its content type.
        health: Gives why the process does not work any more; None while it does.
        readiness: Gives role -> why it is not ready; empty when all roles are.
    """

    metrics: Callable[[], Sequence[bytes]]
    metrics_type: str
    health: Callable[[], str | None]
    readiness: Callable[[], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class _Answer:
    status: HTTPStatus
    content_type: str
    body: Sequence[bytes]


class HttpServer:
    """The server; a context manager that serves while it is open."""

    def __init__(self, settings: HttpSettings, probes: Probes) -> None:
        """Bind the address; nothing is served before `start`.

        Args:
            settings: Address and port; port 0 takes any free one.
            probes: What to ask.

        Raises:
            OperatorError: The address cannot be bound.
        """
        try:
            self._server = _Server((settings.host, settings.port), probes)
        except (OSError, UnicodeError) as error:
            reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
            raise OperatorError(
                f"cannot serve /metrics on {settings.host}:{settings.port}: {reason.lower()}; "
                "choose another address with [http] host and port"
            ) from error
        self._thread = Thread(target=self._server.serve_forever, name="http", daemon=True)

    @property
    def port(self) -> int:
        """Give the port it listens on."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """Give the address to open, without a path."""
        return f"http://{self._server.server_address[0]!s}:{self.port}"

    def start(self) -> None:
        """Start to serve, in a thread that does not keep the process alive."""
        self._thread.start()

    def stop(self) -> None:
        """Stop to serve, and free the port."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], probes: Probes) -> None:
        self.probes = probes
        super().__init__(address, _Handler)

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002
        """Log what went wrong, but not clients that went away: that is no fault of ours."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            _LOG.exception("request failed", client=str(client_address))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _STALLED_AFTER_S
    server: _Server

    def do_GET(self) -> None:
        self._send(self._answer(), with_body=True)

    def do_HEAD(self) -> None:
        self._send(self._answer(), with_body=False)

    def version_string(self) -> str:
        return "opwatch"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keep scrapes out of the log."""

    def _answer(self) -> _Answer:
        probes = self.server.probes
        match urlsplit(self.path).path:
            case "/metrics":
                return _Answer(HTTPStatus.OK, probes.metrics_type, probes.metrics())
            case "/healthz":
                reason = probes.health()
                return _verdict(reason is None, {"reason": reason})
            case "/readyz":
                waiting = probes.readiness()
                return _verdict(not waiting, {"waiting": dict(waiting)})
            case _:
                places = {"error": "not found", "paths": ["/metrics", "/healthz", "/readyz"]}
                return _Answer(HTTPStatus.NOT_FOUND, _JSON, _encode(places))

    def _send(self, answer: _Answer, *, with_body: bool) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(sum(map(len, answer.body))))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if with_body:
            for piece in answer.body:
                self.wfile.write(piece)


def _verdict(good: bool, reasons: Mapping[str, object]) -> _Answer:  # noqa: FBT001
    if good:
        return _Answer(HTTPStatus.OK, _JSON, _encode({"status": "ok"}))
    return _Answer(
        HTTPStatus.SERVICE_UNAVAILABLE, _JSON, _encode({"status": "unavailable"} | dict(reasons))
    )


def _encode(value: Mapping[str, object]) -> tuple[bytes]:
    return (json.dumps(value).encode() + b"\n",)
