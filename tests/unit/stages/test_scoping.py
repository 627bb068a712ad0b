"""Scopes: the smallest that explains, two where two explain better, none widened for free."""

from itertools import product

import numpy as np
import pytest
from cell_tables import Cell, cell_table

from streams.stages import scoping
from streams.stages.history import History

DIMENSIONS = ("region", "os", "operation")
REGIONS = tuple(f"r{number}" for number in range(6))
KEYS = tuple(product(REGIONS, ("linux", "windows"), ("create", "delete", "start")))
BASE = 0.02


def history_of(failing: dict[tuple[str, str, str], float], windows: int = 5) -> History:
    """Give 40 operations of every series a window; failing ones at their level, 2 % otherwise."""
    random = np.random.default_rng(3)
    history = History(DIMENSIONS, 20)
    for window in range(windows):
        cells = [
            Cell(window, key, 40, int(random.binomial(40, failing.get(key, BASE)))) for key in KEYS
        ]
        table = cell_table(DIMENSIONS, cells)
        history.append(window, table, np.full(len(table), BASE))
    return history


def found(
    history: History, excluded: dict[str, tuple[str, ...]] | None = None
) -> scoping.FoundScope:
    mask = np.zeros(len(history), np.bool_) if excluded is None else history.matches(excluded)
    return scoping.find_scope(history, np.full(len(history), BASE), 0, 99, mask)


def failing(level: float, **scope: str) -> dict[tuple[str, str, str], float]:
    named = {name: scope.get(name) for name in DIMENSIONS}
    return {
        key: level
        for key in KEYS
        if all(named[name] in {None, value} for name, value in zip(DIMENSIONS, key, strict=True))
    }


def test_a_dimension_that_does_not_matter_is_not_named() -> None:
    assert found(history_of(failing(0.3, os="windows"))).values == {"os": ("windows",)}


def test_a_healthy_fleet_has_no_clear_scope() -> None:
    assert found(history_of({})).ratio < 10


def test_two_unrelated_faults_are_told_apart_and_the_clearer_one_is_given() -> None:
    larger = failing(0.5, region="r1", os="linux")
    smaller = failing(0.3, region="r4", os="windows", operation="delete")
    scope = found(history_of(larger | smaller))
    assert scope.values == {"region": ("r1",), "os": ("linux",)}


def test_one_fault_of_uneven_strength_is_not_torn_apart() -> None:
    levels = failing(0.15, region="r0", os="windows")
    levels |= failing(0.5, region="r2", os="windows") | failing(0.3, region="r4", os="windows")
    scope = found(history_of(levels))
    assert scope.values == {"region": ("r0", "r2", "r4"), "os": ("windows",)}


def test_what_is_excluded_explains_nothing_and_widens_nothing() -> None:
    both = failing(0.4, os="windows") | failing(0.4, region="r2", os="linux")
    scope = found(history_of(both), excluded={"os": ("windows",)})
    assert scope.values == {"region": ("r2",), "os": ("linux",)}


def test_where_everything_is_excluded_nothing_is_found() -> None:
    scope = found(history_of(failing(0.4, os="windows")), excluded={})
    assert (scope.values, scope.ratio) == ({}, 0.0)


def test_the_onset_is_the_first_failing_window_with_an_interval_around_it() -> None:
    history = History(DIMENSIONS, 40)
    random = np.random.default_rng(1)
    for window in range(30):
        level = 0.3 if window >= 20 else BASE
        cells = [Cell(window, key, 40, int(random.binomial(40, level))) for key in KEYS]
        history.append(window, cell_table(DIMENSIONS, cells), np.full(len(KEYS), BASE))
    mask = np.ones(len(history), np.bool_)
    best, low, high = scoping.locate_onset(history, mask, np.full(len(KEYS), BASE), 0, 29)
    assert low <= best <= high
    assert best == 20


def test_the_baseline_of_before_is_kept_and_a_new_series_brings_its_own() -> None:
    history = History(DIMENSIONS, 20)
    old, new = KEYS[0], KEYS[1]
    history.append(1, cell_table(DIMENSIONS, [Cell(1, old, 1)]), np.array([0.1]))
    cells = cell_table(DIMENSIONS, [Cell(5, old, 1), Cell(5, new, 1)])
    history.append(5, cells, np.array([0.5, 0.3]))
    assert scoping.frozen_baseline(history, 5, 5) == pytest.approx([0.1, 0.3])
