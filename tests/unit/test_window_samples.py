"""What a closed window means in metrics."""

import numpy as np
from cell_tables import Cell, cell_table
from numpy.testing import assert_array_equal
from small_fleets import WARM_UP, Fault, fleet, run

from streams import telemetry
from streams.domain.series import OTHER
from streams.window_samples import (
    OUTCOMES,
    SERIES_GAUGES,
    failure_counts,
    operation_counts,
    overflow_counts,
    series_gauges,
    series_states,
    window_gauges,
)

DIMENSIONS = ("region", "os")
NAN = float("nan")


def gauges_of(
    trials: int, failures: int, baseline: float = 0.02, rho: float = 0.001, statistic: float = 2.0
) -> dict[str, float]:
    table = cell_table(DIMENSIONS, [Cell(5, ("eu", "linux"), trials, failures)])
    one = np.ones(1)
    columns = series_gauges(table, baseline * one, rho * one, statistic * one, one > 0)
    return {metric.name.removeprefix("opwatch_"): float(values[0]) for metric, values in columns}


def test_a_series_has_its_ratio_between_the_bounds_of_what_is_normal() -> None:
    found = gauges_of(200, 4)
    assert found["success_ratio"] == 0.98
    assert found["baseline_success_ratio"] == 0.98
    lower, upper = (found[f"baseline_{side}_success_ratio"] for side in ("lower", "upper"))
    assert 0.93 < lower < 0.98 < upper <= 1
    assert found["change_points_active"] == 1
    assert found["change_point_statistic"] == 2


def test_bounds_are_wider_for_fewer_operations() -> None:
    many, few = (gauges_of(count, 0)["baseline_lower_success_ratio"] for count in (2_000, 20))
    assert few < many


def test_what_is_not_known_has_no_sample() -> None:
    idle = gauges_of(0, 0)
    assert np.isnan(idle["success_ratio"])
    assert np.isnan(idle["baseline_lower_success_ratio"])
    assert idle["baseline_success_ratio"] == 0.98
    old = gauges_of(200, 4, rho=NAN, statistic=NAN)
    assert np.isnan(old["baseline_upper_success_ratio"])
    assert np.isnan(old["change_point_statistic"])
    assert old["success_ratio"] == 0.98
    assert np.isnan(gauges_of(200, 4, baseline=NAN)["baseline_lower_success_ratio"])


def test_a_window_tells_of_learning_watched_and_degraded_series() -> None:
    broken = Fault(first=WARM_UP + 10, last=WARM_UP + 30, ratio=0.6, scope={"os": ("windows",)})
    told = run(fleet(WARM_UP + 15, [broken]))
    windows_with_cells = [window for window in told.windows if len(window.cells)]
    first, last = windows_with_cells[0], windows_with_cells[-1]
    learning = dict(window_gauges(first))
    assert np.isnan(learning[telemetry.BASELINE_SUCCESS_RATIO]).all()
    assert np.isnan(learning[telemetry.BASELINE_UPPER_BOUND]).all()
    assert np.isnan(learning[telemetry.STATISTIC]).all()
    assert series_states(first)["learning"] == len(first.cells)
    judged = dict(window_gauges(last))
    assert tuple(judged) == SERIES_GAUGES
    windows = np.array([key[1] == "windows" for key in last.cells.keys()])  # noqa: SIM118 a table
    assert_array_equal(judged[telemetry.CHANGE_POINTS_ACTIVE] == 1, windows)
    ratio = judged[telemetry.SUCCESS_RATIO]
    assert_array_equal(ratio < judged[telemetry.BASELINE_LOWER_BOUND], windows)
    assert series_states(last) == {
        "learning": 0,
        "watched": int((~windows).sum()),
        "degraded": int(windows.sum()),
    }


def test_operations_are_parted_by_outcome() -> None:
    cell = Cell(5, ("eu", "linux"), 10, 3, cancelled=2, caller_faults=1)
    table = cell_table(DIMENSIONS, [cell])
    counts = dict(zip(OUTCOMES, operation_counts(table), strict=True))
    assert {outcome: count.tolist() for outcome, count in counts.items()} == {
        "success": [7],
        "failure": [3],
        "cancelled": [2],
        "caller_fault": [1],
    }


def test_failures_are_added_up_by_region_and_code_and_those_without_one_are_unknown() -> None:
    cells = [
        Cell(5, ("eu", "linux"), 10, 3, errors={"Timeout": 2, "Quota": 1}),
        Cell(5, ("eu", "windows"), 10, 5, errors={"Timeout": 2}),
        Cell(5, ("us", "linux"), 10, 1),
        Cell(5, ("us", "windows"), 10, 0),
    ]
    assert failure_counts(cell_table(DIMENSIONS, cells)) == {
        ("eu", "Timeout"): 4,
        ("eu", "Quota"): 1,
        ("eu", "unknown"): 3,
        ("us", "unknown"): 1,
    }
    assert failure_counts(cell_table(DIMENSIONS, [])) == {}


def test_overflow_is_told_by_the_dimension_that_was_full_or_by_the_number_of_series() -> None:
    cells = [
        Cell(5, ("eu", OTHER), 10, cancelled=1),
        Cell(5, (OTHER, "linux"), 5),
        Cell(5, (OTHER, OTHER), 2, caller_faults=1),
        Cell(5, ("us", "linux"), 100),
    ]
    assert overflow_counts(cell_table(DIMENSIONS, cells)) == {"region": 5, "os": 11, "series": 3}
    assert overflow_counts(cell_table(DIMENSIONS, cells[3:])) == {}
    assert overflow_counts(cell_table(("region",), [Cell(5, (OTHER,), 4)])) == {"region": 4}
