"""Counts partitions are lined up: a window is done when every partition has closed it, once."""

import numpy as np
from cell_tables import Cell, cell_table

from streams.stages.alignment import Alignment
from streams.windows.closed import ClosedWindow

Given = list[tuple[int, list[int]]]


def closed(partition: int, through: int, *, empty: bool = False) -> ClosedWindow:
    cells = [] if empty else [Cell(through, (f"r{partition}",), 1)]
    table = cell_table(("region",), cells)
    size = len(table)
    return ClosedWindow(
        partition=partition,
        closed_through=through,
        window=None if empty else through,
        window_seconds=60,
        cells=table,
        baseline=np.zeros(size),
        learning=np.zeros(size, np.bool_),
        alarmed=np.zeros(size, np.int8),
        rho=np.zeros(size),
        statistic=np.zeros(size),
    )


def given_by(alignment: Alignment, *messages: ClosedWindow) -> Given:
    return [
        (window, [piece.partition for piece in pieces])
        for message in messages
        for window, pieces in alignment.add(message)
    ]


def test_no_window_is_done_before_every_partition_has_closed_it() -> None:
    alignment = Alignment(2)
    assert given_by(alignment, closed(1, 5), closed(1, 6)) == []
    assert given_by(alignment, closed(0, 5)) == [(5, [0, 1])]
    assert given_by(alignment, closed(0, 6)) == [(6, [0, 1])]


def test_windows_come_in_time_order_with_pieces_in_the_order_of_partitions() -> None:
    alignment = Alignment(3)
    early = [closed(2, 5), closed(2, 7), closed(1, 6), closed(1, 7)]
    assert given_by(alignment, *early, closed(0, 9, empty=True)) == [
        (5, [2]),
        (6, [1]),
        (7, [1, 2]),
    ]


def test_progress_without_cells_lets_the_others_go_on() -> None:
    alignment = Alignment(2)
    assert given_by(alignment, closed(0, 5), closed(1, 8, empty=True)) == [(5, [0])]
    assert given_by(alignment, closed(0, 8), closed(0, 9)) == [(8, [0])]
    assert given_by(alignment, closed(1, 9, empty=True)) == [(9, [0])]


def test_a_redelivered_message_changes_nothing() -> None:
    alignment = Alignment(2)
    messages = [closed(0, 5), closed(1, 5), closed(0, 6)]
    given_by(alignment, *messages)
    assert given_by(alignment, *messages) == []
    assert given_by(alignment, closed(1, 6)) == [(6, [0, 1])]


def test_late_outcomes_change_nothing() -> None:
    alignment = Alignment(1)
    assert given_by(alignment, closed(0, 5)) == [(5, [0])]
    assert given_by(alignment, closed(0, 5, empty=True)) == []
    assert given_by(alignment, closed(0, 6)) == [(6, [0])]


def test_nothing_waits_once_it_has_been_given() -> None:
    alignment = Alignment(2)
    given_by(alignment, closed(0, 5), closed(1, 5), closed(1, 6))
    assert [(piece.partition, piece.window) for piece in alignment.waiting] == [(1, 6)]
