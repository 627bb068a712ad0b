"""Metrics of a replay, sent to a real Prometheus in time order."""

import http.server
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prometheus_queries import instant

from streams.adapters import local_servers
from streams.adapters.local_servers import LocalServer
from streams.adapters.remote_write import MOST_SAMPLES, PAUSES_S, RemoteWrite
from streams.cli import main
from streams.domain.errors import OperatorError, OutsideSystemError
from streams.ports import TimedSeries
from streams.wiring import backfill

START = 1634106420
MINUTES = 180
RECEIVER = "--web.enable-remote-write-receiver"


class Heard:
    """Remembers how far it was told it is."""

    def __init__(self) -> None:
        self.steps: list[tuple[int, int, int]] = []

    def advance(self, done_bytes: int, total_bytes: int, events: int, windows: int) -> None:
        assert done_bytes == events
        self.steps.append((done_bytes, total_bytes, windows))


@pytest.fixture
def metrics(tmp_path: Path) -> Path:
    """Three hours of two metrics, one after the other."""
    lines = ["# HELP opwatch_operations x", "# TYPE opwatch_operations counter"]
    for region in ("eu", 'odd "\\\\\\n'.replace('"', '\\"')):
        lines += [
            f'opwatch_operations_total{{region="{region}",os="linux"}} {7 * minute} '
            f"{START + 60 * minute}"
            for minute in range(MINUTES + 1)
        ]
    lines += ["# HELP opwatch_incidents_open x", "# TYPE opwatch_incidents_open gauge"]
    lines += [f"opwatch_incidents_open 1 {START + 60 * minute}" for minute in range(MINUTES + 1)]
    path = tmp_path / "metrics.om"
    path.write_text("\n".join([*lines, "# EOF", ""]))
    return path


@contextmanager
def receiving(folder: Path, *flags: str) -> Iterator[LocalServer]:
    with local_servers.prometheus(folder, "", flags=flags) as server:
        yield server


def write_url(server: LocalServer) -> str:
    return f"{server.url}/api/v1/write"


def test_a_prometheus_takes_all_of_it_metric_after_metric_in_time_order(
    metrics: Path, tmp_path: Path
) -> None:
    heard = Heard()
    with receiving(tmp_path / "server", RECEIVER) as server:
        sent = backfill.send([metrics], write_url(server), None, heard)
        assert sent == 3 * (MINUTES + 1)
        query = "sum(increase(opwatch_operations_total[100m])) by (region)"
        found = instant(server.url, query, START + 60 * 120)
        assert found == pytest.approx({"region=eu": 700, 'region=odd "\\\n': 700})
        counted = instant(server.url, 'sum(count_over_time({__name__=~".+"}[4h]))', START + 14400)
        assert counted == {"": sent}
    assert heard.steps[-1] == (sent, sent, 4)
    assert len(heard.steps) == 4  # slices of 50 minutes


def test_what_is_too_old_is_told_and_not_sent_again(metrics: Path, tmp_path: Path) -> None:
    with receiving(tmp_path / "server", RECEIVER) as server:
        newest = TimedSeries((("__name__", "newest"),), (1.0,), (1000 * (START + 60 * 220),))
        assert RemoteWrite(write_url(server), {}, lambda _: None).send([newest]) == []
        with pytest.raises(OperatorError) as refused:
            backfill.send([metrics], write_url(server), None, Heard())
    said = str(refused.value)
    assert re.search(r"refused \d+ of 543 samples, from 2021-10-13T06:27:00Z to", said)
    assert "out of bounds" in said
    assert "opwatch backfill --data" in said


def test_sending_twice_changes_nothing(metrics: Path, tmp_path: Path) -> None:
    with receiving(
        tmp_path / "server",
        RECEIVER,
    ) as server:
        backfill.send([metrics], write_url(server), None, Heard())
        with pytest.raises(OperatorError, match="refused"):
            backfill.send([metrics], write_url(server), None, Heard())
        counted = instant(server.url, 'sum(count_over_time({__name__=~".+"}[4h]))', START + 14400)
        assert counted == {"": 3 * (MINUTES + 1)}


