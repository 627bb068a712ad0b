"""The experiment on made-up runs: what is planned, what is found, what the tables say."""

from dataclasses import replace
from pathlib import Path

import pytest
from recorded_runs import experiments

import benchmarks.openstack_faults as script
from benchmarks.openstack.design import FEW, SILENT, Design, quick, rows, trials
from benchmarks.openstack.experiment import Experiment, run_experiment
from benchmarks.openstack.records import Recordings, join
from benchmarks.openstack.scores import AGES, Cause
from benchmarks.openstack.tables import daily_rate, proportion, render
from benchmarks.openstack.trial import run_trial, warm_up
from streams.domain.errors import OperatorError

SMALL = Design(
    seed=5,
    regions=5,
    runs_per_minute=30.0,
    fleets=1,
    warm_up_days=0.04,
    quiet_days=0.01,
    trials=2,
    shares=(1.0,),
    harmless=2,
    least_runs=2,
)


class Watcher:
    """Refuses progress that goes back or beyond the end."""

    def __init__(self) -> None:
        self.share = 0.0

    def advance(self, done_bytes: int, total_bytes: int, events: int, windows: int) -> None:
        del events, windows
        assert self.share < done_bytes / total_bytes < 1.0
        self.share = done_bytes / total_bytes


def made_up() -> Recordings:
    often = experiments(["often"], failing=["often"], repeat=2, gap=0.2)
    seldom = experiments(["seldom", "silent"], failing=["seldom"], gap=0.2)
    return join(*(one + other for one, other in zip(often, seldom, strict=True)))


@pytest.fixture(scope="module")
def experiment() -> Experiment:
    return run_experiment(SMALL, made_up(), Watcher())


def test_components_with_few_or_harmless_faults_share_a_row() -> None:
    assert rows(SMALL, made_up()) == {
        "often": ("often",),
        FEW: ("seldom",),
        SILENT: ("silent",),
    }


def test_half_of_the_trials_of_every_fleet_leave_the_culprit_out() -> None:
    planned = list(trials(Design(seed=1, trials=8, least_runs=2), made_up()))
    assert [one.number for one in planned] == list(range(3 * 2 * 8))
    for fleet in (0, 1):
        mine = [one.registered for one in planned if one.fleet == fleet]
        assert sum(mine) == len(mine) / 2 == 12


def test_randomness_of_one_part_does_not_depend_on_the_size_of_another() -> None:
    few, many = Design(seed=1, trials=2), Design(seed=1, trials=9)
    assert few.random("trial", 3).random() == many.random("trial", 3).random()
    assert few.random("trial", 3).random() != few.random("trial", 4).random()
    assert few.random("trial", 3).random() != replace(few, seed=2).random("trial", 3).random()


def test_a_fault_of_every_run_is_found_and_one_without_failures_is_not(
    experiment: Experiment,
) -> None:
    by_row = {
        row: [one for one in experiment.scores if one.trial.row == row]
        for row in ("often", FEW, SILENT)
    }
    assert [len(scores) for scores in by_row.values()] == [2, 2, 2]
    for one in (*by_row["often"], *by_row[FEW]):
        assert one.found is not None
        assert 0 < one.found.delay < 30
        assert one.faulty_runs >= one.failed_runs > 0
        assert len(one.found.verdicts) == len(AGES)
        assert one.found.scope.healthy_operations == 0
    for one in by_row[SILENT]:
        assert one.found is None
        assert one.faulty_runs > 100
        assert one.failed_runs == 0


def test_the_culprit_is_named_where_it_is_known_and_never_where_it_is_not(
    experiment: Experiment,
) -> None:
    for one in experiment.scores:
        if one.found is not None:
            named = one.found.verdicts[-1].cause is Cause.CULPRIT
            assert named == one.trial.registered


def test_a_trial_is_the_same_whatever_was_run_before_it(experiment: Experiment) -> None:
    *_, trial = (one for one in trials(SMALL, made_up()) if one.row == "often")
    alone = run_trial(SMALL, made_up(), warm_up(SMALL, made_up(), trial.fleet), trial)
    assert alone == experiment.scores[trial.number]


def test_quiet_days_are_counted_apart(experiment: Experiment) -> None:
    (quiet,) = experiment.quiet
    assert quiet.days == 0.01
    assert quiet.operations > 1000
    assert quiet.incidents == quiet.blamed == 0


def test_the_tables_tell_counts_with_their_intervals(experiment: Experiment) -> None:
    text = render(experiment, made_up())
    assert "| all | some operations fail | 4 of 4 (40%-100%) |" in text
    assert "| all | no operation fails | 0 of 2 (0%-84%) |" in text
    assert "| `often` | 2 | 2 | 2 | 2 of 2 (16%-100%) |" in text
    assert f"| 1 {SILENT} | 1 | 0 | 0 | 0 of 2 (0%-84%) | – | – |" in text
    assert "Seed 5; 6 trials in 1 fleets of 5 regions" in text
    for line in text.splitlines():
        if line.startswith("|"):
            assert line.endswith("|")


def test_intervals_are_exact() -> None:
    # Clopper and Pearson for 8 of 10, and for nothing of nothing; Garwood for 0 and for 3.
    assert proportion(8, 10) == "8 of 10 (44%-97%)"
    assert proportion(0, 0) == "–"
    assert daily_rate(0, 10.0) == "0.00 (0.00-0.37)"
    assert daily_rate(3, 1.0) == "3.00 (0.62-8.77)"


def test_tables_go_between_the_marks_of_a_page() -> None:
    page = f"before\n{script.BEGIN}\nold\n{script.END}\nafter\n"
    once = script.placed(page, "new\n")
    assert once == f"before\n{script.BEGIN}\n\nnew\n\n{script.END}\nafter\n"
    assert script.placed(once, "new\n") == once
    with pytest.raises(OperatorError, match="marks"):
        script.placed("no marks", "new")


def test_a_folder_without_the_data_is_refused_before_anything_is_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script.main([str(tmp_path), "--quick"]) == 2
    assert "openstack_fault_injection/ops.jsonl.gz" in capsys.readouterr().err


def test_the_quick_experiment_is_a_small_one() -> None:
    assert quick(3).seed == 3
    assert quick(3).fleets * (quick(3).warm_up_days + quick(3).quiet_days) < 1
