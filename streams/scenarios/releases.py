"""Staged releases as values, and the contract events their rollout produces."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from streams.domain.releases import ReleaseAction, ReleaseEvent
from streams.scenarios.fleet import Scope

_EVERYWHERE: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage of a rollout.

    Attributes:
        name: As it stands in the events.
        regions: Regions it reaches, in order; empty for all regions at once.
        exposure: Share of the scope there that runs the release afterwards, 0 to 1.
        gap: Time between two regions; zero for one step over all of them.
        bake: Time from its last step to the next stage, or to completion.
    """

    name: str
    regions: tuple[str, ...] = _EVERYWHERE
    exposure: float = 1.0
    gap: timedelta = timedelta(0)
    bake: timedelta = timedelta(0)

    def __post_init__(self) -> None:
        """Refuse what the release contract refuses."""
        if not 0 <= self.exposure <= 1:
            raise ValueError(f"exposure of stage {self.name!r} is {self.exposure}, not in [0, 1]")

    @property
    def steps(self) -> tuple[tuple[timedelta, tuple[str, ...]], ...]:
        """Offset from the start of the stage, and regions, of each step."""
        if not self.gap or not self.regions:
            return ((timedelta(0), self.regions),)
        return tuple((index * self.gap, (name,)) for index, name in enumerate(self.regions))

    @property
    def length(self) -> timedelta:
        """Time from its first step to the first step of the next stage."""
        return self.steps[-1][0] + self.bake


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """A halt, `after` the last step of stage number `stage` (from 0), for `length`."""

    stage: int
    after: timedelta
    length: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollback:
    """The release is taken back in some regions; empty for everywhere it has reached."""

    time: datetime
    regions: tuple[str, ...] = _EVERYWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasePlan:
    """One release from its first step to its last.

    Attributes:
        release: Id, the same in all its events.
        component: What is deployed.
        version: Of the component.
        started: Time of the first step.
        stages: At least one.
        scope: Dimensions other than region it touches; empty for everything.
        pause: A halt, after which the stages go on.
        rollbacks: In time order. The first one ends the rollout: later steps do not happen.
        halted: When all rollouts of the fleet are stopped, for good as far as the scenario goes.
    """

    release: str
    component: str
    version: str
    started: datetime
    stages: tuple[Stage, ...]
    scope: Scope = field(default_factory=dict)
    pause: Pause | None = None
    rollbacks: tuple[Rollback, ...] = ()
    halted: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse a release without stages and steps out of order."""
        if not self.stages:
            raise ValueError(f"release {self.release!r} has no stages")
        if self.pause is not None and self.pause.after > self.stages[self.pause.stage].bake:
            raise ValueError(f"release {self.release!r} pauses after its next stage has begun")
        times = [rollback.time for rollback in self.rollbacks]
        if times != sorted(times):
            raise ValueError(f"rollbacks of {self.release!r} are not in time order")

    def events(self) -> tuple[ReleaseEvent, ...]:
        """Give all events of the rollout in time order."""
        forward = [step for step in self._forward() if step.time < self._stopped]
        steps = [*forward, *self._halt(forward), *self._backward(forward)]
        return tuple(
            replace(step, id=f"{self.release}/{number:03d}") for number, step in enumerate(steps)
        )

    @property
    def _stopped(self) -> float:
        """From when on no further step happens, seconds since the epoch."""
        ends = [rollback.time.timestamp() for rollback in self.rollbacks]
        if self.halted is not None:
            ends.append(self.halted.timestamp())
        return min(ends, default=math.inf)

    def _halt(self, forward: list[ReleaseEvent]) -> Iterator[ReleaseEvent]:
        under_way = bool(forward) and forward[-1].action is not ReleaseAction.COMPLETED
        if self.halted is not None and self.halted.timestamp() == self._stopped and under_way:
            stage = next(stage for stage in self.stages if stage.name == forward[-1].stage)
            yield self._step(self.halted, ReleaseAction.PAUSED, stage, _reached(forward))

    def _forward(self) -> Iterator[ReleaseEvent]:
        begin, action = self.started, ReleaseAction.STARTED
        for number, stage in enumerate(self.stages):
            for offset, regions in stage.steps:
                yield self._step(begin + offset, action, stage, regions)
                action = ReleaseAction.PROGRESSED
            begin += stage.length
            if self.pause is not None and self.pause.stage == number:
                paused = begin - stage.bake + self.pause.after
                yield self._step(paused, ReleaseAction.PAUSED, stage, stage.regions)
                resumed = paused + self.pause.length
                yield self._step(resumed, ReleaseAction.RESUMED, stage, stage.regions)
                begin += self.pause.length
        reached = _union(stage.regions for stage in self.stages)
        yield self._step(begin, ReleaseAction.COMPLETED, self.stages[-1], reached)

    def _backward(self, forward: list[ReleaseEvent]) -> Iterator[ReleaseEvent]:
        undone = Stage(name="rollback", exposure=0.0)
        for rollback in self.rollbacks:
            regions = rollback.regions or _reached(forward)
            yield self._step(rollback.time, ReleaseAction.ROLLED_BACK, undone, regions)

    def _step(
        self, time: datetime, action: ReleaseAction, stage: Stage, regions: tuple[str, ...]
    ) -> ReleaseEvent:
        where = {"region": regions} if regions else {}
        return ReleaseEvent(
            id="",
            time=time.timestamp(),
            release=self.release,
            action=action,
            scope=where | self.scope,
            exposure=stage.exposure,
            component=self.component,
            version=self.version,
            stage=stage.name,
            url=f"https://releases.example/{self.release}",
        )


def offset_of_stage(stages: tuple[Stage, ...], number: int) -> timedelta:
    """Give the time from the start of a rollout (without pause) to the first step of a stage."""
    return sum((stage.length for stage in stages[:number]), start=timedelta(0))


def _reached(steps: list[ReleaseEvent]) -> tuple[str, ...]:
    return _union(step.scope.get("region", _EVERYWHERE) for step in steps)


def _union(regions: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """Join sets of regions in the order of their first mention; everywhere wins."""
    every = tuple(regions)
    if _EVERYWHERE in every:
        return _EVERYWHERE
    return tuple(dict.fromkeys(name for names in every for name in names))
