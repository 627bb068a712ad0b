"""Learned baselines: shrinkage, forgetting, overdispersion."""

import numpy as np
import pytest
from scipy.stats import beta

from detectors.arrays import Floats, Integers
from detectors.baseline import Baseline, Posterior
from detectors.settings import BankSettings


def learned(
    trials: Integers, failures: Integers, groups: Integers, settings: BankSettings | None = None
) -> Baseline:
    """Let a baseline learn all windows, shape [T, S]."""
    baseline = Baseline(settings or BankSettings())
    baseline.add(groups)
    frozen = np.zeros(groups.size, dtype=bool)
    for n, k in zip(trials, failures, strict=True):
        rows = np.flatnonzero(n)
        baseline.fade(1, frozen)
        baseline.learn(rows, n[rows].astype(float), k[rows].astype(float))
    return baseline


def fleet(ratios: Floats, volume: float, windows: int, seed: int) -> tuple[Integers, Integers]:
    generator = np.random.default_rng(seed)
    trials = generator.poisson(volume, (windows, ratios.size))
    return trials, generator.binomial(trials, ratios)


def test_a_series_without_history_starts_from_its_group() -> None:
    trials, failures = fleet(np.full(21, 0.05), 20, 100, seed=1)
    trials[:, 20] = failures[:, 20] = 0
    posterior = learned(trials, failures, np.zeros(21, dtype=np.int64)).posterior()
    assert posterior.mean[20] == pytest.approx(0.05, rel=0.1)
    assert posterior.alpha[20] > 4


def test_a_series_with_much_history_stands_on_its_own() -> None:
    ratios = np.full(21, 0.01)
    ratios[20] = 0.1
    trials, failures = fleet(ratios, 50, 300, seed=2)
    posterior = learned(trials, failures, np.zeros(21, dtype=np.int64)).posterior()
    assert posterior.mean[20] == pytest.approx(0.1, rel=0.15)


def test_series_that_differ_lend_each_other_less_than_series_that_agree() -> None:
    alike = np.full(40, 0.02)
    unlike = np.random.default_rng(3).beta(0.5, 24.5, 40)
    lent = []
    for ratios in (alike, unlike):
        trials, failures = fleet(ratios, 20, 200, seed=4)
        trials[:, 0] = failures[:, 0] = 0
        lent.append(learned(trials, failures, np.zeros(40, dtype=np.int64)).posterior().alpha[0])
    assert lent[0] > 5 * lent[1]


def test_groups_do_not_mix() -> None:
    groups = np.repeat([7, 3], 10)
    trials, failures = fleet(np.repeat([0.01, 0.2], 10), 20, 100, seed=5)
    trials[:, [0, 10]] = failures[:, [0, 10]] = 0
    mean = learned(trials, failures, groups).posterior().mean
    assert mean[0] == pytest.approx(0.01, rel=0.3)
    assert mean[10] == pytest.approx(0.2, rel=0.1)


@pytest.mark.parametrize("rho", [0.001, 0.01, 0.05])
def test_the_interval_of_the_overdispersion_holds_the_true_one(rho: float) -> None:
    generator = np.random.default_rng(6)
    precision = (1 - rho) / rho
    ratio = generator.beta(0.02 * precision, 0.98 * precision, (400, 30))
    trials = np.full((400, 30), 200)
    baseline = learned(trials, generator.binomial(trials, ratio), np.zeros(30, dtype=np.int64))
    value, low, high = (float(part[0]) for part in baseline.overdispersion())
    assert low <= rho <= high
    assert value == pytest.approx(rho, rel=0.25)


def test_overdispersed_windows_teach_less_than_their_operations() -> None:
    generator = np.random.default_rng(7)
    ratio = generator.beta(0.02 * 19, 0.98 * 19, (300, 10))
    trials = np.full((300, 10), 500)
    baseline = learned(trials, generator.binomial(trials, ratio), np.zeros(10, dtype=np.int64))
    assert float(baseline.trials[0]) < 300 * 500 / 15


