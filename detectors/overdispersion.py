"""Overdispersion: how much more the outcomes of one window agree than independent ones would."""

from typing import Final

import numpy as np

from detectors.arrays import Floats, Integers, Snapshot
from detectors.groups import NO_GROUPS, Groups
from detectors.settings import BankSettings

_ERRORS: Final = 2.0
"""Standard errors on either side of the overdispersion: about 95 %."""
_OUTLIER: Final = 20.0
"""Standard deviations beyond which a window is cut back before it moves the overdispersion."""
_PRIOR_INFORMATION: Final = 10.0
"""Weight of the prior overdispersion, in units of sum n (n - 1) p q: as much as about a hundred
windows of five operations at 0.5 % failures say."""
_PRIOR_ERROR: Final = 0.05
"""Standard error of the prior overdispersion: without data anything up to 0.1 is possible."""


class Overdispersion:
    """Intra-class correlation rho of the outcomes inside one window, per group of series.

    Moments of E (k - n p)^2 = n p q (1 + (n - 1) rho), less what the uncertainty of p adds, each
    window cut back at twenty standard deviations; with its standard error, to which few windows add
    a relative error of sqrt(2 / windows), that of a chi-square variance.

    Blind spot: series of one group are taken to be overdispersed alike.

    Attributes:
        moments: Excess of squared deviations, information n (n - 1) p q, variance of the excess,
            number of windows; shape [4, G].
    """

    def __init__(self, settings: BankSettings) -> None:
        self._settings = settings
        self._groups = NO_GROUPS
        self.moments: Floats = np.zeros((4, 0))

    def regroup(self, groups: Groups) -> None:
        """Go on with other series; groups that stay keep what is known of them."""
        self.moments = groups.carry(self.moments, self._groups)
        self._groups = groups

    def state(self) -> Snapshot:
        """Give the state as plain data."""
        return {"moments": self.moments.copy()}

    def restore(self, state: Snapshot, groups: Groups) -> None:
        """Go on from a state."""
        self._groups = groups
        self.moments = np.array(state["moments"], dtype=np.float64)

    def fade(self, factor: float) -> None:
        """Forget a share 1 - `factor` of all that was learned."""
        self.moments *= factor

    def learn(
        self, rows: Integers, counts: Floats, mean: Floats, unsure: Floats, rho: Floats
    ) -> None:
        """Take in one window.

        Args:
            rows: Rows with operations, shape [R].
            counts: Operations and failures, shape [2, R].
            mean: Failure probability in control, shape [R].
            unsure: Variance of that probability, shape [R].
            rho: Overdispersion believed so far, shape [R].
        """
        trials, failures = counts
        variance = mean * (1.0 - mean)
        scale = trials * variance * (1.0 + (trials - 1.0) * rho)
        deviation = np.minimum(np.abs(failures - trials * mean), _OUTLIER * np.sqrt(scale) + 3.0)
        doubt = trials**2 * unsure
        trust = np.where(doubt <= scale, (scale / (scale + doubt)) ** 2, 0.0)
        excess = deviation**2 - trials * variance - doubt
        member, size = self._groups.member[rows], self._groups.size
        self.moments[0] += np.bincount(member, trust * excess, size)
        self.moments[1] += np.bincount(member, trust * trials * (trials - 1.0) * variance, size)
        self.moments[2] += np.bincount(member, trust**2 * scale * (1.0 + 2.0 * scale), size)
        self.moments[3] += np.bincount(member, trust, size) > 0

    def interval(self) -> Floats:
        """Estimate rho per group: value, low and high end of its interval, shape [3, G]."""
        low, high = self._settings.rho_floor, self._settings.rho_ceiling
        excess, information, variance, windows = self.moments
        total = information + _PRIOR_INFORMATION
        rho = (excess + self._settings.rho_prior * _PRIOR_INFORMATION) / total
        rho = np.clip(rho, low, high)
        noise = np.sqrt(variance + (_PRIOR_ERROR * _PRIOR_INFORMATION) ** 2) / total
        error = np.hypot(noise, rho * np.sqrt(2.0 / (1.0 + windows)))
        factor = self._settings.rho_interval
        below = np.clip(np.minimum(rho / factor, rho - _ERRORS * error), low, high)
        above = np.clip(np.maximum(rho * factor, rho + _ERRORS * error), low, high)
        return np.stack((rho, below, above))

    def windows(self) -> Floats:
        """Give how many windows each group has learned from, faded, shape [G]."""
        windows: Floats = self.moments[3]
        return windows
