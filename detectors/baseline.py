"""What is normal for each series: learned online, shrunk towards the series' group."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from detectors.arrays import Flags, Floats, Integers, Snapshot
from detectors.settings import BankSettings

_ERRORS: Final = 2.0
"""Standard errors on either side of the overdispersion: about 95 %."""
_OUTLIER: Final = 10.0
"""Standard deviations beyond which a window is cut back before it moves the overdispersion."""
_PRIOR_INFORMATION: Final = 10.0
"""Weight of the prior overdispersion, in units of sum n (n - 1) p q: as much as about a hundred
windows of five operations at 0.5 % failures say."""
_PRIOR_ERROR: Final = 0.05
"""Standard error of the prior overdispersion: without data anything up to 0.1 is possible."""


@dataclass(frozen=True, slots=True)
class Posterior:
    """What the baseline believes, one entry per series, each of shape [S].

    Attributes:
        alpha: Pseudo-failures of the Beta posterior.
        beta: Pseudo-successes.
        rho: Overdispersion of the series' group.
        rho_low: Lower end of its interval.
        rho_high: Upper end of its interval.
    """

    alpha: Floats
    beta: Floats
    rho: Floats
    rho_low: Floats
    rho_high: Floats

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
        certain = 1.0 - 1.0 / (self.alpha + self.beta + 1.0)
        return np.stack(
            (1.0 - (1.0 - self.rho_low) * certain, 1.0 - (1.0 - self.rho_high) * certain)
        )

    def bound(self, deviations: float) -> Floats:
        """Compute a quantile of the posterior, `deviations` normal deviations from its middle.

        Paulson's normal approximation of the F distribution (Annals of Mathematical Statistics 13,
        1942) in the cube root of the odds, solved for it: within 3 % for alpha >= 1, computed by
        arithmetic alone (the exact inverse takes microseconds a value).

        Returns:
            Failure probabilities, shape [S], inside (0, 1).
        """
        a, b = 1.0 / (9.0 * self.alpha), 1.0 / (9.0 * np.maximum(self.beta, 0.5))
        square = deviations * deviations
        lead = (1.0 - b) ** 2 - square * b
        middle = (1.0 - a) * (1.0 - b)
        inside = np.maximum(middle**2 - lead * ((1.0 - a) ** 2 - square * a), 0.0)
        root = np.maximum((middle + np.sign(deviations) * np.sqrt(inside)) / lead, 1e-3)
        odds = self.alpha / self.beta * root**3
        quantile: Floats = odds / (1.0 + odds)
        return quantile


class Baseline:
    """Beta-binomial baselines with exponential forgetting and empirical-Bayes shrinkage.

    Per series: decayed counts of failures and trials, each window deflated by 1 + (n - 1) rho,
    because n operations of one overdispersed window tell as much as n / (1 + (n - 1) rho)
    independent ones; rho is the upper end of its interval, so that the first windows of a fleet,
    when rho is hardly known, do not count for too much. Per group: mean m of all other series of
    the group, and the squared relative spread v of failure ratios between its series. Posterior of
    a
    series: Beta(a, b) with a = 1 / (v + 1 / group failures) + own failures and b to match; a series
        with
    no history starts from its group, one with a long history stands on its own.

    - Spread: moments of Kleinman (JASA 68, 1973) on sum N_i (p_i - m)^2, **plus one standard
      error**: few series or few failures mean little shrinkage, never too much.
    - Overdispersion rho of a group: moments of E (k - n p)^2 = n p q (1 + (n - 1) rho), less what
      the uncertainty of p adds, each window cut back at ten standard deviations; with its standard
      error, to which few windows add a relative error of sqrt(2 / windows), that of a chi-square
      variance.

    Frozen series forget nothing and learn nothing. What may enter (hold-back, degraded stretches)
    is decided by the bank. Blind spots: failures that were there from the first window on are taken
    for normal; daily swings widen rho but do not move the mean.

    Attributes:
        failures: Decayed effective failures, shape [S].
        trials: Decayed effective operations, shape [S].
        groups: Group id per series, shape [S].
        apart: Series that left the level of their group; it lends them next to nothing, shape [S].
    """

    def __init__(self, settings: BankSettings) -> None:
        self._settings = settings
        self._decay = float(np.exp(-1.0 / settings.memory_windows))
        self.failures: Floats = np.zeros(0)
        self.trials: Floats = np.zeros(0)
        self.groups: Integers = np.zeros(0, dtype=np.int64)
        self.apart: Flags = np.zeros(0, dtype=np.bool_)
        self.group_ids: Integers = np.zeros(0, dtype=np.int64)
        self.moments: Floats = np.zeros((4, 0))
        """Per group: excess of squared deviations, information n (n - 1) p q, variance of the
        excess,
        number of windows; shape [4, groups]."""
        self._member: Integers = np.zeros(0, dtype=np.int64)

    def add(self, groups: Integers) -> None:
        """Append series; a group is known from its first series on."""
        self.failures = np.concatenate((self.failures, np.zeros(groups.size)))
        self.trials = np.concatenate((self.trials, np.zeros(groups.size)))
        self.apart = np.concatenate((self.apart, np.zeros(groups.size, dtype=np.bool_)))
        self._regroup(np.concatenate((self.groups, groups)))

    def keep(self, rows: Integers) -> None:
        """Drop all other series, and groups left without series."""
        self.failures, self.trials = self.failures[rows], self.trials[rows]
        self.apart = self.apart[rows]
        self._regroup(self.groups[rows])

    def state(self) -> Snapshot:
        """Give the state as plain data."""
        return {
            "failures": self.failures.copy(),
            "trials": self.trials.copy(),
            "groups": self.groups.copy(),
            "apart": self.apart.copy(),
            "moments": self.moments.copy(),
        }

    def restore(self, state: Snapshot) -> None:
        """Go on from a state."""
        self.failures = np.array(state["failures"], dtype=np.float64)
        self.trials = np.array(state["trials"], dtype=np.float64)
        self.groups = np.array(state["groups"], dtype=np.int64)
        self.apart = np.array(state["apart"], dtype=np.bool_)
        self.group_ids, self._member = np.unique(self.groups, return_inverse=True)
        self.moments = np.array(state["moments"], dtype=np.float64)

    def _regroup(self, groups: Integers) -> None:
        ids, member = np.unique(groups, return_inverse=True)
        moments = np.zeros((4, ids.size))
        known = np.isin(ids, self.group_ids)
        moments[:, known] = self.moments[:, np.searchsorted(self.group_ids, ids[known])]
        self.groups, self.group_ids, self._member, self.moments = groups, ids, member, moments

    def fade(self, windows: int, frozen: Flags) -> None:
        """Forget what `windows` windows make old, except for frozen series."""
        factor = np.where(frozen, 1.0, self._decay**windows)
        self.failures *= factor
        self.trials *= factor
        self.moments *= self._decay**windows

    def learn(self, rows: Integers, trials: Floats, failures: Floats) -> None:
        """Take in one window of the given rows, all with operations; call `fade` before."""
        posterior = self.posterior()
        self._learn_overdispersion(rows, trials, failures, posterior)
        weight = 1.0 / (1.0 + (trials - 1.0) * posterior.rho_high[rows])
        self.failures[rows] += weight * failures
        self.trials[rows] += weight * trials

    def _learn_overdispersion(
        self, rows: Integers, trials: Floats, failures: Floats, posterior: Posterior
    ) -> None:
        mean = posterior.mean[rows]
        variance = mean * (1.0 - mean)
        scale = trials * variance * (1.0 + (trials - 1.0) * posterior.rho[rows])
        deviation = np.minimum(np.abs(failures - trials * mean), _OUTLIER * np.sqrt(scale) + 3.0)
        unsure = trials**2 * variance / (posterior.alpha[rows] + posterior.beta[rows] + 1.0)
        member, size = self._member[rows], self.group_ids.size
        trust = np.where(unsure <= scale, (scale / (scale + unsure)) ** 2, 0.0)
        excess = deviation**2 - trials * variance - unsure
        self.moments[0] += np.bincount(member, trust * excess, size)
        self.moments[1] += np.bincount(member, trust * trials * (trials - 1.0) * variance, size)
        self.moments[2] += np.bincount(member, trust**2 * scale * (1.0 + 2.0 * scale), size)
        self.moments[3] += np.bincount(member, trust, size) > 0

    def amend(self, row: int, ages: Integers, counts: Floats, sign: float) -> None:
        """Add past windows to the baseline of one series, or take them out again.

        Args:
            row: The series.
            ages: How many windows ago each of them entered, or should have, shape [W].
            counts: Operations and failures, shape [2, W].
            sign: +1 to add, -1 to take out.
        """
        trials, failures = counts
        rho = float(self.overdispersion()[2][self._member[row]])
        weight = sign * self._decay**ages / (1.0 + np.maximum(trials - 1.0, 0.0) * rho)
        self.failures[row] = max(self.failures[row] + float(weight @ failures), 0.0)
        self.trials[row] = max(self.trials[row] + float(weight @ trials), self.failures[row])

    def restart(self, row: int) -> None:
        """Forget everything about a series that has left the level of its group."""
        self.failures[row] = 0.0
        self.trials[row] = 0.0
        self.apart[row] = True

    def overdispersion(self) -> tuple[Floats, Floats, Floats]:
        """Estimate rho per group: value, low and high end of its interval, each [groups]."""
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
        return rho, below, above

    def windows(self) -> Floats:
        """Give how many windows the group of each series has learned from, faded, shape [S]."""
        windows: Floats = self.moments[3, self._member]
        return windows

    def posterior(self) -> Posterior:
        """Compute what is believed about every series now."""
        pseudo_failures, mean = self._group_prior()
        alpha = self.failures + pseudo_failures
        successes = np.maximum(self.trials - self.failures, 0.0)
        beta = successes + pseudo_failures * (1.0 - mean) / mean
        rho, below, above = (values[self._member] for values in self.overdispersion())
        return Posterior(alpha, beta, rho, below, above)

    def _group_prior(self) -> tuple[Floats, Floats]:
        """Give pseudo-failures and mean from the other series of each series' group, [S]."""
        settings, size = self._settings, self.group_ids.size
        failures = np.bincount(self._member, self.failures, size).astype(np.float64)
        trials = np.bincount(self._member, self.trials, size).astype(np.float64)
        start = settings.prior_failures
        other_failures = np.maximum(failures[self._member] - self.failures, 0.0) + start
        other_trials = np.maximum(trials[self._member] - self.trials, 0.0)
        mean = other_failures / (other_trials + start / settings.prior_failure_ratio)
        spread = self._spread(failures, trials)[self._member]
        spread = np.where(self.apart, settings.spread_ceiling, spread)
        pseudo_failures: Floats = 1.0 / (spread + 1.0 / other_failures)
        return pseudo_failures, np.minimum(mean, 1.0 - settings.prior_failure_ratio)

    def _spread(self, failures: Floats, trials: Floats) -> Floats:
        """Estimate the squared relative spread between the series of groups with sums [groups]."""
        settings, size = self._settings, self.group_ids.size
        operations = trials + settings.prior_failures / settings.prior_failure_ratio
        mean = (failures + settings.prior_failures) / operations
        heard = np.maximum(self.trials, 1e-9)
        deviation = heard * (self.failures / heard - mean[self._member]) ** 2
        observed = np.bincount(self._member, deviation, size) / (mean * (1.0 - mean))
        series = np.bincount(self._member, self.trials > 0.0, size)
        degrees = np.maximum(series - 1.0, 0.0)
        leverage = np.bincount(self._member, self.trials**2, size) / operations
        information = np.maximum(operations - leverage - degrees, 1e-9)
        correlation = (observed - degrees + np.sqrt(2.0 * degrees + 1.0)) / information
        relative = np.clip(correlation, 0.0, 1.0) * (1.0 - mean) / mean
        spread: Floats = np.clip(relative, settings.spread_floor, settings.spread_ceiling)
        return spread
