"""Whether a replay says the same as another, or as a live worker; else where they first differ."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from streams.domain.errors import OperatorError, OutsideSystemError
from streams.replay.inputs import file_size
from streams.replay.outputs import CHANGE_POINTS, INCIDENTS, WINDOWS

_ROWS = 50_000
_NOTHING = "nothing"
_OTHER_BYTES = "the same values in other bytes"


@dataclass(frozen=True, slots=True)
class Difference:
    """The first thing in which two sides differ.

    Attributes:
        what: The field, as a path within its record, or what else differs.
        places: File and line (of a table: row), counted from 1, of both sides.
        values: What stands there, of both sides.
    """

    what: str
    places: tuple[str, str]
    values: tuple[str, str]

    def __str__(self) -> str:
        """Say it in three lines."""
        sides = zip(self.places, self.values, strict=True)
        return "\n  ".join([f"first difference: {self.what}", *map(": ".join, sides)])


def compare(live: Path, replayed: Path) -> Difference | None:
    """Give the first difference of two folders or two files, None if they say the same.

    Incident records are compared in their order, change points by the time they were raised
    (partitions raise theirs independently of each other), windows row by row.

    Args:
        live: A folder with incidents.jsonl and change_points.jsonl, and perhaps windows.parquet; or
            one file of such a kind.
        replayed: The same kind of thing.

    Raises:
        OperatorError: One of them is missing or no such thing.
        OutsideSystemError: The disk failed.
    """
    if live.is_dir() and replayed.is_dir():
        pairs = [(live / name, replayed / name) for name in (INCIDENTS, CHANGE_POINTS)]
        tables = live / WINDOWS, replayed / WINDOWS
        if all(table.exists() for table in tables):
            pairs.append(tables)
    else:
        pairs = [(live, replayed)]
    found = (_compare_files(*pair) for pair in pairs)
    return next((one for one in found if one is not None), None)


def _compare_files(left: Path, right: Path) -> Difference | None:
    for path in (left, right):
        file_size(path)
    if left.suffix != right.suffix:
        raise OperatorError(f"cannot compare {left} with {right}: they are of different kinds")
    try:
        if left.suffix == ".parquet":
            return _compare_tables(left, right)
        return _compare_records(left, right)
    except pa.ArrowInvalid as error:
        reason = str(error).splitlines()[0]
        raise OperatorError(f"cannot compare {left} with {right}: {reason}") from error
    except OSError as error:
        raise OutsideSystemError(f"cannot compare {left} with {right}: {error}") from error


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    text: bytes
    value: object


def _compare_records(left: Path, right: Path) -> Difference | None:
    for one, other in zip_longest(_lines(left), _lines(right)):
        if one is not None and other is not None:
            if one.text == other.text:
                continue
            field, values = _first_difference(one.value, other.value, "")
            return Difference(field, (f"{left}:{one.number}", f"{right}:{other.number}"), values)
        places = (_place(left, one), _place(right, other))
        values = (_whole(one), _whole(other))
        return Difference("a record that only one side has", places, values)
    return None


def _place(path: Path, line: _Line | None) -> str:
    return f"{path}:{line.number}" if line else str(path)


def _whole(line: _Line | None) -> str:
    return line.text.decode(errors="replace") if line else _NOTHING


def _lines(path: Path) -> list[_Line]:
    """Read records; change points in the order in which they were raised."""
    lines = []
    for number, text in enumerate(path.read_bytes().splitlines(), 1):
        try:
            value = msgspec.json.decode(text)
        except msgspec.DecodeError as error:
            raise OperatorError(f"line {number} of {path} is no JSON: {error}") from error
        lines.append(_Line(number, text, value))
    return sorted(lines, key=_raised)


def _raised(line: _Line) -> tuple[str, bytes]:
    """Give the time by which change points are ordered; other records stay as they are."""
    value = line.value
    if isinstance(value, dict) and "threshold" in value:
        return str(value.get("raised")), line.text
    return "", b""


def _first_difference(left: object, right: object, path: str) -> tuple[str, tuple[str, str]]:
    """Give the path of the first field that differs, and its values."""
    if isinstance(left, dict) and isinstance(right, dict):
        for name in [*left, *(name for name in right if name not in left)]:
            inner = f"{path}.{name}" if path else str(name)
            if name not in left or name not in right:
                return inner, (_named(left, name), _named(right, name))
            if left[name] != right[name]:
                return _first_difference(left[name], right[name], inner)
    if isinstance(left, list) and isinstance(right, list):
        for number, (one, other) in enumerate(zip(left, right, strict=False)):
            if one != other:
                return _first_difference(one, other, f"{path}[{number}]")
        if len(left) != len(right):
            number = min(len(left), len(right))
            return f"{path}[{number}]", (_numbered(left, number), _numbered(right, number))
    if left == right:
        return _OTHER_BYTES, (_json(left), _json(right))
    return path, (_json(left), _json(right))


def _named(record: Mapping[str, object], name: str) -> str:
    return _json(record[name]) if name in record else _NOTHING


def _numbered(values: Sequence[object], number: int) -> str:
    return _json(values[number]) if number < len(values) else _NOTHING


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _compare_tables(left: Path, right: Path) -> Difference | None:
    with ExitStack() as files:
        tables = [files.enter_context(pq.ParquetFile(path)) for path in (left, right)]
        names = [table.schema_arrow.names for table in tables]
        for name in [*names[0], *names[1]]:
            if name not in names[0] or name not in names[1]:
                there = tuple("a column" if name in one else _NOTHING for one in names)
                return Difference(name, (str(left), str(right)), (there[0], there[1]))
        row = 0
        for one, other in _aligned(tables[0], tables[1], names[0]):
            if one.equals(other):
                row += len(one)
                continue
            return _first_row(one, other, (left, right), row)
    return None


def _aligned(
    left: pq.ParquetFile, right: pq.ParquetFile, names: Sequence[str]
) -> Iterator[tuple[pa.Table, pa.Table]]:
    """Give stretches of equally many rows of both; the last of one side alone may be longer."""
    batches = [file.iter_batches(_ROWS, columns=names) for file in (left, right)]
    rest = [file.schema_arrow.empty_table().select(names) for file in (left, right)]
    while True:
        for side in (0, 1):
            while not len(rest[side]) and (batch := next(batches[side], None)) is not None:
                rest[side] = pa.Table.from_batches([batch])
        size = min(map(len, rest)) or max(map(len, rest))
        if not size:
            return
        yield rest[0].slice(0, size), rest[1].slice(0, size)
        rest = [table.slice(size) for table in rest]


def _first_row(
    one: pa.Table, other: pa.Table, paths: tuple[Path, Path], before: int
) -> Difference | None:
    rows = zip_longest(one.to_pylist(), other.to_pylist())
    for number, (left, right) in enumerate(rows, before + 1):
        if left == right:
            continue
        places = f"{paths[0]}: row {number}", f"{paths[1]}: row {number}"
        if left is None or right is None:
            values = (_row(left), _row(right))
            return Difference("a row that only one side has", places, values)
        name = next(name for name in left if left[name] != right[name])
        return Difference(name, places, (str(left[name]), str(right[name])))
    return None


def _row(row: dict[str, object] | None) -> str:
    return _NOTHING if row is None else ", ".join(f"{key}={value}" for key, value in row.items())
