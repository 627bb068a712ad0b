"""Incidents: what breaks together is one, what does not is two, and a record tells it."""

import json
from importlib.resources import files
from itertools import pairwise
from typing import Any

import jsonschema
import pytest
from incident_runs import (
    RELEASES,
    WINDOWS,
    A,
    B,
    false_alarm,
    fault,
    founding,
    judged,
    only,
    records_of,
    told_of,
    window,
    with_points,
)
from small_fleets import BEGIN_OF_TROUBLE as BEGIN
from small_fleets import (
    REGIONS,
    Fault,
    fleet,
    run,
)

from detectors.detections import Direction
from streams.domain.incidents import IncidentStatus
from streams.stages.partitions import incident_line

SCHEMA = json.loads((files("streams.schemas") / "incident.schema.json").read_text("utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(
    SCHEMA, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
)


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


def test_a_settled_scope_does_not_lose_what_it_is_about_to_a_larger_fault() -> None:
    told = told_of(fault(0, 80, 0.3, A, "E-a"), fault(40, 70, 0.7, WINDOWS, "E-b"))
    first, second = told.last.values()
    assert (first.scope, second.scope) == (A, WINDOWS)
    assert window(first.resolved or 0) == BEGIN + 81


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


def test_an_incident_that_reaches_a_region_an_hour_and_a_half_later_by_steps_stays_one() -> None:
    strata = {"os": ("windows",)}
    told = told_of(
        fault(0, 150, 0.12, {"region": ("east",), **strata}),
        fault(50, 150, 0.12, {"region": ("north",), **strata}),
        fault(100, 150, 0.12, {"region": ("west",), **strata}),
        windows=150,
    )
    record = only(told)
    assert record.scope == {"os": ("windows",)} or set(record.scope["region"]) == set(REGIONS)
    onsets = {one.region: window(one.onset) - BEGIN for one in record.regions}
    assert onsets == pytest.approx({"east": 0, "north": 50, "west": 100}, abs=4)


def test_another_scope_in_another_region_stays_an_incident_of_its_own() -> None:
    told = told_of(
        fault(0, 150, 0.12, {"region": ("east",), "os": ("windows",)}),
        fault(70, 150, 0.3, {"region": ("north",), "os": ("linux",)}),
        windows=150,
    )
    assert len(told.last) == 2
