"""Seasons: a true one is learned, noise does not become one, and the level stays what it was."""

import numpy as np
import pytest

from detectors.arrays import Floats
from detectors.groups import Groups
from detectors.odds import shift_odds
from detectors.season import Season
from detectors.settings import BankSettings

HOURS = BankSettings(window_seconds=3600)
SERIES = 20
ROWS = np.arange(SERIES)


def course(swing: float, hours: int) -> Floats:
    """Give how much the log odds of failure differ from their level in each hour."""
    return swing * np.sin(2 * np.pi * (np.arange(hours) + 0.5) / 24)


def learned(swing: float, hours: int = 24 * 14, volume: float = 500.0, seed: int = 1) -> Season:
    """Learn hours of operations that fail around 2 %, with a swing over the day."""
    generator = np.random.default_rng(seed)
    season = Season(HOURS)
    season.add(SERIES)
    season.regroup(Groups.from_ids(np.zeros(SERIES, dtype=np.int64)))
    for hour, odds in enumerate(np.exp(course(swing, hours))):
        trials = generator.poisson(volume, SERIES)
        ratio = float(shift_odds(np.array(0.02), odds))
        failures = generator.binomial(trials, ratio)
        season.learn(hour, ROWS, trials.astype(np.float64), failures.astype(np.float64))
        season.fit(hour, hour)
    return season


def day(season: Season, first: int = 24 * 14) -> Floats:
    """Give what is believed of the 24 hours from an hour on, shape [24, S]."""
    return season.course(ROWS, np.arange(first, first + 24))


def test_a_true_daily_season_is_learned() -> None:
    found = day(learned(0.7))
    true = course(0.7, 24)
    assert np.max(np.abs(np.mean(found, axis=1) - true + true.mean())) < 0.15
    assert np.sqrt(np.mean((found - true[:, np.newaxis]) ** 2)) < 0.2


def test_noise_does_not_become_a_season() -> None:
    deviations = [float(np.sqrt(np.mean(day(learned(0.0, seed=seed)) ** 2))) for seed in range(5)]
    assert np.median(deviations) < 0.04
    assert max(deviations) < 0.08


def test_one_series_that_proves_a_season_is_believed_in_a_group_without_one() -> None:
    season = learned(0.0)
    alone = learned(0.8)
    for mine, other in (
        (season.slots, alone.slots),
        (season.coefficients, alone.coefficients),
        (season.centre, alone.centre),
    ):
        mine[..., 4] = other[..., 4]
    season.gain[4] = alone.gain[4]
    swings = day(season).max(axis=0)
    assert swings[4] > 0.5
    assert np.median(np.delete(swings, 4)) < 0.15


def test_the_season_is_centred_so_that_expected_failures_stay_what_they_were() -> None:
    odds = np.exp(learned(0.7).course(ROWS, np.arange(24 * 14, 24 * 21)))
    np.testing.assert_allclose(odds.mean(axis=0), 1.0, atol=0.03)


def test_before_a_day_is_known_there_is_no_season() -> None:
    assert not day(learned(0.7, hours=23)).any()
    assert day(learned(0.7, hours=24 * 3)).any()


def test_one_age_gives_what_the_course_gives() -> None:
    season = learned(0.7)
    for age in (0, 5, 400):
        np.testing.assert_allclose(season.log_odds(age), season.course(ROWS, np.array([age]))[0])


@pytest.mark.parametrize("last", [24 * 14 + 5, 24 * 21 + 3, 24 * 70])
def test_hours_fade_the_same_in_one_step_or_in_many(last: int) -> None:
    nothing = np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0)
    here, there = learned(0.7), learned(0.7)
    here.learn(last, *nothing)
    for hour in range(24 * 14, last + 1):
        there.learn(hour, *nothing)
    np.testing.assert_allclose(here.slots, there.slots, rtol=1e-5)


def test_what_was_entered_late_can_be_taken_out_again() -> None:
    season = learned(0.3, hours=48)
    before = season.slots.copy()
    counts = np.stack((np.full(5, 40.0), np.full(5, 3.0)))
    season.amend(2, np.arange(40, 45), counts)
    assert season.slots[0, 40:45, 2] == pytest.approx(before[0, 40:45, 2] + 40)
    season.amend(2, np.arange(40, 45), -counts)
    np.testing.assert_allclose(season.slots, before, rtol=1e-5)


def test_a_restarted_series_has_no_season_and_the_others_keep_theirs() -> None:
    season = learned(0.7)
    before = day(season)
    season.restart(3)
    after = day(season)
    assert not after[:, 3].any()
    np.testing.assert_allclose(np.delete(after, 3, axis=1), np.delete(before, 3, axis=1))


def test_every_series_is_fitted_once_an_hour() -> None:
    season = Season(BankSettings())
    season.add(150)
    season.regroup(Groups.from_ids(np.zeros(150, dtype=np.int64)))
    for minute in range(24 * 60 + 60):
        season.learn(minute, np.arange(150), np.full(150, 9.0), np.ones(150))
    fitted = []
    for minute in range(25 * 60, 26 * 60):
        before = season.fitted.copy()
        season.fit(minute, minute)
        fitted += np.flatnonzero(season.fitted != before).tolist()
    assert sorted(fitted) == list(range(150))
