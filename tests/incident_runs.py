"""Runs of the stages through incidents on the small fleet, for tests of what is told of them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache

from small_fleets import BEGIN_OF_TROUBLE as BEGIN
from small_fleets import (
    DIMENSIONS,
    FIRST,
    SETTINGS,
    Fault,
    Told,
    blocks_of,
    fleet,
    progress,
    release,
    run,
)

from detectors.detections import Direction
from streams.domain.change_points import ChangePoint
from streams.domain.incidents import IncidentRecord
from streams.domain.releases import ReleaseAction, ReleaseEvent
from streams.stages.incidents import Incidents
from streams.stages.judge import Judge
from streams.windows.closed import ClosedWindow

WINDOWS = {"os": ("windows",)}
A = {"region": ("east",), "os": ("linux",), "operation": ("create",)}
B = {"region": ("west",), "os": ("windows",), "operation": ("delete",)}
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
def told_of(*faults: tuple[int, int, float, str, str], windows: int = 90, seed: int = 1) -> Told:
    """Run the fleet with faults: first and last window after the beginning, ratio, scope, code."""
    broken = [
        Fault(
            first=BEGIN + first, last=BEGIN + last, ratio=ratio, scope=json.loads(scope), code=code
        )
        for first, last, ratio, scope, code in faults
    ]
    return run(fleet(BEGIN + windows, broken, seed=seed))


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
