"""What is normal for each series: learned online, shrunk towards the series' group."""

import math
from typing import Final, Protocol

import numpy as np

from detectors.arrays import Flags, Floats, Integers, Snapshot
from detectors.drift import SlowVariation
from detectors.groups import NO_GROUPS, Groups
from detectors.memory import Memory
from detectors.odds import shift_odds
from detectors.overdispersion import Overdispersion
from detectors.parts import joined, state_of
from detectors.posterior import Posterior
from detectors.season import Season
from detectors.settings import BankSettings
from detectors.shrinkage import group_prior

_THINNEST: Final = 0.4
"""Exponential forgetting comes to 0.5; frozen series and amended ones differ a little."""
_PINNED: Final = 1e9
"""Pseudo-operations of a baseline that somebody has stated: it has no uncertainty of its own."""


class _Part(Protocol):
    def regroup(self, groups: Groups) -> None: ...
    def state(self) -> Snapshot: ...
    def restore(self, state: Snapshot, groups: Groups) -> None: ...


class Baseline:
    """Beta-binomial baselines with exponential forgetting and empirical-Bayes shrinkage.

    Per series: counts of failures and trials, forgotten ever more slowly (`Memory`), each window
    deflated by 1 + (n - 1) rho, because n operations of one overdispersed window tell as much as
    n / (1 + (n - 1) rho) independent ones; rho is the upper end of its interval, so that the first
    windows of a fleet, when rho is hardly known, do not count for too much. Posterior of a series:
    Beta(a, b) with a = pseudo-failures of the group (`group_prior`) + own failures and b to match;
    a series with no history starts from its group, one with a long history stands on its own. The
    odds of that level are multiplied by the series' `Season`; operations count as many at the level
    as failures are expected of them. `Overdispersion` and `SlowVariation` measure what else is
    normal.

    A known failure probability (`know`) replaces level and season.

    Frozen series forget nothing of their level and learn nothing. What may enter (hold-back,
    degraded stretches) is decided by the bank. Blind spot: failures that were there from the first
    window on are taken for normal.

    Attributes:
        failures: Decayed effective failures, shape [S].
        trials: Decayed effective operations, shape [S].
        squares: Decayed failures with the squares of their weights: their variance, shape [S].
        apart: Series that left the level of their group; it lends them next to nothing, shape [S].
        known: Failure probabilities somebody has stated, 0 elsewhere, shape [S].
    """

    def __init__(self, settings: BankSettings) -> None:
        self._settings = settings
        self._memory = Memory(1.0, settings.memory_windows)
        self._origin: int | None = None
        self._groups = NO_GROUPS
        self.failures: Floats = np.zeros(0)
        self.trials: Floats = np.zeros(0)
        self.squares: Floats = np.zeros(0)
        self.apart: Flags = np.zeros(0, dtype=np.bool_)
        self.known: Floats = np.zeros(0)
        self.season = Season(settings)
        self.drift = SlowVariation(settings)
        self.overdispersion = Overdispersion(settings)
        self._parts: dict[str, _Part] = {
            "season": self.season,
            "drift": self.drift,
            "overdispersion": self.overdispersion,
        }

    def add(self, groups: Integers, trials: Floats | None = None) -> None:
        """Append series, with operations that did not fail; a group is known from its first on."""
        new = np.zeros(groups.size)
        self.failures = np.concatenate((self.failures, new))
        self.squares = np.concatenate((self.squares, new))
        self.trials = np.concatenate((self.trials, new if trials is None else trials))
        self.apart = np.concatenate((self.apart, np.zeros(groups.size, dtype=np.bool_)))
        self.known = np.concatenate((self.known, new))
        self.season.add(groups.size)
        self.drift.add(groups.size)
        self._regroup(np.concatenate((self._groups.of, groups)))

    def keep(self, rows: Integers) -> None:
        """Drop all other series, and groups left without series."""
        self.failures, self.trials = self.failures[rows], self.trials[rows]
        self.squares = self.squares[rows]
        self.apart, self.known = self.apart[rows], self.known[rows]
        self.season.keep(rows)
        self.drift.keep(rows)
        self._regroup(self._groups.of[rows])

    def _regroup(self, groups: Integers) -> None:
        self._groups = Groups.from_ids(groups)
        for part in self._parts.values():
            part.regroup(self._groups)

    def state(self) -> Snapshot:
        """Give the state as plain data."""
        state: Snapshot = {
            "failures": self.failures.copy(),
            "trials": self.trials.copy(),
            "squares": self.squares.copy(),
            "groups": self._groups.of.copy(),
            "apart": self.apart.copy(),
            "known": self.known.copy(),
            "started": int(self._origin is not None),
            "origin": self._origin or 0,
        }
        return state | joined(self._parts)

    def restore(self, state: Snapshot) -> None:
        """Go on from a state."""
        self.failures = np.array(state["failures"], dtype=np.float64)
        self.trials = np.array(state["trials"], dtype=np.float64)
        self.squares = np.array(state["squares"], dtype=np.float64)
        self.apart = np.array(state["apart"], dtype=np.bool_)
        self.known = np.array(state["known"], dtype=np.float64)
        self._origin = int(state["origin"]) if state["started"] else None
        self._groups = Groups.from_ids(np.array(state["groups"], dtype=np.int64))
        for name, part in self._parts.items():
            part.restore(state_of(name, state), self._groups)

    def know(self, rows: Integers, ratios: Floats) -> None:
        """State the failure probabilities of some series, each in [0, 1); 0 takes it back."""
        self.known[rows] = ratios

    @property
    def stated(self) -> Flags:
        """Series whose failure probability somebody has stated, shape [S]."""
        stated: Flags = self.known > 0.0
        return stated

    def begin(self, window: int) -> None:
        """Let ages count from this window, unless they do already."""
        if self._origin is None:
            self._origin = window

    def fade(self, before: int, after: int, frozen: Flags) -> None:
        """Forget what becomes old between two windows, except for frozen series."""
        if before == after:
            return
        ages = self._age(before), self._age(after)
        left = self._memory.factor(*ages)
        factor = np.where(frozen, 1.0, left)
        self.failures *= factor
        self.trials *= factor
        self.squares *= factor**2
        self.drift.fade(*ages)
        self.overdispersion.fade(math.exp((before - after) / self._settings.memory_windows))

    def learn(
        self, window: int, rows: Integers, trials: Floats, failures: Floats, waits: Flags
    ) -> None:
        """Take in one window; call `fade` before.

        Args:
            window: Index of the window.
            rows: Rows with operations, shape [R].
            trials: Operations, shape [R].
            failures: Failed operations, shape [R].
            waits: Rows whose level and season must not learn this window now, shape [R].
        """
        believed, season = self._believe(window)
        mean = believed.mean[rows]
        relative = (1.0 - mean) / believed.alpha[rows]  # variance of the level over its square
        counts = np.stack((trials, failures))
        self.overdispersion.learn(rows, counts, mean, relative * mean**2, believed.rho[rows])
        noise = trials * mean * (1.0 - mean) * (1.0 + (trials - 1.0) * believed.rho[rows])
        self.drift.learn(rows, np.stack((failures, noise)), trials * mean, relative)
        weight = np.where(waits, 0.0, 1.0 / (1.0 + (trials - 1.0) * believed.rho_high[rows]))
        self.season.learn(self._age(window), rows, weight * trials, weight * failures)
        self.failures[rows] += weight * failures
        self.squares[rows] += weight * failures
        self.trials[rows] += weight * trials * season[rows]

    def settle(self, first: int, last: int) -> None:
        """Fit the seasons whose turn it is in the windows `first` to `last`."""
        self.season.fit(self._age(first), self._age(last))

    def amend(self, row: int, first: int, now: int, counts: Floats) -> None:
        """Add past windows to the baseline of one series, or take them out again.

        Args:
            row: The series.
            first: The first of these windows.
            now: The newest window that any series has learned.
            counts: Operations and failures, shape [2, W]; negative ones are taken out.
        """
        last = first + counts.shape[1] - 1
        trials, ages = np.abs(counts[0]), np.arange(self._age(first), self._age(last) + 1)
        rho = self.overdispersion.interval()[2][self._groups.member[row]]
        deflated = counts / (1.0 + np.maximum(trials - 1.0, 0.0) * rho)
        self.season.amend(row, ages, deflated)
        left = np.array([self._memory.factor(age, self._age(now)) for age in ages.tolist()])
        faded = deflated * left
        level = np.array((self.failures[row] + 0.5) / (self.trials[row] + 1.0))
        season = shift_odds(level, self.season_odds(np.array([row]), first, last)[:, 0]) / level
        self.failures[row] = max(self.failures[row] + float(faded[1].sum()), 0.0)
        self.trials[row] = max(self.trials[row] + float(faded[0] @ season), self.failures[row])
        self.squares[row] = max(self.squares[row] + float(faded[1] @ left), 0.0)
        self.drift.drop_block(row)

    def restart(self, row: int) -> None:
        """Forget everything about a series that has left the level of its group."""
        self.failures[row] = 0.0
        self.trials[row] = 0.0
        self.squares[row] = 0.0
        self.apart[row] = True
        self.season.restart(row)
        self.drift.restart(row)

    def windows(self) -> Floats:
        """Give how many windows the group of each series has learned from, faded, shape [S]."""
        windows: Floats = self.overdispersion.windows()[self._groups.member]
        return windows

    def posterior(self, window: int) -> Posterior:
        """Compute what is believed about every series in a window."""
        return self._believe(window)[0]

    def season_odds(self, rows: Integers, first: int, last: int) -> Floats:
        """Give the odds of failure over those of the level, windows `first` to `last`, [W, R]."""
        ages = np.arange(self._age(first), self._age(last) + 1)
        odds = np.exp(self.season.course(rows, ages))
        odds[:, self.stated[rows]] = 1.0
        return odds

    def _believe(self, window: int) -> tuple[Posterior, Floats]:
        """Give the posterior, and the failure probability over its level without season, [S]."""
        alpha, level = self._level()
        mean = shift_odds(level, np.exp(self.season.log_odds(self._age(window))))
        mean = np.where(self.stated, self.known, mean)
        season = np.where(self.stated, 1.0, mean / level)
        alpha = np.where(self.stated, mean * _PINNED, alpha)
        rho, low, high = self.overdispersion.interval()[:, self._groups.member]
        drift = np.where(self.stated, 0.0, np.sqrt(self.drift.variance()))
        return Posterior(alpha, alpha * (1.0 - mean) / mean, rho, low, high, drift), season

    def _age(self, window: int) -> int:
        return window - (self._origin or 0)

    def _level(self) -> tuple[Floats, Floats]:
        """Give pseudo-failures and failure probability without the season, each [S]."""
        thinning = self._thinning()
        failures, trials = self.failures / thinning, self.trials / thinning
        prior = group_prior(self._settings, self._groups, np.stack((trials, failures)), self.apart)
        pseudo_failures, mean = prior
        alpha = failures + pseudo_failures
        beta = np.maximum(trials - failures, 0.0) + pseudo_failures * (1.0 - mean) / mean
        return alpha, alpha / (alpha + beta)

    def _thinning(self) -> Floats:
        """Give the variance of the decayed failures over their mean, by group, shape [S].

        A sum of counts with weights w varies less than its size says: by sum w^2 / sum w, a half in
        the steady state of exponential forgetting. Divided by that, it tells as much as a plain
        count (Kish, Survey Sampling, 1965, section 11.7).
        """
        sums = self._groups.sum(self.failures)
        ratio = self._groups.sum(self.squares) / np.where(sums > 0.0, sums, 1.0)
        thinning = np.where(sums > 0.0, np.clip(ratio, _THINNEST, 1.0), 1.0)
        of_series: Floats = thinning[self._groups.member]
        return of_series
