"""Slow variation: how far levels wander is found from the blocks of windows."""

import numpy as np
import pytest

from detectors.arrays import Floats
from detectors.drift import SlowVariation
from detectors.groups import Groups
from detectors.settings import BankSettings
from detectors.simulation import Nuisance, draw, failure_ratio

SETTINGS = BankSettings()
SERIES = 40
ROWS = np.arange(SERIES)
GROUPS = Groups.from_ids(np.repeat([0, 1], SERIES // 2))
LEVEL = 0.05


def fresh(settings: BankSettings = SETTINGS) -> SlowVariation:
    drift = SlowVariation(settings)
    drift.add(SERIES)
    drift.regroup(GROUPS)
    return drift


def learned(wander: float, windows: int = 3_000, seed: int = 1) -> SlowVariation:
    """Learn windows of 60 operations; the levels of group 1 wander, those of group 0 do not."""
    generator = np.random.default_rng(seed)
    levels, phase = np.full(SERIES, LEVEL), np.zeros(SERIES)
    nuisance = Nuisance(drift=wander, drift_windows=600.0)
    ratio = failure_ratio(windows, levels, nuisance, phase, generator)
    ratio[:, : SERIES // 2] = LEVEL
    trials, failures = draw(np.full(ratio.shape, 60.0), ratio, nuisance, generator)
    drift = fresh()
    for window in range(windows):
        take_in(drift, trials[window].astype(np.float64), failures[window].astype(np.float64))
        drift.fade(window, window + 1)
    return drift


def take_in(drift: SlowVariation, trials: Floats, failures: Floats) -> None:
    noise = trials * LEVEL * (1.0 - LEVEL)
    drift.learn(ROWS, np.stack((failures, noise)), trials * LEVEL, np.zeros(SERIES))


@pytest.mark.parametrize("wander", [0.2, 0.4])
def test_the_variance_of_a_wandering_level_is_found(wander: float) -> None:
    deviation = np.sqrt(learned(wander).variance())[SERIES // 2 :]
    assert np.median(deviation) == pytest.approx(wander, rel=0.35)


def test_levels_that_stay_put_do_not_wander_and_groups_do_not_mix() -> None:
    deviation = np.sqrt(learned(0.4).variance())
    assert np.median(deviation[: SERIES // 2]) < 0.07
    assert np.median(deviation[SERIES // 2 :]) > 0.25


def test_without_data_there_is_the_prior_and_its_standard_error() -> None:
    expected = SETTINGS.drift_prior**2 + SETTINGS.drift_prior_error
    np.testing.assert_allclose(fresh().variance(), expected)


def test_no_more_than_the_ceiling_is_believed() -> None:
    drift = fresh()
    for window in range(300):
        take_in(drift, np.full(SERIES, 60.0), np.full(SERIES, 60.0 * (window // 30 % 2)))
    assert np.all(drift.variance() <= SETTINGS.drift_ceiling**2)
    assert np.all(drift.variance() > 0.5)


def test_a_block_ends_with_its_windows_and_its_expected_failures() -> None:
    drift, trials = fresh(), np.full(SERIES, 60.0)
    trials[0] = 2.0
    for _ in range(29):
        take_in(drift, trials, np.zeros(SERIES))
    assert not drift.own.any()
    assert drift.block[4].tolist() == [29.0] * SERIES
    take_in(drift, trials, np.zeros(SERIES))
    assert drift.block[4, 1:].tolist() == [0.0] * (SERIES - 1)
    assert np.all(drift.own[1, 1:] > 0)
    assert (drift.block[4, 0], drift.own[1, 0]) == (30.0, 0.0), "3 failures are expected, not 8"
    for _ in range(60):
        take_in(drift, trials, np.zeros(SERIES))
    assert drift.own[1, 0] > 0


def test_a_dropped_block_teaches_nothing() -> None:
    drift = fresh()
    for _ in range(29):
        take_in(drift, np.full(SERIES, 60.0), np.full(SERIES, 40.0))
    drift.drop_block(5)
    take_in(drift, np.full(SERIES, 60.0), np.full(SERIES, 40.0))
    assert drift.own[1, 5] == 0.0
    assert drift.own[1, 6] > 0.0


def test_enough_precision_to_estimate_from_is_never_forgotten() -> None:
    drift = learned(0.0)
    before = drift.variance()
    drift.fade(3_000, 3_000_000)
    assert np.all(drift.shared[1] >= 0.9 * 0.0025**-2 * (drift.shared[1] > 1.0))
    assert np.all(drift.variance() <= before + 0.003)


def test_little_that_is_known_does_not_fade_at_all() -> None:
    drift = fresh()
    for _ in range(30):
        take_in(drift, np.full(SERIES, 60.0), np.full(SERIES, 3.0))
    before = drift.shared.copy()
    drift.fade(30, 100_000)
    np.testing.assert_array_equal(drift.shared, before)


def test_a_restarted_series_leaves_what_its_group_knows() -> None:
    drift = learned(0.3)
    shared = drift.shared.copy()
    drift.restart(30)
    assert not drift.own[:, 30].any()
    np.testing.assert_array_equal(drift.shared, shared)
