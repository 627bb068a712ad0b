"""Counts of a report: by region and window, however cut, with the share that ran a release."""

import numpy as np
import pytest
from cell_tables import Cell, cell_table
from hypothesis import given
from hypothesis import strategies as st
from small_reports import DIMENSIONS, END, ONSET, STEPS, fleet_rows, step

from streams.replay.report.counts import ScopeCounter, bin_width, exposure, matching
from streams.replay.windows_table import archive_rows, select_rows


def test_a_scope_is_counted_by_region_and_window_with_what_came_late_apart() -> None:
    counter = ScopeCounter({"os": ["windows"]}, 60)
    counter.add_rows(fleet_rows())
    counted = counter.counted()
    assert counted.regions == ("eu", "us")
    assert counted.first == ONSET - 90
    trials, failures, late, late_failures = counted.counts.sum(axis=2).tolist()
    assert trials == [12_003, 12_000]
    assert failures == [100 * 1 + 20 * 50 + 2, 120]
    assert (late, late_failures) == ([3, 0], [2, 0])


def test_a_dimension_that_is_not_watched_does_not_matter() -> None:
    counter = ScopeCounter({"zone": ["1"], "os": ["windows"]}, 60)
    counter.add_rows(fleet_rows())
    assert int(counter.counted().counts[0].sum()) == 24_003


def test_only_the_windows_asked_for_are_counted() -> None:
    counter = ScopeCounter({}, 60, first=ONSET, last=ONSET + 1)
    counter.add_rows(fleet_rows())
    assert counter.counted().first == ONSET
    assert counter.counted().counts[0].tolist() == [[200, 200], [200, 200]]


def test_without_operations_there_are_no_regions_and_no_windows() -> None:
    counted = ScopeCounter({"os": ["plan9"]}, 60, releases=[STEPS])
    counted.add_rows(fleet_rows())
    assert counted.counted().regions == ()
    assert counted.counted().counts.shape == (4, 0, 0)
    assert counted.counted().binned(10).counts.shape == (4, 0, 0)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=40))
def test_the_counts_do_not_depend_on_how_the_rows_are_cut(parts: list[int]) -> None:
    rows = fleet_rows(ONSET - 5, ONSET + 5)
    owner = np.resize(np.array(parts), len(rows))
    whole, cut = (ScopeCounter({}, 60, releases=[STEPS]) for _ in range(2))
    whole.add_rows(rows)
    for part in range(4):
        cut.add_rows(select_rows(rows, owner == part))
    assert cut.counted().regions == whole.counted().regions
    assert np.array_equal(cut.counted().counts, whole.counted().counts)
    assert np.array_equal(cut.counted().exposed, whole.counted().exposed)


def test_a_release_is_exposed_from_its_step_on_and_where_it_reaches() -> None:
    counter = ScopeCounter({"os": ["windows"]}, 60, releases=[STEPS])
    counter.add_rows(fleet_rows())
    counted = counter.counted()
    (eu, us) = counted.exposed[0] / counted.counts[0]
    minutes = np.arange(-90, 30)
    assert eu[minutes < 0].max() == 0
    assert eu[(minutes >= 0) & (minutes < 20)].min() == 1
    assert eu[minutes >= 20].max() == 0
    assert us[minutes < -60].max() == 0
    assert us[minutes >= -60].tolist() == pytest.approx([0.2] * 90)


def test_a_later_step_replaces_an_earlier_one_only_where_it_reaches() -> None:
    cells = cell_table(DIMENSIONS, [Cell(9, ("eu", "linux"), 1), Cell(9, ("eu", "windows"), 1)])
    steps = [step(-ONSET, 0.5), step(-ONSET + 1, 0.1, os=("linux",))]
    assert exposure(cells, np.arange(2), steps, 60).tolist() == [0.1, 0.5]


def test_a_scope_with_values_that_are_nowhere_matches_nothing() -> None:
    cells = cell_table(DIMENSIONS, [Cell(9, ("eu", "linux"), 1)])
    assert not matching(cells, {"os": ["windows"]}).any()
    assert matching(cells, {}).all()


@given(st.integers(1, 5000), st.integers(1, 600))
def test_a_point_stands_for_as_few_windows_as_leave_no_more_points_than_asked(
    windows: int, most: int
) -> None:
    assert windows <= bin_width(windows, most) * most


@given(st.integers(0, 50), st.integers(1, 90), st.integers(1, 40))
def test_neighbouring_windows_are_added_up_without_loss_between_round_times(
    first: int, wide: int, most: int
) -> None:
    cells = [Cell(first + n, ("eu", "linux"), n + 1, n) for n in range(wide)]
    counter = ScopeCounter({}, 60)
    counter.add_rows(archive_rows(cell_table(DIMENSIONS, cells)))
    binned = counter.counted().binned(most)
    assert binned.counts.sum(axis=2).tolist() == counter.counted().counts.sum(axis=2).tolist()
    width = bin_width(wide, most)
    assert binned.seconds == 60 * width
    for start, trials in zip(binned.starts().tolist(), binned.counts[0, 0].tolist(), strict=True):
        inside = [n + 1 for n in range(wide) if start <= (first + n) * 60 < start + binned.seconds]
        assert trials == sum(inside)


def test_the_windows_between_two_instants_are_those_that_begin_there() -> None:
    counter = ScopeCounter({}, 60)
    counter.add_rows(fleet_rows())
    between = counter.counted().between(ONSET * 60.0, END * 60.0)
    assert (between.first, between.counts.shape[2]) == (ONSET, END - ONSET)
    assert counter.counted().between(ONSET * 60.0, None).counts.shape[2] == 30
    assert counter.counted().between(1e12, None).counts.shape[2] == 0
