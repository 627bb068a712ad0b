"""On simulated fleets of another family the ranking beats the latest start and rarely blames."""

import numpy as np
import pytest

from detectors.attribution.posterior import AttributionSettings
from detectors.evaluation.attribution.baselines import Baseline
from detectors.evaluation.attribution.cases import draw_case
from detectors.evaluation.attribution.chain import evaluate_case
from detectors.evaluation.attribution.kinds import Kind
from detectors.evaluation.attribution.results import CaseResult

SETTINGS = AttributionSettings(bin_seconds=60.0)


def judged(kind: Kind, seeds: range) -> list[CaseResult]:
    return [
        evaluate_case(draw_case(np.random.default_rng(seed), kind, 6), 60, SETTINGS)
        for seed in seeds
    ]


def test_the_guilty_release_comes_first_far_more_often_than_the_latest_start() -> None:
    results = judged(Kind.SHARED_ORDER, range(6)) + judged(Kind.DELAYED, range(3))
    right = sum(result.is_right(result.verdict) for result in results)
    latest = sum(result.is_right(result.choices[Baseline.LATEST_START]) for result in results)
    assert right >= 0.8 * len(results)
    assert right >= latest + 2


@pytest.mark.parametrize("kind", [Kind.REGION_OUTAGE, Kind.THIRD_PARTY, Kind.UPSTREAM])
def test_incidents_that_no_release_caused_are_seldom_blamed_on_one(kind: Kind) -> None:
    results = judged(kind, range(3))
    assert sum(result.verdict is not None for result in results) <= 1
