"""The census: which series are small, and which are silent."""

import numpy as np
import pytest

from detectors.census import Census, Smallness

SMALL = Smallness(below=12.0, windows_per_hour=60)


def counted(trials: list[list[int]], hours: int) -> Census:
    """Repeat the given operations of one window (one list per series) for some hours."""
    census = Census(SMALL)
    census.add(len(trials))
    for window in range(hours * 60 + 1):
        census.begins_hour(window)
        census.count(window, np.array([series[window % len(series)] for series in trials]))
    return census


def test_a_series_is_small_once_two_hours_have_shown_little() -> None:
    rare, often = [1] + [0] * 9, [1]
    assert not counted([rare, often], 1).small.any()
    assert counted([rare, often], 2).small.tolist() == [True, False]


def test_the_mean_is_of_operations_an_hour() -> None:
    census = counted([[1] + [0] * 9, [3]], 5)
    assert census.volume == pytest.approx([6.0, 180.0])


def test_hours_left_out_count_as_hours_without_operations() -> None:
    census = counted([[1]], 2)
    census.begins_hour(6 * 60)
    assert census.volume == pytest.approx([121 / 6])


def test_a_small_series_stays_small_until_it_has_grown_fourfold() -> None:
    census = counted([[1] + [0] * 9], 3)
    for window in range(3 * 60 + 1, 40 * 60):
        census.begins_hour(window)
        census.count(window, np.array([int(window % 2 == 0)]))
    assert 12 < census.volume[0] < 48
    assert census.small.tolist() == [True]


def test_whoever_was_never_seen_is_not_silent() -> None:
    census = Census(SMALL)
    census.add(2)
    census.count(5, np.array([1, 0]))
    assert census.silent(6).tolist() == [True, False]
    assert census.silent(5).tolist() == [False, False]


def test_a_state_is_gone_on_from() -> None:
    census = counted([[1] + [0] * 9, [2]], 3)
    again = Census(SMALL)
    again.restore(census.state())
    for one in (census, again):
        one.begins_hour(4 * 60)
        one.count(4 * 60, np.array([1, 1]))
        one.keep(np.array([1]))
    assert again.state().keys() == census.state().keys()
    assert all(np.array_equal(again.state()[name], census.state()[name]) for name in again.state())
