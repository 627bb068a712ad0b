"""Receives what Alertmanager sends to a webhook."""

from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Self

import msgspec

from streams.domain.errors import OperatorError

LOOPBACK = "127.0.0.1"
STALLED_AFTER_S = 10
"""A client that sends nothing for so long is dropped, so that it cannot hold a thread."""

MAXIMUM_BYTES = 4 * 1024 * 1024
"""Of a notification: thousands of alerts."""


class NotifiedAlert(msgspec.Struct, frozen=True):
    """One alert of a notification.

    Attributes:
        status: `firing` or `resolved`.
        labels: Its identity.
        annotations: Its text.
    """

    status: str
    labels: dict[str, str]
    annotations: dict[str, str]


class Notification(msgspec.Struct, frozen=True):
    """One notification: alerts of one group, in version 4 of Alertmanager's format.

    Attributes:
        receiver: Name of the receiver it was routed to.
        status: `firing` while any of its alerts is, else `resolved`.
        alerts: At least one.
    """

    receiver: str
    status: str
    alerts: tuple[NotifiedAlert, ...]


class WebhookReceiver:
    """Hands on every notification that is posted while the context is open."""

    def __init__(
        self,
        on_notification: Callable[[Notification], None],
        host: str = LOOPBACK,
        port: int = 0,
    ) -> None:
        """Bind the address.

        Args:
            on_notification: Called from the server's threads.
            host: Address to listen on.
            port: Its port; 0 takes any free one.

        Raises:
            OperatorError: The address cannot be bound.
        """
        try:
            self._server = _Server(on_notification, (host, port))
        except (OSError, UnicodeError) as error:
            raise OperatorError(
                f"cannot receive notifications on {host}:{port}: {error}; choose another address"
            ) from error
        self._thread = Thread(target=self._server.serve_forever, name="webhook", daemon=True)

    @property
    def url(self) -> str:
        """Give the address to post to."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}/"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(
        self, on_notification: Callable[[Notification], None], address: tuple[str, int]
    ) -> None:
        self.on_notification = on_notification
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = STALLED_AFTER_S
    server: _Server

    def do_POST(self) -> None:
        try:
            length = int(self.headers.get("Content-Length", ""))
        except ValueError:
            self._answer(HTTPStatus.LENGTH_REQUIRED)
            return
        if not 0 <= length <= MAXIMUM_BYTES:
            self._answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return
        try:
            notification = msgspec.json.decode(self.rfile.read(length), type=Notification)
        except msgspec.MsgspecError:
            self._answer(HTTPStatus.BAD_REQUEST)
            return
        self.server.on_notification(notification)
        self._answer(HTTPStatus.OK)

    def version_string(self) -> str:
        return "opwatch"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keep notifications out of the log: whoever receives them tells of them."""

    def _answer(self, status: HTTPStatus) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        if status is not HTTPStatus.OK:  # what was not read must not be taken for a request
            self.send_header("Connection", "close")
        self.end_headers()
