"""What the benchmark of attribution found, and how it is run."""

from collections.abc import Sequence
from dataclasses import dataclass

from detectors.evaluation.attribution.goals import cost_goal, localisation_goals, ranking_goals
from detectors.evaluation.attribution.localisation import LocalisationResult
from detectors.evaluation.attribution.results import CaseResult
from detectors.evaluation.goals import Goal
from streams.replay.request import Progress
from streams.wiring.evaluation import processes
from streams.wiring.evaluation.attribution import cost
from streams.wiring.evaluation.attribution.tasks import (
    COST,
    Results,
    Task,
    chosen_names,
    do,
    tasks,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """All results, in the order of the tables.

    Attributes:
        seed: Of the whole benchmark.
        quick: Whether it was small: its figures then say little.
        rankings: One for each case and minute.
        localisations: One for each incident.
        seconds: Processor time of a large ranking; None unless measured.
    """

    seed: int
    quick: bool
    rankings: tuple[CaseResult, ...]
    localisations: tuple[LocalisationResult, ...]
    seconds: float | None

    def goals(self) -> list[Goal]:
        """Judge all figures."""
        goals = [*ranking_goals(self.rankings), *localisation_goals(self.localisations)]
        return goals if self.seconds is None else [*goals, cost_goal(self.seconds)]


def run(
    chosen: Sequence[str] | None, seed: int, jobs: int, progress: Progress, *, quick: bool
) -> Evaluation:
    """Run the benchmark.

    Args:
        chosen: Kinds of incident, `localisation` and `cost`; None for all.
        seed: The same seed gives the same figures, apart from times, whatever `jobs` is.
        jobs: Number of processes.
        progress: Hears how far it is.
        quick: Whether it has to be quick.

    Raises:
        OperatorError: A part that there is not.
    """
    named = chosen_names(chosen)
    todo = tasks(named, seed, quick=quick)
    # First, while nothing else runs: what costs are measured beside other processes is not theirs.
    seconds = cost.seconds_of_large_ranking(quick=quick) if COST in named else None
    total = sum(task.weight for task in todo)
    found: dict[Task, Results] = {}
    done = operations = bins = 0
    # The longest first, so that no process is left alone with one of them at the end.
    for task, results in processes.results(do, sorted(todo, key=lambda one: -one.weight), jobs):
        found[task] = results
        done += task.weight
        operations += sum(result.operations for result in results)
        bins += sum(result.bins for result in results if isinstance(result, CaseResult))
        progress.advance(done, total, operations, bins)
    ordered = [result for task in todo for result in found[task]]
    return Evaluation(
        seed=seed,
        quick=quick,
        rankings=tuple(one for one in ordered if isinstance(one, CaseResult)),
        localisations=tuple(one for one in ordered if isinstance(one, LocalisationResult)),
        seconds=seconds,
    )
