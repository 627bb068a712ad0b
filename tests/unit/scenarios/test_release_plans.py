"""Release plans: steps, pauses, rollbacks, and the releases of the founding incident."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from streams.domain.releases import ReleaseAction, ReleaseEvent
from streams.scenarios.catalogue import build
from streams.scenarios.concurrent_releases import concurrent_releases
from streams.scenarios.default_fleet import default_fleet
from streams.scenarios.founding_incident import MIGRATION, ONSET
from streams.scenarios.releases import Pause, ReleasePlan, Rollback, Stage

START = datetime(2021, 10, 13, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
STAGES = (
    Stage(name="canary", regions=("a",), exposure=0.5, bake=60 * MINUTE),
    Stage(name="rest", regions=("b", "c"), gap=10 * MINUTE, bake=60 * MINUTE),
)


def plan(
    stages: tuple[Stage, ...] = STAGES,
    pause: Pause | None = None,
    rollbacks: tuple[Rollback, ...] = (),
) -> ReleasePlan:
    return ReleasePlan(
        release="r",
        component="c",
        version="1",
        started=START,
        stages=stages,
        scope={"os": ("linux",)},
        pause=pause,
        rollbacks=rollbacks,
    )


def steps(release: ReleasePlan) -> list[tuple[float, str, tuple[str, ...], float]]:
    """Minutes after the start, action, regions and exposure of each event."""
    return [
        (
            (event.time - START.timestamp()) / 60,
            event.action.value,
            event.scope.get("region", ()),
            event.exposure,
        )
        for event in release.events()
    ]


def test_a_rollout_steps_region_by_region_and_completes_after_its_last_bake_time() -> None:
    assert steps(plan()) == [
        (0, "started", ("a",), 0.5),
        (60, "progressed", ("b",), 1.0),
        (70, "progressed", ("c",), 1.0),
        (130, "completed", ("a", "b", "c"), 1.0),
    ]


def test_a_stage_without_a_gap_is_one_step_over_all_its_regions() -> None:
    assert steps(plan((Stage(name="all", regions=("a", "b")),)))[0] == (
        0,
        "started",
        ("a", "b"),
        1.0,
    )


def test_a_stage_without_regions_is_everywhere_and_names_no_region() -> None:
    first, last = plan((Stage(name="all", bake=MINUTE),)).events()
    assert "region" not in first.scope
    assert "region" not in last.scope
    assert first.scope == {"os": ("linux",)}


def test_a_pause_moves_the_later_stages() -> None:
    paused = plan(pause=Pause(stage=0, after=5 * MINUTE, length=30 * MINUTE))
    assert steps(paused)[:4] == [
        (0, "started", ("a",), 0.5),
        (5, "paused", ("a",), 0.5),
        (35, "resumed", ("a",), 0.5),
        (90, "progressed", ("b",), 1.0),
    ]


def test_a_rollback_ends_the_rollout_where_it_has_got_to() -> None:
    undone = plan(rollbacks=(Rollback(time=START + 65 * MINUTE),))
    assert steps(undone)[-2:] == [
        (60, "progressed", ("b",), 1.0),
        (65, "rolled_back", ("a", "b"), 0.0),
    ]


def test_rollbacks_can_go_region_by_region() -> None:
    undone = plan(
        rollbacks=(
            Rollback(time=START + 80 * MINUTE, regions=("c",)),
            Rollback(time=START + 90 * MINUTE, regions=("a",)),
        )
    )
    assert steps(undone)[-2:] == [(80, "rolled_back", ("c",), 0), (90, "rolled_back", ("a",), 0)]


def test_a_halt_stops_a_rollout_under_way_where_it_has_got_to() -> None:
    halted = replace(plan(), halted=START + 65 * MINUTE)
    assert steps(halted)[1:] == [(60, "progressed", ("b",), 1.0), (65, "paused", ("a", "b"), 1.0)]


def test_a_halt_says_nothing_of_rollouts_that_are_over_or_have_not_begun() -> None:
    undone = plan(rollbacks=(Rollback(time=START + 65 * MINUTE),))
    for ended in (plan(), undone):
        assert replace(ended, halted=START + 200 * MINUTE).events() == ended.events()
    assert replace(plan(), halted=START - MINUTE).events() == ()


def test_what_a_halt_has_stopped_can_still_be_taken_back() -> None:
    undone = plan(rollbacks=(Rollback(time=START + 80 * MINUTE),))
    assert steps(replace(undone, halted=START + 65 * MINUTE))[2:] == [
        (65, "paused", ("a", "b"), 1.0),
        (80, "rolled_back", ("a", "b"), 0.0),
    ]


def test_a_plan_refuses_steps_out_of_order() -> None:
    late, early = Rollback(time=START + MINUTE), Rollback(time=START)
    with pytest.raises(ValueError, match="not in time order"):
        plan(rollbacks=(late, early))
    with pytest.raises(ValueError, match="no stages"):
        plan(stages=())
    with pytest.raises(ValueError, match="pauses after its next stage"):
        plan(pause=Pause(stage=0, after=61 * MINUTE, length=MINUTE))


def test_a_stage_refuses_an_exposure_beyond_everything() -> None:
    with pytest.raises(ValueError, match="exposure"):
        Stage(name="too much", exposure=1.01)


def founding_releases() -> dict[str, tuple[ReleaseEvent, ...]]:
    scenario = build("founding-incident", seed=1)
    return {release.release: release.events() for release in scenario.releases}


def test_sixteen_releases_surround_the_founding_incident() -> None:
    assert len(founding_releases()) == 16


def test_some_releases_are_over_before_the_onset_and_some_start_after_it() -> None:
    onset = ONSET.timestamp()
    releases = founding_releases().values()
    over = [events for events in releases if events[-1].time < onset]
    later = [events for events in releases if events[0].time > onset]
    assert (len(over), len(later)) == (4, 3)
    assert sum(events[-1].action is ReleaseAction.ROLLED_BACK for events in over) == 1


def test_only_the_migration_and_one_bystander_step_within_minutes_of_the_onset() -> None:
    near = [
        event
        for events in founding_releases().values()
        for event in events
        if abs(event.time - ONSET.timestamp()) <= 300
    ]
    assert {event.release for event in near} == {MIGRATION, "image-cache-1.14"}
    bystander = next(event for event in near if event.release != MIGRATION)
    assert len(bystander.scope["region"]) == 1


def test_seven_bystanders_step_in_the_hour_before_the_onset() -> None:
    onset = ONSET.timestamp()
    stepping = Counter(
        event.release
        for events in founding_releases().values()
        for event in events
        if onset - 3600 <= event.time < onset and event.release != MIGRATION
    )
    assert len(stepping) == 7


def test_no_two_staged_releases_reach_the_regions_in_the_same_order() -> None:
    orders = [
        tuple(region for stage in release.stages for region in stage.regions)
        for release in concurrent_releases(default_fleet().region_names, ONSET)
    ]
    full = [order for order in orders if len(order) == 20]
    assert len(full) == 12
    assert len(set(full)) == 12
    assert all(len(set(order)) == 20 for order in full)


def test_concurrent_releases_need_enough_regions_for_their_rings() -> None:
    with pytest.raises(ValueError, match="more than 13 regions"):
        concurrent_releases(("a", "b"), ONSET)


def test_the_migration_reaches_a_fifth_of_every_region_at_the_onset() -> None:
    events = founding_releases()[MIGRATION]
    tests, step = events[:2], events[2]
    assert (step.time, step.exposure) == (ONSET.timestamp(), 0.2)
    assert step.scope == {"os": ("windows",)}
    assert [(event.exposure, len(event.scope["region"])) for event in tests] == [(0.001, 1)] * 2


def test_the_migration_is_rolled_back_in_each_region_when_that_region_recovers() -> None:
    incident = build("founding-incident", seed=1).incident
    assert incident is not None
    undone = founding_releases()[MIGRATION][3:]
    assert {(event.scope["region"], event.time, event.exposure) for event in undone} == {
        ((window.region,), window.recovered.timestamp(), 0.0) for window in incident.regions
    }
    assert all(event.action is ReleaseAction.ROLLED_BACK for event in undone)


def test_one_region_is_fixed_an_hour_before_the_others_and_the_last_at_the_end() -> None:
    incident = build("founding-incident", seed=1).incident
    assert incident is not None
    fixed = sorted(window.recovered for window in incident.regions)
    assert fixed[1] - fixed[0] >= timedelta(hours=1)
    assert fixed[-1] == datetime(2021, 10, 13, 12, 42, tzinfo=UTC)
    assert len(set(fixed)) == 20
