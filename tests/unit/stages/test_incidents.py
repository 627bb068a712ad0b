"""Incidents: what breaks together is one, what does not is two, and all of them end."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any

import jsonschema
import numpy as np
import pytest
from small_fleets import BEGIN_OF_TROUBLE as BEGIN
from small_fleets import (
    DIMENSIONS,
    FIRST,
    REGIONS,
    SETTINGS,
    Fault,
    Told,
    blocks_of,
    fleet,
    pipeline,
    progress,
    release,
    run,
)

from detectors.detections import Direction
from streams.config import IncidentSettings
from streams.domain.change_points import ChangePoint
from streams.domain.errors import OperatorError, SnapshotError
from streams.domain.incidents import IncidentRecord, IncidentStatus
from streams.domain.releases import ReleaseAction, ReleaseEvent
from streams.stages.incident_state import IncidentsState
from streams.stages.incidents import Incidents
from streams.stages.judge import Judge
from streams.stages.partitions import incident_line
from streams.windows.closed import ClosedWindow
from streams.windows.merging import empty_table, select

WINDOWS = {"os": ("windows",)}
A = {"region": ("east",), "os": ("linux",), "operation": ("create",)}
B = {"region": ("west",), "os": ("windows",), "operation": ("delete",)}
SCHEMA = json.loads((files("streams.schemas") / "incident.schema.json").read_text("utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(
    SCHEMA, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
)
ROLLED_BACK = ReleaseAction.ROLLED_BACK
RELEASES = (
    release("innocent", 20),
    release("migration", BEGIN - 0.5, 0.5, os=("windows",)),
    release("migration", BEGIN + 31, 0.0, ROLLED_BACK, os=("windows",)),
)


def window(instant: float) -> int:
    """Count a window from the fleet's first one."""
    return int(instant) // 60 - FIRST


@cache
def told_of(*faults: tuple[int, int, float, str, str], windows: int = 90) -> Told:
    """Run the fleet with faults: first and last window after the beginning, ratio, scope, code."""
    broken = [
        Fault(
            first=BEGIN + first, last=BEGIN + last, ratio=ratio, scope=json.loads(scope), code=code
        )
        for first, last, ratio, scope, code in faults
    ]
    return run(fleet(BEGIN + windows, broken))


def fault(
    first: int, last: int, ratio: float, scope: Mapping[str, Sequence[str]], code: str = "Broken"
) -> tuple[int, int, float, str, str]:
    return first, last, ratio, json.dumps(scope), code


@cache
def founding() -> Told:
    broken = Fault(first=BEGIN, last=BEGIN + 30, ratio=0.4, scope=WINDOWS, code="ZeroResults")
    return run(fleet(BEGIN + 60, [broken]), RELEASES)


def only(told: Told) -> IncidentRecord:
    (record,) = told.last.values()
    return record


def test_a_quiet_fleet_raises_nothing() -> None:
    told = told_of(windows=230)
    assert told.change_points == []
    assert told.records == []


def test_many_change_points_at_once_are_one_incident() -> None:
    told = founding()
    degraded = [one for one in told.change_points if one.direction is Direction.DEGRADED]
    assert len(degraded) == 9
    assert len(told.last) == 1


def test_the_scope_is_the_smallest_that_explains_what_fails() -> None:
    assert only(founding()).scope == {"os": ("windows",)}


def test_an_incident_is_raised_within_three_windows_and_knows_its_onset() -> None:
    first = founding().records[0]
    assert first.revision == 1
    assert window(first.raised) <= BEGIN + 3
    assert window(first.onset) == BEGIN
    low, high = map(window, first.onset_interval)
    assert low <= BEGIN <= high


def test_every_region_has_its_onset_and_its_recovery() -> None:
    record = only(founding())
    assert [region.region for region in record.regions] == list(REGIONS)
    assert {window(region.onset) for region in record.regions} == {BEGIN}
    for region in record.regions:
        assert region.recovered is not None
        assert window(region.recovered) == BEGIN + 31


def test_an_incident_resolves_when_all_its_regions_have_recovered() -> None:
    record = only(founding())
    assert record.status is IncidentStatus.RESOLVED
    assert record.resolved is not None
    assert window(record.resolved) == BEGIN + 31
    assert window(record.raised) <= BEGIN + 31 + 3