def test_a_prometheus_that_takes_no_remote_write_is_told_how_to(
    metrics: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with receiving(tmp_path / "server") as server, pytest.raises(SystemExit) as ended:
        main(["backfill", str(metrics), "--remote-write", write_url(server)])
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "takes no remote write: a Prometheus needs --web.enable-remote-write-receiver" in line


def test_the_command_says_what_it_sent(
    metrics: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with receiving(tmp_path / "server", RECEIVER) as server:
        with pytest.raises(SystemExit) as ended:
            main(["backfill", str(metrics), "--remote-write", write_url(server)])
        assert ended.value.code == 0
        assert capsys.readouterr().out == f"sent 543 samples to {write_url(server)}\n"


class Moody(http.server.BaseHTTPRequestHandler):
    """Answers as it is told to, and remembers what it was sent."""

    answers: list[int]
    headers_sent: list[dict[str, str]]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        type(self).headers_sent.append(dict(self.headers))
        self.send_response(type(self).answers.pop(0))
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"moody")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def moody(*answers: int) -> Iterator[tuple[str, type[Moody]]]:
    kind = type("Mood", (Moody,), {"answers": list(answers), "headers_sent": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/write", kind
        finally:
            server.shutdown()
            thread.join()


ONE = TimedSeries((("__name__", "one"),), (1.0, 2.0), (1000, 61_000))


def test_a_server_that_fails_or_is_overloaded_is_tried_again_ever_later() -> None:
    waited: list[float] = []
    with moody(503, 429, 500, 204) as (url, kind):
        assert RemoteWrite(url, {}, waited.append).send([ONE]) == []
    assert waited == list(PAUSES_S[:3])
    assert len(kind.headers_sent) == 4


def test_a_server_that_goes_on_failing_is_an_outside_fault() -> None:
    waited: list[float] = []
    with moody(*[503] * 8) as (url, _), pytest.raises(OutsideSystemError, match="moody"):
        RemoteWrite(url, {}, waited.append).send([ONE])
    assert waited == list(PAUSES_S)


def test_a_server_that_is_not_there_is_an_outside_fault() -> None:
    with pytest.raises(OutsideSystemError, match=r"http://127.0.0.1:9/w .*refused"):
        RemoteWrite("http://127.0.0.1:9/w", {}, lambda _: None).send([ONE])


def test_what_is_refused_is_refused_for_good() -> None:
    with moody(400) as (url, _):
        (refusal,) = RemoteWrite(url, {}, lambda _: None).send([ONE])
    assert (refusal.samples, refusal.first, refusal.last, refusal.why) == (2, 1.0, 61.0, "moody")
    with moody(401) as (url, _), pytest.raises(OperatorError, match="answers 401: moody"):
        RemoteWrite(url, {}, lambda _: None).send([ONE])


def test_requests_are_of_bounded_size() -> None:
    values = tuple(float(number) for number in range(MOST_SAMPLES // 2))
    instants = tuple(range(MOST_SAMPLES // 2))
    many = [TimedSeries((("__name__", f"m{number}"),), values, instants) for number in range(5)]
    with moody(204, 204, 204) as (url, kind):
        RemoteWrite(url, {}, lambda _: None).send(many)
    assert len(kind.headers_sent) == 3


def test_headers_come_from_a_file_and_are_sent(metrics: Path, tmp_path: Path) -> None:
    (tmp_path / "headers").write_text("Authorization: Bearer secret\n\nX-Scope-OrgID: one\n")
    with moody(*[204] * 5) as (url, kind):
        backfill.send([metrics], url, tmp_path / "headers", Heard())
    for sent in kind.headers_sent:
        assert sent["Authorization"] == "Bearer secret"
        assert sent["X-Scope-Orgid"] == "one"
        assert sent["Content-Encoding"] == "snappy"
    (tmp_path / "headers").write_text("secret")
    with pytest.raises(OperatorError, match="each line must be a header") as wrong:
        backfill.send([metrics], url, tmp_path / "headers", Heard())
    assert "secret" not in str(wrong.value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a 1\n# EOF\n", "wrong.om: 'a 1' is no sample with a time"),
        ("a 1 1634106420\n", "does not end with # EOF"),
        ("a x 1634106420\n# EOF\n", "'a x 1634106420' is no sample"),
        ("a{b=1} 1 1634106420\n# EOF\n", "labels that cannot be read"),
    ],
)
def test_what_is_no_openmetrics_with_times_is_refused(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "wrong.om").write_text(text)
    with moody(204) as (url, _), pytest.raises(OperatorError, match=why):
        backfill.send([tmp_path / "wrong.om"], url, None, Heard())


@pytest.mark.parametrize("url", ["127.0.0.1:9090", "http://me:secret@127.0.0.1:9090/w"])
def test_an_address_that_is_none_or_tells_a_password_is_refused(url: str) -> None:
    with pytest.raises(OperatorError, match="--remote-write"):
        RemoteWrite(url, {}, lambda _: None)
