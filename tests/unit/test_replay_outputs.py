"""The folder of a replay: complete or not there, in order, the same bytes for the same windows."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from cell_tables import Cell
from closed_windows import closed_windows
from incident_records import incident_record

from streams.config import IngestSettings, Settings, TopicSettings
from streams.domain.errors import OperatorError, OutsideSystemError
from streams.replay import archive
from streams.replay.outputs import ReplayOutputs

SETTINGS = Settings(
    ingest=IngestSettings(dimensions=("region", "os")), topics=TopicSettings(counts_partitions=1)
)
EU, US = ("eu", "windows"), ("us", "linux")
ONSET = 1634106420 // 60
FILES = [
    "change_points.jsonl",
    "dead_letters.jsonl",
    "incidents.jsonl",
    "metrics.om",
    "releases.jsonl",
    "report.html",
    "report.json",
    "report.md",
    "windows.parquet",
]
CHANGE_POINT = {
    "kind": "success_ratio",
    "series": {"region": "eu", "os": "windows"},
    "direction": "degraded",
    "onset": "2021-10-13T06:27:00Z",
    "raised": "2021-10-13T06:29:00Z",
    "baseline_ratio": 0.99,
    "ratio": 0.5,
    "statistic": 12.5,
    "threshold": 9.5,
}


def _add(outputs: ReplayOutputs, cells: Sequence[Cell], baseline: float = 0.01) -> None:
    for closed in closed_windows(SETTINGS.ingest.dimensions, cells, baseline):
        outputs.add_closed(closed)


def _write(
    out: Path,
    windows: Sequence[Sequence[Cell]],
    incidents: Sequence[dict[str, Any]] = (),
    baseline: float = 0.01,
) -> None:
    with ReplayOutputs(out, SETTINGS) as outputs:
        for cells in windows:
            _add(outputs, cells, baseline)
        for record in incidents:
            outputs.add_incident(record)
        outputs.finish()


def _metric(out: Path, text: str) -> list[str]:
    return [
        line
        for line in (out / "metrics.om").read_text().splitlines()
        if text in line and not line.startswith("#")
    ]


def test_all_files_are_there_at_the_end_and_nothing_else(tmp_path: Path) -> None:
    _write(tmp_path / "deep" / "out", [[Cell(ONSET, EU, 10, 1)]], [incident_record()])
    assert sorted(path.name for path in (tmp_path / "deep" / "out").iterdir()) == FILES
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["out"]


def test_a_replay_without_any_window_writes_all_files_too(tmp_path: Path) -> None:
    _write(tmp_path / "out", [])
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == FILES
    assert pq.read_table(tmp_path / "out" / "windows.parquet").num_rows == 0
    assert (tmp_path / "out" / "metrics.om").read_text().splitlines()[-1] == "# EOF"
    assert "No operations." in (tmp_path / "out" / "report.html").read_text()


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_a_replay_that_is_stopped_leaves_nothing(
    tmp_path: Path, error: type[BaseException]
) -> None:
    def stopped() -> None:
        with ReplayOutputs(tmp_path / "out", SETTINGS) as outputs:
            _add(outputs, [Cell(ONSET, EU, 10, 1)])
            raise error

    with pytest.raises(error):
        stopped()
    assert list(tmp_path.iterdir()) == []


def test_a_stopped_replay_leaves_an_older_result_as_it_was(tmp_path: Path) -> None:
    _write(tmp_path / "out", [[Cell(ONSET, EU, 10, 1)]])
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    with ReplayOutputs(tmp_path / "out", SETTINGS) as outputs:
        _add(outputs, [Cell(ONSET, EU, 99, 9)])
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


def test_a_folder_that_is_there_keeps_what_else_it_holds(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "incidents.jsonl").write_text("old")
    _write(tmp_path, [], [incident_record()])
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert "old" not in (tmp_path / "incidents.jsonl").read_text()


def test_a_target_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    with pytest.raises(OperatorError, match="it is a file, not a folder"):
        _write(tmp_path / "out", [])
    with pytest.raises(OperatorError, match=r"cannot write into .*: not a directory"):
        _write(tmp_path / "out" / "deeper", [])


def test_a_disk_that_fails_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(archive.WindowArchive, "add", full)
    with (
        pytest.raises(OutsideSystemError, match=r"cannot write .*out: no space left on device"),
        ReplayOutputs(tmp_path / "out", SETTINGS) as outputs,
    ):
        _add(outputs, [Cell(ONSET, EU, 10, 1)])


def test_records_are_lines_of_json_with_their_keys_in_order(tmp_path: Path) -> None:
    with ReplayOutputs(tmp_path / "out", SETTINGS) as outputs:
        outputs.add_incident(incident_record())
        outputs.add_incident(incident_record(revision=2))
        outputs.add_change_point(CHANGE_POINT)
        outputs.finish()
    lines = (tmp_path / "out" / "incidents.jsonl").read_text().splitlines()
    assert [json.loads(line)["revision"] for line in lines] == [1, 2]
    assert list(json.loads(lines[0])) == list(incident_record())
    (point,) = (tmp_path / "out" / "change_points.jsonl").read_text().splitlines()
    assert json.loads(point) == CHANGE_POINT


WINDOWS = [
    [Cell(ONSET, EU, 10, 1), Cell(ONSET, US, 5)],
    [Cell(ONSET + 1, US, 7, 2), Cell(ONSET, EU, 4, 4, late=True)],
    [Cell(ONSET + 3, EU, 1), Cell(ONSET + 2, US, 3, 1, late=True)],
]


@pytest.mark.parametrize("group", [1, 2, 100])
def test_the_windows_table_is_in_order_and_holds_late_outcomes_in_their_window(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, group: int
) -> None:
    monkeypatch.setattr(archive, "_GROUP_ROWS", group)
    monkeypatch.setattr(archive, "_PARTS", 1)
    _write(tmp_path / "out", WINDOWS)
    table = pq.read_table(tmp_path / "out" / "windows.parquet")
    found = [
        (
            int(row["window_start"].timestamp()) // 60 - ONSET,
            *(row[name] for name in ("region", "trials", "failures")),
            *(row[name] for name in ("late_trials", "late_failures")),
        )
        for row in table.to_pylist()
    ]
    assert found == [
        (0, "eu", 14, 5, 4, 4),
        (0, "us", 5, 0, 0, 0),
        (1, "us", 7, 2, 0, 0),
        (2, "us", 3, 1, 3, 1),
        (3, "eu", 1, 0, 0, 0),
    ]


def test_late_outcomes_beyond_the_last_window_are_kept(tmp_path: Path) -> None:
    _write(tmp_path / "out", [[Cell(ONSET, EU, 1)], [Cell(ONSET + 9, EU, 2, late=True)]])
    table = pq.read_table(tmp_path / "out" / "windows.parquet")
    assert table.column("trials").to_pylist() == [1, 2]


def test_what_comes_for_the_window_written_last_is_merged_into_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "_GROUP_ROWS", 1)
    _write(tmp_path / "out", [[Cell(ONSET, EU, 1)], [Cell(ONSET + 1, EU, 2)], [Cell(ONSET, EU, 4)]])
    table = pq.read_table(tmp_path / "out" / "windows.parquet")
    assert table.column("trials").to_pylist() == [5, 2]


@pytest.mark.parametrize("group", [1, 100])
def test_windows_in_another_order_give_the_same_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, group: int
) -> None:
    monkeypatch.setattr(archive, "_GROUP_ROWS", group)
    _write(tmp_path / "a", WINDOWS)
    _write(tmp_path / "b", [WINDOWS[1], WINDOWS[2], WINDOWS[0]])
    read = [pq.read_table(tmp_path / name / "windows.parquet").to_pylist() for name in "ab"]
    assert read[0] == read[1]


def test_the_same_windows_give_the_same_bytes(tmp_path: Path) -> None:
    for name in "ab":
        _write(tmp_path / name, WINDOWS, [incident_record()])
    for name in FILES:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
