"""Samples as text, a whole window at a time: a day of a fleet is tens of millions of lines.

Arrow joins and formats columns; Python sees a series once, and its samples never one by one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from streams.telemetry import Kind, Metric, label_text
from streams.windows.cells import CellTable, Float64, Int64
from streams.windows.merging import select

_KNOWN = 1024
"""Sets of values of a dimension that are remembered: the same ones come window after window."""

_MOST_BITS = 62
"""What fits into a whole number; series with more values are looked up one by one."""

_SUFFIXES = {Kind.COUNTER: "_total", Kind.INFO: "_info"}


def header(metric: Metric) -> bytes:
    """Give what stands before the samples of a metric."""
    family = metric.name.removesuffix(_SUFFIXES.get(metric.kind, ""))
    return f"# HELP {family} {metric.help}\n# TYPE {family} {metric.kind.value}\n".encode()


class SeriesNumbers:
    """Numbers series in the order they come, and keeps the text of their labels."""

    def __init__(self, names: Sequence[str]) -> None:
        """Start without any series.

        Args:
            names: Names of the labels.
        """
        self._names = names
        self._numbers: dict[tuple[str, ...], int] = {}
        self._texts: list[str] = []
        self._codes: list[dict[str, int]] = [{} for _ in names]
        self._recoded: dict[tuple[int, tuple[str, ...]], Int64] = {}
        self._bits: list[int] = []
        self._packed, self._order = np.empty((2, 0), np.int64)

    def __len__(self) -> int:
        """Give how many series there are."""
        return len(self._texts)

    def of_cells(self, cells: CellTable) -> Int64:
        """Give the (N,) number of the series of each cell.

        The values of a series are packed into one whole number and looked for among those known, a
        column at a time.
        """
        if not len(cells):
            return np.empty(0, np.int64)
        columns = [
            self._recode(place, values)[codes]
            for place, (values, codes) in enumerate(zip(cells.values, cells.codes, strict=True))
        ]
        bits = [max(len(codes) - 1, 1).bit_length() for codes in self._codes]
        if sum(bits) > _MOST_BITS:
            return self._one_by_one(cells)
        if bits != self._bits:
            self._bits = bits
            self._pack_again()
        wanted = self._pack(columns)
        unknown = np.flatnonzero(~np.isin(wanted, self._packed))
        if len(unknown):
            self._one_by_one(select(cells, unknown))
            self._pack_again()
        return self._order[np.searchsorted(self._packed, wanted)]

    def number(self, labels: tuple[str, ...]) -> int:
        """Give the number of one series."""
        found = self._numbers.setdefault(labels, len(self._texts))
        if found == len(self._texts):
            self._texts.append(label_text(self._names, labels))
        return found

    def texts(self, first: int) -> list[str]:
        """Give the texts of the labels from one number on."""
        return self._texts[first:]

    def _one_by_one(self, cells: CellTable) -> Int64:
        return np.array([self.number(key) for key in cells.keys()], np.int64)  # noqa: SIM118 a table

    def _recode(self, place: int, values: tuple[str, ...]) -> Int64:
        """Give the code, the same in all tables, of each value of a dimension."""
        found = self._recoded.get((place, values))
        if found is None:
            if len(self._recoded) == _KNOWN:
                self._recoded.clear()
            codes = self._codes[place]
            fresh = [codes.setdefault(value, len(codes)) for value in values]
            found = self._recoded[place, values] = np.array(fresh, np.int64)
        return found

    def _pack(self, columns: Sequence[Int64]) -> Int64:
        packed = columns[0]
        for column, bits in zip(columns[1:], self._bits[1:], strict=True):
            packed = (packed << bits) | column
        return packed

    def _pack_again(self) -> None:
        keys = list(self._numbers)
        columns = [
            np.array([codes[key[place]] for key in keys], np.int64)
            for place, codes in enumerate(self._codes)
        ]
        packed = self._pack(columns)
        self._order = np.argsort(packed)
        self._packed = packed[self._order]


@dataclass(slots=True)
class Heads:
    """What stands before the value in each sample of a metric.

    Attributes:
        name: Name of the metric.
        series: The series it has.
        more: Further labels that all its samples have, as text; empty for none.
    """

    name: str
    series: SeriesNumbers
    more: str = ""
    _all: pa.Array = field(default_factory=lambda: pa.array([], pa.string()))
    _numbers: Int64 = field(default_factory=lambda: np.empty(0, np.int64))
    _picked: pa.Array = field(default_factory=lambda: pa.array([], pa.string()))

    def of(self, numbers: Int64) -> pa.Array:
        """Give the heads of some series; fast for those asked for last."""
        if len(self._all) < len(self.series):
            more = self.more and f",{self.more}"
            fresh = [f"{self.name}{{{text}{more}}} " for text in self.series.texts(len(self._all))]
            self._all = pa.concat_arrays([self._all, pa.array(fresh, pa.string())])
        if not np.array_equal(numbers, self._numbers):
            self._numbers, self._picked = numbers, self._all.take(pa.array(numbers))
        return self._picked


class SampleFile:
    """The samples of one metric, in a file of their own: a metric's samples must stand together."""

    def __init__(self, path: Path, metric: Metric) -> None:
        """Begin the file.

        Raises:
            OSError: It cannot be written.
        """
        self.path = path
        self._file: BinaryIO = path.open("wb")
        self._file.write(header(metric))

    def write(self, heads: pa.Array, values: Int64 | Float64, instant: int) -> None:
        """Write a sample for each series.

        Args:
            heads: (N,) what stands before the values.
            values: (N,) the values.
            instant: Their time, in whole seconds since the epoch.
        """
        if len(heads):
            texts = pc.cast(pa.array(values), pa.string())
            lines = pc.binary_join_element_wise(heads, texts, f" {instant}\n", "")
            self._file.write(_characters(lines))

    def write_text(self, lines: Iterator[str]) -> None:
        """Write lines that are ready."""
        self._file.writelines(line.encode() for line in lines)

    def close(self) -> None:
        """Close the file; may be called again."""
        self._file.close()


def _characters(texts: pa.Array) -> memoryview:
    """Give the characters of texts one after the other, without copying them."""
    _, offsets, data = texts.buffers()
    bounds = np.frombuffer(offsets, np.int32)
    first, last = bounds[texts.offset], bounds[texts.offset + len(texts)]
    return memoryview(data)[first:last]