def test_the_impact_is_what_failed_in_scope_from_onset_to_recovery() -> None:
    tables = fleet(BEGIN + 60, [Fault(first=BEGIN, last=BEGIN + 30, ratio=0.4, scope=WINDOWS)])
    operations = failures = 0
    for table in tables[BEGIN : BEGIN + 31]:
        for key, trials, failed in zip(table.keys(), table.trials, table.failures, strict=True):
            operations += int(trials) * (key[1] == "windows")
            failures += int(failed) * (key[1] == "windows")
    impact = only(founding()).impact
    assert (impact.operations, impact.failures) == (operations, failures)
    assert impact.expected_failures == pytest.approx(0.02 * operations, rel=0.15)


def test_only_error_codes_that_rose_are_named() -> None:
    (error,) = only(founding()).errors
    assert error.error_code == "ZeroResults"
    assert 0.9 < error.share < 1


def test_the_release_that_did_it_is_named_at_once_and_to_the_end() -> None:
    for record in founding().records:
        assert record.candidates[0].release == "migration"
        assert record.candidates[0].probability > 0.9
        assert record.candidates[0].component == "migration-component"
        assert record.candidates[0].evidence


def test_probabilities_sum_to_one_as_written() -> None:
    for record in founding().records:
        written: Any = json.loads(incident_line(record))
        named = sum(one["probability"] for one in written["candidates"])
        assert named + written["no_release_probability"] == pytest.approx(1, abs=1e-9)


def test_without_any_known_release_none_of_them_is_certain() -> None:
    record = only(told_of(fault(0, 30, 0.4, WINDOWS)))
    assert record.candidates == ()
    assert record.no_release_probability == 1.0


def test_all_records_are_valid_against_the_contract() -> None:
    told = [founding(), told_of(fault(0, 30, 0.5, A, "E-a"), fault(0, 40, 0.3, B, "E-b"))]
    records = [record.record() for one in told for record in one.records]
    assert len(records) > 8
    for record in records:
        VALIDATOR.validate(record)


def test_revisions_count_up_and_are_raised_in_order() -> None:
    records = founding().records
    assert [record.revision for record in records] == list(range(1, len(records) + 1))
    raised = [record.raised for record in records]
    assert raised == sorted(raised)


def test_while_nothing_changes_the_impact_is_written_every_ten_minutes() -> None:
    records = [one for one in founding().records if one.status is IncidentStatus.OPEN]
    steps = [after.raised - before.raised for before, after in pairwise(records)]
    assert max(steps) == 600


def test_the_same_input_gives_the_same_ids_and_records() -> None:
    broken = Fault(first=BEGIN, last=BEGIN + 30, ratio=0.4, scope=WINDOWS, code="ZeroResults")
    again = run(fleet(BEGIN + 60, [broken]), RELEASES)
    assert again.records == founding().records


def test_unrelated_faults_at_the_same_time_are_two_incidents_with_two_scopes() -> None:
    told = told_of(fault(0, 30, 0.5, A, "E-a"), fault(0, 40, 0.3, B, "E-b"))
    first, second = told.last.values()
    assert (first.scope, second.scope) == (A, B)
    assert [error.error_code for error in first.errors] == ["E-a"]
    assert [error.error_code for error in second.errors] == ["E-b"]
    assert [window(one.resolved or 0) for one in (first, second)] == [BEGIN + 31, BEGIN + 41]
    assert first.incident != second.incident
    opened = [one for one in told.records if one.revision == 1]
    assert all(window(one.raised) <= BEGIN + 6 for one in opened)


def test_a_larger_fault_beside_a_young_incident_does_not_take_it_over() -> None:
    told = told_of(fault(0, 60, 0.3, A, "E-a"), fault(10, 40, 0.8, B, "E-b"))
    first, second = told.last.values()
    assert (first.scope, second.scope) == (A, B)
    assert (window(first.onset), window(second.onset)) == (BEGIN, BEGIN + 10)
    assert {tuple(sorted(one.scope)) for one in told.records} == {("operation", "os", "region")}


def test_a_far_larger_fault_does_not_take_a_young_incident_over_either() -> None:
    told = told_of(fault(0, 60, 0.3, A, "E-a"), fault(10, 40, 0.8, WINDOWS, "E-b"))
    first, second = told.last.values()
    assert (first.scope, second.scope) == (A, WINDOWS)
    assert {one.incident for one in told.records if one.scope == A} == {first.incident}


