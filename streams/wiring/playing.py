"""A simulated fleet that publishes to Kafka as if it happened now."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from streams.adapters.kafka.fleet import FleetProducer
from streams.adapters.stop_signal import told_to_stop
from streams.adapters.system_clock import SystemClock
from streams.config import Settings
from streams.domain.time import format_instant
from streams.scenarios.catalogue import build
from streams.scenarios.default_fleet import default_fleet
from streams.scenarios.live import Live, moved_to_now, rounds

LEAD = timedelta(minutes=5)
"""How much of the time before the onset is not history: so that one sees the fleet healthy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """Which scenario happens, and how.

    Attributes:
        scenario: Its name.
        seed: Of all random draws.
        volume: Operations, as a multiple of the default fleet's.
        speed: How fast event time passes until it has caught up with the clock.
        before: Time before the onset; all but its last minutes are history.
        incident_duration: From onset to end; None where the scenario has no incident.
        after: Time after the end, at the same speed.
    """

    scenario: str
    seed: int = 1
    volume: float = 1.0
    speed: float
    before: timedelta
    incident_duration: timedelta | None
    after: timedelta


def live_scenario(course: Course, *, now: float, tail: timedelta) -> Live:
    """Give the scenario of a course, moved to the present.

    Args:
        course: Which.
        now: Processing time, seconds since the epoch.
        tail: How long its fleet goes on after its end, at the clock's own pace.

    Raises:
        OperatorError: There is none of that name, or it cannot be played so.
    """
    scenario = build(
        course.scenario,
        seed=course.seed,
        volume=course.volume * default_fleet().operations_per_minute,
        before=course.before,
        after=course.after,
        incident_duration=course.incident_duration,
    )
    history = max(course.before - LEAD, timedelta(0))
    return moved_to_now(scenario, now=now, history=history, speed=course.speed, tail=tail)


def play(settings: Settings, course: Course, *, repeat: bool, say: Callable[[str], object]) -> None:
    """Publish a scenario until it has ended, or SIGINT or SIGTERM comes.

    Args:
        settings: Where Kafka is and how the topics are called.
        course: What to publish.
        repeat: Whether it begins anew when it has ended.
        say: Hears what happens, a line at a time.

    Raises:
        OperatorError: The topics are missing, or the course cannot be played.
        OutsideSystemError: Kafka does not take it.
    """
    first = live_scenario(course, now=SystemClock().now(), tail=timedelta(0))
    producer = FleetProducer(settings, SystemClock())
    with told_to_stop() as stop:
        for live in islice(rounds(first), None if repeat else 1):
            say(_introduction(live))
            if not producer.publish(live, stop):
                break
    say(f"published {producer.sent} outcomes")


def _introduction(live: Live) -> str:
    scenario = live.scenario
    onsets = [_instant(one.onset + scenario.moved) for one in scenario.incidents]
    return (
        f"{scenario.name}: history from {_instant(scenario.start + scenario.moved)} to "
        f"{format_instant(live.since)}, then {live.speed:g} x real time; "
        f"onset: {', '.join(onsets) or 'none'}; end: {_instant(scenario.end + scenario.moved)}"
    )


def _instant(time: datetime) -> str:
    return format_instant(time.timestamp())
