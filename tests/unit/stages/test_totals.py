"""Totals add closed windows up, begin at 0, go on from a snapshot, and forget what is no more."""

from collections.abc import Sequence
from datetime import timedelta

import msgspec
import numpy as np
from cell_tables import Cell, cell_table

from detectors.detections import Direction
from streams.config import DetectorSettings, IngestSettings, Settings
from streams.domain.change_points import ChangeKind, ChangePoint
from streams.domain.series import OTHER
from streams.stages.snapshots import pack, unpack
from streams.stages.totals import Totals
from streams.window_samples import OUTCOMES

DIMENSIONS = ("region", "os")
SETTINGS = Settings(
    ingest=IngestSettings(dimensions=DIMENSIONS),
    detectors=DetectorSettings(error_codes=2, forget_after=timedelta(days=1), kinds=("volume",)),
)
DAY = 24 * 60
LINUX, WINDOWS = ("eu", "linux"), ("eu", "windows")


def totals_of(*windows: Sequence[Cell]) -> Totals:
    totals = Totals(SETTINGS)
    known: set[tuple[str, ...]] = set()
    for number, cells in enumerate(windows):
        known |= {cell.key for cell in cells}
        totals.add(number, cell_table(DIMENSIONS, cells), known)
    return totals


def served(totals: Totals) -> dict[tuple[str, ...], dict[str, int]]:
    """Give what is served, by series and outcome."""
    rows = totals.served_operations().tolist()
    return {
        key: {name: count for name, count in zip(OUTCOMES, rows[row], strict=True) if count >= 0}
        for key, row in totals.rows.items()
    }


def test_operations_add_up_and_a_series_begins_at_0() -> None:
    first = [Cell(0, LINUX, 10, 2)]
    assert served(totals_of(first)) == {LINUX: {"success": 0, "failure": 0}}
    second = [Cell(1, LINUX, 5, 5), Cell(1, WINDOWS, 3, 0)]
    assert served(totals_of(first, second)) == {
        LINUX: {"success": 8, "failure": 7},
        WINDOWS: {"success": 0, "failure": 0},
    }
    third = [Cell(2, LINUX, 1, 0)]
    found = totals_of(first, second, third)
    assert served(found)[WINDOWS] == {"success": 3, "failure": 0}
    assert found.windows == 3


def test_the_first_failure_of_a_series_is_seen_as_an_increase() -> None:
    found = totals_of([Cell(0, LINUX, 10, 0)], [Cell(1, LINUX, 10, 4)])
    assert served(found)[LINUX]["failure"] == 4


def test_outcomes_that_are_rare_are_served_from_their_first_on_and_begin_at_0() -> None:
    usual, odd = [Cell(0, LINUX, 10, 0)], [Cell(1, LINUX, 10, 0, cancelled=3)]
    assert served(totals_of(usual, odd))[LINUX] == {"success": 20, "failure": 0, "cancelled": 0}
    later = served(totals_of(usual, odd, [Cell(2, LINUX, 1, 0, cancelled=1)]))
    assert later[LINUX] == {"success": 21, "failure": 0, "cancelled": 4}


def test_a_new_error_code_begins_at_0() -> None:
    first = [Cell(0, LINUX, 10, 3, errors={"A": 2})]
    found = totals_of(first)
    assert found.served_failures() == {("eu", "A"): 0, ("eu", "unknown"): 0}
    assert found.failures == {("eu", "A"): 2, ("eu", "unknown"): 1}
    found = totals_of(first, [Cell(1, LINUX, 10, 1, errors={"B": 1})])
    assert found.served_failures() == {("eu", "A"): 2, ("eu", "unknown"): 1, ("eu", "B"): 0}


def test_codes_beyond_the_bound_are_other_and_established_ones_stay() -> None:
    codes = [{"A": 1}, {"B": 1}, {"C": 5, "A": 1}]
    found = totals_of(
        *([Cell(at, LINUX, 9, sum(one.values()), errors=one)] for at, one in enumerate(codes))
    )
    assert found.failures == {("eu", "A"): 2, ("eu", "B"): 1, ("eu", OTHER): 5}


def test_a_code_that_has_not_been_seen_for_long_makes_room() -> None:
    totals = Totals(SETTINGS)
    for window, code in [(0, "A"), (DAY, "B"), (DAY + 1, "C")]:
        cells = cell_table(DIMENSIONS, [Cell(window, LINUX, 9, 1, errors={code: 1})])
        totals.add(window, cells, {LINUX})
    assert totals.failures == {("eu", "B"): 1, ("eu", "C"): 1}


def test_series_that_the_judge_has_forgotten_are_forgotten() -> None:
    totals = Totals(SETTINGS)
    many = [Cell(0, (f"r{number}", "linux"), 2, 1) for number in range(50)]
    totals.add(0, cell_table(DIMENSIONS, many), {cell.key for cell in many})
    kept = {("r7", "linux"), ("r3", "linux")}
    totals.add(1, cell_table(DIMENSIONS, [Cell(1, ("r7", "linux"), 2, 1)]), kept)
    assert totals.rows.keys() == kept
    assert served(totals)["r7", "linux"] == {"success": 2, "failure": 2}
    assert totals.operations.shape == (2, 4)


def test_what_has_not_happened_is_0_and_change_points_are_counted_by_kind() -> None:
    totals = Totals(SETTINGS)
    ways = [(kind, way.value) for kind in ("success_ratio", "volume") for way in Direction]
    assert totals.change_points == dict.fromkeys(ways, 0)
    assert totals.overflowed == {"region": 0, "os": 0, "series": 0}
    point = ChangePoint(
        series={},
        direction=Direction.DEGRADED,
        onset=0.0,
        raised=60.0,
        baseline_ratio=1.0,
        ratio=0.5,
        statistic=1.0,
        threshold=1.0,
        kind=ChangeKind.VOLUME,
    )
    totals.add_changes([point, point])
    assert totals.change_points["volume", "degraded"] == 2
    totals.add(0, cell_table(DIMENSIONS, [Cell(0, ("eu", OTHER), 4, 0)]), {("eu", OTHER)})
    assert totals.overflowed == {"region": 0, "os": 4, "series": 0}


def test_a_resumed_total_is_the_same_and_goes_on_the_same() -> None:
    windows = [
        [Cell(0, LINUX, 10, 2, errors={"A": 1}, cancelled=1)],
        [Cell(1, LINUX, 5, 5, errors={"B": 4}), Cell(1, WINDOWS, 3, 0)],
        [Cell(2, WINDOWS, 3, 1, errors={"C": 1})],
    ]
    whole = totals_of(*windows)
    resumed = Totals(SETTINGS)
    resumed.restore(unpack("t", "f", pack("t", "f", totals_of(*windows[:2]).state())))
    resumed.add(2, cell_table(DIMENSIONS, windows[2]), {LINUX, WINDOWS})
    np.testing.assert_array_equal(resumed.served_operations(), whole.served_operations())
    assert msgspec.json.encode(resumed.state()["failures"]) == msgspec.json.encode(
        whole.state()["failures"]
    )
    assert resumed.windows == whole.windows == 3
