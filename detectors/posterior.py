"""What is believed about the failure probability of every series in one window."""

from dataclasses import dataclass

import numpy as np

from detectors.arrays import Floats
from detectors.odds import log_odds


def beta_quantile(alpha: Floats, beta: Floats, deviations: float) -> Floats:
    """Compute a quantile of beta distributions, so many normal deviations from the middle.

    Paulson's normal approximation of the F distribution (Annals of Mathematical Statistics 13,
    1942) in the cube root of the odds, solved for it: within 3 % for alpha >= 1, computed by
    arithmetic alone (the exact inverse takes microseconds a value).

    Args:
        alpha: First parameters, shape [S].
        beta: Second parameters, shape [S].
        deviations: Which quantile.

    Returns:
        Probabilities, shape [S], inside (0, 1).
    """
    a, b = 1.0 / (9.0 * alpha), 1.0 / (9.0 * np.maximum(beta, 0.5))
    square = deviations * deviations
    lead = (1.0 - b) ** 2 - square * b
    middle = (1.0 - a) * (1.0 - b)
    inside = np.maximum(middle**2 - lead * ((1.0 - a) ** 2 - square * a), 0.0)
    root = np.maximum((middle + np.sign(deviations) * np.sqrt(inside)) / lead, 1e-3)
    odds = alpha / beta * root**3
    quantile: Floats = odds / (1.0 + odds)
    return quantile


@dataclass(frozen=True, slots=True)
class Posterior:
    """What the baseline believes, one entry per series, each of shape [S].

    Attributes:
        alpha: Pseudo-failures of the Beta posterior.
        beta: Pseudo-successes.
        rho: Overdispersion of the series' group.
        rho_low: Lower end of its interval.
        rho_high: Upper end of its interval.
        drift: Slow variation: standard deviation of the log odds that counts as nothing.
    """

    alpha: Floats
    beta: Floats
    rho: Floats
    rho_low: Floats
    rho_high: Floats
    drift: Floats

    @property
    def mean(self) -> Floats:
        """Failure probability in control, shape [S]."""
        mean: Floats = self.alpha / (self.alpha + self.beta)
        return mean

    def predictive_rho(self) -> Floats:
        """Widen the overdispersion by what is not known about the mean.

        Returns:
            rho' = 1 - (1 - rho)(1 - 1 / (a + b + 1)) for both ends of the interval, shape [2, S]:
            the predictive distribution of a window under a Beta(a, b) posterior has the variance of
            a beta-binomial with rho' (the laws of total variance of both mixtures multiply).
        """
        return np.stack((self._widened(self.rho_low), self._widened(self.rho_high)))

    def middle_rho(self) -> Floats:
        """Give rho' of the estimate between the two ends, shape [S]; see `predictive_rho`."""
        return self._widened(self.rho)

    def margin(self, deviations: float, drift_deviations: float) -> tuple[Floats, Floats]:
        """Give how far the log odds in control may lie below and above their middle, each [S].

        The distance of a quantile of the Beta posterior, `deviations` normal deviations out, and
        `drift_deviations` of the slow variation, added in squares: the two are independent.
        """
        middle, wander = log_odds(self.mean), (drift_deviations * self.drift) ** 2
        below = middle - log_odds(self.bound(-deviations))
        above = log_odds(self.bound(deviations)) - middle
        return np.sqrt(below**2 + wander), np.sqrt(above**2 + wander)

    def bound(self, deviations: float) -> Floats:
        """Compute a quantile of the posterior; see `beta_quantile`."""
        return beta_quantile(self.alpha, self.beta, deviations)

    def _widened(self, rho: Floats) -> Floats:
        certain: Floats = 1.0 - 1.0 / (self.alpha + self.beta + 1.0)
        widened: Floats = 1.0 - (1.0 - rho) * certain
        return widened
