"""Scenarios that happen now: the same operations under other times, each due at its time."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice, pairwise
from typing import Any

import pytest

from streams.domain.errors import OperatorError
from streams.domain.time import format_instant, parse_instant
from streams.scenarios.catalogue import build
from streams.scenarios.generate import Scenario
from streams.scenarios.live import (
    Live,
    Subject,
    all_history,
    happenings,
    moved_to_now,
    rounds,
)

NOW = datetime(2026, 11, 27, 13, 5, 44, tzinfo=UTC).timestamp()
HISTORY = timedelta(minutes=20)
NO_TAIL = timedelta(0)


@cache
def short() -> Scenario:
    """Half an hour before, 20 minutes of incident, 10 minutes after; 60 operations a minute."""
    return build(
        "founding-incident",
        seed=5,
        volume=60.0,
        before=timedelta(minutes=30),
        after=timedelta(minutes=10),
        incident_duration=timedelta(minutes=20),
    )


def lines(scenario: Scenario) -> list[bytes]:
    return [line for batch in scenario.batches() for line in batch.lines]


def told_earlier(line: bytes, by: timedelta) -> dict[str, Any]:
    """Give an outcome without its ids, under times that are so much earlier."""
    event: dict[str, Any] = json.loads(line)
    for name in ("time", "started"):
        if name in event:
            event[name] = format_instant(parse_instant(event[name]) - by.total_seconds())
    for name in ("id", "correlation_id"):
        event.pop(name, None)
    return event


def test_a_moved_scenario_has_the_same_operations_under_other_times_and_ids() -> None:
    by = timedelta(days=1871, minutes=7)
    moved = moved_by(by)
    assert [told_earlier(line, by) for line in lines(moved)] == [
        told_earlier(line, NO_TAIL) for line in lines(short())
    ]
    ids = {json.loads(line)["id"] for line in lines(moved)}
    assert not ids & {json.loads(line)["id"] for line in lines(short())}


def moved_by(by: timedelta) -> Scenario:
    start = short().start + by
    live = moved_to_now(short(), now=start.timestamp(), history=NO_TAIL, speed=1.0, tail=NO_TAIL)
    assert live.scenario.moved == by
    return live.scenario


def test_the_releases_and_the_truth_of_a_moved_scenario_move_with_it() -> None:
    by = timedelta(days=3)
    moved = moved_by(by)
    for step, original in zip(moved.release_steps(), short().release_steps(), strict=True):
        assert step.time == original.time + by.total_seconds()
        assert (step.id, step.release) == (original.id, original.release)
    truth, original_truth = moved.truth(), short().truth()
    assert parse_instant(truth["onset"]) == parse_instant(original_truth["onset"]) + 3 * 86_400
    assert parse_instant(truth["start"]) == parse_instant(original_truth["start"]) + 3 * 86_400
    recovered = parse_instant(truth["regions"][0]["recovered"])
    assert recovered == parse_instant(original_truth["regions"][0]["recovered"]) + 3 * 86_400
    assert truth["totals"] == original_truth["totals"]


def test_a_scenario_moves_by_whole_minutes_only() -> None:
    with pytest.raises(ValueError, match="no whole number of minutes"):
        replace(short(), moved=timedelta(seconds=61))


def live(speed: float, tail: timedelta = NO_TAIL) -> Live:
    return moved_to_now(short(), now=NOW, history=HISTORY, speed=speed, tail=tail)


def test_at_the_clocks_pace_history_ends_now_and_everything_else_is_due_when_it_happens() -> None:
    played = live(1.0)
    assert NOW - 60 < played.since <= NOW
    assert played.due(played.since - 1, begun=NOW) == -math.inf
    # However long the history has taken.
    for begun in (NOW, NOW + 30):
        assert played.due(played.since + 90, begun=begun) == played.since + 90


@pytest.mark.parametrize("speed", [1.0, 2.5, 60.0])
def test_nothing_is_due_before_it_happens_and_all_in_order(speed: float) -> None:
    played, begun = live(speed, tail=timedelta(minutes=30)), NOW + 12.5
    times = [played.since + 7.5 * number for number in range(1_000)]
    due = [played.due(time, begun) for time in times]
    assert all(moment >= time for moment, time in zip(due, times, strict=True))
    assert all(before <= after for before, after in pairwise(due))


def test_a_hurried_scenario_takes_its_share_of_the_time_and_then_keeps_to_the_clock() -> None:
    played = live(60.0, tail=timedelta(hours=1))
    rest = timedelta(minutes=40).total_seconds()
    assert played.due(played.since, begun=NOW) == pytest.approx(NOW)
    assert played.due(played.since + rest, begun=NOW) == pytest.approx(NOW + rest / 60)
    # By then it has caught up, but for the part of a minute it could not be moved by.
    behind = NOW + rest / 60 - (played.since + rest)
    assert 0 <= behind < 60
    later = played.since + rest + 600
    assert played.due(later, begun=NOW) == later


def test_everything_is_due_at_once_of_a_scenario_that_is_all_history() -> None:
    assert all_history(short()).due(short().end.timestamp() + 1e6, begun=0.0) == -math.inf


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"speed": 0.5}, "speed must be 1 or more, but is 0.5"),
        ({"speed": math.inf}, "speed must be 1 or more"),
        ({"history": timedelta(hours=1)}, "its history cannot be 1:00:00"),
    ],
)
def test_what_cannot_be_played_is_refused(choice: dict[str, Any], said: str) -> None:
    chosen: dict[str, Any] = {"history": HISTORY, "speed": 1.0} | choice
    with pytest.raises(OperatorError, match=said):
        moved_to_now(short(), now=NOW, tail=NO_TAIL, **chosen)


PLAYS: list[Callable[[], Live]] = [lambda: live(1.0), lambda: all_history(short())]


@pytest.mark.parametrize("play", PLAYS, ids=["live", "all history"])
def test_every_event_happens_once_and_outcomes_keep_their_order(play: Callable[[], Live]) -> None:
    played = play()
    told = list(happenings(played))
    outcomes = [one.line for one in told if one.subject is Subject.OUTCOME]
    assert outcomes == lines(played.scenario)
    releases = [one.line for one in told if one.subject is Subject.RELEASE]
    assert releases == played.scenario.release_events()
    known = sum(step.time < played.since for step in played.scenario.release_steps())
    assert all(one.subject is Subject.RELEASE for one in told[:known])
    assert told[known].subject is Subject.OUTCOME
    assert all(before.time <= after.time for before, after in pairwise(told[known:]))


def test_no_outcome_happens_much_before_its_event_time() -> None:
    """They are spread over the minute of their arrival, which is after their event time."""
    for one in happenings(live(1.0)):
        if one.subject is Subject.OUTCOME:
            assert one.time > parse_instant(json.loads(one.line)["time"]) - 10


def test_a_repeated_scenario_begins_where_it_ended_with_other_operations_and_releases() -> None:
    first, second, third = islice(rounds(live(60.0)), 3)
    for earlier, later in pairwise((first, second, third)):
        ended = earlier.scenario.end + earlier.scenario.moved
        assert later.scenario.start + later.scenario.moved == ended
        assert later.since == ended.timestamp()
        assert later.speed == 1
    names = [{plan.release for plan in one.scenario.releases} for one in (first, second, third)]
    assert {f"{name}-2" for name in names[0]} == names[1]
    assert {f"{name}-3" for name in names[0]} == names[2]
    assert [one.scenario.seed for one in (first, second, third)] == [5, 6, 7]
