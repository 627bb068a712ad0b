"""Tables of samples: many series, some metrics of each, written out in pieces."""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from streams.telemetry import Metric, dimension_labels, label_text

Labels = tuple[str, ...]
Slot = tuple[str, int]
"""Who put a table: what it is of, and a partition."""

PIECE_ROWS = 1_000
"""Lines written at once: about a millisecond of the interpreter."""

SPARE_TEXTS = 10_000
"""Label texts kept beyond those in use, so that series that rest for a while keep theirs."""

PAUSE_SECONDS = 0.0005
"""Rest between two pieces, in which any other thread gets the interpreter."""


@dataclass(frozen=True, slots=True)
class Column:
    """Samples of one metric with the same labels but those of the series.

    Attributes:
        metric: A metric per series.
        values: (N,) one for each row of the table; whole numbers below 0 and NaN stand for no
            sample.
        labels: Values of the labels after those of the dimensions.
    """

    metric: Metric
    values: npt.NDArray[np.float64] | npt.NDArray[np.int64]
    labels: Labels = ()


@dataclass(frozen=True, slots=True)
class _Table:
    keys: Sequence[Labels]
    columns: Sequence[Column]


class SeriesTables:
    """Tables by slot, and their text by metric. Any thread may write and read.

    Two tables must not have the same row in the same metric: Prometheus refuses equal lines.
    """

    def __init__(self, dimensions: Sequence[str]) -> None:
        """Start empty.

        Args:
            dimensions: The configured dimensions, in the order of a row's key.
        """
        self._dimensions = tuple(dimensions)
        self._names = dimension_labels(dimensions)
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._changed = threading.Event()
        self._tables: dict[Slot, _Table] = {}
        self._stale: set[Slot] = set()
        self._texts: dict[Labels, str] = {}
        self._pieces: dict[tuple[Metric, Slot], tuple[bytes, ...]] = {}

    def put(self, slot: Slot, keys: Sequence[Labels], columns: Sequence[Column]) -> None:
        """Replace a table; its text follows with the next `write`.

        Args:
            slot: Whose table it is.
            keys: (N,) dimension values of each row.
            columns: Its columns.
        """
        with self._lock:
            self._tables[slot] = _Table(keys, columns)
            self._stale.add(slot)
        self._changed.set()

    def drop(self, slot: Slot) -> None:
        """Remove a table and its text, at once."""
        with self._lock:
            self._tables.pop(slot, None)
            self._stale.discard(slot)
            self._forget(slot)

    def wait(self, seconds: float) -> bool:
        """Wait until there is something to write; False if there is nothing after so long."""
        return self._changed.wait(seconds)

    @property
    def is_current(self) -> bool:
        """Tell whether the text of all tables is written."""
        return not self._stale and not self._writing.locked()

    def write(self, pause: Callable[[], None] = lambda: time.sleep(PAUSE_SECONDS)) -> None:
        """Write the text of all tables that have changed.

        Args:
            pause: Called between two pieces.
        """
        self._changed.clear()
        with self._writing:
            for slot in sorted(self._stale):
                with self._lock:
                    table = self._tables.get(slot)
                    self._stale.discard(slot)
                if table is not None:
                    self._write_table(slot, table, pause)

    def pieces(self, metric: Metric) -> list[bytes]:
        """Give the text of a metric as written last."""
        with self._lock:
            slots = sorted(slot for of, slot in self._pieces if of is metric)
            return [piece for slot in slots for piece in self._pieces[metric, slot]]

    def _write_table(self, slot: Slot, table: _Table, pause: Callable[[], None]) -> None:
        texts = self._label_texts(table.keys, pause)
        written: dict[Metric, list[bytes]] = {column.metric: [] for column in table.columns}
        for column in table.columns:
            head, tail = self._around(column)
            for first in range(0, len(texts), PIECE_ROWS):
                part = slice(first, first + PIECE_ROWS)
                piece = _piece(head, tail, texts[part], column.values[part])
                if piece:
                    written[column.metric].append(piece)
                pause()
        with self._lock:
            if slot in self._tables:  # it may have been dropped meanwhile
                self._forget(slot)
                self._pieces |= {(of, slot): tuple(some) for of, some in written.items()}

    def _around(self, column: Column) -> tuple[str, str]:
        """Give what stands before and after the labels of the dimensions."""
        names = column.metric.served_label_names(self._dimensions)[len(self._names) :]
        own = label_text(names, column.labels)
        return f"{column.metric.name}{{", f",{own}}} " if own else "} "

    def _label_texts(self, keys: Sequence[Labels], pause: Callable[[], None]) -> list[str]:
        """Give the labels of the dimensions, which are the same for all metrics and windows."""
        with self._lock:
            rows = sum(len(table.keys) for table in self._tables.values())
        if len(self._texts) > 2 * rows + SPARE_TEXTS:
            self._texts.clear()  # most of them are of series that are no more
        known = self._texts
        texts: list[str] = []
        for first in range(0, len(keys), PIECE_ROWS):
            part = keys[first : first + PIECE_ROWS]
            new = {key: label_text(self._names, key) for key in part if key not in known}
            known.update(new)
            texts += [known[key] for key in part]
            pause()
        return texts

    def _forget(self, slot: Slot) -> None:
        for known in [one for one in self._pieces if one[1] == slot]:
            del self._pieces[known]


def _piece(
    head: str,
    tail: str,
    texts: Iterable[str],
    values: npt.NDArray[np.float64] | npt.NDArray[np.int64],
) -> bytes:
    pairs = zip(texts, values.tolist(), strict=True)
    if np.issubdtype(values.dtype, np.integer):
        lines = [f"{head}{text}{tail}{value}\n" for text, value in pairs if value >= 0]
    else:
        lines = [f"{head}{text}{tail}{value!r}\n" for text, value in pairs if value == value]  # noqa: PLR0124 NaN
    return "".join(lines).encode()
