"""Comparing replays: equal ones are equal, and of others the first difference is named exactly."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from streams.domain.errors import OperatorError
from streams.replay.compare import compare

INCIDENT = {
    "incident": "a",
    "raised": "2021-10-13T06:33:00Z",
    "candidates": [{"release": "x", "probability": 0.9}, {"release": "y", "probability": 0.05}],
}


def change_point(raised: int, region: str) -> dict[str, Any]:
    series = {"region": region}
    return {"series": series, "raised": f"2021-10-13T06:{raised:02}:00Z", "threshold": 9.0}


def write(folder: Path, **files: list[dict[str, Any]]) -> Path:
    folder.mkdir()
    for name in ("incidents", "change_points"):
        lines = (json.dumps(record) + "\n" for record in files.get(name, []))
        (folder / f"{name}.jsonl").write_text("".join(lines))
    return folder


def table(trials: list[int], **options: Any) -> pa.Table:  # noqa: ANN401 of another library
    size = len(trials)
    codes = [[("Timeout", 1)]] * size
    columns = {
        "window_start": pa.array(range(size), pa.timestamp("us", tz="UTC")),
        "region": pa.array(["eu"] * size),
        "trials": pa.array(trials),
        "error_codes": pa.array(codes, pa.map_(pa.string(), pa.int64())),
        **options,
    }
    return pa.table(columns)


def test_equal_folders_are_equal_however_their_tables_are_cut(tmp_path: Path) -> None:
    left = write(tmp_path / "left", incidents=[INCIDENT], change_points=[change_point(30, "eu")])
    right = write(tmp_path / "right", incidents=[INCIDENT], change_points=[change_point(30, "eu")])
    whole = table(list(range(1000)))
    pq.write_table(whole, left / "windows.parquet", row_group_size=7)
    pq.write_table(whole, right / "windows.parquet", compression="zstd")
    assert compare(left, right) is None


def test_a_field_that_differs_is_named_with_both_sides(tmp_path: Path) -> None:
    other = json.loads(json.dumps(INCIDENT))
    other["candidates"][1]["probability"] = 0.06
    left = write(tmp_path / "left", incidents=[INCIDENT, INCIDENT])
    right = write(tmp_path / "right", incidents=[INCIDENT, other])
    found = compare(left, right)
    assert found is not None
    assert str(found).splitlines() == [
        "first difference: candidates[1].probability",
        f"  {left}/incidents.jsonl:2: 0.05",
        f"  {right}/incidents.jsonl:2: 0.06",
    ]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ({"a": 1}, {"a": 1, "b": None}, ("b", ("nothing", "null"))),
        ({"a": [1, 2]}, {"a": [1]}, ("a[1]", ("2", "nothing"))),
        ({"a": {"b": "x"}}, {"a": "x"}, ("a", ('{"b":"x"}', '"x"'))),
    ],
)
def test_what_only_one_side_has_is_named(
    tmp_path: Path, one: dict[str, Any], other: dict[str, Any], expected: object
) -> None:
    left = write(tmp_path / "left", incidents=[one])
    right = write(tmp_path / "right", incidents=[other])
    found = compare(left, right)
    assert found is not None
    assert (found.what, found.values) == expected


def test_equal_values_in_other_bytes_are_told(tmp_path: Path) -> None:
    left, right = write(tmp_path / "left", incidents=[{"a": 1}]), write(tmp_path / "right")
    (right / "incidents.jsonl").write_text('{"a":1}\n')
    found = compare(left / "incidents.jsonl", right / "incidents.jsonl")
    assert found is not None
    assert found.what == "the same values in other bytes"


@pytest.mark.parametrize("turned", [False, True])
def test_a_record_that_only_one_side_has_is_told(tmp_path: Path, *, turned: bool) -> None:
    more = write(tmp_path / "more", incidents=[INCIDENT])
    fewer = write(tmp_path / "fewer")
    sides = (fewer, more) if turned else (more, fewer)
    found = compare(*sides)
    assert found is not None
    assert found.what == "a record that only one side has"
    assert found.values[turned] == json.dumps(INCIDENT)
    assert found.places[turned] == f"{more}/incidents.jsonl:1"
    assert found.values[not turned] == "nothing"


def test_change_points_may_come_in_the_order_of_their_partitions(tmp_path: Path) -> None:
    points = [change_point(30, "eu"), change_point(31, "us"), change_point(31, "eu")]
    left = write(tmp_path / "left", change_points=points)
    right = write(tmp_path / "right", change_points=points[::-1])
    assert compare(left, right) is None
    later = write(tmp_path / "later", change_points=[*points[:2], change_point(32, "eu")])
    found = compare(left, later)
    assert found is not None
    assert (found.what, found.places[0]) == ("series.region", f"{left}/change_points.jsonl:3")


@pytest.mark.parametrize(
    ("other", "what", "values"),
    [
        (table([1, 2, 4]), "trials", ("3", "4")),
        (table([1, 2]), "a row that only one side has", None),
        (table([1, 2, 3], extra=pa.array([1, 1, 1])), "extra", ("nothing", "a column")),
    ],
)
def test_windows_are_compared_by_content(
    tmp_path: Path, other: pa.Table, what: str, values: tuple[str, str] | None
) -> None:
    left, right = tmp_path / "left.parquet", tmp_path / "right.parquet"
    pq.write_table(table([1, 2, 3]), left)
    pq.write_table(other, right)
    found = compare(left, right)
    assert found is not None
    assert found.what == what
    if values is not None:
        assert found.values == values


def test_what_cannot_be_compared_is_said(tmp_path: Path) -> None:
    folder = write(tmp_path / "folder")
    (tmp_path / "bad.jsonl").write_text("{\n")
    (tmp_path / "bad.parquet").write_text("x")
    lines = folder / "incidents.jsonl"
    for left, right, expected in [
        (lines, tmp_path / "absent", "no such file"),
        (folder, tmp_path / "absent", "is a folder, not a file"),
        (folder, lines, "is a folder, not a file"),
        (lines, tmp_path / "bad.parquet", "they are of different kinds"),
        (lines, tmp_path / "bad.jsonl", "line 1 of .* is no JSON"),
        (tmp_path / "bad.parquet", tmp_path / "bad.parquet", "cannot compare"),
    ]:
        with pytest.raises(OperatorError, match=expected):
            compare(left, right)
