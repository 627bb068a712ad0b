"""The references: the oracle against brute force, the charts against their definition."""

import numpy as np
import pytest
from scipy.stats import betabinom, binom

from detectors.evaluation.references import (
    BurnRate,
    Ewma,
    OracleCusum,
    cusum,
    log_likelihood_ratio,
)
from detectors.evaluation.streams import Streams


def streams(failures: list[list[int]], trials: int = 10, *, rho: float = 0.0) -> Streams:
    counts = np.array(failures).T
    return Streams(
        trials=np.full(counts.shape, trials),
        failures=counts,
        before=np.full(counts.shape, 0.1),
        odds=4.0,
        rho=rho,
        level=np.full(counts.shape[1], 0.1),
        known=True,
        onset=0,
        changed=np.ones(counts.shape[1], dtype=np.bool_),
    )


@pytest.mark.parametrize("rho", [0.0, 0.05])
def test_the_oracle_is_the_cusum_of_the_true_likelihoods(rho: float) -> None:
    generator = np.random.default_rng(2)
    fleet = streams(generator.binomial(10, 0.2, (3, 40)).tolist(), rho=rho)
    after = 4 * 0.1 / (0.9 + 4 * 0.1)
    for row in range(3):
        level = 0.0
        for window in range(40):
            k = int(fleet.failures[window, row])
            if rho:
                precision = (1 - rho) / rho
                high = betabinom.logpmf(k, 10, after * precision, (1 - after) * precision)
                low = betabinom.logpmf(k, 10, 0.1 * precision, 0.9 * precision)
            else:
                high, low = binom.logpmf(k, 10, after), binom.logpmf(k, 10, 0.1)
            level = max(level, 0.0) + float(high - low)
            statistic = OracleCusum().run(fleet).statistic[window, row]
            assert statistic == pytest.approx(level, abs=1e-9)


def test_cusum_starts_from_zero_and_may_be_negative() -> None:
    increments = np.array([[-1.0], [2.0], [-3.0], [1.0]])
    assert cusum(increments)[:, 0].tolist() == [-1.0, 2.0, -1.0, 1.0]


def test_a_certain_probability_gives_a_finite_ratio() -> None:
    one = np.array([1.0])
    ratio = log_likelihood_ratio(np.array([5]), np.array([5]), np.array([0.5]), one, 0.0)
    assert np.all(np.isfinite(ratio))


def test_the_ewma_is_standardised_in_every_window() -> None:
    generator = np.random.default_rng(3)
    fleet = streams(generator.binomial(10, 0.1, (4000, 60)).tolist())
    statistic = Ewma().run(fleet).statistic
    np.testing.assert_allclose(np.mean(statistic**2, axis=1), 1.0, atol=0.1)


def test_the_burn_rate_page_needs_the_long_and_the_short_window() -> None:
    """An hour at more than 14.4 times the budget pages, until five minutes are calm."""
    quiet, hot = [0] * 4320, [10] * 60
    alerts = BurnRate(budget=0.5).run(streams([quiet + hot + [0] * 30]))
    above = np.flatnonzero(alerts.statistic[:, 0] >= alerts.threshold)
    # A budget of 5 % burns at 20 when all fails: 14.4 / 20 of an hour has to pass.
    assert above[0] == 4320 + 44 - 1
    assert BurnRate(budget=0.5).run(streams([quiet])).statistic.max() == 0.0
