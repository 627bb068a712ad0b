"""The history: a ring of the newest windows, by series."""

import numpy as np
from cell_tables import Cell, cell_table

from streams.stages.history import History

DIMENSIONS = ("region", "os")
EAST, WEST = ("east", "linux"), ("west", "windows")


def appended(history: History, window: int, *cells: Cell, baseline: float = 0.1) -> None:
    table = cell_table(DIMENSIONS, cells)
    history.append(window, table, np.full(len(table), baseline))


def some_history(length: int = 10) -> History:
    history = History(DIMENSIONS, length)
    appended(history, 5, Cell(5, EAST, 10, 1, errors={"B": 1}))
    appended(history, 6, Cell(6, EAST, 20, 2), Cell(6, WEST, 7, 3, errors={"A": 2, "B": 1}))
    return history


def test_counts_stand_at_their_window_and_series() -> None:
    stretch = some_history().stretch(5, 6)
    assert stretch.first == 5
    assert stretch.trials.tolist() == [[10, 20], [0, 7]]
    assert stretch.failures.tolist() == [[1, 2], [0, 3]]


def test_a_stretch_ends_where_the_history_ends() -> None:
    history = some_history()
    assert history.stretch(0, 99).trials.shape == (2, 2)
    assert history.stretch(0, 99).first == 5
    assert history.stretch(8, 9).trials.shape == (2, 0)
    assert History(DIMENSIONS, 10).stretch(0, 9).trials.shape == (0, 0)


def test_a_stretch_may_be_of_some_series_only() -> None:
    stretch = some_history().stretch(5, 6, np.array([False, True]))
    assert stretch.trials.tolist() == [[0, 7]]


def test_what_is_expected_follows_each_window_s_own_baseline() -> None:
    history = some_history()
    appended(history, 7, Cell(7, EAST, 10), baseline=0.5)
    np.testing.assert_allclose(
        history.expected(5, 7), [[1.0, 2.0, 5.0], [0.0, 0.7, 0.0]], rtol=1e-6
    )


def test_old_windows_are_forgotten_and_skipped_ones_are_empty() -> None:
    history = some_history(length=4)
    appended(history, 9, Cell(9, EAST, 4, 4))
    stretch = history.stretch(0, 99)
    assert stretch.first == 6
    assert stretch.trials.tolist() == [[20, 0, 0, 4], [7, 0, 0, 0]]
    assert [one.window for one in history.errors] == [6]


def test_a_gap_longer_than_the_history_empties_it() -> None:
    history = some_history(length=4)
    appended(history, 100, Cell(100, EAST, 1))
    assert history.stretch(0, 200).trials.tolist() == [[0, 0, 0, 1], [0, 0, 0, 0]]
    assert history.errors == []


def test_two_partitions_may_bring_the_same_window() -> None:
    history = some_history()
    appended(history, 7, Cell(7, EAST, 5))
    appended(history, 7, Cell(7, WEST, 6))
    assert history.stretch(7, 7).trials.tolist() == [[5], [6]]


def test_the_newest_baseline_by_a_window_is_known_and_none_is_none() -> None:
    history = some_history()
    appended(history, 8, Cell(8, EAST, 1), baseline=0.4)
    np.testing.assert_allclose(history.baseline_at(5), [0.1, np.nan], rtol=1e-6)
    np.testing.assert_allclose(history.baseline_at(7), [0.1, 0.1], rtol=1e-6)
    np.testing.assert_allclose(history.baseline_at(8), [0.4, 0.1], rtol=1e-6)
    np.testing.assert_array_equal(history.baseline_at(4), [np.nan, np.nan])


def test_error_codes_stand_with_their_series() -> None:
    (first, second) = some_history().errors
    assert (first.labels, first.rows.tolist(), first.counts.tolist()) == (("B",), [0], [1])
    assert [second.labels[name] for name in second.names] == ["A", "B"]
    assert second.rows.tolist() == [1, 1]
    assert second.counts.tolist() == [2, 1]


def test_a_scope_matches_by_every_dimension_it_names() -> None:
    history = some_history()
    assert history.matches({}).tolist() == [True, True]
    assert history.matches({"os": ("windows",)}).tolist() == [False, True]
    assert history.matches({"os": ("windows",), "region": ("east",)}).tolist() == [False, False]
    assert history.matches({"region": ("east", "mars", "west")}).tolist() == [True, True]
    assert history.matches({"region": ("mars",)}).tolist() == [False, False]


def test_a_dimension_that_is_not_watched_tells_nothing_apart() -> None:
    assert some_history().matches({"extension": ("x",)}).tolist() == [True, True]


def test_room_grows_with_the_series() -> None:
    history = History(DIMENSIONS, 3)
    cells = [Cell(1, (f"r{number:03}", "linux"), number + 1) for number in range(600)]
    appended(history, 1, *cells)
    appended(history, 2, *cells)
    assert len(history) == 600
    assert history.stretch(1, 1).trials[:, 0].tolist() == [number + 1 for number in range(600)]
    assert history.codes.shape == (600, 2)
    assert history.values[0][599] == "r599"
