"""A scenario as something that happens now: moved to the present, and when each event is due."""

import enum
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from heapq import merge
from itertools import count
from typing import NamedTuple

from streams.domain.errors import OperatorError
from streams.scenarios.encoding import release_line
from streams.scenarios.generate import Batch, Scenario


class Subject(enum.Enum):
    """What an event is about."""

    OUTCOME = "outcome"
    RELEASE = "release"


class Happening(NamedTuple):
    """Something to publish.

    Attributes:
        time: Event time at which it becomes known, seconds since the epoch.
        subject: What it is about.
        line: A JSON object without a line end.
    """

    time: float
    subject: Subject
    line: bytes


@dataclass(frozen=True, slots=True)
class Live:
    """A scenario of which a part is history and the rest happens from now on.

    Attributes:
        scenario: Moved to the present.
        since: Event time before which all is history, seconds since the epoch.
        speed: How fast event time passes until it has caught up with the clock; from then on it is
            the clock.
    """

    scenario: Scenario
    since: float
    speed: float

    def due(self, time: float, begun: float) -> float:
        """Give the processing time at which something is due; nothing is before it happens.

        Args:
            time: Its event time, seconds since the epoch.
            begun: Processing time at which the history had been published, likewise.

        Returns:
            Seconds since the epoch; minus infinity for history, which is due at once.
        """
        if time < self.since:
            return -math.inf
        # At the clock's own pace a history that took long to publish is caught up with.
        start = self.since if self.speed == 1 else begun
        return max(time, start + (time - self.since) / self.speed)


def all_history(scenario: Scenario) -> Live:
    """Let a scenario be published as fast as it is read, under its own times."""
    return Live(scenario, math.inf, 1.0)


def moved_to_now(
    scenario: Scenario, *, now: float, history: timedelta, speed: float, tail: timedelta
) -> Live:
    """Move a scenario so that its history ends now, or in the past if what follows is hurried.

    Args:
        scenario: What to move; by less than a minute more than needed.
        now: Processing time, seconds since the epoch.
        history: How much of its beginning is history.
        speed: How fast the rest of it passes, 1 or more; at its end event time has caught up.
        tail: How long its fleet goes on after its end, at the clock's own pace.

    Raises:
        OperatorError: Nothing would be left after the history, or the speed is below 1.
    """
    rest = scenario.end - scenario.start - history
    if rest <= timedelta(0):
        raise OperatorError(
            f"{scenario.name} lasts {scenario.end - scenario.start}, so its history cannot be "
            f"{history}"
        )
    if not (math.isfinite(speed) and speed >= 1):
        raise OperatorError(f"the speed must be 1 or more, but is {speed}")
    behind = rest * (1 - 1 / speed)
    later = timedelta(seconds=now) - behind - history
    later -= timedelta(seconds=scenario.start.timestamp())
    minute = timedelta(minutes=1)
    present = replace(scenario, moved=later // minute * minute, end=scenario.end + tail)
    return Live(present, (present.start + present.moved + history).timestamp(), speed)


def rounds(first: Live) -> Iterator[Live]:
    """Let a scenario begin anew whenever it ends, without end.

    Args:
        first: How it is played the first time; after that it keeps to the clock's own pace.

    Yields:
        The first time, and each time after it with other operations, and with the number of the
        time in the names of the releases.
    """
    yield first
    scenario = first.scenario
    length = scenario.end - scenario.start
    for number in count(2):
        moved = scenario.moved + (number - 1) * length
        again = replace(
            scenario,
            seed=scenario.seed + number - 1,
            releases=tuple(
                replace(plan, release=f"{plan.release}-{number}") for plan in scenario.releases
            ),
            moved=moved,
        )
        yield Live(again, (scenario.start + moved).timestamp(), 1.0)


def happenings(live: Live) -> Iterator[Happening]:
    """Give what a scenario publishes, in order; release events that are history come first.

    The outcomes of a minute are spread evenly over it, in the order of their arrival.
    """
    scenario, since = live.scenario, live.since
    steps = [
        Happening(step.time, Subject.RELEASE, release_line(step))
        for step in scenario.release_steps()
    ]
    begin = sum(step.time < since for step in steps)
    yield from steps[:begin]
    for batch in scenario.batches():
        end = begin
        while end < len(steps) and steps[end].time < batch.minute_start + 60:
            end += 1
        yield from merge(steps[begin:end], _spread(batch), key=lambda one: one.time)
        begin = end
    yield from steps[begin:]


def _spread(batch: Batch) -> Iterator[Happening]:
    step = 60.0 / max(len(batch.lines), 1)
    for number, line in enumerate(batch.lines, start=1):
        yield Happening(batch.minute_start + number * step, Subject.OUTCOME, line)
