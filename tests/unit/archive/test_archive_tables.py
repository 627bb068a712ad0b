"""However the archive is cut, written twice and merged: every message is read once."""

import io
from collections.abc import Sequence
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cell_tables import Cell, cell_table
from closed_windows import closed_window
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.domain.errors import OperatorError
from streams.replay.archive_layout import DAY_S, ArchiveFile, days_of
from streams.replay.archive_tables import (
    OFFSET,
    ArchivedMessage,
    DayReader,
    part_tables,
    write_merged,
)
from streams.replay.windows_table import archive_rows, to_arrow
from streams.windows.merging import empty_table, merge

if TYPE_CHECKING:
    from streams.windows.closed import ClosedWindow

DIMENSIONS = ("region", "os")
DAY = 18_913
FIRST = DAY * 1440 + 1380
"""An hour before midnight."""
TOPIC = "5c1f09d2"
EU, US = ("eu", "windows"), ("us", "linux")


def messages_of(count: int) -> list[ArchivedMessage]:
    """Give windows of two partitions over midnight, some late outcomes, some without cells."""
    found: list[ClosedWindow] = []
    for number in range(count):
        window = FIRST + 7 * number
        for partition, key in enumerate((EU, US)):
            cells = [
                Cell(
                    window,
                    key,
                    10 + number,
                    number % 3,
                    errors={"x": number % 3} if number % 3 else {},
                )
            ]
            found.append(closed_window(cell_table(DIMENSIONS, cells), partition))
        if number % 4 == 1:
            late = [Cell(window - 70, EU, 2, 1, late=True), Cell(window, US, 1, late=True)]
            found.append(closed_window(cell_table(DIMENSIONS, late), through=window))
        if number % 5 == 2:
            found.append(closed_window(empty_table(DIMENSIONS), through=window))
    return [ArchivedMessage(offset, closed) for offset, closed in enumerate(found)]


def expected(messages: Sequence[ArchivedMessage]) -> pa.Table:
    whole = merge([one.closed.cells for one in messages], DIMENSIONS)
    return to_arrow(archive_rows(whole), 60)


class Shelf:
    """An archive in memory."""

    def __init__(self) -> None:
        self.data: dict[ArchiveFile, bytes] = {}

    def write(self, messages: Sequence[ArchivedMessage]) -> None:
        for file, table in part_tables(messages, TOPIC).items():
            buffer = io.BytesIO()
            pq.write_table(table, buffer)
            self.data[file] = buffer.getvalue()

    def opened(self, file: ArchiveFile) -> io.BytesIO:
        return io.BytesIO(self.data[file])

    def merge(self, through: int) -> None:
        for day in days_of(one for one in self.data if one.last <= through):
            reader = DayReader([day], self.opened, DIMENSIONS, 60)
            buffer = io.BytesIO()
            rows = (some for _, some in reader.slices(*day.bounds))
            write_merged(rows, buffer, DIMENSIONS, 60)
            for file in (*day.read, *day.obsolete):
                del self.data[file]
            self.data[ArchiveFile(day.day, TOPIC, None, through)] = buffer.getvalue()

    def read(self, start: float = 0, end: float = 1e12) -> pa.Table:
        tables = [expected([])]
        for day in days_of(self.data):
            reader = DayReader([day], self.opened, DIMENSIONS, 60)
            low, high = day.bounds
            for _, rows in reader.slices(max(low, start), min(high, end)):
                tables.append(to_arrow(rows, 60))
        return pa.concat_tables(tables)


@settings(max_examples=15)
@given(st.randoms(use_true_random=False))
def test_every_message_is_read_once_however_often_it_is_written(random: Random) -> None:
    messages = messages_of(30)
    shelf, done = Shelf(), 0
    while done < len(messages):
        # Written, and killed before the commit; then another cut.
        if random.random() < 0.4:
            shelf.write(messages[done : done + random.randint(1, 25)])
        end = done + random.randint(1, 25)
        shelf.write(messages[done:end])
        done = min(end, len(messages))
        if random.random() < 0.3:
            shelf.merge(done - 1)
    assert shelf.read().equals(expected(messages))
    shelf.merge(done - 1)
    assert len(shelf.data) == len(days_of(shelf.data)) > 1
    assert shelf.read().equals(expected(messages))


def test_a_part_has_a_row_for_each_message_with_its_offset() -> None:
    cells = cell_table(DIMENSIONS, [Cell(FIRST, EU, 5)])
    late = cell_table(DIMENSIONS, [Cell(FIRST, EU, 2, late=True)])
    messages = [
        ArchivedMessage(7, closed_window(cells)),
        ArchivedMessage(9, closed_window(late, through=FIRST)),
    ]
    ((file, table),) = part_tables(messages, TOPIC).items()
    assert file == ArchiveFile(DAY, TOPIC, 7, 9)
    assert table[OFFSET].to_pylist() == [7, 9]
    assert table["trials"].to_pylist() == [5, 2]
    assert table["late_trials"].to_pylist() == [0, 2]


def test_messages_without_cells_make_no_part() -> None:
    nothing = ArchivedMessage(0, closed_window(empty_table(DIMENSIONS), through=FIRST))
    assert part_tables([nothing], TOPIC) == {}
    assert part_tables([], TOPIC) == {}


def test_only_the_range_is_given_in_slices_of_an_hour() -> None:
    shelf, messages = Shelf(), messages_of(30)
    shelf.write(messages)
    midnight = (DAY + 1) * DAY_S
    found = shelf.read(midnight - 600, midnight + 600)["window_start"].to_pylist()
    assert min(found) >= datetime.fromtimestamp(midnight - 600, UTC)
    assert max(found) < datetime.fromtimestamp(midnight + 600, UTC)
    assert len(found) == 4
    reader = DayReader(days_of(shelf.data)[1:], shelf.opened, DIMENSIONS, 60)
    ends = [until for until, _ in reader.slices(midnight, midnight + DAY_S)]
    assert ends == [midnight + 3600, midnight + 7200, midnight + 10800]


def test_a_merged_file_is_a_windows_table_as_a_replay_writes_it() -> None:
    shelf = Shelf()
    shelf.write(messages_of(5))
    shelf.merge(100)
    (file,) = shelf.data
    assert pq.read_table(shelf.opened(file)).schema.equals(expected([]).schema)


def test_a_damaged_file_and_one_of_other_dimensions_are_named() -> None:
    shelf = Shelf()
    shelf.write(messages_of(2))
    (file,) = shelf.data
    (day,) = days_of(shelf.data)
    with pytest.raises(OperatorError, match=r"part-.*column 'zone' is missing"):
        list(DayReader([day], shelf.opened, ("zone",), 60).slices(*day.bounds))
    shelf.data[file] = shelf.data[file][:-9]
    with pytest.raises(OperatorError, match=r"part-.* in the archive is damaged"):
        DayReader([day], shelf.opened, DIMENSIONS, 60)
