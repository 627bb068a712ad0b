"""Outcome events from a table: rows become the JSON lines that a sender would have sent."""

from collections.abc import Mapping

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from streams.domain.errors import OperatorError
from streams.replay.columns import is_text, required_column

_REQUIRED = ("id", "time", "operation", "outcome", "region")
_OPTIONAL = (
    "zone",
    "os",
    "vm_type",
    "resource_type",
    "resource_id",
    "correlation_id",
    "started",
    "error_code",
    "error_message",
    "fault",
    "attributes",
)
_INSTANTS = frozenset({"time", "started"})


def outcome_lines(batch: pa.RecordBatch, origin: str) -> list[bytes]:
    """Give one JSON line per row.

    Args:
        batch: Columns named as the fields of the outcome contract; optional ones may be missing,
            others are passed over.
        origin: What to call the table in an error.

    Returns:
        Lines in the order of the rows. A null in an optional column leaves the field out; one in a
        required column stays, and makes the event a dead letter like any other without the field.

    Raises:
        OperatorError: A required column is missing, or a column is of a type that cannot be the
            field's.
    """
    there = [name for name in _OPTIONAL if name in batch.schema.names]
    names = (*_REQUIRED, *there)
    columns = [_column(required_column(batch, name, origin), name, origin) for name in names]
    encode = msgspec.json.Encoder().encode
    needed = len(_REQUIRED)
    lines = []
    for row in zip(*columns, strict=True):
        event = dict(zip(_REQUIRED, row, strict=False))
        event.update(
            (name, value)
            for name, value in zip(there, row[needed:], strict=True)
            if value is not None
        )
        lines.append(encode(event))
    return lines


def _column(column: pa.Array, name: str, origin: str) -> list[object]:
    """Give a column's values as they stand in JSON."""
    kind = column.type
    if pa.types.is_null(kind):
        return [None] * len(column)
    if name == "attributes":
        return _attributes(column, origin)
    if name in _INSTANTS and pa.types.is_timestamp(kind):
        if kind.tz is None:
            raise OperatorError(
                f"{origin}: column '{name}' is {kind}, without a time zone; store it in UTC"
            )
        # Arrow keeps instants in UTC whatever the zone; without the zone it writes them as they are
        # kept.
        return _values(pc.strftime(column.cast(pa.timestamp(kind.unit)), "%Y-%m-%dT%H:%M:%SZ"))
    if not is_text(kind):
        expected = "a timestamp or a string" if name in _INSTANTS else "a string"
        raise OperatorError(f"{origin}: column '{name}' must be {expected}, is {kind}")
    return _values(column)


def _attributes(column: pa.Array, origin: str) -> list[object]:
    kind = column.type
    if pa.types.is_struct(kind):
        return [_without_nulls(value) for value in column.to_pylist()]
    if pa.types.is_map(kind) and is_text(kind.key_type) and is_text(kind.item_type):
        return [value and _without_nulls(dict(value)) for value in column.to_pylist()]
    raise OperatorError(f"{origin}: column 'attributes' must be a map of strings, is {kind}")


def _without_nulls(value: Mapping[str, object] | None) -> object:
    return value and {key: inner for key, inner in value.items() if inner is not None}


def _values(column: pa.Array) -> list[object]:
    return list(column.to_pylist())
