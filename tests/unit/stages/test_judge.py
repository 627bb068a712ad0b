"""The judge: windows close by the watermark, series are judged, and all of it can be resumed."""

from dataclasses import replace

import numpy as np
import pytest
from cell_tables import Cell, cell_table
from small_fleets import (
    DIMENSIONS,
    FIRST,
    SETTINGS,
    SOURCE,
    WARM_UP,
    Fault,
    fleet,
    late,
    progress,
)

from detectors.detections import Direction
from streams.config import Settings, TopicSettings, WindowSettings
from streams.domain.errors import OperatorError, SnapshotError
from streams.domain.outcomes import SourcePartition
from streams.domain.series import OTHER
from streams.stages import judge as judging
from streams.stages.judge import Judge
from streams.windows import tumbling
from streams.windows.blocks import CountsBlock
from streams.windows.cells import CellTable
from streams.windows.closed import ClosedWindow
from streams.windows.closed_codec import encode_closed
from streams.windows.merging import empty_table, merge, select

ONE = SETTINGS.model_copy(update={"topics": TopicSettings(counts_partitions=1)})
NOTHING = empty_table(DIMENSIONS)


def block(table: CellTable, through: int | None = None) -> CountsBlock:
    sources = () if through is None else (progress(through + 1, through),)
    return CountsBlock(60, sources, table)


def judged(judge: Judge, tables: list[CellTable]) -> list[ClosedWindow]:
    return [
        closed
        for window, table in enumerate(tables)
        for closed in judge.on_block(block(table, window))
    ]


def bounded(values: int, series: int) -> Settings:
    limits = WindowSettings(values_per_dimension=values, series=series)
    return ONE.model_copy(update={"windows": limits})


def regions(window: int, count: int, first: int = 0) -> CellTable:
    cells = [
        Cell(FIRST + window, (f"region-{number}", "linux", "create"), 1, errors={"E": 1})
        for number in range(first, first + count)
    ]
    return cell_table(DIMENSIONS, cells)


def test_a_window_closes_only_when_all_source_partitions_have_passed_its_end() -> None:
    judge = Judge(ONE, 0)
    first, second = SOURCE, SourcePartition(SOURCE.topic, 1)
    table = merge(fleet(2), DIMENSIONS)
    assert judge.on_block(CountsBlock(60, (progress(1, 1, first, 2),), table)) == ()
    assert judge.watermark is None
    closed = judge.on_block(CountsBlock(60, (progress(1, 0, second, 2),), NOTHING))
    assert [one.window for one in closed] == [FIRST]
    assert judge.watermark == (FIRST + 1) * 60.0


def test_cells_without_progress_wait() -> None:
    judge = Judge(ONE, 0)
    assert judge.on_block(block(fleet(1)[0])) == ()
    (closed,) = judge.on_block(block(NOTHING, 0))
    assert closed.cells.trials.sum() == fleet(1)[0].trials.sum()


def test_an_empty_stretch_is_told_as_progress() -> None:
    judge = Judge(ONE, 0)
    closed = judge.on_block(block(fleet(1)[0], 5))
    assert [(one.window, one.closed_through) for one in closed] == [
        (FIRST, FIRST),
        (None, FIRST + 5),
    ]
    assert judge.on_block(block(NOTHING, 5)) == ()
    assert judge.on_block(block(NOTHING, 3)) == ()


def test_late_outcomes_are_told_apart_from_windows_and_counted_once() -> None:
    judge = Judge(ONE, 0)
    tables = fleet(3)
    judged(judge, tables)
    mixed = merge([late(tables[0]), tables[1], fleet(4)[3]], DIMENSIONS)
    told, closed = judge.on_block(block(mixed, 3))
    assert (told.window, told.closed_through) == (None, FIRST + 2)
    assert told.cells.trials.sum() == tables[0].trials.sum() + tables[1].trials.sum()
    assert not told.baseline.any()
    assert np.isnan(told.statistic).all()
    assert (closed.window, closed.cells.trials.sum()) == (FIRST + 3, fleet(4)[3].trials.sum())


