"""The central range of failures in control holds what it says, of every kind of series."""

import numpy as np
import pytest
from scipy.stats import betabinom

from detectors.bounds import failures_in_control

TAIL = 0.005


def laws(volume: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give series of some volume, with rare and common failures, alike and unlike windows."""
    random = np.random.default_rng(7)
    trials = random.poisson(volume, 600).astype(np.int64)
    ratios = random.choice([5e-4, 5e-3, 0.02, 0.2, 0.6, 0.97], 600)
    rho = random.choice([1e-5, 1e-3, 1e-2, 0.1], 600)
    return trials, ratios, rho


@pytest.mark.parametrize("volume", [3, 20, 300, 4_000, 100_000])
def test_so_many_windows_lie_inside_as_are_promised(volume: int) -> None:
    trials, ratios, rho = laws(volume)
    low, high = failures_in_control(trials, ratios, rho)
    precision = (1 - rho) / rho
    law = betabinom(trials, ratios * precision, (1 - ratios) * precision)
    # One count to either side is what the beta distribution may be off by.
    assert np.all(law.cdf(low - 1) + 1 - law.cdf(high) <= 2 * 2 * TAIL)
    assert np.all((low >= 0) & (low <= high) & (high <= trials))
    off = np.maximum(np.abs(low - law.ppf(TAIL)), np.abs(high - law.ppf(1 - TAIL)))
    assert np.all(off <= np.maximum(1, 0.01 * trials))


def test_few_failures_are_counted_exactly() -> None:
    trials, ratios, rho = laws(20)
    low, high = failures_in_control(trials, ratios, rho)
    precision = (1 - rho) / rho
    law = betabinom(trials, ratios * precision, (1 - ratios) * precision)
    rare = ratios < 0.1
    np.testing.assert_array_equal(high[rare], np.asarray(law.ppf(1 - TAIL))[rare])
    np.testing.assert_array_equal(low[rare], np.asarray(law.ppf(TAIL))[rare])


def test_more_overdispersion_is_a_wider_range() -> None:
    same = np.full(2, 5_000), np.full(2, 0.1)
    low, high = failures_in_control(*same, np.array([1e-4, 1e-2]))
    assert low[1] < low[0] < 500 < high[0] < high[1]


def test_what_never_fails_and_what_always_fails_has_no_range() -> None:
    trials = np.array([0, 30, 30, 5_000, 5_000])
    ratios = np.array([0.3, 0.0, 1.0, 0.0, 1.0])
    low, high = failures_in_control(trials, ratios, np.full(5, 0.01))
    assert low.tolist() == high.tolist() == [0, 0, 30, 0, 5_000]


def test_no_series_have_no_range() -> None:
    low, high = failures_in_control(np.empty(0, np.int64), np.empty(0), np.empty(0))
    assert low.shape == high.shape == (0,)


def test_a_mixture_that_ends_at_its_last_operation_is_added_up_without_a_division_by_zero() -> None:
    """With b = 1 the last factor of the recurrence would divide by it."""
    rho = np.array([0.5])
    low, high = failures_in_control(np.array([4]), np.array([0.5 - 1e-17]), rho)
    assert (low.tolist(), high.tolist()) == ([0.0], [4.0])
