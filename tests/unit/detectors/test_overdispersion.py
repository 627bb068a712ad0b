"""Overdispersion: how much the outcomes of one window agree, measured per group."""

import numpy as np
import pytest

from detectors.groups import Groups
from detectors.overdispersion import Overdispersion
from detectors.settings import BankSettings

SERIES = 30
GROUPS = Groups.from_ids(np.zeros(SERIES, dtype=np.int64))


def measured(
    rho: float, windows: int = 400, volume: int = 200, unsure: float = 0.0, seed: int = 6
) -> Overdispersion:
    """Learn beta-binomial windows around 2 % failures, each series' mean known up to `unsure`."""
    generator = np.random.default_rng(seed)
    overdispersion = Overdispersion(BankSettings())
    overdispersion.regroup(GROUPS)
    rows, trials = np.arange(SERIES), np.full(SERIES, float(volume))
    mean = 0.02 + np.sqrt(unsure) * np.resize([-1.0, 1.0], SERIES)
    for _ in range(windows):
        ratio = mean
        if rho:
            precision = (1 - rho) / rho
            ratio = generator.beta(mean * precision, (1 - mean) * precision)
        counts = np.stack((trials, generator.binomial(volume, ratio).astype(np.float64)))
        believed = overdispersion.interval()[0][GROUPS.member]
        supposed, doubt = np.full(SERIES, 0.02), np.full(SERIES, unsure)
        overdispersion.learn(rows, counts, supposed, doubt, believed)
    return overdispersion


def interval(overdispersion: Overdispersion) -> tuple[float, float, float]:
    value, low, high = overdispersion.interval()[:, 0].tolist()
    return value, low, high


@pytest.mark.parametrize("rho", [0.001, 0.01, 0.05])
def test_the_interval_holds_the_true_overdispersion(rho: float) -> None:
    value, low, high = interval(measured(rho))
    assert low <= rho <= high
    assert value == pytest.approx(rho, rel=0.25)


def test_without_data_it_may_be_large() -> None:
    value, low, high = interval(measured(0.0, windows=0))
    assert value == pytest.approx(1e-3)
    assert low == pytest.approx(1e-5)
    assert high > 0.09


def test_independent_outcomes_are_not_overdispersed() -> None:
    value, _, high = interval(measured(0.0, windows=1000))
    assert value < 2e-4
    assert high < 1e-3


def test_what_is_not_known_about_the_means_is_no_overdispersion() -> None:
    value, _, _ = interval(measured(0.0, volume=20, unsure=0.01**2))
    assert value < 1e-3


def test_one_outlier_moves_it_by_no_more_than_twenty_deviations_would() -> None:
    calm = measured(0.0)
    before = interval(calm)[0]
    calm.learn(
        np.array([0]),
        np.array([[200.0], [200.0]]),
        np.array([0.02]),
        np.zeros(1),
        np.full(1, before),
    )
    assert interval(calm)[0] < before + 0.002


def test_what_fades_away_leaves_the_prior() -> None:
    overdispersion = measured(0.05)
    overdispersion.fade(1e-12)
    assert interval(overdispersion)[0] == pytest.approx(1e-3, rel=0.01)
    assert overdispersion.windows()[0] == pytest.approx(400e-12)