def test_late_outcomes_before_any_window_has_closed_are_told_too() -> None:
    (told,) = Judge(ONE, 0).on_block(block(late(fleet(1)[0])))
    assert (told.window, told.closed_through) == (None, -1)


def test_a_block_of_other_windows_is_refused_with_what_to_do() -> None:
    with pytest.raises(OperatorError, match=r"30 s .* 60 s: use new topics"):
        Judge(ONE, 0).on_block(CountsBlock(30, (), NOTHING))


def test_a_block_of_other_dimensions_is_refused_with_what_to_do() -> None:
    foreign = CountsBlock(60, (), empty_table(("region", "os")))
    with pytest.raises(OperatorError, match=r"by region, os wait .* changing ingest\.dimensions"):
        Judge(ONE, 0).on_block(foreign)


def test_a_degradation_and_its_recovery_are_change_points_by_the_contract() -> None:
    scope = {"region": ("east",), "os": ("windows",), "operation": ("create",)}
    broken = Fault(first=WARM_UP + 10, last=WARM_UP + 30, ratio=0.6, scope=scope)
    windows = judged(Judge(ONE, 0), fleet(WARM_UP + 50, [broken]))
    degraded, recovered = (point for one in windows for point in one.change_points)
    assert degraded.direction is Direction.DEGRADED
    assert recovered.direction is Direction.RECOVERED
    record = degraded.record()
    assert list(record) == [
        "series",
        "kind",
        "direction",
        "onset",
        "raised",
        "baseline_ratio",
        "ratio",
        "statistic",
        "threshold",
        "onset_interval",
        "ratio_interval",
    ]
    assert record["series"] == {"region": "east", "os": "windows", "operation": "create"}
    assert record["onset"] == "2021-10-13T02:40:00Z"
    assert degraded.raised - degraded.onset <= 3 * 60
    assert degraded.baseline_ratio == pytest.approx(0.98, abs=0.01)
    assert degraded.ratio < 0.6
    assert degraded.statistic >= degraded.threshold
    assert recovered.onset == (FIRST + WARM_UP + 31) * 60
    for point in (degraded, recovered):
        assert point.onset_interval is not None
        assert point.ratio_interval is not None
        assert point.onset_interval[0] <= point.onset <= point.onset_interval[1] < point.raised
        assert point.ratio_interval[0] <= point.ratio <= point.ratio_interval[1]


def test_closed_windows_say_what_the_bank_knows_of_each_cell() -> None:
    broken = Fault(first=WARM_UP + 10, last=WARM_UP + 30, ratio=0.6, scope={"os": ("windows",)})
    windows = judged(Judge(ONE, 0), fleet(WARM_UP + 15, [broken]))
    assert windows[0].learning.all()
    last = windows[-1]
    assert not last.learning.any()
    assert last.baseline == pytest.approx(np.full(len(last.cells), 0.02), abs=0.012)
    assert ((last.rho > 0) & (last.rho < 1)).all()
    assert last.threshold is not None
    well = last.alarmed == 0
    assert (last.statistic[well] < last.threshold).all()
    alarmed = {key for key, flag in zip(last.cells.keys(), last.alarmed, strict=True) if flag == 1}
    assert alarmed == {key for key in last.cells.keys() if key[1] == "windows"}  # noqa: SIM118


def test_new_values_beyond_the_bound_are_other_and_established_ones_stay() -> None:
    judge = Judge(bounded(values=5, series=100), 0)
    (first,) = judge.on_block(block(regions(0, 4), 0))
    assert OTHER not in first.cells.values[0]
    (second,) = judge.on_block(block(regions(1, 50), 1))
    kept = set(second.cells.values[0])
    assert kept > set(first.cells.values[0])
    assert len(kept) == 6
    assert second.cells.trials.sum() == 50
    (third,) = judge.on_block(block(regions(2, 50, 20), 2))
    assert set(third.cells.values[0]) <= kept
    assert judge.series == 6


