"""From a drawn case to its result: nothing of the truth, and nothing of the future, is used."""

import dataclasses
import itertools

import numpy as np
import pytest

from detectors.attribution.exposure import ExposureStep, ReleaseExposure
from detectors.attribution.posterior import AttributionSettings, Cells
from detectors.evaluation.attribution.cases import Case, draw_case, observe
from detectors.evaluation.attribution.chain import evaluate_case, without_healing
from detectors.evaluation.attribution.experiments import Sizes, run_cases, run_localisation
from detectors.evaluation.attribution.faults import AFTER, ONSET
from detectors.evaluation.attribution.kinds import Kind
from detectors.evaluation.attribution.localisation import SHAPES
from detectors.evaluation.attribution.locating import locate_incident

SETTINGS = AttributionSettings(bin_seconds=60.0)


@pytest.fixture(scope="module")
def case() -> Case:
    return draw_case(np.random.default_rng(31), Kind.GLOBAL, 3)


def test_scope_and_onset_are_found_in_the_counts(case: Case) -> None:
    seen = observe(case, AFTER, history=360)
    located = locate_incident(seen.cells)
    assert abs(located.onset + seen.first - ONSET) <= 15
    assert (located.scope & case.scope(AFTER)).sum() > 0.9 * case.scope(AFTER).sum()


def test_the_truth_and_the_future_change_nothing(case: Case) -> None:
    before = evaluate_case(case, 20, SETTINGS)
    lied_to = dataclasses.replace(case, culprit=None, kind=Kind.THIRD_PARTY)
    failures = case.outcomes.failures.copy()
    failures[:, ONSET + 20 :] = 0
    changed = dataclasses.replace(
        lied_to, outcomes=dataclasses.replace(case.outcomes, failures=failures)
    )
    after = evaluate_case(changed, 20, SETTINGS)
    assert np.array_equal(before.probabilities, after.probabilities)
    assert before.choices == after.choices
    assert before.onset_error == after.onset_error


def test_probabilities_sum_to_one_and_unknown_releases_have_none(case: Case) -> None:
    hidden = tuple(dataclasses.replace(step, known=1e9) for step in case.releases[0])
    secret = dataclasses.replace(case, releases=(hidden, *case.releases[1:]))
    result = evaluate_case(secret, 20, SETTINGS)
    assert result.probabilities[0] == 0.0
    assert result.probabilities.sum() + result.none_probability == pytest.approx(1.0)
    assert 0 not in result.choices.values()


def test_a_clock_times_the_ranking_alone(case: Case) -> None:
    ticks = itertools.count(10.0, 3.0)
    assert evaluate_case(case, 20, SETTINGS, clock=lambda: next(ticks)).seconds == 3.0
    assert np.isnan(evaluate_case(case, 20, SETTINGS).seconds)


def test_the_minutes_after_a_rollback_are_left_out_where_it_was_rolled_back() -> None:
    both = np.ones(2, dtype=np.bool_)
    first = np.array([True, False])
    steps = (ExposureStep(3.0, both, 1.0), ExposureStep(8.4, first, 0.0))
    counts = np.ones((2, 30), dtype=np.int64)
    cells = Cells(counts, counts, np.full((2, 30), 0.5), np.array([[0], [1]]), 0)
    kept = without_healing(cells, [ReleaseExposure(steps, both, 3.0)])
    assert np.flatnonzero(kept.trials[0] == 0).tolist() == list(range(8, 18))
    assert (kept.trials[1] == 1).all()
    assert (cells.trials == 1).all()


def test_an_experiment_gives_a_result_for_each_case_and_minute() -> None:
    sizes = Sizes(caused=2, innocent=1, localised=2, releases=(3,), cuts=(15, 60))
    results = run_cases(Kind.CLONE, 3, sizes, seed=4)
    assert [one.minutes for one in results] == [15, 60, 15, 60]
    assert len(run_localisation(SHAPES[0], sizes, seed=4)) == 2
    again = run_cases(Kind.CLONE, 3, dataclasses.replace(sizes, caused=1), seed=4)
    assert again[1].none_probability == results[1].none_probability
    assert again[0].probabilities.tolist() == results[0].probabilities.tolist()
