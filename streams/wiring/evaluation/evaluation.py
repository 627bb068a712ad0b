"""What the benchmark of the detectors found, and how it is run."""

from collections.abc import Sequence
from dataclasses import dataclass

from detectors.evaluation.experiments import ChangeResult, NuisanceResult
from detectors.evaluation.fleet import FleetResult
from detectors.evaluation.goals import Goal, all_goals
from streams.adapters import peers
from streams.replay.request import Progress
from streams.wiring.evaluation import cost
from streams.wiring.evaluation.tasks import COST, Result, Task, chosen_names, results, tasks


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """All results, in the order of the tables.

    Attributes:
        seed: Of the whole benchmark.
        quick: Whether it was small: its figures then say little.
        missing: Distributions of peers that are not installed.
        changes: Change cells.
        nuisances: Nuisance cells.
        fleets: Methods on the fleet, this program first.
        costs: What the bank costs; None unless measured.
    """

    seed: int
    quick: bool
    missing: tuple[str, ...]
    changes: tuple[ChangeResult, ...]
    nuisances: tuple[NuisanceResult, ...]
    fleets: tuple[FleetResult, ...]
    costs: cost.Costs | None

    def goals(self) -> list[Goal]:
        """Judge all figures."""
        goals = all_goals(self.changes, self.nuisances, self.fleets)
        return goals + (cost.cost_goals(self.costs) if self.costs else [])


def run(
    chosen: Sequence[str] | None, seed: int, jobs: int, progress: Progress, *, quick: bool
) -> Evaluation:
    """Run the benchmark.

    Args:
        chosen: Names of cells, `fleet` and `cost`; None for all.
        seed: The same seed gives the same figures, apart from costs, whatever `jobs` is.
        jobs: Number of processes.
        progress: Hears how far it is.
        quick: Whether it has to be quick.

    Raises:
        OperatorError: A cell that there is not.
    """
    named = chosen_names(chosen, quick=quick)
    todo = tasks(named, seed, quick=quick)
    # First, while nothing else runs: what costs are measured beside other processes is not theirs.
    costs = cost.measure_all(quick=quick) if COST in named else None
    total = sum(task.weight for task in todo)
    found: dict[Task, Result] = {}
    done = operations = windows = 0
    for task, result in results(todo, jobs):
        found[task] = result
        done += task.weight
        operations += result.operations
        windows += result.windows
        progress.advance(done, total, operations, windows)
    ordered = [found[task] for task in todo]
    return Evaluation(
        seed=seed,
        quick=quick,
        missing=tuple(peers.installed()[1]),
        changes=tuple(one for one in ordered if isinstance(one, ChangeResult)),
        nuisances=tuple(one for one in ordered if isinstance(one, NuisanceResult)),
        fleets=tuple(one for one in ordered if isinstance(one, FleetResult)),
        costs=costs,
    )
