"""A fleet of regions whose traffic is recorded runs, drawn with replacement.

Runs start as a Poisson process, each in one region, and stay whole: their operations keep their
distances in time and their outcomes. Regions are units of rollout; the hosts on which the runs
were recorded play no part, because each of them saw few runs of few components.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from benchmarks.openstack.records import Run
from streams.domain.time import format_instant

SPREAD = 0.7
"""Standard deviation of the logarithm of a region's share: the largest of 16 regions is about ten
times as busy as the smallest."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """Regions, in the order in which most rollouts take them, and how busy they are.

    Attributes:
        regions: Their names.
        shares: Of all runs, one for each region; they add up to 1.
        runs_per_minute: In all regions together, on average.
    """

    regions: tuple[str, ...]
    shares: tuple[float, ...]
    runs_per_minute: float


@dataclass(frozen=True, slots=True)
class Fault:
    """What a faulty release does to the runs.

    Attributes:
        runs: Faulty runs of one component, one of which takes the place of an ordinary run.
        exposed: Region -> instant from which it runs the release, in seconds since the epoch.
        share: Of the runs in an exposed region, those that reach the faulty code, 0 to 1.
    """

    runs: tuple[Run, ...]
    exposed: Mapping[str, float]
    share: float


@dataclass(frozen=True, slots=True)
class PlacedRun:
    """A recorded run placed in time and in a region; `start` in seconds since the epoch."""

    start: float
    region: str
    run: Run


def draw_fleet(rng: np.random.Generator, regions: int, runs_per_minute: float) -> Fleet:
    """Draw how busy each region is."""
    weights = rng.lognormal(0.0, SPREAD, regions)
    return Fleet(
        regions=tuple(f"region-{number + 1:02d}" for number in range(regions)),
        shares=tuple((weights / weights.sum()).tolist()),
        runs_per_minute=runs_per_minute,
    )


def place_runs(
    rng: np.random.Generator,
    fleet: Fleet,
    ordinary: Sequence[Run],
    fault: Fault | None,
    begin: float,
    end: float,
) -> list[PlacedRun]:
    """Draw the runs that start in a stretch of time.

    Args:
        rng: Source of randomness.
        fleet: Where they run.
        ordinary: What is drawn from, with replacement.
        fault: What takes the place of some of them; None for nothing.
        begin: First instant, in seconds since the epoch.
        end: First instant that no longer belongs to the stretch.

    Returns:
        Runs in the order in which they start.
    """
    number = int(rng.poisson(fleet.runs_per_minute * (end - begin) / 60.0))
    starts = np.sort(rng.uniform(begin, end, number)).tolist()
    regions = rng.choice(len(fleet.regions), number, p=fleet.shares).tolist()
    chosen = rng.integers(len(ordinary), size=number).tolist()
    luck = rng.uniform(size=number).tolist()
    mutants = rng.integers(len(fault.runs) if fault else 1, size=number).tolist()
    placed = []
    for start, index, which, chance, mutant in zip(
        starts, regions, chosen, luck, mutants, strict=True
    ):
        region, run = fleet.regions[index], ordinary[which]
        if fault and chance < fault.share and start >= fault.exposed.get(region, np.inf):
            run = fault.runs[mutant]
        placed.append(PlacedRun(start, region, run))
    return placed


def outcome_lines(placed: Iterable[PlacedRun], begin: float, end: float) -> list[bytes]:
    """Give the outcomes of a stretch of time as events of the outcome contract.

    Args:
        placed: All runs that may have an outcome in the stretch.
        begin: First instant, in seconds since the epoch.
        end: First instant that no longer belongs to the stretch.

    Returns:
        JSON objects without line ends, in the order of their event times.
    """
    found = []
    for one in placed:
        for number, operation in enumerate(one.run.operations):
            time = one.start + operation.finished
            if begin <= time < end:
                name = f"{one.region}/{one.start:.6f}/{number}"
                found.append((time, name, one, operation))
    found.sort(key=lambda entry: entry[:2])
    return [
        msgspec.json.encode(
            {
                "id": name,
                "time": format_instant(time),
                "started": format_instant(one.start + operation.started),
                "operation": operation.operation,
                "outcome": "failure" if operation.failed else "success",
                "region": one.region,
                "os": operation.os,
                "vm_type": operation.vm_type,
                "error_code": operation.error_code,
            }
        )
        for time, name, one, operation in found
    ]
