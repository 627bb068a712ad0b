"""Slow variation: how far levels wander, over half an hour and more, without anything happening."""

from typing import Final

import numpy as np

from detectors.arrays import Floats, Integers, Snapshot
from detectors.groups import NO_GROUPS, Groups
from detectors.memory import Memory
from detectors.settings import BankSettings

_OUTLIER: Final = 5.0
"""Standard deviations beyond which a block is cut back before it moves the estimate."""


_REMEMBERED: Final = 0.1
"""Part of a young fleet's age that the estimate looks back: a daily season that nobody knows yet
moves levels ever further from where they were (measured on amplitudes up to 0.8 in log odds)."""


_RESOLVED: Final = 0.0025
"""Standard error of s2 that is never forgotten: where failures are rare a block takes a day, and
forgetting would leave nothing to estimate from."""
_RELATIVE: Final = 0.1
"""The same, as a share of s2 itself: much variation is seen soon enough."""
_LIKENESS: Final = 1000.0
"""Precision of the group as a prior of its series: their s2 differ by about 0.03."""


class SlowVariation:
    """Relative variance of the level between blocks of windows, beyond what chance explains.

    The odds of failure of a series wander: a daily season that is not learned yet, a mix of
    customers that changes. A block ends when it holds `drift_windows` windows and `drift_failures`
    expected failures, so that each says about as much as any other. With K failures where E are
    expected, V their variance within windows and u the relative variance of the level:
    E ((K - E)^2) = V + u E^2 + s2 E^2, which gives a moment estimate of s2 per block; blocks are
    weighted by their precision 1 / (2 (V / E^2 + u + s2)^2), that of a normal deviation squared.

    Per group, one standard error above its estimate; more for a series whose own blocks, shrunk
    towards its group, say so. Prior of a group: `drift_prior` with
    standard error `drift_prior_error`.

    Blind spot: what wanders faster than a block is overdispersion, slower than the memory is level.

    Attributes:
        block: Failures, expected failures, their variance, expected failures times the relative
            variance of the level they were expected at, windows of the open block; [5, S].
        own: Precision-weighted sum of the estimates, and the precision, per series; shape [2, S].
        shared: The same per group; shape [2, G].
    """

    def __init__(self, settings: BankSettings) -> None:
        self._settings = settings
        self._memory = Memory(_REMEMBERED, settings.memory_windows)
        self._groups = NO_GROUPS
        self.block: Floats = np.zeros((5, 0))
        self.own: Floats = np.zeros((2, 0))
        self.shared: Floats = np.zeros((2, 0))

    def add(self, count: int) -> None:
        """Append series; call `regroup` afterwards."""
        self.block = np.concatenate((self.block, np.zeros((5, count))), axis=1)
        self.own = np.concatenate((self.own, np.zeros((2, count))), axis=1)

    def keep(self, rows: Integers) -> None:
        """Drop all other series; call `regroup` afterwards."""
        self.block, self.own = self.block[:, rows], self.own[:, rows]

    def regroup(self, groups: Groups) -> None:
        """Go on with other series; groups that stay keep what is known of them."""
        self.shared = groups.carry(self.shared, self._groups)
        self._groups = groups

    def restart(self, row: int) -> None:
        """Forget a series that has another level from now on."""
        self.block[:, row] = 0.0
        self.own[:, row] = 0.0

    def drop_block(self, row: int) -> None:
        """Leave out the open block of a series: something happened in it."""
        self.block[:, row] = 0.0

    def state(self) -> Snapshot:
        """Give the state as plain data."""
        return {"block": self.block.copy(), "own": self.own.copy(), "shared": self.shared.copy()}

    def restore(self, state: Snapshot, groups: Groups) -> None:
        """Go on from a state."""
        self._groups = groups
        self.block = np.array(state["block"], dtype=np.float64)
        self.own = np.array(state["own"], dtype=np.float64)
        self.shared = np.array(state["shared"], dtype=np.float64)

    def fade(self, before: int, after: int) -> None:
        """Forget what becomes old between two ages, in windows."""
        factor = self._memory.factor(before, after)
        self.own *= _kept(self.own, factor)
        self.shared *= _kept(self.shared, factor)

    def learn(self, rows: Integers, counts: Floats, mean: Floats, doubt: Floats) -> None:
        """Take in one window, and close the blocks that are full.

        Args:
            rows: Rows with operations, shape [R].
            counts: Failures, and their variance within the window, shape [2, R].
            mean: Expected failures, shape [R].
            doubt: Relative variance of the level, shape [R].
        """
        failed, scatter = counts
        self.block[:, rows] += np.stack(
            (failed, mean, scatter, mean**2 * doubt, np.ones(rows.size))
        )
        settings, block = self._settings, self.block[:, rows]
        full = (block[4] >= settings.drift_windows) & (block[1] >= settings.drift_failures)
        if not full.any():
            return
        closed, (failures, expected, variance, unsure, _) = rows[full], block[:, full]
        known = self.variance()[closed]
        noise = variance / expected**2 + unsure / expected**2
        scale = noise + known
        deviation = np.minimum((failures / expected - 1.0) ** 2, _OUTLIER**2 * scale)
        precision = 0.5 / scale**2
        learned = np.stack((precision * (deviation - noise), precision))
        self.own[:, closed] += learned
        member, size = self._groups.member[closed], self._groups.size
        self.shared += np.stack([np.bincount(member, part, size) for part in learned])
        self.block[:, closed] = 0.0

    def variance(self) -> Floats:
        """Give s2, the variance of the log odds that counts as nothing, shape [S]."""
        settings = self._settings
        prior = settings.drift_prior**2
        held = 1.0 / settings.drift_prior_error**2
        weighted, precision = self.shared
        group = (weighted + prior * held) / (precision + held)
        upper = (group + (precision + held) ** -0.5)[self._groups.member]
        weighted, precision = self.own
        own = (weighted + _LIKENESS * group[self._groups.member]) / (precision + _LIKENESS)
        wanders: Floats = np.clip(np.maximum(upper, own), 0.0, settings.drift_ceiling**2)
        return wanders


def _kept(sums: Floats, factor: float) -> Floats:
    """Give the share of each sum that is kept: at least enough to estimate from."""
    weighted, precision = sums
    estimate = weighted / np.maximum(precision, 1e-9)
    enough = np.maximum(_RELATIVE * estimate, _RESOLVED) ** -2.0
    kept: Floats = np.maximum(factor, enough / np.maximum(precision, enough))
    return kept
