"""What the benchmark consists of, as tasks that any process can do, in any order."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from detectors.evaluation.attribution.experiments import (
    FULL,
    QUICK,
    Sizes,
    run_cases,
    run_localisation,
)
from detectors.evaluation.attribution.kinds import Kind
from detectors.evaluation.attribution.localisation import SHAPES, LocalisationResult
from detectors.evaluation.attribution.results import CaseResult
from streams.domain.errors import OperatorError

LOCALISATION: Final = "localisation"
COST: Final = "cost"

Results: TypeAlias = tuple[CaseResult, ...] | tuple[LocalisationResult, ...]


@dataclass(frozen=True, slots=True)
class Task:
    """One experiment.

    Attributes:
        name: The kind of incident, or the shape of the fleet in which scopes are sought.
        releases: Number of registered releases; 0 where scopes are sought.
        seed: Of the whole benchmark.
        quick: Whether it is small.
    """

    name: str
    releases: int
    seed: int
    quick: bool

    @property
    def weight(self) -> int:
        """How long it takes, relatively."""
        if not self.releases:
            return 8
        cases = FULL.caused if Kind(self.name).by_release else FULL.innocent
        # A ranking takes a time of its own, and more for each release.
        return cases * (6 + self.releases) // 6


def names() -> list[str]:
    """Give everything that can be chosen, in the order of the tables."""
    return [*(kind.value for kind in Kind), LOCALISATION, COST]


def chosen_names(chosen: Sequence[str] | None) -> list[str]:
    """Give what is to be measured.

    Args:
        chosen: What was asked for; None for all.

    Raises:
        OperatorError: A name that there is not.
    """
    for name in chosen or ():
        if name not in names():
            raise OperatorError(f"--parts: there is no {name!r}; there are {', '.join(names())}")
    return [name for name in names() if chosen is None or name in chosen]


def tasks(chosen: Sequence[str], seed: int, *, quick: bool) -> list[Task]:
    """List the experiments, in the order of the tables.

    Args:
        chosen: Names of parts.
        seed: Of the whole benchmark.
        quick: Whether they are small.
    """
    pairs = [
        (kind.value, releases)
        for kind in Kind
        for releases in _sizes(quick=quick).releases
        if kind.value in chosen
    ]
    if LOCALISATION in chosen:
        pairs += [(shape.name, 0) for shape in SHAPES]
    return [Task(name, releases, seed, quick) for name, releases in pairs]


def do(task: Task) -> Results:
    """Do one task; times apart, the same task gives the same results in any process."""
    sizes = _sizes(quick=task.quick)
    if task.releases:
        return run_cases(Kind(task.name), task.releases, sizes, task.seed, time.process_time)
    shape = next(shape for shape in SHAPES if shape.name == task.name)
    return run_localisation(shape, sizes, task.seed, time.process_time)


def _sizes(*, quick: bool) -> Sizes:
    return QUICK if quick else FULL
