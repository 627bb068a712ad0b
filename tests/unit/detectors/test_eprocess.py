"""The mixture Shiryaev-Roberts e-detector: likelihoods, betting, memory."""

import numpy as np
import pytest
from scipy.special import gammaln
from scipy.stats import betabinom

from detectors.arrays import Floats
from detectors.eprocess import (
    Alternatives,
    EProcess,
    Null,
    beta_binomial_log_likelihood,
    log_rising,
)
from detectors.odds import shift_odds
from detectors.settings import BankSettings

MIXTURE = Alternatives.of(BankSettings())


def null_of(size: int, ratio: float = 0.01, rho: tuple[float, float] = (1e-4, 1e-2)) -> Null:
    level = np.full(size, ratio)
    return Null(level * 1.1, level / 1.1, np.repeat(np.array(rho)[:, np.newaxis], size, axis=1))


def test_the_rising_factorial_agrees_with_the_gamma_function_over_the_whole_range() -> None:
    start = np.geomspace(1e-7, 1e6, 400)[:, np.newaxis]
    count = np.array([0.0, 1.0, 2.0, 7.0, 100.0, 20_000.0])
    expected = gammaln(start + count) - gammaln(start)
    np.testing.assert_allclose(log_rising(start, count), expected, atol=3e-8, rtol=1e-12)


def test_likelihood_ratios_agree_with_the_beta_binomial_distribution() -> None:
    trials, failures = np.array([1.0, 20.0, 500.0]), np.array([0.0, 3.0, 41.0])
    levels, rho = np.array([[0.01] * 3, [0.2] * 3]), np.array([[1e-3] * 3, [0.1] * 3])
    likelihood = beta_binomial_log_likelihood(trials, failures, levels, rho)
    precision = (1 - rho) / rho
    exact = [
        betabinom.logpmf(failures, trials, level * precision, (1 - level) * precision)
        for level in levels
    ]
    np.testing.assert_allclose(likelihood[1] - likelihood[0], exact[1] - exact[0], atol=1e-8)


def test_shifted_odds_are_multiplied() -> None:
    shifted = shift_odds(np.array([0.2, 0.5]), np.array(3.0))
    np.testing.assert_allclose(shifted / (1 - shifted), [0.75, 3.0])


def test_one_window_of_evidence_is_the_smallest_over_the_overdispersion_interval() -> None:
    trials, failures = np.array([50.0]), np.array([9.0])

    def evidence(rho: tuple[float, float]) -> Floats:
        process = EProcess(MIXTURE)
        process.add(1)
        process.update(np.array([0]), trials, failures, null_of(1, rho=rho), cap=1e3)
        return process.evidence[:, 0]

    both = evidence((1e-4, 0.05))
    low, high = evidence((1e-4, 1e-4)), evidence((0.05, 0.05))
    np.testing.assert_allclose(both, np.minimum(low, high))
    assert not np.allclose(low, high)


def test_evidence_of_a_window_under_the_null_is_one_in_expectation() -> None:
    ratio, rho, trials = 0.02, 0.01, 30
    precision = (1 - rho) / rho
    failures = np.arange(trials + 1)
    weights = betabinom.pmf(failures, trials, ratio * precision, (1 - ratio) * precision)
    process = EProcess(MIXTURE)
    process.add(trials + 1)
    rows, level = np.arange(trials + 1), np.full(trials + 1, ratio)
    null = Null(level, level, np.full((2, trials + 1), rho))
    process.update(rows, np.full(trials + 1, float(trials)), failures.astype(float), null, cap=1e3)
    np.testing.assert_allclose(process.evidence @ weights, 1.0, atol=1e-6)


def test_no_alternative_reaches_the_threshold_before_the_promised_number_of_windows() -> None:
    threshold, windows = 1e6, 3
    process = EProcess(MIXTURE)
    process.add(1)
    cap = MIXTURE.cap(threshold, windows)
    reached = []
    for _ in range(windows):
        process.update(np.array([0]), np.array([1e4]), np.array([1e4]), null_of(1), cap)
        reached.append(float(MIXTURE.weights.min() * process.evidence.max()) >= threshold)
    assert reached == [False, False, True]


def test_bursts_never_exceed_the_evidence_and_forget_what_did_not_come_true() -> None:
    generator = np.random.default_rng(3)
    process = EProcess(MIXTURE)
    process.add(40)
    rows, trials = np.arange(40), np.full(40, 20.0)
    for _ in range(300):
        process.update(rows, trials, generator.binomial(20, 0.01, 40).astype(float), null_of(40), 9)
        rising, falling = process.totals()
        assert np.all(process.bursts() <= (rising + falling) * (1 + 1e-12))
    assert np.median(process.bursts()) < 5
    assert np.median(rising + falling) > 5


def test_only_the_given_rows_change() -> None:
    process = EProcess(MIXTURE)
    process.add(3)
    process.update(np.array([1]), np.array([9.0]), np.array([1.0]), null_of(1), 9)
    assert np.all(process.evidence[:, [0, 2]] == 0)
    assert np.all(process.evidence[:, 1] > 0)


def test_a_state_of_another_mixture_is_refused() -> None:
    with pytest.raises(ValueError, match="evidence: 3 alternatives in the snapshot, 10 in"):
        EProcess(MIXTURE).restore({"evidence": np.zeros((3, 1)), "burst": np.zeros((3, 1))})