def test_without_data_the_overdispersion_may_be_large() -> None:
    baseline = Baseline(BankSettings())
    baseline.add(np.zeros(1, dtype=np.int64))
    value, low, high = (float(part[0]) for part in baseline.overdispersion())
    assert value == pytest.approx(1e-3)
    assert low == pytest.approx(1e-5)
    assert high > 0.09


def test_a_frozen_series_neither_forgets_nor_changes() -> None:
    trials, failures = fleet(np.full(2, 0.05), 20, 100, seed=8)
    baseline = learned(trials, failures, np.array([1, 2]))
    before = baseline.trials.copy()
    baseline.fade(2880, np.array([True, False]))
    assert baseline.trials[0] == before[0]
    assert baseline.trials[1] == pytest.approx(before[1] / np.e)


def test_what_was_added_can_be_taken_out_again() -> None:
    trials, failures = fleet(np.full(3, 0.05), 20, 100, seed=9)
    baseline = learned(trials, failures, np.zeros(3, dtype=np.int64))
    before = baseline.failures[1], baseline.trials[1]
    ages, counts = np.arange(5), np.stack((np.full(5, 30.0), np.full(5, 12.0)))
    baseline.amend(1, ages, counts, 1.0)
    assert baseline.failures[1] > before[0] + 30
    baseline.amend(1, ages, counts, -1.0)
    assert (baseline.failures[1], baseline.trials[1]) == pytest.approx(before)


def test_taking_out_more_than_there_is_leaves_nothing_negative() -> None:
    baseline = Baseline(BankSettings())
    baseline.add(np.zeros(1, dtype=np.int64))
    baseline.amend(0, np.arange(2), np.full((2, 2), 9.0), -1.0)
    assert (baseline.failures[0], baseline.trials[0]) == (0.0, 0.0)


def test_a_dropped_group_is_forgotten_and_a_kept_one_is_not() -> None:
    trials, failures = fleet(np.full(4, 0.05), 200, 60, seed=10)
    baseline = learned(trials, failures, np.array([1, 1, 2, 2]))
    kept = baseline.moments[:, 1].copy()
    baseline.keep(np.array([3]))
    assert baseline.group_ids.tolist() == [2]
    np.testing.assert_array_equal(baseline.moments[:, 0], kept)


@pytest.mark.parametrize("deviations", [0.5, 1.0, -0.5, -1.0])
@pytest.mark.parametrize(("alpha", "other"), [(2.0, 300.0), (10.0, 90.0), (40.0, 12.0), (5.0, 5.0)])
def test_bounds_are_close_to_the_quantiles_of_the_posterior(
    alpha: float, other: float, deviations: float
) -> None:
    one = np.ones(1)
    posterior = Posterior(alpha * one, other * one, one, one, one)
    share = {0.5: 0.6915, 1.0: 0.8413, -0.5: 0.3085, -1.0: 0.1587}[deviations]
    exact = float(beta.ppf(share, alpha, other))
    assert float(posterior.bound(deviations)[0]) == pytest.approx(exact, rel=0.03)


def test_the_first_windows_of_a_large_fleet_do_not_make_it_too_sure() -> None:
    generator = np.random.default_rng(11)
    trials = np.full((40, 60), 10_000)
    ratio = generator.beta(0.001 * 99, 0.999 * 99, trials.shape)
    baseline = learned(trials, generator.binomial(trials, ratio), np.zeros(60, dtype=np.int64))
    assert float(baseline.overdispersion()[2][0]) > 0.008
    assert np.all(np.abs(np.log(baseline.posterior().mean / 0.001)) < np.log(2))


def test_what_is_not_known_about_the_means_is_no_overdispersion() -> None:
    generator = np.random.default_rng(12)
    ratios = generator.beta(1.0, 49.0, 300)
    trials = np.full((60, 300), 40)
    baseline = learned(trials, generator.binomial(trials, ratios), np.zeros(300, dtype=np.int64))
    assert float(baseline.overdispersion()[0][0]) < 5e-4