def test_what_another_incident_explains_does_not_widen_a_scope() -> None:
    linux = {"region": ("west",), "os": ("linux",)}
    told = told_of(fault(0, 60, 0.4, WINDOWS, "E-a"), fault(40, 60, 0.5, linux, "E-b"))
    first, second = told.last.values()
    assert first.scope == WINDOWS
    assert second.scope == linux
    assert [error.error_code for error in second.errors] == ["E-b"]


def test_series_that_appear_while_an_incident_lasts_are_followed_too() -> None:
    broken = [Fault(first=BEGIN, last=BEGIN + 30, ratio=0.4, scope=WINDOWS)]
    tables = fleet(BEGIN + 60, broken)
    appears = BEGIN + 8
    new = [select(table, table.codes[0] != REGIONS.index("west")) for table in tables[:appears]]
    record = only(run([*new, *tables[appears:]]))
    assert record.scope == WINDOWS
    regions = {one.region: window(one.onset) for one in record.regions}
    assert regions == {"east": BEGIN, "north": BEGIN, "west": appears}
    assert record.status is IncidentStatus.RESOLVED


def test_a_settled_scope_does_not_lose_what_it_is_about_to_a_larger_fault() -> None:
    told = told_of(fault(0, 80, 0.3, A, "E-a"), fault(40, 70, 0.7, WINDOWS, "E-b"))
    first, second = told.last.values()
    assert (first.scope, second.scope) == (A, WINDOWS)
    assert window(first.resolved or 0) == BEGIN + 81


def test_releases_are_told_as_far_as_they_are_at_the_end_of_a_window() -> None:
    stage = Incidents(SETTINGS)
    stage.add_releases(RELEASES)
    for message in judged():
        stage.on_closed(message)
    at = {one.release for one in stage.exposures(FIRST + BEGIN - 5)}
    assert at == {"innocent"}
    assert {one.release for one in stage.exposures(FIRST + BEGIN)} == {"innocent", "migration"}


def test_one_that_spreads_from_region_to_region_stays_one() -> None:
    spreading = [
        fault(25 * place, 90, 0.4, {"region": (name,), **WINDOWS})
        for place, name in enumerate(REGIONS)
    ]
    told = told_of(*spreading, windows=110)
    record = only(told)
    assert record.scope == WINDOWS
    assert [(one.region, window(one.onset)) for one in record.regions] == [
        (name, BEGIN + 25 * place) for place, name in enumerate(REGIONS)
    ]
    assert told.records[0].scope == {"region": ("east",), **WINDOWS}


def test_regions_recover_one_by_one_and_the_incident_with_the_last() -> None:
    lasting = [
        fault(0, 20 + 15 * place, 0.4, {"region": (name,), **WINDOWS})
        for place, name in enumerate(REGIONS)
    ]
    told = told_of(*lasting)
    record = only(told)
    recovered = [window(one.recovered or 0) for one in record.regions]
    assert recovered == [BEGIN + 21, BEGIN + 36, BEGIN + 51]
    assert window(record.resolved or 0) == BEGIN + 51
    statuses = [one.status for one in told.records]
    assert statuses == sorted(statuses, key=list(IncidentStatus).index)
    assert IncidentStatus.RECOVERING in statuses


def test_a_region_that_fails_again_within_the_hour_reopens_its_incident() -> None:
    told = told_of(fault(0, 20, 0.4, WINDOWS), fault(45, 60, 0.4, {"region": ("east",), **WINDOWS}))
    assert len(told.last) == 1
    statuses = [one.status for one in told.records]
    assert statuses.count(IncidentStatus.RESOLVED) == 2
    again = [one for one in told.records if one.status is IncidentStatus.RECOVERING]
    assert again
    assert [one.region for one in again[0].regions if one.recovered is None] == ["east"]


def test_a_region_that_fails_again_much_later_is_another_incident() -> None:
    told = told_of(fault(0, 15, 0.4, WINDOWS), fault(120, 140, 0.4, WINDOWS), windows=160)
    assert [one.status for one in told.last.values()] == [IncidentStatus.RESOLVED] * 2


def test_a_region_that_fails_for_the_first_time_after_the_others_recovered_joins() -> None:
    told = told_of(
        fault(0, 20, 0.4, {"region": ("east", "north"), **WINDOWS}),
        fault(35, 60, 0.4, {"region": ("west",), **WINDOWS}),
    )
    assert all(one.status is IncidentStatus.RESOLVED for one in told.last.values())
    west = [
        region for one in told.last.values() for region in one.regions if region.region == "west"
    ]
    assert [window(region.onset) for region in west] == [BEGIN + 35]


