"""Volume, error codes and durations: what the judge tells of them, and what it keeps to itself."""

from collections.abc import Mapping

import pytest
from cell_tables import Cell, cell_table
from kinds_of_change import (
    DIMENSIONS,
    FIRST,
    KEYS,
    KNOWN,
    SLOW_KNOWN,
    block,
    fleet,
    found,
    nothing,
    settings,
    steady,
    window_of,
)

from detectors.detections import Direction
from streams.config import DetectorSettings
from streams.domain.change_points import ChangeKind
from streams.domain.series import OTHER
from streams.stages.judge import Judge
from streams.stages.kinds import error_codes
from streams.stages.kinds.error_codes import ErrorCodeChanges

BEGIN = KNOWN + 10


def test_a_region_that_goes_silent_and_comes_back_is_one_volume_change_point_each() -> None:
    def course(window: int, key: tuple[str, ...]) -> Mapping[str, object]:
        silent = key[0] == "east" and BEGIN <= window < BEGIN + 12
        return {"volume": 0} if silent else {}

    judge = Judge(settings("volume"), 0)
    fallen, back = found(judge, fleet(BEGIN + 20, course), ChangeKind.VOLUME)
    assert fallen.series == back.series == {"region": "east", "operation": "create"}
    assert (fallen.direction, back.direction) == (Direction.DEGRADED, Direction.RECOVERED)
    assert window_of(fallen.onset) == BEGIN
    assert window_of(fallen.raised) - BEGIN <= 3
    assert window_of(back.onset) == BEGIN + 12
    assert (fallen.baseline_ratio, fallen.ratio) == (1.0, 0.0)
    assert 0.8 < back.ratio <= 1.0
    assert fallen.statistic >= fallen.threshold


def test_a_series_whose_region_goes_on_is_told_by_itself() -> None:
    def course(window: int, key: tuple[str, ...]) -> Mapping[str, object]:
        silent = key[:2] == ("east", "large") and window >= BEGIN
        return {"volume": 4} if silent else {}

    (point,) = found(Judge(settings("volume"), 0), fleet(BEGIN + 10, course), ChangeKind.VOLUME)
    assert point.series == {"region": "east", "vm_type": "large", "operation": "create"}
    assert 0 < point.ratio < 0.05


def test_where_region_and_group_are_all_dimensions_a_series_is_told_once() -> None:
    def course(window: int, key: tuple[str, ...]) -> Mapping[str, object]:
        return {"volume": 0} if key[:2] == ("east", "large") and window >= BEGIN else {}

    whole = settings("volume", group_by=("vm_type", "operation"))
    (point,) = found(Judge(whole, 0), fleet(BEGIN + 10, course), ChangeKind.VOLUME)
    assert point.series == {"region": "east", "vm_type": "large", "operation": "create"}


def test_cancelled_operations_and_faults_of_callers_have_arrived_too() -> None:
    def table(window: int, key: tuple[str, ...]) -> Cell:
        late = window >= BEGIN
        counts = {"cancelled": 100, "caller_faults": 300} if late else {"trials": 400}
        return Cell(FIRST + window, key, **counts)  # type: ignore[arg-type]

    tables = [
        cell_table(DIMENSIONS, [table(window, key) for key in KEYS]) for window in range(BEGIN + 10)
    ]
    assert found(Judge(settings("volume"), 0), tables, ChangeKind.VOLUME) == []


def test_the_windows_of_a_fleet_that_is_silent_as_a_whole_tell_it_themselves() -> None:
    judge = Judge(settings("volume"), 0)
    found(judge, fleet(BEGIN, steady), ChangeKind.VOLUME)
    first, progress = judge.on_block(block(nothing(), BEGIN + 5))
    assert (first.window, first.closed_through) == (None, FIRST + BEGIN + 1)
    assert {point.series["region"] for point in first.change_points} == {"east", "north", "west"}
    assert {window_of(point.onset) for point in first.change_points} == {BEGIN}
    assert (progress.closed_through, progress.change_points) == (FIRST + BEGIN + 5, ())


def test_a_series_that_has_been_silent_for_two_weeks_is_forgotten() -> None:
    def course(window: int, key: tuple[str, ...]) -> Mapping[str, object]:
        return {"volume": 0} if key[0] == "east" and window >= BEGIN else {"volume": 100}

    judge = Judge(settings("volume"), 0)
    points = found(judge, fleet(BEGIN + 14 * 48 + 2, course), ChangeKind.VOLUME)
    assert [point.direction for point in points] == [Direction.DEGRADED]
    state = judge._state.other.state()["volume"]  # noqa: SLF001 what the test is about
    assert {place[0] for place in state["rows"]} == {"north", "west"}
    assert state["open"] == state["told"] == []


def swapped(window: int, key: tuple[str, ...]) -> Mapping[str, object]:
    """Let one code rise from 0.1 % to 2 % in one region while another falls as much."""
    if key[0] == "east" and window >= BEGIN:
        return {"errors": {"Busy": 0.011, "Quota": 0.02}}
    return {"errors": {"Busy": 0.03, "Quota": 0.001}}


def test_a_code_that_rises_while_others_fall_is_an_error_code_change_point() -> None:
    judge = Judge(settings("error_code"), 0)
    (point,) = found(judge, fleet(BEGIN + 20, swapped), ChangeKind.ERROR_CODE)
    assert (point.series, point.error_code) == (
        {"region": "east", "operation": "create"},
        "Quota",
    )
    assert point.direction is Direction.DEGRADED
    assert abs(window_of(point.onset) - BEGIN) <= 1
    assert window_of(point.raised) - BEGIN <= 6
    assert point.baseline_ratio == pytest.approx(0.999, abs=0.0005)
    assert point.ratio == pytest.approx(0.98, abs=0.01)
    record = point.record()
    assert (record["kind"], record["error_code"]) == ("error_code", "Quota")
    assert "quantile" not in record