def test_new_series_beyond_the_bound_are_other() -> None:
    judge = Judge(bounded(values=100, series=5), 0)
    (closed,) = judge.on_block(block(regions(0, 50), 0))
    assert len(closed.cells) == 6
    assert closed.cells.trials.sum() == 50
    assert judge.series == 6


def test_an_explosion_of_values_stays_bounded_while_its_window_is_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tumbling, "COMPACT_ROWS", 300)
    monkeypatch.setattr(judging, "MAXIMUM_HELD_ROWS", 500)
    judge = Judge(bounded(values=20, series=30), 0)
    held = 0
    for start in range(0, 20_000, 100):
        judge.on_block(block(regions(0, 100, start)))
        held = max(held, judge._state.open.held)  # noqa: SLF001 what the bound is about
    assert held < 2_000
    (closed,) = judge.on_block(block(NOTHING, 0))
    assert closed.cells.trials.sum() == 20_000
    assert closed.cells.error_codes.counts.sum() == 20_000
    assert len(closed.cells) <= 31


def test_cells_of_many_open_windows_are_added_up_without_changing_the_result(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tables = fleet(20)
    whole = Judge(ONE, 0).on_block(block(merge(tables, DIMENSIONS), 19))
    monkeypatch.setattr(tumbling, "COMPACT_ROWS", 10)
    judge = Judge(ONE, 0)
    for table in tables:
        assert judge.on_block(block(table)) == ()
    crowded = judge.on_block(block(NOTHING, 19))
    assert [encode_closed(one) for one in crowded] == [encode_closed(one) for one in whole]


def test_a_snapshot_of_other_settings_is_refused() -> None:
    judge = Judge(ONE, 0)
    with pytest.raises(SnapshotError, match="settings that shape its state have changed"):
        Judge.resume(bounded(values=7, series=7), 0, judge.snapshot())


def test_a_snapshot_holds_open_windows_sources_and_what_is_admitted() -> None:
    settings = bounded(values=5, series=100)
    judge = Judge(settings, 0)
    judge.on_block(block(regions(0, 5), 0))
    judge.on_block(block(regions(1, 5)))
    again = Judge.resume(settings, 0, judge.snapshot())
    assert again.watermark == judge.watermark
    assert again.series == 5
    (closed,) = again.on_block(block(regions(1, 50), 1))
    assert closed.cells.trials.sum() == 55
    assert set(closed.cells.values[0]) == {*(f"region-{number}" for number in range(5)), OTHER}


def test_snapshots_do_not_depend_on_the_order_in_which_sources_were_heard() -> None:
    sources = [progress(1, 0, SourcePartition(SOURCE.topic, number), 2) for number in range(2)]
    judges = [Judge(ONE, 0), Judge(ONE, 0)]
    for judge, order in zip(judges, (sources, sources[::-1]), strict=True):
        for one in order:
            judge.on_block(CountsBlock(60, (one,), NOTHING))
    assert judges[0].snapshot() == judges[1].snapshot()


def test_a_series_judged_alone_in_its_group_is_judged_too() -> None:
    settings = ONE.model_copy(
        update={"detectors": ONE.detectors.model_copy(update={"group_by": ()})}
    )
    table = fleet(1)[0]
    (closed,) = Judge(settings, 0).on_block(block(select(table, table.trials >= 0), 0))
    assert len(closed.baseline) == len(table)


def test_an_idle_source_does_not_hold_a_window_open() -> None:
    judge = Judge(ONE, 0)
    quiet = replace(progress(1, 0), idle=True)
    closed = judge.on_block(CountsBlock(60, (quiet,), fleet(1)[0]))
    assert [one.window for one in closed] == [FIRST, None]
