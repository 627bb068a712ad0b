"""Metrics of a replay come into a real Prometheus under their own times."""

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_queries import instant, once

from streams.adapters import local_servers
from streams.cli import main
from streams.config import Settings
from streams.domain.errors import OperatorError, OutsideSystemError
from streams.wiring import backfill

START = 1634106420
MINUTES = 150
"""Longer than two hours: blocks begin anew at certain hours."""


def _openmetrics(path: Path, minutes: range = range(MINUTES + 1), step: int = 3) -> Path:
    """Write a counter and a gauge, a sample of each a minute."""
    lines = ["# HELP opwatch_operations x", "# TYPE opwatch_operations counter"]
    for region in ("eu", "us"):
        labels = f'region="{region}",outcome="success"'
        lines += [
            f"opwatch_operations_total{{{labels}}} {minute * step} {START + 60 * minute}"
            for minute in minutes
        ]
    lines += ["# HELP opwatch_incidents_open x", "# TYPE opwatch_incidents_open gauge"]
    lines += [f"opwatch_incidents_open 1 {START + 60 * minute}" for minute in minutes[:10]]
    path.write_text("\n".join([*lines, "# EOF", ""]))
    return path


@pytest.fixture
def replayed(tmp_path: Path) -> Path:
    """The folder of a replay."""
    (tmp_path / "result").mkdir()
    _openmetrics(tmp_path / "result" / "metrics.om")
    return tmp_path / "result"


def _increase(url: str, minutes: int, at: int) -> dict[str, float]:
    query = f"sum(increase(opwatch_operations_total[{minutes}m])) by (region)"
    return instant(url, query, START + 60 * at)


def test_a_replay_is_served_with_its_own_times_by_a_prometheus_that_leaves_nothing(
    replayed: Path,
) -> None:
    with backfill.serve([replayed], Settings(), port=0) as served:
        assert served.filled.samples == 2 * (MINUTES + 1) + 10
        assert (served.filled.start, served.filled.end) == (START, START + 60 * MINUTES)
        assert _increase(served.server.url, 100, 120) == pytest.approx(
            {"region=eu": 300, "region=us": 300}
        )
        folder = served.server.log.parent
        assert folder.is_dir()
    assert not folder.exists()


def test_what_has_ended_in_the_replay_has_no_value_in_the_next_window(replayed: Path) -> None:
    with backfill.serve([replayed], Settings(), port=0) as served:
        last = START + 60 * 9
        found = [
            instant(served.server.url, "opwatch_incidents_open", at)
            for at in (last, last + 59, last + 62)
        ]
    assert found == [{"": 1.0}, {"": 1.0}, {}]


def test_blocks_come_into_a_running_prometheus_and_a_second_time_change_nothing(
    replayed: Path, tmp_path: Path
) -> None:
    with local_servers.prometheus(tmp_path / "live", "") as live:
        data = tmp_path / "live" / "data"
        for _ in range(2):
            filled = backfill.fill_folder([replayed], data)
            assert filled.samples == 2 * (MINUTES + 1) + 10
        found = once(lambda: _increase(live.url, 100, 120))
        assert found == pytest.approx({"region=eu": 300, "region=us": 300})
        live.check()
    assert not list(data.glob(".opwatch*"))


def test_a_port_that_is_taken_is_the_operators_fault(replayed: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(OperatorError, match=f"port {port}: address already in use; give"),
            backfill.serve([replayed], Settings(), port=port),
        ):
            pass


def test_several_files_are_put_in_together(tmp_path: Path) -> None:
    files = [
        _openmetrics(tmp_path / "first.om", range(60)),
        _openmetrics(tmp_path / "second.om", range(60, MINUTES + 1)),
    ]
    with backfill.serve(files, Settings(), port=0) as served:
        assert _increase(served.server.url, 100, 120) == pytest.approx(
            {"region=eu": 300, "region=us": 300}
        )


