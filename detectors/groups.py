"""Which group each series is of, and sums over groups."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from detectors.arrays import Floats, Integers


@dataclass(frozen=True, slots=True)
class Groups:
    """Groups of series: series of a group lend each other what a single one cannot know.

    Attributes:
        of: Group id per series, shape [S].
        ids: Distinct ids, ascending, shape [G].
        member: Position of each series' group in `ids`, shape [S].
    """

    of: Integers
    ids: Integers
    member: Integers

    @classmethod
    def from_ids(cls, groups: Integers) -> Self:
        """Order the groups of some series, shape [S]."""
        ids, member = np.unique(groups, return_inverse=True)
        return cls(groups, ids, member)

    @property
    def size(self) -> int:
        """Number of groups."""
        return self.ids.size

    def sum(self, values: Floats) -> Floats:
        """Add values of the series up, shape [S] to [G]."""
        return np.bincount(self.member, values, self.size).astype(np.float64)

    def carry(self, sums: Floats, before: "Groups") -> Floats:
        """Take sums of other groups over: shape [K, G before] to [K, G]; new groups hold zeros."""
        carried = np.zeros((sums.shape[0], self.size))
        known = np.isin(self.ids, before.ids)
        carried[:, known] = sums[:, np.searchsorted(before.ids, self.ids[known])]
        return carried


NO_GROUPS = Groups.from_ids(np.zeros(0, dtype=np.int64))