def test_an_unregistered_fault_healed_region_by_region_stays_unexplained() -> None:
    lasting = [
        Fault(
            first=BEGIN,
            last=BEGIN + 20 + 15 * place,
            ratio=0.4,
            scope={"region": (name,), **WINDOWS},
        )
        for place, name in enumerate(REGIONS)
    ]
    innocent = [
        release(f"other-{number}", 20 + 13 * number, region=(REGIONS[number % 3],))
        for number in range(9)
    ]
    told = run(fleet(BEGIN + 90, lasting), innocent)
    assert all(one.no_release_probability > 0.5 for one in told.records)
    assert only(told).no_release_probability > 0.9


# Stage by stage: what judges say is recorded once, and changed on its way to the incidents.


@cache
def judged(
    scope: str = json.dumps(WINDOWS), ratio: float = 0.4, windows: int = 60
) -> tuple[ClosedWindow, ...]:
    broken = Fault(first=BEGIN, last=BEGIN + 30, ratio=ratio, scope=json.loads(scope))
    judges = [Judge(SETTINGS, partition) for partition in range(3)]
    closed = []
    for number, table in enumerate(fleet(BEGIN + windows, [broken])):
        for partition, blocks in blocks_of(SETTINGS, table, (progress(number, number),)).items():
            closed += [one for block in blocks for one in judges[partition].on_block(block)]
    return tuple(closed)


def records_of(
    messages: Sequence[ClosedWindow], releases: Sequence[ReleaseEvent] = RELEASES
) -> list[IncidentRecord]:
    stage = Incidents(SETTINGS)
    stage.add_releases(releases)
    return [record for message in messages for record in stage.on_closed(message)]


def false_alarm(key: tuple[str, str, str], at: int) -> ChangePoint:
    return ChangePoint(
        series=dict(zip(DIMENSIONS, key, strict=True)),
        direction=Direction.DEGRADED,
        onset=(FIRST + at - 3) * 60.0,
        raised=(FIRST + at + 1) * 60.0,
        baseline_ratio=0.98,
        ratio=0.9,
        statistic=14.0,
        threshold=13.0,
    )


def with_points(
    messages: Sequence[ClosedWindow], at: int, *points: ChangePoint
) -> list[ClosedWindow]:
    return [
        replace(one, change_points=points)
        if one.window == FIRST + at and one.partition == 1
        else one
        for one in messages
    ]


def test_an_incident_opened_from_one_noisy_series_resolves_by_itself() -> None:
    quiet = judged(ratio=0.0, windows=180)
    at = BEGIN + 5
    noisy = with_points(quiet, at, false_alarm(("north", "linux", "start"), at))
    records = records_of(noisy, ())
    assert window(records[0].raised) == at + 1
    assert records[-1].status is IncidentStatus.RESOLVED
    assert records[-1].scope == {
        "region": ("north",),
        "os": ("linux",),
        "operation": ("start",),
    }
    assert [region.region for region in records[-1].regions] == ["north"]
    assert len({record.incident for record in records}) == 1


def test_scattered_noise_opens_one_incident_each_and_all_of_them_end() -> None:
    quiet = judged(ratio=0.0, windows=180)
    at = BEGIN + 5
    keys = [("north", "linux", "start"), ("east", "windows", "create"), ("west", "linux", "delete")]
    records = records_of(with_points(quiet, at, *(false_alarm(key, at) for key in keys)), ())
    last = {record.incident: record for record in records}
    assert len(last) == 3
    assert all(record.status is IncidentStatus.RESOLVED for record in last.values())
    opened = sorted(window(one.raised) for one in records if one.revision == 1)
    assert opened[0] == at + 1
    assert opened[-1] <= at + 1 + 3


def test_a_change_point_of_a_series_that_is_not_known_here_is_followed_too() -> None:
    quiet = judged(ratio=0.0, windows=180)
    at = BEGIN + 5
    records = records_of(with_points(quiet, at, false_alarm(("mars", "linux", "start"), at)), ())
    assert records[0].scope["region"] == ("mars",)


