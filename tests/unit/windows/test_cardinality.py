"""Bounds on cardinality: who stays does not depend on order, and nothing is lost."""

import numpy as np
from cell_tables import Cell, cell_table

from streams.domain.series import OTHER
from streams.windows.cardinality import admit, bound_series, bound_values
from streams.windows.merging import merge, select

DIMENSIONS = ("region", "os")
NOTHING: tuple[set[str], set[str]] = (set(), set())


def regions(count: int, first: int = 0) -> list[Cell]:
    return [
        Cell(0, (f"region-{number}", "linux"), 2, 1, errors={"E": 1}, durations={4: 2})
        for number in range(first, first + count)
    ]


def test_values_with_the_smallest_checksums_are_admitted_whatever_their_order() -> None:
    names = [f"v{number}" for number in range(20)]
    assert admit(names, 5) == admit(reversed(names), 5)
    assert set(admit(names, 4)) < set(admit(names, 5))


def test_nothing_is_admitted_where_there_is_no_room() -> None:
    assert admit(["a"], 0) == ()
    assert admit(["a"], -1) == ()


def test_a_table_within_its_bounds_stays_as_it_is() -> None:
    table = cell_table(DIMENSIONS, regions(5))
    assert bound_values(table, NOTHING, 5) is table
    assert bound_series(table, set(), 5) is table


def test_values_beyond_the_limit_are_counted_as_other_and_nothing_is_lost() -> None:
    table = cell_table(DIMENSIONS, regions(50))
    bounded = bound_values(table, NOTHING, 10)
    assert len(bounded.values[0]) == 11
    assert OTHER in bounded.values[0]
    assert bounded.trials.sum() == table.trials.sum()
    assert bounded.failures.sum() == table.failures.sum()
    assert bounded.error_codes.counts.sum() == table.error_codes.counts.sum()
    assert bounded.durations.counts.sum() == table.durations.counts.sum()
    assert len(bounded) == 11


def test_established_values_keep_their_place_and_other_takes_none() -> None:
    table = cell_table(DIMENSIONS, [*regions(50), Cell(0, (OTHER, "linux"), 3)])
    known = ({"region-7", "region-8", OTHER}, {"linux"})
    kept = set(bound_values(table, known, 3).values[0])
    assert kept > {"region-7", "region-8", OTHER}
    assert len(kept) == 4


def test_bounding_the_parts_first_admits_the_same_values() -> None:
    whole = cell_table(DIMENSIONS, regions(60))
    parts = [cell_table(DIMENSIONS, regions(20, first)) for first in (40, 0, 20)]
    early = merge([bound_values(part, NOTHING, 8) for part in parts], DIMENSIONS)
    assert bound_values(early, NOTHING, 8).values == bound_values(whole, NOTHING, 8).values


def test_series_beyond_the_limit_become_the_one_of_all_other() -> None:
    table = cell_table(DIMENSIONS, regions(30))
    bounded = bound_series(table, {("region-3", "linux")}, 6)
    keys = bounded.keys()
    assert len(keys) == 7
    assert (OTHER, OTHER) in keys
    assert ("region-3", "linux") in keys
    assert bounded.trials.sum() == table.trials.sum()
    assert bounded.error_codes.counts.sum() == table.error_codes.counts.sum()


def test_the_series_of_all_other_takes_no_place_among_the_known() -> None:
    table = cell_table(DIMENSIONS, regions(3))
    assert bound_series(table, {(OTHER, OTHER)}, 3) is table


def test_series_already_other_are_not_counted_as_new() -> None:
    table = cell_table(DIMENSIONS, [*regions(2), Cell(0, (OTHER, OTHER), 5)])
    assert bound_series(table, set(), 2) is table


def test_which_series_are_admitted_does_not_depend_on_what_else_is_in_the_table() -> None:
    whole = bound_series(cell_table(DIMENSIONS, regions(30)), set(), 4)
    admitted = [key for key in whole.keys() if OTHER not in key]  # noqa: SIM118 no mapping
    rows = np.array([key in admitted for key in whole.keys()])  # noqa: SIM118
    assert bound_series(select(whole, rows), set(), 4).keys() == admitted
