"""Input files of a replay: read in bounded batches, or refused in one line that names the file."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from cell_tables import Cell, cell_table

from streams.domain.errors import OperatorError, OutsideSystemError
from streams.replay import inputs
from streams.replay.inputs import file_size, read_events, read_windows
from streams.replay.windows_table import archive_rows, to_arrow

DIMENSIONS = ("region", "os")

Pack = Callable[[bytes], bytes]


def _plain(data: bytes) -> bytes:
    return data


def _two_members(data: bytes) -> bytes:
    half = len(data) // 2
    return gzip.compress(data[:half]) + gzip.compress(data[half:])


def _lines(path: Path) -> list[bytes]:
    lines: list[bytes] = []
    position = 0
    for batch in read_events(path):
        assert batch.first_line == len(lines)
        assert position <= batch.position <= file_size(path)
        position = batch.position
        lines += batch.lines
    assert position == file_size(path)
    return lines


@pytest.mark.parametrize(
    ("ending", "pack"),
    [
        ("jsonl", _plain),
        ("jsonl.gz", gzip.compress),
        ("jsonl.gz", _two_members),
        ("jsonl.zst", zstandard.compress),
    ],
)
@pytest.mark.parametrize("chunk", [1, 3, 7, 1024])
def test_lines_are_the_same_whatever_the_packing_and_the_chunks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str, pack: Pack, chunk: int
) -> None:
    monkeypatch.setattr(inputs, "_CHUNK_BYTES", chunk)
    path = tmp_path / f"events.{ending}"
    path.write_bytes(pack(b'{"a":1}\n\n{"b":2}\r\nlast without line end'))
    assert _lines(path) == [b'{"a":1}', b"", b'{"b":2}\r', b"last without line end"]


def test_a_line_end_at_the_end_begins_no_further_line(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"a\nb\n")
    assert _lines(path) == [b"a", b"b"]


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.jsonl.zst"])
def test_an_empty_file_has_no_lines(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    assert list(read_events(tmp_path / name)) == []


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("cut.jsonl.gz", gzip.compress(b"line\n" * 9999)[:-9]),
        ("cut.jsonl.zst", zstandard.compress(bytes(range(256)) * 999)[:-9]),
        ("other.jsonl.gz", b"no gzip"),
        ("other.jsonl.zst", b"no zstd"),
        ("tail.jsonl.zst", zstandard.compress(b"line\n") + b"junk"),
    ],
)
def test_a_damaged_file_is_refused_by_name(tmp_path: Path, name: str, data: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(OperatorError, match=f"{name} is damaged: ") as caught:
        list(read_events(path))
    assert "\n" not in str(caught.value)


def test_a_failing_disk_is_no_fault_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"a\n")

    class Failing:
        def read(self, _: int) -> bytes:
            raise OSError(5, "Input/output error")

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr(inputs, "_open", lambda _: Failing())
    with pytest.raises(OutsideSystemError, match=r"events\.jsonl: .*Input/output error"):
        list(read_events(path))


def test_a_file_without_line_ends_does_not_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inputs, "_CHUNK_BYTES", 100_000)
    monkeypatch.setattr(inputs, "_LONGEST_LINE_BYTES", 1024 * 1024)
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"x" * 2 * 1024 * 1024)
    with pytest.raises(OperatorError, match="a line of more than 1 MB"):
        list(read_events(path))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("none.jsonl", "no such file or directory"),
        ("none.parquet", "no such file or directory"),
        ("folder.jsonl", "is a folder"),
        ("events.csv", r"unknown kind of file; it must end in \.jsonl, "),
        ("events.csv.gz", "unknown kind of file"),
    ],
)
def test_what_cannot_be_an_event_file_is_refused(tmp_path: Path, name: str, expected: str) -> None:
    (tmp_path / "folder.jsonl").mkdir()
    (tmp_path / "events.csv").touch()
    (tmp_path / "events.csv.gz").touch()
    with pytest.raises(OperatorError, match=expected) as caught:
        list(read_events(tmp_path / name))
    assert name in str(caught.value)


def _events(**columns: pa.Array) -> pa.Table:
    two = {
        "id": pa.array(["a", "b"]),
        "time": pa.array([1634106420250000] * 2, pa.timestamp("us", tz="Europe/Berlin")),
        "operation": pa.array(["create", None]),
        "outcome": pa.array(["success", "failure"]).dictionary_encode(),
        "region": pa.array(["eu", "eu"], pa.large_string()),
    }
    return pa.table(two | columns)


def _parquet_lines(folder: Path, table: pa.Table) -> list[dict[str, Any]]:
    path = folder / "events.parquet"
    pq.write_table(table, path)
    return [json.loads(line) for line in _lines(path)]


def test_rows_of_a_parquet_file_become_the_events_they_stand_for(tmp_path: Path) -> None:
    table = _events(
        zone=pa.array([None, "z1"]),
        os=pa.nulls(2),
        started=pa.array(["2021-10-13T06:26:00Z", None]),
        attributes=pa.array([[("cluster", "c1")], None], pa.map_(pa.string(), pa.string())),
        passed_over=pa.array([1, 2]),
    )
    common = {"time": "2021-10-13T06:27:00.250000Z", "region": "eu"}
    assert _parquet_lines(tmp_path, table) == [
        common
        | {"id": "a", "operation": "create", "outcome": "success"}
        | {"started": "2021-10-13T06:26:00Z", "attributes": {"cluster": "c1"}},
        common | {"id": "b", "operation": None, "outcome": "failure", "zone": "z1"},
    ]


def test_attributes_may_be_a_struct(tmp_path: Path) -> None:
    found = _parquet_lines(tmp_path, _events(attributes=pa.array([{"c": "1", "d": None}, None])))
    assert found[0]["attributes"] == {"c": "1"}
    assert "attributes" not in found[1]


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (_events().drop_columns(["region"]), "column 'region' is missing; there are id, time, "),
        (_events(id=pa.array([1, 2])), "column 'id' must be a string, is int64"),
        (_events(time=pa.array([1.0, 2.0])), "column 'time' must be a timestamp or a string, is d"),
        (_events(time=pa.array([1, 2], pa.timestamp("ms"))), "without a time zone"),
        (_events(zone=pa.array([1, 2])), "column 'zone' must be a string, is int64"),
        (_events(attributes=pa.array(["x", "y"])), "column 'attributes' must be a map of strings"),
    ],
)
def test_a_wrong_column_is_refused_by_file_name_and_type(
    tmp_path: Path, table: pa.Table, expected: str
) -> None:
    with pytest.raises(OperatorError) as caught:
        _parquet_lines(tmp_path, table)
    assert str(caught.value).startswith(f"{tmp_path / 'events.parquet'}: ")
    assert expected in str(caught.value)


def test_a_wrong_column_of_an_empty_file_is_refused_too(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="column 'region' is missing"):
        _parquet_lines(tmp_path, _events().drop_columns(["region"]).slice(0, 0))


def test_what_is_no_parquet_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "events.parquet"
    path.write_bytes(b"PAR1 and something else")
    with pytest.raises(OperatorError, match=r"events\.parquet is no readable Parquet file: "):
        list(read_events(path))


def test_a_windows_table_is_read_in_batches_that_add_up_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inputs, "_ROWS", 2)
    cells = cell_table(
        DIMENSIONS, [Cell(window, ("eu", "linux"), trials=window) for window in range(1, 6)]
    )
    path = tmp_path / "windows.parquet"
    pq.write_table(to_arrow(archive_rows(cells), 60), path)
    batches = list(read_windows(path, DIMENSIONS, 60))
    assert [len(batch.cells) for batch in batches] == [2, 2, 1]
    assert [batch.cells.trials.tolist() for batch in batches] == [[1, 2], [3, 4], [5]]
    assert batches[-1].position == file_size(path)


def test_a_windows_table_must_be_parquet(tmp_path: Path) -> None:
    path = tmp_path / "windows.jsonl"
    path.touch()
    with pytest.raises(OperatorError, match=r"must be a \.parquet file"):
        list(read_windows(path, DIMENSIONS, 60))
