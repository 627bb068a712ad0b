"""Surroundings: what is surely healthy, and what nobody can tell of; never one for the other."""

from itertools import product

import numpy as np
from cell_tables import Cell, cell_table

from streams.domain.series import OTHER
from streams.domain.surroundings import Surroundings
from streams.stages.history import History
from streams.stages.impacts import impact
from streams.stages.region_counts import RegionCounts
from streams.stages.scoping import pool
from streams.stages.surroundings import MOST, surroundings
from streams.stages.tracking import TrackedIncident, TrackedRegion

DIMENSIONS = ("region", "os", "operation")
REGIONS = ("east", "north", "west")
BASE = 0.02
ONSET, NOW = 10, 29


def judged(
    *,
    volumes: dict[str, int] | None = None,
    sick: str = "",
    systems: tuple[str, ...] = ("linux", "windows"),
    regions: dict[str, TrackedRegion] | None = None,
    **scope: tuple[str, ...],
) -> Surroundings:
    """Judge the surroundings of what fails at 40 % while its regions are affected.

    Args:
        volumes: Operations a window of the series with a value; 20 otherwise.
        sick: A value of os whose operations fail at 8 % by themselves.
        systems: Values of os.
        regions: Affected regions; all since the onset if None.
        scope: What fails.
    """
    affected = {name: TrackedRegion(ONSET) for name in REGIONS} if regions is None else regions
    random = np.random.default_rng(7)
    history = History(DIMENSIONS, 60)
    for window in range(NOW + 1):
        cells = []
        for key in product(REGIONS, systems, ("create", "delete")):
            trials = min((volumes or {}).get(value, 20) for value in key)
            level = 0.08 if key[1] == sick and window >= ONSET else BASE
            if _fails(key, scope, affected, window):
                level = 0.4
            if trials:
                cells.append(Cell(window, key, trials, int(random.binomial(trials, level))))
        table = cell_table(DIMENSIONS, cells)
        history.append(window, table, np.full(len(table), BASE))
    nothing = np.zeros((0, 0), np.int64)
    incident = TrackedIncident(
        id="i",
        opened=ONSET + 2,
        onset=ONSET,
        onset_low=ONSET,
        onset_high=ONSET,
        scope=scope,
        baseline=np.full(len(history), BASE),
        counts=RegionCounts(ONSET, nothing, nothing, nothing.astype(np.float64)),
        regions=affected,
    )
    incident.counts = pool(history, incident, 0, NOW)
    whole = impact(incident, history.values[0])
    return surroundings(incident, history, NOW, whole)


def _fails(
    key: tuple[str, ...],
    scope: dict[str, tuple[str, ...]],
    affected: dict[str, TrackedRegion],
    window: int,
) -> bool:
    named = zip(DIMENSIONS, key, strict=True)
    region = affected.get(key[0])
    return (
        all(value in scope.get(name, (value,)) for name, value in named)
        and region is not None
        and region.onset <= window < (region.recovered or NOW + 1)
    )


def names(told: Surroundings) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    unaffected, unknown = (
        {name: sorted(one.value for one in values) for name, values in several.items()}
        for several in (told.unaffected, told.unknown)
    )
    return unaffected, unknown


def test_the_other_values_of_each_dimension_in_the_scope_are_told() -> None:
    told = judged(os=("windows",))
    assert names(told) == ({"os": ["linux"]}, {})
    (linux,) = told.unaffected["os"]
    assert linux.operations == 20 * 6 * 20
    assert abs(linux.failures - linux.expected_failures) < 30
    assert linux.health > 100


def test_values_are_compared_inside_the_rest_of_the_scope() -> None:
    told = judged(os=("windows",), operation=("create",))
    assert names(told) == ({"os": ["linux"], "operation": ["delete"]}, {})
    assert told.unaffected["os"][0].operations == 20 * 3 * 20  # creates alone


def test_regions_that_are_not_affected_are_told_even_if_the_scope_names_none() -> None:
    told = judged(regions={"east": TrackedRegion(ONSET)}, os=("windows",))
    assert names(told) == ({"os": ["linux"], "region": ["north", "west"]}, {})
    assert told.unaffected["os"][0].operations == 20 * 2 * 20  # in the affected region alone


def test_too_little_traffic_is_unknown_and_not_healthy() -> None:
    late = {"east": TrackedRegion(28)}
    told = judged(volumes={"linux": 1}, regions=late, os=("windows",))
    assert names(told) == ({"region": ["north", "west"]}, {"os": ["linux"]})
    assert told.unknown["os"][0].operations == 4


def test_where_there_never_are_operations_there_is_nothing_to_tell() -> None:
    only_east = {"east": TrackedRegion(ONSET)}
    told = judged(volumes={"north": 0}, regions=only_east, region=("east",))
    assert names(told) == ({"region": ["west"]}, {})


def test_a_value_that_fails_by_itself_is_neither_healthy_nor_unknown() -> None:
    assert names(judged(sick="linux", os=("windows",))) == ({}, {})


def test_only_the_windows_in_which_a_region_failed_count() -> None:
    """A region that has recovered says nothing more about what fails beside the scope."""
    short = judged(regions={"east": TrackedRegion(ONSET, ONSET + 5)}, os=("windows",))
    assert short.unaffected["os"][0].operations == 5 * 2 * 20
    assert {one.operations for one in short.unaffected["region"]} == {5 * 2 * 20}


def test_long_lists_end_with_a_sum() -> None:
    systems = ("windows", *(f"s{number:02}" for number in range(MOST + 4)))
    told = judged(systems=systems, os=("windows",))
    listed = [one.value for one in told.unaffected["os"]]
    assert len(listed) == MOST
    assert listed[:3] == ["s00", "s01", "s02"]
    assert listed[-1] == OTHER
    assert told.unaffected["os"][-1].operations == 5 * 20 * 6 * 20
