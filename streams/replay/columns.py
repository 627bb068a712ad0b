"""Columns of a Parquet file: found by name, with an error that says what is there instead."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streams.domain.errors import OperatorError
from streams.windows.cells import Int64


def required_column(batch: pa.RecordBatch, name: str, origin: str) -> pa.Array:
    """Give a column.

    Raises:
        OperatorError: It is missing.
    """
    if name not in batch.schema.names:
        there = ", ".join(batch.schema.names)
        raise OperatorError(f"{origin}: column '{name}' is missing; there are {there}")
    return batch.column(name)


def is_text(kind: pa.DataType) -> bool:
    """Tell whether a type holds text, plain or dictionary-encoded."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def text_column(batch: pa.RecordBatch, name: str, origin: str) -> pa.Array:
    """Give a column of text as plain strings; nulls stay.

    Raises:
        OperatorError: It is missing, or no text.
    """
    column = required_column(batch, name, origin)
    if pa.types.is_null(column.type):
        return column.cast(pa.string())
    if not is_text(column.type):
        raise OperatorError(f"{origin}: column '{name}' must be a string, is {column.type}")
    return column.cast(pa.string())


def integer_column(batch: pa.RecordBatch, name: str, origin: str, *, required: bool) -> Int64:
    """Give a column of whole numbers; zeros where an optional one is missing.

    Raises:
        OperatorError: It is required and missing, or holds something else, or nulls where it is
            required.
    """
    if not required and name not in batch.schema.names:
        return np.zeros(len(batch), np.int64)
    column = required_column(batch, name, origin)
    if not pa.types.is_integer(column.type):
        raise OperatorError(f"{origin}: column '{name}' must be int64, is {column.type}")
    if required and column.null_count:
        raise OperatorError(f"{origin}: column '{name}' has {column.null_count} nulls")
    filled = pc.fill_null(column, pa.scalar(0, column.type)).cast(pa.int64())
    return np.asarray(filled.to_numpy(zero_copy_only=False), np.int64)