def test_closed_windows_of_other_dimensions_are_refused_with_what_to_do() -> None:
    nobody = np.zeros(0)
    foreign = ClosedWindow(
        partition=0,
        closed_through=1,
        window=None,
        window_seconds=60,
        cells=empty_table(("region", "os")),
        baseline=nobody,
        learning=nobody.astype(np.bool_),
        alarmed=nobody.astype(np.int8),
    )
    with pytest.raises(OperatorError, match=r"by region, os wait .* changing ingest\.dimensions"):
        Incidents(SETTINGS).on_closed(foreign)


def test_redelivered_windows_change_nothing() -> None:
    messages = judged()
    twice = [one for pair in zip(messages, messages, strict=True) for one in pair]
    assert records_of(twice) == records_of(messages)


def test_how_partitions_are_interleaved_changes_nothing() -> None:
    messages = judged()
    apart = sorted(messages, key=lambda one: one.partition)
    assert records_of(apart) == records_of(messages)


@pytest.mark.parametrize("every", [1, 7, 50])
def test_a_stage_that_is_stopped_anywhere_goes_on_as_if_it_had_not_been(every: int) -> None:
    messages = judged()
    stage = Incidents(SETTINGS)
    stage.add_releases(RELEASES)
    records: list[IncidentRecord] = []
    for number, message in enumerate(messages):
        if number % every == 0 and number > 3 * (BEGIN - 5):
            state = IncidentsState.resume(SETTINGS, stage.state.snapshot(SETTINGS))
            stage = Incidents(SETTINGS, state)
            stage.add_releases(RELEASES)
        records += stage.on_closed(message)
    assert records == records_of(messages)


def test_degradations_that_wait_for_an_incident_are_remembered() -> None:
    at = BEGIN + 5
    keys = [("north", "linux", "start"), ("east", "windows", "create")]
    points = [false_alarm(key, at) for key in keys]
    messages = with_points(judged(ratio=0.0, windows=60), at, *points)
    stage = Incidents(SETTINGS)
    records: list[IncidentRecord] = []
    for message in messages:
        records += stage.on_closed(message)
        if FIRST + at <= message.closed_through <= FIRST + at + 5:
            waiting = len(stage.state.pending)
            stage = Incidents(
                SETTINGS, IncidentsState.resume(SETTINGS, stage.state.snapshot(SETTINGS))
            )
            assert len(stage.state.pending) == waiting
    assert len({record.incident for record in records}) == 2
    assert records == records_of(messages, ())


def test_the_snapshot_of_other_settings_is_refused() -> None:
    data = Incidents(SETTINGS).state.snapshot(SETTINGS)
    other = SETTINGS.model_copy(update={"incidents": IncidentSettings(merge_within=60)})
    with pytest.raises(SnapshotError):
        IncidentsState.resume(other, data)


def test_a_release_event_that_comes_late_is_used_from_the_next_step_on() -> None:
    messages = judged()
    stage = Incidents(SETTINGS)
    stage.add_releases(RELEASES[:1])
    before: list[IncidentRecord] = []
    after: list[IncidentRecord] = []
    for message in messages:
        if message.closed_through == FIRST + BEGIN + 20 and message.partition == 0:
            stage.add_releases(RELEASES)
        late = message.closed_through >= FIRST + BEGIN + 20
        (after if late else before).extend(stage.on_closed(message))
    assert {one.candidates[0].release for one in before} == {"innocent"}
    assert window(after[0].raised) == BEGIN + 21
    assert after[0].candidates[0].release == "migration"


def test_a_release_event_of_the_future_is_not_known_yet() -> None:
    future = release("tomorrow", BEGIN + 25, os=("windows",))
    for record in records_of(judged(), [*RELEASES, future]):
        known = "tomorrow" in {one.release for one in record.candidates}
        assert known <= (window(record.raised) >= BEGIN + 25)


def test_a_corrected_release_event_replaces_the_earlier_one() -> None:
    wrong = replace(RELEASES[1], scope={"os": ("linux",)})
    assert records_of(judged(), [wrong, *RELEASES]) == records_of(judged())


def test_history_too_short_for_the_look_back_still_follows_an_incident_to_its_end() -> None:
    short = SETTINGS.model_copy(update={"incidents": IncidentSettings(history=60)})
    stages, told = pipeline(short)
    broken = Fault(first=BEGIN, last=BEGIN + 90, ratio=0.4, scope=WINDOWS)
    for number, table in enumerate(fleet(BEGIN + 120, [broken])):
        stages.take(blocks_of(short, table, (progress(number, number),)))
    record = only(told)
    assert record.scope == WINDOWS
    assert window(record.resolved or 0) == BEGIN + 91
