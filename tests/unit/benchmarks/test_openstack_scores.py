"""Scores of trials, on records made by hand."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from recorded_runs import experiments

from benchmarks.openstack.design import Trial
from benchmarks.openstack.fleet import PlacedRun
from benchmarks.openstack.records import join
from benchmarks.openstack.scores import (
    Cause,
    Evidence,
    Said,
    TrialScore,
    Verdict,
    first_cause,
    first_sign,
    latest_start,
    score,
)
from detectors.bank import Direction
from streams.domain.change_points import ChangeKind, ChangePoint
from streams.domain.releases import ReleaseAction, ReleaseEvent

FAULTY = join(*experiments(["c"], failing=["c"])).faulty["c"][0]
"""Attaching a volume fails 120 s after the start of the run; it ends after 180 s."""

EXPOSED = {"r1": 1000.0, "r2": 4000.0}


def record(
    raised: float,
    *regions: str,
    incident: str = "i",
    candidates: Mapping[str, float] | None = None,
    operation: str | None = None,
) -> Said:
    probabilities = candidates or {}
    return Said(
        incident=incident,
        raised=raised,
        onset=1020.0,
        regions=frozenset(regions),
        operations=None if operation is None else frozenset({operation}),
        probabilities=probabilities,
        none=1.0 - sum(probabilities.values()),
    )


def step(release: str, time: float, action: ReleaseAction) -> ReleaseEvent:
    return ReleaseEvent(f"{release}/{time}", time, release, action, {}, 1.0)


STEPS = (
    step("culprit", 1000.0, ReleaseAction.STARTED),
    step("other", 1070.0, ReleaseAction.STARTED),
    step("old", 1075.0, ReleaseAction.COMPLETED),
    step("late", 1090.0, ReleaseAction.PROGRESSED),
)


def trial(*, registered: bool = True) -> Trial:
    return Trial(number=0, fleet=0, row="c", component="c", share=1.0, registered=registered)


def evidence(*records: Said, points: tuple[ChangePoint, ...] = ()) -> Evidence:
    return Evidence(
        records=records,
        change_points=points,
        injected=(PlacedRun(1010.0, "r1", FAULTY), PlacedRun(1100.0, "r1", FAULTY)),
        operations=frozenset({"create", "attach_volume", "delete"}),
        exposed=EXPOSED,
        onset=1000.0,
        horizon=11_800.0,
        culprit="culprit",
        steps=STEPS,
    )


def scored(*records: Said, registered: bool = True) -> TrialScore:
    return score(trial(registered=registered), evidence(*records))


def test_an_incident_from_before_the_fault_or_of_other_regions_does_not_tell_of_it() -> None:
    records = [
        record(900.0, "r1", incident="older"),
        record(1200.0, "r1", incident="older"),
        record(1200.0, "r3", "r2", incident="elsewhere"),
        record(1300.0, "r1", incident="it"),
    ]
    seen = first_sign(records, EXPOSED, 1000.0, 2000.0)
    assert seen is not None
    assert seen.incident == "it"
    assert first_sign(records, EXPOSED, 1000.0, 1250.0) is None


def test_a_region_counts_from_its_exposure_on() -> None:
    records = [record(3900.0, "r2"), record(4100.0, "r2")]
    seen = first_sign(records, EXPOSED, 1000.0, 9000.0)
    assert seen is not None
    assert seen.raised == 4100.0


def test_delay_and_faulty_runs_are_counted_until_the_incident_is_raised() -> None:
    # The first run has failed at 1130; the second has had one outcome at 1160, and will fail.
    found = scored(record(1200.0, "r1"))
    assert found.found is not None
    assert found.found.delay == pytest.approx(200 / 60)
    assert (found.faulty_runs, found.failed_runs) == (2, 1)


def test_a_missed_fault_has_all_its_runs_and_no_verdict() -> None:
    missed = scored(record(1200.0, "r3"))
    assert missed.found is None
    assert (missed.faulty_runs, missed.failed_runs) == (2, 2)
    assert (missed.repeated, missed.unrelated) == (0, 1)


def test_a_verdict_is_what_the_last_record_before_its_age_says() -> None:
    records = (
        record(1200.0, "r1", candidates={"other": 0.6, "culprit": 0.3}),
        record(1200.0 + 15 * 60, "r1", candidates={"other": 0.2, "culprit": 0.3}),
        record(1200.0 + 30 * 60, "r1", candidates={"other": 0.1, "culprit": 0.8}),
        record(1201.0 + 30 * 60, "r1", candidates={"other": 0.9}),
    )
    registered, left_out = scored(*records), scored(*records, registered=False)
    assert registered.found is not None
    assert registered.found.verdicts == (Verdict(Cause.NONE, 0.3), Verdict(Cause.CULPRIT, 0.8))
    assert left_out.found is not None
    assert [one.right for one in left_out.found.verdicts] == pytest.approx([0.5, 0.1])


def test_no_release_wins_a_draw() -> None:
    assert first_cause(record(1.0, candidates={"a": 0.5})) is None
    assert first_cause(record(1.0, candidates={"a": 0.4, "b": 0.6})) == "b"
    assert first_cause(record(1.0)) is None


def test_a_completion_is_no_start() -> None:
    assert latest_start(STEPS, 1080.0) == "other"
    assert latest_start(STEPS, 1065.0) == "culprit"
    assert latest_start(STEPS, 999.0) is None


def test_the_latest_start_is_taken_at_the_end_of_the_window_of_the_onset() -> None:
    # The incident's onset is 1020, the start of its window: a step at 1070 may still have done it.
    found = scored(record(1200.0, "r1"))
    assert found.found is not None
    assert found.found.latest_start is Cause.HARMLESS


def test_a_scope_is_held_against_the_failures_that_were_injected() -> None:
    wide = scored(record(1300.0, "r1", "r3")).found
    narrow = scored(record(1300.0, "r1", operation="delete")).found
    exact = scored(record(1300.0, "r1", operation="attach_volume")).found
    assert wide is not None
    assert narrow is not None
    assert exact is not None
    assert (wide.scope.covered, wide.scope.healthy_regions, wide.scope.healthy_operations) == (
        *(1.0, 1, 2),
    )
    assert (narrow.scope.covered, narrow.scope.healthy_operations) == (0.0, 1)
    assert (exact.scope.covered, exact.scope.healthy_regions) == (1.0, 0)
    assert exact.scope.healthy_operations == 0


def test_further_incidents_are_told_apart_by_their_regions() -> None:
    found = scored(
        record(1200.0, "r1"),
        record(1300.0, "r1", incident="again"),
        record(1300.0, "r9", incident="other"),
        record(1400.0, "r9", incident="other"),
    )
    assert (found.repeated, found.unrelated) == (1, 1)


def test_other_kinds_of_change_count_where_the_release_runs() -> None:
    point = ChangePoint(
        series={"region": "r1"},
        direction=Direction.DEGRADED,
        onset=1100.0,
        raised=1200.0,
        baseline_ratio=1.0,
        ratio=0.1,
        statistic=9.0,
        threshold=5.0,
        kind=ChangeKind.VOLUME,
    )
    elsewhere = replace(point, series={"region": "r9"}, kind=ChangeKind.ERROR_CODE)
    ratio = replace(point, kind=ChangeKind.SUCCESS_RATIO)
    found = score(trial(), evidence(points=(point, elsewhere, ratio)))
    assert found.other_kinds == {ChangeKind.VOLUME}
