"""How large the experiment is, and what it consists of."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.openstack.records import Recordings

FEW = "components with fewer faulty runs"
SILENT = "components without a failed operation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """The experiment; the defaults are those of the published tables.

    Attributes:
        seed: Of all random draws.
        regions: Of every fleet.
        runs_per_minute: Runs that start in a fleet, on average.
        fleets: Fleets, each with traffic of its own; trials are spread over them.
        warm_up_days: What opwatch has seen of a fleet before anything is counted.
        quiet_days: Days without any fault, of each fleet.
        trials: Trials of a row and a share; the culprit is registered in every other one.
        shares: Of the runs in exposed regions, those that reach the faulty code, 0 to 1.
        harmless: Harmless releases that roll out around each fault.
        least_runs: Faulty runs that a component must have to be a row of its own.
    """

    seed: int
    regions: int = 16
    runs_per_minute: float = 16.0
    fleets: int = 2
    warm_up_days: float = 2.0
    quiet_days: float = 5.0
    trials: int = 2
    shares: tuple[float, ...] = (1.0, 0.1)
    harmless: int = 10
    least_runs: int = 10

    def random(self, *names: object) -> np.random.Generator:
        """Give the source of randomness of one part, which no other part's size changes."""
        digest = zlib.crc32("/".join(map(str, names)).encode())
        return np.random.default_rng([self.seed, digest])


def quick(seed: int) -> Design:
    """Give an experiment that is over within a minute and says little."""
    return Design(
        seed=seed,
        regions=8,
        fleets=1,
        warm_up_days=0.25,
        quiet_days=0.25,
        trials=2,
        shares=(1.0,),
        harmless=4,
        least_runs=52,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One fault in one fleet.

    Attributes:
        number: Unique within the experiment.
        fleet: Number of the fleet it happens in.
        row: Where it counts in the tables: a component, or a group of them.
        component: Whose faulty runs are injected.
        share: Of the runs in exposed regions, those that reach the faulty code, 0 to 1.
        registered: Whether the culprit's events are in the release log.
    """

    number: int
    fleet: int
    row: str
    component: str
    share: float
    registered: bool


def rows(design: Design, recordings: Recordings) -> dict[str, tuple[str, ...]]:
    """Give the rows of the tables, each with its components, those with most faulty runs first."""
    seen = {
        name: len(runs)
        for name, runs in recordings.faulty.items()
        if any(run.failures for run in runs)
    }
    many = [name for name, number in seen.items() if number >= design.least_runs]
    many.sort(key=lambda name: (-seen[name], name))
    found = {name: (name,) for name in many}
    groups = {
        FEW: tuple(name for name in seen if name not in many),
        SILENT: tuple(name for name in recordings.faulty if name not in seen),
    }
    return found | {name: members for name, members in groups.items() if members}


def trials(design: Design, recordings: Recordings) -> Iterator[Trial]:
    """Give all trials, in order."""
    number = 0
    for row, members in rows(design, recordings).items():
        for share in design.shares:
            random = design.random("components", row, share)
            for turn in range(design.trials):
                component = members[int(random.integers(len(members)))]
                yield Trial(
                    number=number,
                    # Two by two, so that every fleet sees the culprit registered and not.
                    fleet=number // 2 % design.fleets,
                    row=row,
                    component=component,
                    share=share,
                    registered=turn % 2 == 0,
                )
                number += 1