def test_blocks_belong_to_whom_the_data_folder_belongs(replayed: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    if os.geteuid() == 0:
        os.chown(data, 65534, 65534)
    backfill.fill_folder([replayed], data)
    owner = data.stat()
    found = [path.stat() for path in data.rglob("*")]
    assert len(found) > 4
    assert {(one.st_uid, one.st_gid) for one in found} == {(owner.st_uid, owner.st_gid)}


def test_the_newest_block_that_was_there_is_told_because_retention_counts_from_it(
    replayed: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    assert backfill.fill_folder([replayed], data).newest is None
    assert backfill.fill_folder([replayed], data).newest == START + 60 * MINUTES


def test_a_folder_that_is_not_prometheuss_is_refused(replayed: Path, tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match=r"no data folder of Prometheus \(there is result"):
        backfill.fill_folder([replayed], tmp_path)
    with pytest.raises(OperatorError, match="is no folder"):
        backfill.fill_folder([replayed], tmp_path / "nowhere")


def test_what_is_no_openmetrics_with_times_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "wal").mkdir(parents=True)
    for text, why in (
        ("# TYPE a gauge\na 1\n# EOF\n", "expected timestamp"),
        ("# TYPE a gauge\na 1 1634106420\n", "does not end with # EOF"),
        ("# EOF\n", "there is no sample"),
    ):
        (tmp_path / "wrong.om").write_text(text)
        with pytest.raises(OperatorError, match=f"wrong.om.*{why}"):
            backfill.fill_folder([tmp_path / "wrong.om"], data)
        assert [path.name for path in data.iterdir()] == ["wal"]


def test_a_disk_that_takes_no_block_is_an_outside_fault(
    replayed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()

    def refused(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", refused)
    with pytest.raises(OutsideSystemError, match=r"cannot write into .*: no space left"):
        backfill.fill_folder([replayed], tmp_path / "data")
    assert list((tmp_path / "data").iterdir()) == []


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["{result}/none"], "there is no file .*none; give the folder of a replay"),
        (["{result}/.."], "is no folder of a replay: it has no metrics.om"),
        (
            ["{result}", "--data", "x", "--serve"],
            "give either --data FOLDER, --remote-write URL, or",
        ),
    ],
)
def test_each_mistake_is_one_line(
    replayed: Path, capsys: pytest.CaptureFixture[str], words: list[str], line: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["backfill", *(word.format(result=replayed) for word in words)])
    assert ended.value.code == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert re.search(line, said)


def test_the_command_puts_blocks_in_and_says_what_it_did(
    replayed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data").mkdir()
    for _ in range(2):
        with pytest.raises(SystemExit) as ended:
            main(["backfill", str(replayed), "--data", str(tmp_path / "data")])
        assert ended.value.code == 0
    said = capsys.readouterr()
    assert f"put {2 * (MINUTES + 1) + 10} samples from 2021-10-13T06:27:00Z" in said.out
    assert "within a minute" in said.out


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_the_command_serves_until_it_is_told_to_end(replayed: Path, sent: signal.Signals) -> None:
    with subprocess.Popen(  # noqa: S603 our own command
        [sys.executable, "-u", "-m", "streams.cli", "backfill", replayed],
        stdout=subprocess.PIPE,
        text=True,
    ) as command:
        assert command.stdout is not None
        try:
            lines = [command.stdout.readline() for _ in range(4)]
            url = lines[1].removeprefix("Prometheus: ").split("/graph")[0]
            assert _increase(url, 100, 120) == pytest.approx({"region=eu": 300, "region=us": 300})
            command.send_signal(sent)
            assert command.wait(30) == 0
        finally:
            command.kill()
    assert "scrape interval 60s" in lines[2]
    assert f"from={START}000&to={START + 60 * MINUTES}000" in lines[2]
    with pytest.raises(OSError, match="refused"):
        instant(url, "up", START)
