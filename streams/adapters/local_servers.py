"""Installed servers on loopback: Prometheus, Alertmanager and Grafana, for a stack without Docker.

A server is started from a configuration's text and keeps everything it writes in one folder. It
gets a session of its own, so that Ctrl-C in a terminal reaches opwatch alone, which then stops its
servers in order.
"""

import contextlib
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from streams.domain.errors import OperatorError, OutsideSystemError

LOOPBACK = "127.0.0.1"
START_SECONDS = 60.0
"""Patience with a server that starts; one with large blocks reads its write-ahead log first."""

STOP_SECONDS = 15.0
"""Patience with a server that has been told to end; it is killed after that."""

POLL_SECONDS = 0.05
RETENTION = "100y"
"""Prometheus drops what is older, and a replayed incident may be years old."""

PROMETHEUS = ("prometheus",)
ALERTMANAGER = ("prometheus-alertmanager", "alertmanager")
"""Debian's name for it, and its makers'."""

GRAFANA = ("grafana",)
GRAFANA_HOME = Path("/usr/share/grafana")
"""Where Grafana's packages put what it serves; an unpacked archive has it beside its program."""

_GRAFANA_INI = """\
[server]
http_addr = {host}
http_port = {port}
[paths]
data = {folder}/data
logs = {folder}/logs
plugins = {folder}/plugins
provisioning = {folder}/provisioning
[auth.anonymous]
enabled = true
org_role = Viewer
[analytics]
reporting_enabled = false
check_for_updates = false
check_for_plugin_updates = false
[news]
news_feed_enabled = false
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalServer:
    """A server that runs.

    Attributes:
        name: For people.
        url: Its address, without a path and a slash at the end.
        log: The file with what it says.
        process: The process.
    """

    name: str
    url: str
    log: Path
    process: subprocess.Popen[bytes]

    def check(self) -> None:
        """Make sure that it has not ended.

        Raises:
            OutsideSystemError: It has; with its last word.
        """
        if self.process.poll() is not None:
            raise OutsideSystemError(
                f"{self.name} at {self.url} ended with status {self.process.returncode}: "
                f"{_last_line(self.log)}; its log was {self.log}"
            )


def prometheus(
    folder: Path,
    configuration: str,
    *,
    files: Mapping[str, str] = MappingProxyType({}),
    port: int = 0,
    flags: Sequence[str] = (),
) -> contextlib.AbstractContextManager[LocalServer]:
    """Run Prometheus while the context is open.

    Args:
        folder: Its folder, made where it is missing; `data` in it holds the blocks, of which those
            that are there already are served.
        configuration: Text of its configuration; relative paths in it start at the folder.
        files: Further files to write into the folder, such as rules: name -> text.
        port: The port on loopback; 0 takes a free one.
        flags: Further words for its command line, such as `--web.enable-remote-write-receiver`.

    Raises:
        OperatorError: It is not installed, or the folder cannot be written.
        OutsideSystemError: It did not start.
    """
    at = port or free_port()
    return _running(
        "Prometheus",
        at,
        "/-/ready",
        folder,
        {"prometheus.yml": configuration, **files},
        [
            installed("Prometheus", PROMETHEUS, "Debian: apt-get install prometheus"),
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--storage.tsdb.retention.time={RETENTION}",
            f"--web.listen-address={LOOPBACK}:{at}",
            f"--web.external-url=http://{LOOPBACK}:{at}",
            *flags,
        ],
    )


def alertmanager(
    folder: Path,
    configuration: str,
    *,
    files: Mapping[str, str] = MappingProxyType({}),
    port: int = 0,
    flags: Sequence[str] = (),
) -> contextlib.AbstractContextManager[LocalServer]:
    """Run Alertmanager, alone and not as a cluster, while the context is open.

    Args:
        folder: Its folder, made where it is missing.
        configuration: Text of its configuration; relative paths in it start at the folder.
        files: Further files to write into the folder, such as templates: name -> text.
        port: The port on loopback; 0 takes a free one.
        flags: Further words for its command line.

    Raises:
        OperatorError: It is not installed, or the folder cannot be written.
        OutsideSystemError: It did not start.
    """
    at = port or free_port()
    return _running(
        "Alertmanager",
        at,
        "/-/ready",
        folder,
        {"alertmanager.yml": configuration, **files},
        [
            installed(
                "Alertmanager", ALERTMANAGER, "Debian: apt-get install prometheus-alertmanager"
            ),
            f"--config.file={folder / 'alertmanager.yml'}",
            f"--storage.path={folder / 'data'}",
            f"--web.listen-address={LOOPBACK}:{at}",
            f"--web.external-url=http://{LOOPBACK}:{at}",
            "--cluster.listen-address=",
            *flags,
        ],
    )


def grafana(
    folder: Path, *, files: Mapping[str, str], port: int = 0
) -> contextlib.AbstractContextManager[LocalServer]:
    """Run Grafana 10 or newer while the context is open; whoever opens it may look, not change.

    Args:
        folder: Its folder, made where it is missing.
        files: Files to write into the folder: name -> text; what is in `provisioning` it loads.
        port: The port on loopback; 0 takes a free one.

    Raises:
        OperatorError: It is not installed, or the folder cannot be written.
        OutsideSystemError: It did not start.
    """
    at = port or free_port()
    program = installed("Grafana", GRAFANA, "https://grafana.com/docs/grafana/latest/setup-grafana")
    beside = Path(program).resolve().parent.parent
    home = beside if (beside / "conf" / "defaults.ini").is_file() else GRAFANA_HOME
    settings = _GRAFANA_INI.format(host=LOOPBACK, port=at, folder=folder)
    return _running(
        "Grafana",
        at,
        "/api/health",
        folder,
        {"grafana.ini": settings, **files},
        [program, "server", f"--homepath={home}", f"--config={folder / 'grafana.ini'}"],
    )


def is_installed(commands: Sequence[str]) -> bool:
    """Tell whether one of these programs is on PATH."""
    return any(shutil.which(command) for command in commands)


def installed(name: str, commands: Sequence[str], how: str) -> str:
    """Find the program of a server.

    Args:
        name: The server, for people.
        commands: What it may be called, best first.
        how: How to install it.

    Returns:
        Its path.

    Raises:
        OperatorError: None of them is on PATH.
    """
    for command in commands:
        path = shutil.which(command)
        if path is not None:
            return path
    raise OperatorError(
        f"{name} is not installed: no {' or '.join(commands)} on PATH; install it ({how})"
    )


def free_port() -> int:
    """Give a port that nobody listens on at this moment."""
    with socket.create_server((LOOPBACK, 0)) as opened:
        return int(opened.getsockname()[1])


@contextlib.contextmanager
def _running(
    name: str,
    port: int,
    ready: str,
    folder: Path,
    files: Mapping[str, str],
    command: Sequence[str],
) -> Iterator[LocalServer]:
    log = folder / "server.log"
    try:
        for file, text in files.items():
            path = folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            # A receiver's address is a secret often enough.
            path.touch(mode=0o600)
            path.write_text(text, encoding="utf-8")
        opened = log.open("wb")
    except OSError as error:
        raise OperatorError(f"cannot prepare {name} in {folder}: {error}") from error
    with opened:
        process = subprocess.Popen(  # noqa: S603 our own command line
            command, stdin=subprocess.DEVNULL, stdout=opened, stderr=opened, start_new_session=True
        )
    server = LocalServer(name=name, url=f"http://{LOOPBACK}:{port}", log=log, process=process)
    try:
        _await_ready(server, ready)
        yield server
    finally:
        _stop(process)


def _await_ready(server: LocalServer, path: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _answers(server.url + path):
        server.check()
        if time.monotonic() > deadline:
            raise OutsideSystemError(
                f"{server.name} was not ready at {server.url} within {START_SECONDS:.0f} s: "
                f"{_last_line(server.log)}"
            )
        time.sleep(POLL_SECONDS)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2.0):  # noqa: S310 our own loopback address
            return True
    except (OSError, urllib.error.URLError):
        return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    told = [line.strip() for line in lines if line.strip()]
    return told[-1] if told else "it said nothing"
