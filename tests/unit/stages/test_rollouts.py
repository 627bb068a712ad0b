"""Rollouts: what of the release log could explain an incident at a given moment."""

from dataclasses import replace

import numpy as np
from cell_tables import Cell, cell_table

from streams.domain.releases import ReleaseAction, ReleaseEvent
from streams.stages.history import History
from streams.stages.rollouts import HORIZON_SECONDS, MAXIMUM_CANDIDATES, ReleaseLog

KEYS = [("east", "linux"), ("east", "windows"), ("west", "windows")]
NOW = 1_000_000.0
FIRST = NOW - 3_600.0


def history() -> History:
    made = History(("region", "os"), 10)
    made.append(0, cell_table(made.dimensions, [Cell(0, key, 1) for key in KEYS]), np.full(3, 0.1))
    return made


def event(
    name: str,
    time: float,
    exposure: float = 1.0,
    action: ReleaseAction = ReleaseAction.PROGRESSED,
    component: str | None = None,
    **scope: tuple[str, ...],
) -> ReleaseEvent:
    return ReleaseEvent(f"{name}@{time}", time, name, action, scope, exposure, component)


def log_of(*events: ReleaseEvent) -> ReleaseLog:
    log = ReleaseLog()
    log.add(events)
    return log


def names(log: ReleaseLog, instant: float = NOW) -> list[str]:
    return [one.release for one in log.rollouts(history(), instant, FIRST, 60.0)]


def test_releases_come_by_name_with_their_steps_in_time_order() -> None:
    log = log_of(event("b", NOW - 60), event("a", NOW - 60, 0.5), event("a", NOW - 120, 0.1))
    first, second = log.rollouts(history(), NOW, FIRST, 60.0)
    assert (first.release, second.release) == ("a", "b")
    assert [step.exposure for step in first.exposure.steps] == [0.1, 0.5]
    assert [step.bin for step in first.exposure.steps] == [58.0, 59.0]
    assert first.exposure.first_seen == 58.0


def test_steps_touch_the_series_in_their_scope() -> None:
    (rollout,) = log_of(
        event("a", NOW - 120, os=("windows",), region=("east",)),
        event("a", NOW - 60, os=("windows",), extension=("x",)),
    ).rollouts(history(), NOW, FIRST, 60.0)
    assert [step.series.tolist() for step in rollout.exposure.steps] == [
        [False, True, False],
        [False, True, True],
    ]
    assert rollout.exposure.declared.tolist() == [False, True, True]


def test_after_a_rollback_nothing_runs_the_release_whatever_the_event_says() -> None:
    log = log_of(event("a", NOW - 60, 0.7, ReleaseAction.ROLLED_BACK))
    (rollout,) = log.rollouts(history(), NOW, FIRST, 60.0)
    assert rollout.exposure.steps[0].exposure == 0.0


def test_the_newest_component_that_is_known_is_the_component() -> None:
    log = log_of(
        event("a", NOW - 90, component="old"),
        event("a", NOW - 60, component="new"),
        event("a", NOW),
    )
    (rollout,) = log.rollouts(history(), NOW, FIRST, 60.0)
    assert rollout.component == "new"
    (nameless,) = log_of(event("b", NOW)).rollouts(history(), NOW, FIRST, 60.0)
    assert nameless.component is None


def test_events_after_the_moment_are_not_known_yet() -> None:
    log = log_of(event("a", NOW), event("b", NOW + 1))
    assert names(log) == ["a"]
    assert names(log, NOW + 1) == ["a", "b"]
    assert log.known(NOW - 1) == 0
    assert log.known(NOW) == log.known(NOW + 0.5) != log.known(NOW + 1)


def test_a_later_event_of_the_same_id_corrects_the_earlier_one() -> None:
    wrong = event("a", NOW)
    log = log_of(wrong, replace(wrong, release="b"))
    assert names(log) == ["b"]


def test_a_release_that_ended_long_ago_is_part_of_the_baseline() -> None:
    old = event("old", NOW - HORIZON_SECONDS)
    assert names(log_of(old, event("new", NOW - HORIZON_SECONDS + 1))) == ["new"]
    assert names(log_of(old, event("old", NOW - 60))) == ["old"]


def test_of_too_many_releases_those_with_the_newest_steps_are_ranked() -> None:
    log = log_of(*(event(f"r{number:03}", NOW - number) for number in range(100)))
    assert names(log) == [f"r{number:03}" for number in range(MAXIMUM_CANDIDATES)]


def test_rollbacks_are_the_moments_at_which_exposure_falls() -> None:
    (rollout,) = log_of(
        event("a", NOW - 240, 0.5, os=("windows",)),
        event("a", NOW - 180, 1.0, os=("windows",)),
        event("a", NOW - 120, 0.2, region=("east",)),
        event("a", NOW - 60, 0.0, ReleaseAction.ROLLED_BACK),
        event("a", NOW - 30, 0.0, ReleaseAction.ROLLED_BACK),
    ).rollouts(history(), NOW, FIRST, 60.0)
    assert [(at, touched.tolist()) for at, touched in rollout.rollbacks()] == [
        (58.0, [False, True, False]),
        (59.0, [True, True, True]),
    ]
