"""How much more volume scatters than independent arrivals would."""

from typing import Final

import numpy as np

from detectors.arrays import Flags, Floats, Integers, Snapshot
from detectors.groups import NO_GROUPS, Groups
from detectors.volume.settings import VolumeSettings

_ERRORS: Final = 2.0
"""Standard errors on either side: about 95 %."""
_OUTLIER: Final = 10.0
"""Standard deviations beyond which a block is cut back before it moves the overdispersion."""
_LEAST_SPREAD: Final = 0.1
"""Two series of a group may differ at least so much in their overdispersion."""


class VolumeDispersion:
    """Overdispersion d of operation counts, Var(n) = m + d m^2, per group and per series.

    Moments of E (N - M)^2 = M + (d / B) M^2 over blocks of B windows with N operations, M of them
    expected; weighted by 1 / (1 + d M / B)^2, so that busy series do not outweigh all others. d is
    B times what a block shows: for independent windows that is the overdispersion of one window;
    bursts and lulls that outlast a window raise it as much as they weigh on evidence that is added
    up over windows (the long-run variance, Newey & West, Econometrica 55, 1987). Errors of the
    expectation count as scatter, too.

    A series has its own d, shrunk towards its group's: one bursty series among steady ones must not
    alarm at every lull.

    Blind spot: lulls that last longer than a block are only half covered.

    Attributes:
        moments: Per series: weighted excess of squared deviations, and information; shape [2, S].
        group_moments: The same summed per group, and the variance of the excess; shape [3, G].
        block: Operations, expected operations and windows in the block under way, shape [3, S].
    """

    def __init__(self, settings: VolumeSettings) -> None:
        self._settings = settings
        self._groups = NO_GROUPS
        self._decay = float(np.exp(-1.0 / settings.dispersion_memory_blocks))
        self._number = 0
        self.moments: Floats = np.zeros((2, 0))
        self.group_moments: Floats = np.zeros((3, 0))
        self.block: Floats = np.zeros((3, 0))

    def add(self, groups: Integers) -> None:
        """Append series of some groups."""
        self.moments = np.concatenate((self.moments, np.zeros((2, groups.size))), axis=1)
        self.block = np.concatenate((self.block, np.zeros((3, groups.size))), axis=1)
        self._regroup(np.concatenate((self._groups.of, groups)))

    def keep(self, rows: Integers) -> None:
        """Drop all other series, and groups left without series."""
        self.moments, self.block = self.moments[:, rows], self.block[:, rows]
        self._regroup(self._groups.of[rows])

    def _regroup(self, of: Integers) -> None:
        groups = Groups.from_ids(of)
        self.group_moments = groups.carry(self.group_moments, self._groups)
        self._groups = groups

    def state(self) -> Snapshot:
        """Give the state as plain data."""
        return {
            "groups": self._groups.of.copy(),
            "number": self._number,
            "moments": self.moments.copy(),
            "group_moments": self.group_moments.copy(),
            "block": self.block.copy(),
        }

    def restore(self, state: Snapshot) -> None:
        """Go on from a state."""
        self._groups = Groups.from_ids(np.array(state["groups"], dtype=np.int64))
        self._number = int(state["number"])
        self.moments = np.array(state["moments"], dtype=np.float64)
        self.group_moments = np.array(state["group_moments"], dtype=np.float64)
        self.block = np.array(state["block"], dtype=np.float64)

    def restart(self, rows: Integers) -> None:
        """Forget what some series showed by themselves."""
        self.moments[:, rows] = 0.0
        self.block[:, rows] = 0.0

    def learn(self, number: int, operations: Integers, expected: Floats, learning: Flags) -> None:
        """Take in one window of the marked series.

        Args:
            number: Windows since the first one.
            operations: Operations, shape [S].
            expected: Expected operations, shape [S].
            learning: Which series, shape [S].
        """
        if number // self._settings.block_windows != self._number:
            self._finish()
            self._number = number // self._settings.block_windows
        marked = learning.astype(np.float64)
        self.block += np.stack((operations * marked, expected * marked, marked))

    def _finish(self) -> None:
        """Let the block under way enter the moments; blocks that are not whole do not."""
        seen, mean, windows = self.block
        whole = (windows == self._settings.block_windows) & (mean > 0)
        scatter = self._of_group()[0][self._groups.member] / self._settings.block_windows
        scale = 1.0 + scatter * mean
        deviation = np.minimum(np.abs(seen - mean), _OUTLIER * np.sqrt(mean * scale) + 3.0)
        weight = np.where(whole, scale**-2.0, 0.0)
        excess, information = weight * (deviation**2 - mean), weight * mean**2
        variance = weight**2 * mean * scale * (1.0 + 2.0 * mean * scale)
        self.moments *= np.where(whole, self._decay, 1.0)
        self.moments += np.stack((excess, information))
        self.group_moments *= self._decay
        self.group_moments += np.stack(
            [self._groups.sum(values) for values in (excess, information, variance)]
        )
        self.block[:] = 0.0

    def _of_group(self) -> tuple[Floats, Floats]:
        """Give the overdispersion of each group and its standard error, each of shape [G]."""
        settings = self._settings
        blocks = settings.block_windows
        excess, information, variance = self.group_moments
        prior = settings.dispersion_prior / blocks
        weight = settings.dispersion_prior_blocks / prior**2
        total = information + weight
        found = (excess + prior * weight) / total
        error = np.sqrt(variance + 2.0 * weight) / total
        low, high = settings.dispersion_floor, settings.dispersion_ceiling
        return np.clip(blocks * found, low, high), blocks * error

    def estimate(self) -> tuple[Floats, Floats]:
        """Give each series' overdispersion and the upper end of its interval, each of shape [S]."""
        settings = self._settings
        blocks, factor = settings.block_windows, settings.dispersion_factor
        group, error = self._of_group()
        spread = np.maximum(group, _LEAST_SPREAD)
        member = self._groups.member
        weight = (2.0 * (blocks / spread) ** 2)[member]
        own = blocks * (self.moments[0] + weight * group[member] / blocks)
        own /= self.moments[1] + weight
        high = np.maximum(group * factor, group + _ERRORS * error)[member]
        least, most = settings.dispersion_floor, settings.dispersion_ceiling
        upper = np.clip(np.maximum(high, own * factor), least, most)
        return np.clip(own, least, most), upper
