"""What is believed about a failure probability: its bounds, and what counts as unchanged."""

import numpy as np
import pytest
from scipy.stats import beta

from detectors.odds import log_odds
from detectors.posterior import Posterior


def posterior(alpha: float, other: float, drift: float = 0.0, rho: float = 0.01) -> Posterior:
    one = np.ones(1)
    return Posterior(alpha * one, other * one, rho * one, rho / 2 * one, rho * 2 * one, drift * one)


@pytest.mark.parametrize("deviations", [0.5, 1.0, -0.5, -1.0])
@pytest.mark.parametrize(("alpha", "other"), [(2.0, 300.0), (10.0, 90.0), (40.0, 12.0), (5.0, 5.0)])
def test_bounds_are_close_to_the_quantiles_of_the_posterior(
    alpha: float, other: float, deviations: float
) -> None:
    share = {0.5: 0.6915, 1.0: 0.8413, -0.5: 0.3085, -1.0: 0.1587}[deviations]
    exact = float(beta.ppf(share, alpha, other))
    assert float(posterior(alpha, other).bound(deviations)[0]) == pytest.approx(exact, rel=0.03)


def test_without_slow_variation_the_margin_reaches_to_the_bounds() -> None:
    believed = posterior(10.0, 990.0)
    below, above = believed.margin(0.5, 2.0)
    middle = log_odds(believed.mean)
    np.testing.assert_allclose(middle + above, log_odds(believed.bound(0.5)))
    np.testing.assert_allclose(middle - below, log_odds(believed.bound(-0.5)))


def test_slow_variation_widens_the_margin_in_squares() -> None:
    still, wandering = (posterior(10.0, 990.0, drift).margin(0.5, 2.0) for drift in (0.0, 0.3))
    for narrow, wide in zip(still, wandering, strict=True):
        np.testing.assert_allclose(wide**2, narrow**2 + 0.6**2)


def test_a_level_that_is_known_exactly_leaves_the_overdispersion_as_it_is() -> None:
    low, high = posterior(2e6, 998e6).predictive_rho()[:, 0].tolist()
    assert (low, high) == pytest.approx((0.005, 0.02), rel=1e-4)


def test_the_predictive_variance_is_that_of_windows_drawn_from_the_posterior() -> None:
    generator = np.random.default_rng(4)
    alpha, other, rho, trials = 4.0, 196.0, 0.01, 60
    level = generator.beta(alpha, other, 400_000)
    precision = (1.0 - rho) / rho
    failures = generator.binomial(
        trials, generator.beta(level * precision, (1 - level) * precision)
    )
    believed = posterior(alpha, other, rho=rho / 2)
    mean, predictive = float(believed.mean[0]), float(believed.predictive_rho()[1, 0])
    expected = trials * mean * (1 - mean) * (1 + (trials - 1) * predictive)
    assert failures.var() == pytest.approx(expected, rel=0.03)
