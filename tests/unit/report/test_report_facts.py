"""Facts of a report: every number equals the record or the counts."""

from typing import Any

import pytest
from incident_records import incident_record, incident_region
from small_reports import (
    END,
    ONSET,
    SETTINGS,
    STEPS,
    Record,
    change_point,
    course_of_records,
    fleet_rows,
    resolved_record,
    step,
)

from streams.domain.errors import OperatorError
from streams.replay.report.facts import IncidentFacts, counter_of, incident_facts, lowered
from streams.replay.report.records import read_change_points, read_incidents, read_steps


def facts_of(
    records: list[Record],
    points: list[Record] | None = None,
    steps: Any = STEPS,  # noqa: ANN401
) -> IncidentFacts:
    (revisions,) = read_incidents(records).values()
    known = read_steps(steps)
    counter = counter_of(revisions[-1].record, known, SETTINGS.windows.seconds)
    counter.add_rows(fleet_rows())
    counted = counter.counted()
    return incident_facts(1, revisions, counted, read_change_points(points or []), known)


def test_the_first_revision_is_the_page_and_the_last_one_holds() -> None:
    facts = facts_of(course_of_records())
    assert [revision.line for revision in facts.revisions] == [1, 2, 3]
    assert facts.page.revision == 1
    assert facts.last.revision == 3


def test_lines_are_counted_over_all_incidents() -> None:
    records = [incident_record(), incident_record(incident="i-2"), incident_record(revision=2)]
    found = read_incidents(records)
    assert [revision.line for revision in found["i-1"]] == [1, 3]
    assert [revision.line for revision in found["i-2"]] == [2]


def test_a_regions_counts_are_those_of_the_record_without_what_came_late() -> None:
    (counts,) = facts_of(course_of_records()).regions
    assert (counts.operations, counts.failures, counts.late) == (2000, 1000, 3)
    assert (counts.region.operations, counts.region.failures) == (2000, 1000)


def test_the_counts_around_an_incident_reach_an_hour_before_and_after() -> None:
    facts = facts_of(course_of_records())
    assert facts.affected.regions == ("eu",)
    assert facts.affected.first == ONSET - 60
    assert facts.affected.counts.shape[2] == 60 + 20 + 10


def test_affected_regions_stand_in_the_order_of_recovery_before_all_others() -> None:
    regions = [
        incident_region(region="us"),
        incident_region(region="eu", recovered="2021-10-13T06:40:00Z"),
    ]
    facts = facts_of([incident_record(scope={}, regions=regions)])
    assert facts.everywhere.regions == ("eu", "us")
    assert facts_of(course_of_records()).everywhere.regions == ("eu", "us")
    swapped = [regions[0] | {"recovered": "2021-10-13T06:30:00Z"}, regions[1]]
    assert facts_of([incident_record(scope={}, regions=swapped)]).everywhere.regions == ("us", "eu")


def test_the_earliest_evidence_is_the_first_window_that_chance_does_not_explain() -> None:
    earliest = facts_of(course_of_records()).earliest
    assert earliest is not None
    assert earliest.time == (ONSET + 1) * 60
    assert (earliest.operations, earliest.failures) == (100, 50)
    assert earliest.expected == pytest.approx(1.0)


def test_weak_evidence_adds_up_until_it_is_no_chance_any_more() -> None:
    impact = resolved_record()["impact"] | {"baseline_success_ratio": 0.6}
    earliest = facts_of([resolved_record(impact=impact)]).earliest
    assert earliest is not None
    # Half of 100 fail where four tenths are ordinary: 2 standard deviations a minute, 4.8 are due.
    assert (ONSET + 4) * 60 < earliest.time < (ONSET + 9) * 60
    assert earliest.operations == (earliest.time / 60 - ONSET) * 100


def test_failures_that_chance_explains_are_no_evidence() -> None:
    impact = resolved_record()["impact"] | {"baseline_success_ratio": 0.5}
    assert facts_of([resolved_record(impact=impact)]).earliest is None


@pytest.mark.parametrize(
    ("changed", "inside"),
    [
        ({}, True),
        ({"direction": "recovered"}, True),
        ({"series": {"os": "windows"}}, True),
        ({"series": {"region": "us", "os": "windows"}}, False),
        ({"series": {"region": "eu", "os": "linux"}}, False),
        ({"kind": "volume"}, False),
        ({"onset": "2021-10-13T03:00:00Z"}, False),
    ],
)
def test_change_points_of_success_ratios_in_scope_region_and_time_belong_to_an_incident(
    changed: Record, *, inside: bool
) -> None:
    facts = facts_of(course_of_records(), [change_point(**changed)])
    assert bool(facts.points) is inside


def test_a_release_course_is_the_share_of_the_scope_that_ran_it_from_step_to_step() -> None:
    (migration, agent) = facts_of(course_of_records()).courses
    assert migration.release == "migration"
    assert migration.shares == (
        ((ONSET - 60) * 60.0, ONSET * 60.0, 0.0),
        (ONSET * 60.0, END * 60.0, 1.0),
        (END * 60.0, (END + 10) * 60.0, 0.0),
    )
    assert [share for _, _, share in agent.shares] == [0.0]


def test_the_way_back_of_a_release_is_its_first_step_to_less_of_the_same_place() -> None:
    facts = facts_of(course_of_records())
    back = lowered(facts.courses[0])
    assert back is not None
    assert back.line == 3
    onwards = [step(-60, 0.2, region=("us",)), step(0, 1.0, region=("eu",))]
    assert lowered(facts_of(course_of_records(), steps=onwards).courses[0]) is None


def test_of_steps_with_one_id_the_last_one_holds() -> None:
    early, late = step(0, 0.5), step(0, 1.0)
    (known,) = read_steps([early, late])
    assert (known.line, known.event.exposure) == (2, 1.0)


def test_a_record_that_is_none_is_told_with_its_line_and_field() -> None:
    with pytest.raises(OperatorError, match=r"incidents.jsonl, line 2: .*onset"):
        read_incidents([incident_record(), incident_record(onset="yesterday")])
    with pytest.raises(OperatorError, match=r"change_points.jsonl, line 1: .*ratio"):
        read_change_points([change_point(ratio="half")])
