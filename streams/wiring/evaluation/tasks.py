"""What the benchmark consists of, as tasks that any process can do, in any order."""

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from detectors.evaluation.bank_method import BankMethod
from detectors.evaluation.cells import CHANGE_CELLS, NUISANCE_CELLS, ChangeCell, NuisanceCell
from detectors.evaluation.experiments import (
    FULL,
    QUICK,
    ChangeResult,
    NuisanceResult,
    Sizes,
    run_change,
    run_nuisance,
)
from detectors.evaluation.fleet import FULL_FLEET, QUICK_FLEET, FleetResult, FleetSize, run_fleet
from detectors.evaluation.references import BurnRate, Ewma, OracleCusum
from streams.adapters import peers
from streams.domain.errors import OperatorError
from streams.wiring.evaluation import processes

Result: TypeAlias = ChangeResult | NuisanceResult | FleetResult

FLEET: Final = "fleet"
COST: Final = "cost"
_QUICK: Final = ("A n=100", "B n=100", "C n=5", "A n=100 ρ=0.01")
_QUICK_NUISANCES: Final = ("independent n=100", "daily season n=100")


class Kind(enum.Enum):
    """What a task measures."""

    KNOWN = "change, baseline known"
    LEARNED = "change, baseline learned"
    NUISANCE_KNOWN = "in control, baseline known"
    NUISANCE_LEARNED = "in control, baseline learned"
    FLEET = "fleet"
    FLEET_BURN_RATE = "fleet, burn rate"


_WEIGHTS: Final = {
    Kind.KNOWN: 5,
    Kind.LEARNED: 5,
    Kind.NUISANCE_KNOWN: 2,
    Kind.NUISANCE_LEARNED: 5,
    Kind.FLEET: 12,
    Kind.FLEET_BURN_RATE: 2,
}
"""How long they take, relatively, for the progress bar."""


@dataclass(frozen=True, slots=True)
class Task:
    """One experiment.

    Attributes:
        kind: What it measures.
        name: Of the cell.
        seed: Of the whole benchmark.
        quick: Whether it is small.
    """

    kind: Kind
    name: str
    seed: int
    quick: bool

    @property
    def weight(self) -> int:
        """How long it takes, relatively."""
        return _WEIGHTS[self.kind]


def names() -> list[str]:
    """Give everything that can be chosen, in the order of the tables."""
    changes = [cell.name for cell in CHANGE_CELLS]
    nuisances = [cell.name for cell in NUISANCE_CELLS]
    return [*changes, *nuisances, FLEET, COST]


def chosen_names(chosen: Sequence[str] | None, *, quick: bool) -> list[str]:
    """Give what is to be measured.

    Args:
        chosen: What was asked for; None for all, or for a few if it has to be quick.
        quick: Whether it has to be.

    Raises:
        OperatorError: A name that there is not.
    """
    for name in chosen or ():
        if name not in names():
            raise OperatorError(f"--cells: there is no {name!r}; there are {', '.join(names())}")
    if chosen is None and quick:
        chosen = [*_QUICK, *_QUICK_NUISANCES, FLEET, COST]
    return [name for name in names() if chosen is None or name in chosen]


def tasks(chosen: Sequence[str], seed: int, *, quick: bool) -> list[Task]:
    """List the experiments, in the order of the tables.

    Args:
        chosen: Names of cells.
        seed: Of the whole benchmark.
        quick: Whether they are small.
    """
    pairs: list[tuple[Kind, str]] = []
    for cell in CHANGE_CELLS:
        kinds = (Kind.KNOWN, Kind.LEARNED) if cell.knowable else (Kind.LEARNED,)
        pairs += [(kind, cell.name) for kind in kinds]
    for quiet in NUISANCE_CELLS:
        kinds = (Kind.NUISANCE_KNOWN, Kind.NUISANCE_LEARNED)
        pairs += [(kind, quiet.name) for kind in (kinds if quiet.knowable else kinds[1:])]
    pairs += [(Kind.FLEET, FLEET), (Kind.FLEET_BURN_RATE, FLEET)]
    return [Task(kind, name, seed, quick) for kind, name in pairs if name in chosen]


def do(task: Task) -> Result:
    """Do one task; the same task gives the same result in any process."""
    sizes: Sizes = QUICK if task.quick else FULL
    if task.kind in (Kind.FLEET, Kind.FLEET_BURN_RATE):
        size: FleetSize = QUICK_FLEET if task.quick else FULL_FLEET
        method = BankMethod(together=True) if task.kind is Kind.FLEET else BurnRate()
        return run_fleet(size, task.seed, method)
    if task.kind in (Kind.NUISANCE_KNOWN, Kind.NUISANCE_LEARNED):
        known = task.kind is Kind.NUISANCE_KNOWN
        return run_nuisance(_nuisance(task.name), sizes, task.seed, BankMethod(), known=known)
    known = task.kind is Kind.KNOWN
    more = (Ewma(), *peers.installed()[0]) if known else (BurnRate(),)
    others = (OracleCusum(), *more)
    return run_change(_change(task.name), sizes, task.seed, BankMethod(), others, known=known)


def _change(name: str) -> ChangeCell:
    return next(cell for cell in CHANGE_CELLS if cell.name == name)


def _nuisance(name: str) -> NuisanceCell:
    return next(cell for cell in NUISANCE_CELLS if cell.name == name)


def results(todo: Sequence[Task], jobs: int) -> Iterator[tuple[Task, Result]]:
    """Do tasks, as they come.

    Args:
        todo: The tasks.
        jobs: Number of processes; 1 for this one alone.

    Returns:
        Each task with its result, in any order.
    """
    return processes.results(do, todo, jobs)
