"""Logistic regression on harmonics: against known coefficients, and against another optimiser."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit, log_expit

from detectors.arrays import Floats
from detectors.harmonics import COEFFICIENTS, DAILY, SLOT_HARMONICS, fit_season, harmonics

TRUE = np.array([0.4, -0.2, 0.1, 0.15, -0.3, 0.1, 0.05, -0.1])
DEVIATIONS = np.array([0.5, 0.5, 0.3, 0.3, 0.3, 0.3, 0.2, 0.2])
ALL = np.ones(1, dtype=np.bool_)


def counts(coefficients: Floats, volume: float, seed: int = 1) -> tuple[Floats, Floats]:
    """Draw a week of operations and failures of one series around 2 %."""
    generator = np.random.default_rng(seed)
    trials = generator.poisson(volume, (168, 1))
    ratio = expit(-3.9 + SLOT_HARMONICS.T @ coefficients)[:, np.newaxis]
    failures = generator.binomial(trials, ratio)
    return trials.astype(np.float64), failures.astype(np.float64)


def fitted(trials: Floats, failures: Floats, rounds: int = 3) -> tuple[Floats, float]:
    """Fit one series as often as some hours do; each begins where the one before ended."""
    found, gain = np.zeros((COEFFICIENTS, 1)), np.zeros(1)
    for _ in range(rounds):
        found, gain = fit_season(trials, failures, found, ALL)
    return found[:, 0], float(gain[0])


def test_the_fit_recovers_the_coefficients() -> None:
    found, gain = fitted(*counts(TRUE, 50_000.0))
    np.testing.assert_allclose(found, TRUE, atol=0.02)
    assert gain > 1_000


def test_the_fit_is_the_penalised_maximum_that_another_optimiser_finds() -> None:
    trials, failures = counts(TRUE, 60.0)

    def loss(parameters: Floats) -> float:
        log_odds = parameters[0] + SLOT_HARMONICS.T @ parameters[1:]
        likelihood = failures[:, 0] * log_odds + trials[:, 0] * log_expit(-log_odds)
        return float(0.5 * np.sum((parameters[1:] / DEVIATIONS) ** 2) - likelihood.sum())

    best = minimize(loss, np.append(-3.9, np.zeros(COEFFICIENTS)), tol=1e-10).x
    np.testing.assert_allclose(fitted(trials, failures)[0], best[1:], atol=1e-3)


def test_weekly_coefficients_stay_zero_until_they_are_asked_for() -> None:
    trials, failures = counts(TRUE, 1_000.0)
    found, _ = fit_season(trials, failures, np.zeros((COEFFICIENTS, 1)), ~ALL)
    np.testing.assert_allclose(found[DAILY:], 0.0, atol=1e-4)
    np.testing.assert_allclose(found[:DAILY, 0], TRUE[:DAILY], atol=0.15)


def test_noise_gains_a_degree_of_freedom_for_each_coefficient_at_most() -> None:
    gains = [fitted(*counts(np.zeros(COEFFICIENTS), 400.0, seed))[1] for seed in range(60)]
    assert np.mean(gains) == pytest.approx(COEFFICIENTS, abs=1.6)


def test_few_failures_pull_no_coefficient_far() -> None:
    trials, failures = np.ones((168, 1)), np.zeros((168, 1))
    failures[50] = 1.0
    found, _ = fitted(trials, failures)
    assert np.all(np.abs(found) < 2 * DEVIATIONS)


def test_harmonics_come_round_with_their_periods() -> None:
    hours = np.array([3.25])
    np.testing.assert_allclose(harmonics(hours), harmonics(hours + 168.0), atol=1e-12)
    np.testing.assert_allclose(harmonics(hours)[:DAILY], harmonics(hours + 24.0)[:DAILY])
    assert harmonics(hours).shape == (COEFFICIENTS, 1)
