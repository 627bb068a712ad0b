"""A server on loopback that takes whatever is posted to it."""

import json
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, Queue
from threading import Thread
from typing import Any, Self

PATIENCE_S = 60.0


@dataclass(frozen=True)
class Posted:
    """One request.

    Attributes:
        path: Where to, without the address.
        headers: By their names in lower case.
        body: The JSON in it.
    """

    path: str
    headers: dict[str, str]
    body: Any


class ReceivingServer:
    """Keeps what is posted while the context is open; answers with `status`."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.posted: Queue[Posted] = Queue()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.owner = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def next(self) -> Posted:
        """Give the next request, and wait for it."""
        return self.posted.get(timeout=PATIENCE_S)

    def rest(self) -> list[Posted]:
        """Give what has come and not been asked for."""
        found: list[Posted] = []
        while True:
            try:
                found.append(self.posted.get_nowait())
            except Empty:
                return found

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    owner: ReceivingServer


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        headers = {name.lower(): value for name, value in self.headers.items()}
        owner = self.server.owner
        owner.posted.put(Posted(self.path, headers, body))
        self.send_response(owner.status)
        answer = b'{"status":"success","message":"taken","dedup_key":"1"}'
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass
