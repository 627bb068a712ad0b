"""Series in the bank: sums over small ones, forgetting, stated and accepted levels."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from cell_tables import Cell, cell_table

from detectors.arrays import Floats
from detectors.detections import Detection, Direction
from streams.config import AcceptedLevel, DetectorSettings, IngestSettings, KnownBaseline, Settings
from streams.domain.series import ANY, SeriesKey
from streams.stages.judge import bank_settings
from streams.stages.watched import Watched
from streams.windows.cells import CellTable

DIMENSIONS = ("region", "os", "vm_type")
HOUR = 60
REGIONS = tuple(f"region-{number:02d}" for number in range(10))
TYPES = ("A1", "B2", "C4", "D8")
TINY = [(region, "windows", kind) for region in REGIONS for kind in TYPES]


def settings(**detectors: Any) -> Settings:  # noqa: ANN401 the types are the section's own
    given: dict[str, Any] = {"group_by": ("os",), "kinds": (), "false_alarms_per_day": 4.0}
    return Settings(
        ingest=IngestSettings(dimensions=DIMENSIONS),
        detectors=DetectorSettings(**{**given, **detectors}),
    )


def watched(**detectors: Any) -> Watched:  # noqa: ANN401
    chosen = settings(**detectors)
    return Watched(chosen, bank_settings(chosen))


def windows(
    keys: Sequence[SeriesKey], count: int, hourly: float, ratio: Floats, seed: int = 1
) -> list[CellTable]:
    """Draw windows; `ratio` (count,) is the failure probability of all series."""
    random = np.random.default_rng(seed)
    tables = []
    for window in range(count):
        trials = random.poisson(hourly / HOUR, len(keys))
        failures = random.binomial(trials, ratio[window])
        cells = [
            Cell(window, key, int(n), int(k))
            for key, n, k in zip(keys, trials, failures, strict=True)
            if n
        ]
        tables.append(cell_table(DIMENSIONS, cells or [Cell(window, keys[0])]))
    return tables


def found(watch: Watched, tables: list[CellTable]) -> list[tuple[SeriesKey, Detection]]:
    detections = []
    for table in tables:
        judged = watch.step(int(table.windows[0]), table)
        keys = list(watch.rows)
        detections += [(keys[one.row], one) for one in judged.step.detections]
    return detections


def test_a_change_that_only_the_sum_of_tiny_series_shows_is_found() -> None:
    """Forty series of one operation an hour: two thirds of an operation a minute together."""
    ratio = np.where(np.arange(2400) < 1800, 0.01, 0.6)
    tables = windows(TINY, 2400, 1.0, ratio)
    together, alone = found(watched(), tables), found(watched(pool_below=0.0), tables)
    sums = [one for key, one in together if ANY in key and one.direction is Direction.DEGRADED]
    assert sums
    assert min(one.window for one in sums) - 1800 < 20
    assert abs(sums[0].onset - 1800) <= 6
    series = [one.window for _, one in alone if one.direction is Direction.DEGRADED]
    assert not series or min(series) - 1800 > 40


def test_tiny_series_in_control_raise_nothing_in_their_sums() -> None:
    tables = windows(TINY, 3000, 1.0, np.full(3000, 0.01), seed=3)
    assert found(watched(), tables) == []


def test_sums_have_no_values_where_their_series_differ() -> None:
    watch = watched()
    found(watch, windows(TINY, 4 * HOUR, 6.0, np.full(4 * HOUR, 0.01)))
    total, region = (ANY, "windows", ANY), (REGIONS[0], "windows", ANY)
    assert watch.names(total) == {"os": "windows"}
    assert {total, region, (ANY, "windows", "A1")} <= set(watch.rows)
    assert watch.series == set(TINY)
    assert ANY not in watch.values[0] | watch.values[2]


def test_large_series_are_in_no_sum_and_a_sum_has_at_least_two_series() -> None:
    watch = watched()
    large = [("big", "windows", "A1"), ("big", "windows", "B2"), ("big", "linux", "A1")]
    for window in range(4 * HOUR):
        cells = [Cell(window, key, 30) for key in large]
        if window % 30 == 0:
            cells.append(Cell(window, ("small", "linux", "A1"), 1))
        watch.step(window, cell_table(DIMENSIONS, cells))
    assert all(ANY not in key for key in watch.rows)


def test_counts_of_a_sum_are_those_of_its_small_series() -> None:
    watch = watched()
    found(watch, windows(TINY[:3], 3 * HOUR, 6.0, np.full(3 * HOUR, 0.01)))
    window = 3 * HOUR
    cells = [Cell(window, key, 2 + place, place) for place, key in enumerate(TINY[:3])]
    watch.step(window, cell_table(DIMENSIONS, cells))
    history = watch.bank.snapshot()["history.counts"]
    row = watch.rows[(REGIONS[0], "windows", ANY)]
    assert isinstance(history, np.ndarray)
    assert history[:, -1, row].tolist() == [9, 3]


def test_a_series_that_is_silent_for_long_is_forgotten_and_its_values_make_room() -> None:
    watch = watched(forget_after=timedelta(days=1))
    gone, stays = ("old", "windows", "A1"), ("new", "windows", "A1")
    for window in range(HOUR):
        cells = [Cell(window, key, 5) for key in (gone, stays)]
        watch.step(window, cell_table(DIMENSIONS, cells))
    for window in range(HOUR, 27 * HOUR, 10):
        watch.step(window, cell_table(DIMENSIONS, [Cell(window, stays, 5)]))
    assert list(watch.rows) == [stays]
    assert watch.values[0] == {"new"}
    assert watch.bank.size == 1


def test_a_stated_baseline_is_judged_by_from_the_first_window_on() -> None:
    stated = KnownBaseline(series={"vm_type": "A1"}, failure_ratio=0.01)
    watch = watched(known_baselines=(stated,))
    keys = [("east", "windows", "A1"), ("east", "windows", "B2")]
    for window in range(12):
        table = cell_table(DIMENSIONS, [Cell(window, key, 40, 20) for key in keys])
        judged = watch.step(window, table)
        assert judged.step.learning.tolist() == [False, True]
        assert judged.step.baseline[0] == pytest.approx(0.01)
        if judged.step.detections:
            break
    assert [one.row for one in judged.step.detections] == [0]


def test_an_accepted_level_closes_the_alarm_once_and_becomes_normal() -> None:
    start = 1_000_000
    at = datetime.fromtimestamp((start + 300) * 60, UTC)
    accepted = AcceptedLevel(series={"region": "east"}, at=at)
    watch = watched(accepted_levels=(accepted,))
    random = np.random.default_rng(5)
    keys = [("east", "windows", "A1"), ("west", "windows", "A1")]
    alarmed: list[int] = []
    detections: list[Detection] = []
    for window in range(start, start + 600):
        levels = np.where(window < start + 250, 0.01, [0.3, 0.01])
        counts = [(key, int(random.binomial(40, p))) for key, p in zip(keys, levels, strict=True)]
        table = cell_table(DIMENSIONS, [Cell(window, key, 40, k) for key, k in counts])
        judged = watch.step(window, table)
        alarmed.append(int(judged.step.alarmed[0]))
        detections += judged.step.detections
    assert alarmed[260] == 1
    assert set(alarmed[300:]) == {0}
    assert len(detections) == 1
    assert judged.step.baseline[0] == pytest.approx(0.3, abs=0.05)


@pytest.mark.parametrize("cut", [1, 59, 60, 130, 200, 239])
def test_a_state_resumed_at_any_cut_goes_on_the_same(cut: int) -> None:
    tables = windows(TINY, 4 * HOUR, 3.0, np.full(4 * HOUR, 0.05), seed=9)
    whole, first = watched(), watched()
    for window, table in enumerate(tables):
        if window == cut:
            again = watched()
            again.restore(first.state())
            first = again
        here, there = whole.step(window, table).step, first.step(window, table).step
        assert here.statistic.tobytes() == there.statistic.tobytes()
    assert list(whole.rows) == list(first.rows)


def test_statements_may_change_between_snapshot_and_resume() -> None:
    watch = watched()
    key = ("east", "windows", "A1")
    for window in range(30):
        watch.step(window, cell_table(DIMENSIONS, [Cell(window, key, 40, 1)]))
    stated = KnownBaseline(series={}, failure_ratio=0.2)
    again = watched(known_baselines=(stated,))
    again.restore(watch.state())
    judged = again.step(30, cell_table(DIMENSIONS, [Cell(30, key, 40, 1)]))
    assert judged.step.baseline[0] == pytest.approx(0.2)
    back = watched()
    back.restore(again.state())
    assert back.step(31, cell_table(DIMENSIONS, [Cell(31, key, 40, 1)])).step.baseline[0] < 0.1