def test_a_code_that_rises_everywhere_is_told_once_for_the_group() -> None:
    def course(window: int, key: tuple[str, ...]) -> Mapping[str, object]:
        return swapped(window, ("east", *key[1:]))

    judge = Judge(settings("error_code"), 0)
    (point,) = found(judge, fleet(BEGIN + 20, course), ChangeKind.ERROR_CODE)
    assert point.series == {"operation": "create"}


def test_a_code_never_seen_before_is_judged_by_the_operations_without_it() -> None:
    def course(window: int, key: tuple[str, ...]) -> Mapping[str, object]:
        new = key[0] == "east" and window >= 130
        return {"errors": {"Busy": 0.02, "New": 0.01}} if new else {"errors": {"Busy": 0.03}}

    judge = Judge(settings("error_code"), 0)
    points = found(judge, fleet(145, course), ChangeKind.ERROR_CODE)
    assert {point.error_code for point in points} == {"New"}
    assert {window_of(point.onset) for point in points} == {130}
    assert min(window_of(point.raised) for point in points) <= 134


def test_a_code_is_not_told_where_the_success_ratio_falls() -> None:
    def course(window: int, _key: tuple[str, ...]) -> Mapping[str, object]:
        broken = window >= BEGIN
        return {"errors": {"Busy": 0.03, "Quota": 0.2 if broken else 0.001}}

    judge = Judge(settings("error_code"), 0)
    assert found(judge, fleet(BEGIN + 20, course), ChangeKind.ERROR_CODE) == []
    judge = Judge(settings("error_code"), 0)
    assert found(judge, fleet(BEGIN + 20, course), ChangeKind.SUCCESS_RATIO) != []


def test_codes_beyond_the_bound_are_counted_together() -> None:
    def course(window: int, _key: tuple[str, ...]) -> Mapping[str, object]:
        return {"errors": {f"Code-{number}": 0.01 for number in range(window % 9, 12)}}

    judge = Judge(settings("error_code", error_codes=5), 0)
    found(judge, fleet(30, course), ChangeKind.ERROR_CODE)
    rows = judge._state.other.state()["error_code"]["rows"]  # noqa: SLF001 what the test is about
    assert len({code for _, code in rows} - {None, OTHER}) == 5
    assert OTHER in {code for _, code in rows}


def test_rows_of_codes_are_bounded_and_those_not_seen_for_two_weeks_make_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(error_codes, "MAXIMUM_ROWS", 9)

    def course(window: int, _key: tuple[str, ...]) -> Mapping[str, object]:
        return {"volume": 100, "errors": {f"Code-{int(window >= 3)}": 0.5}}

    judge = Judge(settings("error_code"), 0)
    codes = [{"Code-0"}, {"Code-0", "Code-1"}, {"Code-1"}]
    tables = fleet(14 * 48 + 5, course)
    for window, table in enumerate(tables):
        judge.on_block(block(table, window))
        if window in {2, 4, 14 * 48 + 4}:
            rows = judge._state.other.state()["error_code"]["rows"]  # noqa: SLF001
            assert len(rows) <= 9
            assert {code for _, code in rows} - {None} == codes.pop(0)


def test_where_group_and_region_are_one_each_code_is_watched_once() -> None:
    both = DetectorSettings(group_by=("region",), kinds=("error_code",))
    kind = ErrorCodeChanges(settings().model_copy(update={"detectors": both}))
    table = cell_table(DIMENSIONS, [Cell(FIRST, KEYS[0], 10, 2, errors={"Busy": 2})])
    assert kind.on_window(FIRST, table.keys(), table, table.late) == []
    assert len(kind.rows) == 2


def slower(window: int, key: tuple[str, ...]) -> Mapping[str, object]:
    """Let durations double in one series."""
    return {
        "volume": 100,
        "seconds": 40.0 if key == KEYS[0] and window >= SLOW_KNOWN else 20.0,
    }


def test_durations_that_double_are_told_by_quantile() -> None:
    judge = Judge(settings("duration"), 0)
    points = found(judge, fleet(SLOW_KNOWN + 10, slower), ChangeKind.DURATION)
    assert {point.quantile for point in points} == {0.5, 0.95}
    for point in points:
        assert point.direction is Direction.DEGRADED
        assert tuple(point.series.values()) == KEYS[0]
        assert window_of(point.onset) == SLOW_KNOWN
        assert point.record()["quantile"] == point.quantile
        assert point.baseline_ratio == pytest.approx(point.quantile, abs=0.1)
        assert point.ratio < point.baseline_ratio - 0.1


def test_durations_are_not_looked_at_by_default() -> None:
    kinds = DetectorSettings().kinds
    assert kinds == ("volume", "error_code")
    judge = Judge(settings(*kinds), 0)
    tables = fleet(SLOW_KNOWN + 10, slower)
    assert found(judge, tables, ChangeKind.DURATION) == []


@pytest.mark.parametrize("kind", ["volume", "error_code", "duration"])
def test_a_steady_fleet_is_told_nothing_about(kind: str) -> None:
    judge = Judge(settings(kind), 0)
    tables = fleet(SLOW_KNOWN + 100, lambda *_: {"volume": 60})
    assert found(judge, tables, ChangeKind(kind)) == []
