"""Simulated streams: seeded, and as ugly as asked for."""

import numpy as np
import pytest

from detectors.simulation import (
    QUIET,
    Nuisance,
    draw,
    failure_ratio,
    mean_volume,
    odds_change,
    ramp_change,
    step_change,
)


def test_the_same_seed_gives_the_same_stream() -> None:
    ratio, volume = np.full((50, 3), 0.1), np.full((50, 3), 9.0)
    nuisance = Nuisance(rho=0.1)
    first, second = (draw(volume, ratio, nuisance, np.random.default_rng(4)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_overdispersion_multiplies_the_variance_as_asked() -> None:
    ratio, volume = np.full((20_000, 1), 0.1), np.full((20_000, 1), 50.0)
    nuisance = Nuisance(rho=0.05, constant_volume=True)
    trials, failures = draw(volume, ratio, nuisance, np.random.default_rng(5))
    assert np.all(trials == 50)
    assert failures.var() == pytest.approx(50 * 0.1 * 0.9 * (1 + 49 * 0.05), rel=0.05)


def test_volume_swings_with_the_day() -> None:
    volume = mean_volume(1440, np.array([10.0]), Nuisance(volume_swing=0.5), np.zeros(1))
    assert volume.max() == pytest.approx(15.0)
    assert volume.min() == pytest.approx(5.0)
    assert np.argmax(volume) == 360


def test_ratios_swing_and_drift_as_asked() -> None:
    generator = np.random.default_rng(6)
    ratio, phase = np.full(200, 0.01), np.zeros(200)
    still = failure_ratio(100, ratio, QUIET, phase, generator)
    np.testing.assert_allclose(still, 0.01)
    swing = failure_ratio(1440, ratio, Nuisance(ratio_swing=0.8), phase, generator)
    assert swing.max() / swing.min() == pytest.approx(np.exp(1.6), rel=0.05)
    drift = failure_ratio(100, ratio, Nuisance(drift=0.3), phase, generator)
    assert np.log(drift / (1 - drift)).std() == pytest.approx(0.3, rel=0.2)


def test_changes_begin_at_their_onset() -> None:
    ratio = np.full((10, 1), 0.01)
    assert step_change(ratio, 4, 0.5)[:, 0].tolist() == [0.01] * 4 + [0.5] * 6
    ramp = ramp_change(ratio, 4, 0.21, 4)[:, 0]
    np.testing.assert_allclose(ramp, [0.01] * 4 + [0.06, 0.11, 0.16, 0.21, 0.21, 0.21])
    odds = odds_change(ratio, 9, 3.0)[9, 0]
    assert odds / (1 - odds) == pytest.approx(3 * 0.01 / 0.99)
