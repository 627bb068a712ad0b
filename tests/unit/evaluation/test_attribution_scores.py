"""Scores and goals of rankings, on results made by hand."""

import math
from collections.abc import Sequence

import numpy as np
import pytest

from detectors.evaluation.attribution.baselines import Baseline
from detectors.evaluation.attribution.goals import cost_goal, localisation_goals, ranking_goals
from detectors.evaluation.attribution.kinds import Kind, Noise
from detectors.evaluation.attribution.localisation import Found, LocalisationResult
from detectors.evaluation.attribution.results import CaseResult
from detectors.evaluation.attribution.scores import (
    calibration,
    clones_tied,
    false_blame,
    localisation_score,
    ranking_score,
)


def result(
    probabilities: Sequence[float],
    *,
    kind: Kind = Kind.SHARED_ORDER,
    culprit: int | None = 0,
    clone: int | None = None,
    ties: tuple[tuple[int, ...], ...] = (),
    minutes: int = 60,
    chosen: int | None = None,
) -> CaseResult:
    """A result; what the releases leave over is the probability of none."""
    return CaseResult(
        kind=kind,
        noise=Noise.GAMMA,
        culprit=culprit,
        clone=clone,
        minutes=minutes,
        operations=1000,
        bins=360,
        probabilities=np.array(probabilities),
        none_probability=1.0 - sum(probabilities),
        ties=ties,
        choices=dict.fromkeys(Baseline, chosen),
        overlap=1.0,
        onset_error=0,
        seconds=0.1,
    )


def innocent(probabilities: Sequence[float], minutes: int = 60) -> CaseResult:
    return result(probabilities, kind=Kind.UPSTREAM, culprit=None, minutes=minutes)


def test_the_first_release_may_be_right_while_the_verdict_is_none() -> None:
    hesitant = result([0.4, 0.1])
    assert hesitant.first == 0
    assert hesitant.verdict is None
    score = ranking_score([hesitant, result([0.9, 0.05]), result([0.1, 0.8])])
    assert score.cases == 3
    assert score.right_first == pytest.approx(2 / 3)
    assert score.right_verdict == pytest.approx(1 / 3)


def test_tied_releases_are_one_suspect() -> None:
    tied = result([0.3, 0.3, 0.05], ties=((0, 1),), culprit=1)
    assert tied.leading == (0, 1)
    assert tied.verdict == 0
    assert tied.verdict_probability == pytest.approx(0.6)
    assert tied.verdict_holds
    assert not tied.is_right(tied.first)


def test_a_clone_is_as_right_as_the_culprit() -> None:
    cloned = result([0.1, 0.4, 0.45], kind=Kind.CLONE, culprit=1, clone=2, ties=((1, 2),))
    assert cloned.is_right(2)
    assert cloned.truth_probability == pytest.approx(0.85)
    assert clones_tied([cloned, result([0.1, 0.9], kind=Kind.CLONE, culprit=0, clone=1)]) == (1, 2)


def test_naming_nobody_is_never_right_where_a_release_is_to_blame() -> None:
    assert not result([0.9, 0.0]).is_right(None)
    assert innocent([0.1, 0.1]).is_right(None)
    assert not innocent([0.1, 0.1]).is_right(0)


def test_baselines_are_scored_on_the_same_cases() -> None:
    score = ranking_score([result([0.9, 0.0], chosen=0), result([0.9, 0.0], chosen=None)])
    assert score.baselines == dict.fromkeys(Baseline, 0.5)


def test_blame_above_one_half_and_above_none_are_counted_apart() -> None:
    blame = false_blame(
        [innocent([0.6, 0.3]), innocent([0.4, 0.35]), innocent([0.1, 0.1]), result([0.9, 0.0])]
    )
    assert (blame.cases, blame.above_half, blame.above_none) == (3, 1, 2)
    assert blame.rate == pytest.approx(1 / 3)


def test_the_calibration_error_weighs_the_gaps_of_ten_bins_by_their_verdicts() -> None:
    sure = [result([0.95, 0.0]), result([0.95, 0.0]), result([0.95, 0.0], culprit=1)]
    unsure = [innocent([0.25, 0.2])]
    score = calibration([*sure, *unsure])
    assert [one.cases for one in score.bins] == [1, 3]
    assert [one.held for one in score.bins] == pytest.approx([1.0, 2 / 3])
    assert score.error == pytest.approx((abs(0.55 - 1.0) + 3 * abs(0.95 - 2 / 3)) / 4)


def test_a_verdict_that_is_certain_and_right_has_perfect_scores() -> None:
    score = calibration([result([1.0, 0.0]), innocent([0.0, 0.0])])
    assert (score.error, score.brier, score.log_score) == (0.0, 0.0, 0.0)


def test_the_brier_score_counts_every_release_and_none() -> None:
    assert calibration([result([0.5, 0.3])]).brier == pytest.approx(0.25 + 0.09 + 0.04)
    assert calibration([innocent([0.5, 0.3])]).brier == pytest.approx(0.64 + 0.25 + 0.09)
    both = result([0.5, 0.3], kind=Kind.CLONE, clone=1)
    assert calibration([both]).brier == pytest.approx(0.04 + 0.04)


def test_scores_of_nothing_are_undefined() -> None:
    assert math.isnan(ranking_score([]).right_first)
    assert math.isnan(false_blame([]).rate)
    assert math.isnan(calibration([]).error)
    assert math.isnan(localisation_score([]).overlap)
    assert ranking_goals([]) == []
    assert localisation_goals([]) == []


def test_goals_are_judged_where_there_is_something_to_judge() -> None:
    twelve = [0.9] + 11 * [0.0]
    late = [result(twelve, chosen=1)] * 19 + [result(twelve, culprit=3)]
    early = [result(twelve, minutes=15, chosen=0)]
    goals = {goal.subject: goal for goal in ranking_goals([*late, *early, innocent([0.7], 15)])}
    assert not goals["right release first"].met
    assert goals["right release first"].value == pytest.approx(0.95)
    assert not goals["right release first, ahead of latest start"].met
    assert not goals["false blame"].met
    assert "clones reported as ties" not in goals


def test_the_search_for_scopes_has_to_be_ahead_of_the_scan() -> None:
    exact, half = Found(overlap=1.0, seconds=0.1), Found(overlap=0.5, seconds=0.1)
    won = LocalisationResult(shape="any", operations=1, own=exact, scan=half)
    assert all(goal.met for goal in localisation_goals([won]))
    level = LocalisationResult(shape="any", operations=1, own=exact, scan=exact)
    assert [goal.met for goal in localisation_goals([level])] == [True, True, False, False]


def test_half_a_second_is_the_most_that_a_large_ranking_may_take() -> None:
    assert cost_goal(0.5).met
    assert not cost_goal(0.51).met
