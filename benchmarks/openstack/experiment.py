"""The whole experiment: every fleet, its quiet days and its trials."""

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.openstack.design import Design, rows, trials
from benchmarks.openstack.records import Recordings
from benchmarks.openstack.scores import TrialScore
from benchmarks.openstack.trial import Quiet, run_quiet, run_trial, warm_up
from streams.replay.request import Progress

TRIAL_WEIGHT = 0.3
"""What a trial costs, in days of a fleet."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """What came of an experiment.

    Attributes:
        design: How it was made.
        rows: Rows of the tables, each with its components.
        scores: Trials, in order.
        quiet: Quiet days, fleet by fleet.
    """

    design: Design
    rows: Mapping[str, tuple[str, ...]]
    scores: tuple[TrialScore, ...]
    quiet: tuple[Quiet, ...]


def run_experiment(design: Design, recordings: Recordings, progress: Progress) -> Experiment:
    """Run all of it, on one core.

    Args:
        design: How large it is.
        recordings: Where the runs come from.
        progress: Hears how far it is; events are operations of quiet days, windows are trials.
    """
    planned = list(trials(design, recordings))
    of_fleet = design.warm_up_days + design.quiet_days
    total = round(100 * (design.fleets * of_fleet + TRIAL_WEIGHT * len(planned)))
    done, operations = 0.0, 0
    scores: list[TrialScore] = []
    quiet: list[Quiet] = []
    for number in range(design.fleets):
        warm = warm_up(design, recordings, number)
        done += design.warm_up_days
        progress.advance(round(100 * done), total, operations, len(scores))
        quiet.append(run_quiet(design, recordings, warm, number))
        done += design.quiet_days
        operations += quiet[-1].operations
        for trial in planned:
            if trial.fleet == number:
                progress.advance(round(100 * done), total, operations, len(scores))
                scores.append(run_trial(design, recordings, warm, trial))
                done += TRIAL_WEIGHT
    scores.sort(key=lambda one: one.trial.number)
    return Experiment(design, rows(design, recordings), tuple(scores), tuple(quiet))
