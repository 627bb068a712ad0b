"""The onset of a change: exact, with an interval, and never the alarm's own time."""

import numpy as np
import pytest

from detectors.arrays import Floats
from detectors.onset import Onset, locate

FIRST, UP = np.array([0]), np.array([True])


def column(values: list[int]) -> Floats:
    return np.array(values, dtype=np.float64)[:, np.newaxis]


def brute_force(trials: Floats, failures: Floats, before: float) -> int:
    """Maximise the binomial likelihood over every onset and the level after it."""
    gains = []
    for start in range(trials.size):
        n, k = trials[start:].sum(), failures[start:].sum()
        level = np.clip(k / n, 1e-12, 1 - 1e-12)
        gain = k * np.log(level / before) + (n - k) * np.log((1 - level) / (1 - before))
        gains.append(gain if level > before and trials[start] else -np.inf)
    return int(np.argmax(gains))


def test_the_onset_is_the_first_changed_window_and_not_the_last_one() -> None:
    found = locate(column([20] * 10), column([0] * 6 + [9] * 4), np.array([0.01]), FIRST, rising=UP)
    assert found == Onset(np.array([6]), np.array([6]), np.array([6]))


def test_the_onset_maximises_the_likelihood_over_every_window() -> None:
    generator = np.random.default_rng(11)
    for _ in range(50):
        trials = generator.poisson(8, 60).astype(float) + 1
        ratio = np.where(np.arange(60) < 40, 0.02, 0.2)
        failures = generator.binomial(trials.astype(int), ratio).astype(float)
        found = locate(
            trials[:, np.newaxis], failures[:, np.newaxis], np.array([0.02]), FIRST, rising=UP
        )
        assert found.best[0] == brute_force(trials, failures, 0.02)
        assert found.low[0] <= found.best[0] <= found.high[0]


def test_the_onset_lies_in_a_window_with_operations() -> None:
    trials, failures = [20, 20, 0, 0, 20, 20], [0, 0, 0, 0, 9, 9]
    found = locate(column(trials), column(failures), np.array([0.01]), FIRST, rising=UP)
    assert found.best.tolist() == [4]


def test_windows_before_the_first_allowed_one_are_no_onset() -> None:
    found = locate(column([20] * 6), column([9] * 6), np.array([0.01]), np.array([3]), rising=UP)
    assert found.best.tolist() == [3]
    assert found.low.tolist() == [3]


def test_the_direction_decides_what_counts_as_a_change() -> None:
    failures = column([9] * 5 + [0] * 5)
    found = locate(column([20] * 10), failures, np.array([0.45]), FIRST, rising=~UP)
    assert found.best.tolist() == [5]


def test_without_any_sign_of_change_the_last_window_is_named() -> None:
    found = locate(column([20] * 5), column([0] * 5), np.array([0.1]), FIRST, rising=UP)
    assert found == Onset(np.array([4]), np.array([4]), np.array([4]))


@pytest.mark.parametrize(("trials", "after"), [(100, 0.03), (10, 0.4), (20, 0.1)])
def test_the_interval_covers_the_true_onset_about_nine_times_in_ten(
    trials: int, after: float
) -> None:
    generator = np.random.default_rng(5)
    ratio = np.where(np.arange(300) < 200, 0.005, after)[:240, np.newaxis]
    counts = np.full((240, 500), float(trials))
    failures = generator.binomial(trials, ratio, (240, 500)).astype(float)
    first, rising = np.zeros(500, dtype=np.int64), np.ones(500, dtype=bool)
    found = locate(counts, failures, np.full(500, 0.005), first, rising=rising)
    covered = float(np.mean((found.low <= 200) & (found.high >= 200)))
    assert 0.85 <= covered <= 0.99
