"""Groups of series: members, sums, and what is carried over when series come and go."""

import numpy as np

from detectors.groups import NO_GROUPS, Groups

GROUPS = Groups.from_ids(np.array([7, -3, 7, 5]))


def test_groups_are_ordered_by_their_ids() -> None:
    assert GROUPS.ids.tolist() == [-3, 5, 7]
    assert GROUPS.member.tolist() == [2, 0, 2, 1]
    assert GROUPS.size == 3


def test_values_are_added_up_by_group() -> None:
    assert GROUPS.sum(np.array([1.0, 10.0, 2.0, 0.5])).tolist() == [10.0, 0.5, 3.0]


def test_groups_that_stay_keep_their_sums_and_new_ones_hold_zeros() -> None:
    after = Groups.from_ids(np.array([7, 6, -3]))
    carried = after.carry(np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), GROUPS)
    assert carried.tolist() == [[1.0, 0.0, 3.0], [4.0, 0.0, 6.0]]


def test_without_groups_there_is_nothing_to_carry() -> None:
    assert GROUPS.carry(np.zeros((2, 0)), NO_GROUPS).tolist() == [[0.0] * 3] * 2
    assert NO_GROUPS.carry(np.ones((2, 3)), GROUPS).shape == (2, 0)
