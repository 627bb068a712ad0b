"""Two releases at once are told from one, and the next experiment is the one that tells most."""

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.attribution.exposure import ExposureStep, ReleaseExposure
from detectors.attribution.posterior import AttributionSettings, Cells, rank

REGIONS, BINS = 10, 240
SETTINGS = AttributionSettings(bin_seconds=60.0)
CODES = np.array([(region, os) for region in range(REGIONS) for os in range(2)])
EVERYTHING = np.ones(CODES.shape[0], dtype=np.bool_)
PER_MINUTE = 20.0


def in_regions(*regions: int) -> NDArray[np.bool_]:
    inside: NDArray[np.bool_] = np.isin(CODES[:, 0], regions)
    return inside


def fleet(
    *causes: tuple[NDArray[np.bool_], int, float], busy: NDArray[np.bool_] = ~EVERYTHING
) -> Cells:
    """Counts with failures added to some series from some bin on; busy series have five times."""
    rng = np.random.default_rng(3)
    effects = np.zeros((CODES.shape[0], BINS))
    for series, start, size in causes:
        effects[series, start:] = 1.0 - (1.0 - effects[series, start:]) * (1.0 - size)
    trials = rng.poisson(PER_MINUTE * np.where(busy, 5.0, 1.0)[:, None], effects.shape)
    failures = rng.binomial(trials, 0.01 + 0.99 * effects)
    expected = trials.astype(np.float64) * 0.01
    return Cells(trials, failures, expected, CODES, region_dimension=0)


def step_in(at: float, *regions: int) -> ReleaseExposure:
    return ReleaseExposure((ExposureStep(at, in_regions(*regions), 1.0),), in_regions(*regions), at)


def test_two_releases_that_each_explain_half_of_it_are_found_together() -> None:
    data = fleet((in_regions(0, 1, 2), 200, 0.3), (in_regions(6, 7), 215, 0.2))
    releases = [
        step_in(200.0, 0, 1, 2),
        step_in(120.0, 4, 5),
        step_in(215.0, 6, 7),
        step_in(90.0, 8),
    ]
    ranking = rank(data, releases, in_regions(0, 1, 2, 6, 7), 200, SETTINGS)
    assert ranking.pairs[0].releases == (0, 2)
    assert ranking.pairs[0].probability > 0.9
    assert ranking.probabilities[[0, 2]] == pytest.approx([0.5, 0.5], abs=0.05)
    assert ranking.probabilities.sum() + ranking.none_probability == pytest.approx(1.0)


def test_one_release_that_explains_everything_leaves_no_room_for_a_pair() -> None:
    data = fleet((in_regions(0, 1, 2), 200, 0.3))
    releases = [step_in(200.0, 0, 1, 2), step_in(120.0, 4, 5), step_in(215.0, 6, 7)]
    ranking = rank(data, releases, in_regions(0, 1, 2), 200, SETTINGS)
    assert ranking.probabilities[0] > 0.99
    assert sum(pair.probability for pair in ranking.pairs) < 0.01


def test_the_next_experiment_is_about_the_release_that_is_least_certain() -> None:
    data = fleet((in_regions(0, 1), 200, 0.3))
    twins = [step_in(199.6, 0, 1, 2), step_in(200.4, 0, 1), step_in(30.0, 4, 5)]
    ranking = rank(data, twins, in_regions(0, 1), 200, SETTINGS)
    assert ranking.experiment is not None
    assert ranking.experiment.release in {0, 1}
    assert 0.0 < ranking.experiment.seconds < 600.0


def test_the_experiment_takes_the_region_that_tells_soonest() -> None:
    data = fleet((in_regions(0, 1), 200, 0.3), busy=in_regions(1))
    ranking = rank(data, [step_in(200.0, 0, 1)], in_regions(0, 1), 200, SETTINGS)
    assert ranking.experiment is not None
    assert ranking.experiment.region == 1
    small = fleet((in_regions(0), 200, 0.3))
    one = rank(small, [step_in(200.0, 0)], in_regions(0), 200, SETTINGS).experiment
    assert one is not None
    assert one.seconds > 2.0 * ranking.experiment.seconds


def test_without_a_probable_release_there_is_nothing_to_try() -> None:
    data = fleet((in_regions(5), 200, 0.3))
    ranking = rank(data, [step_in(30.0, 1, 2)], in_regions(5), 200, SETTINGS)
    assert ranking.none_probability > 0.98
    assert ranking.experiment is None
