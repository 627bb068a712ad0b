"""What a group lends its series: much among equals, next to nothing among strangers."""

import numpy as np
import pytest

from detectors.arrays import Floats
from detectors.groups import Groups
from detectors.settings import BankSettings
from detectors.shrinkage import group_prior

SETTINGS = BankSettings()
NONE_APART = np.zeros(40, dtype=np.bool_)
ONE_GROUP = Groups.from_ids(np.zeros(40, dtype=np.int64))


def counts(ratios: Floats, trials: float = 2_000.0) -> Floats:
    generator = np.random.default_rng(1)
    return np.stack((np.full(40, trials), generator.binomial(int(trials), ratios)))


def test_a_group_of_equals_lends_much_and_one_of_strangers_little() -> None:
    alike = group_prior(SETTINGS, ONE_GROUP, counts(np.full(40, 0.02)), NONE_APART)[0]
    ratios = np.random.default_rng(2).beta(0.5, 24.5, 40)
    unlike = group_prior(SETTINGS, ONE_GROUP, counts(ratios), NONE_APART)[0]
    assert np.all(alike > 20)
    assert np.all(unlike < 3)


def test_the_mean_is_that_of_the_others() -> None:
    ratios = np.full(40, 0.02)
    ratios[0] = 0.4
    mean = group_prior(SETTINGS, ONE_GROUP, counts(ratios), NONE_APART)[1]
    assert mean[0] == pytest.approx(0.02, rel=0.1)
    assert mean[1] > 0.025


def test_nothing_is_lent_that_the_others_do_not_have() -> None:
    few = np.zeros((2, 40))
    few[:, :2] = [[100.0, 50.0], [3.0, 2.0]]
    lent = group_prior(SETTINGS, ONE_GROUP, few, NONE_APART)[0]
    assert lent[0] <= 2.0 + SETTINGS.prior_failures
    assert lent[1] <= 3.0 + SETTINGS.prior_failures


def test_a_lone_series_starts_from_the_prior_of_the_settings() -> None:
    alone = Groups.from_ids(np.zeros(1, dtype=np.int64))
    counted = np.array([[5_000.0], [400.0]])
    lent, mean = group_prior(SETTINGS, alone, counted, np.zeros(1, dtype=np.bool_))
    assert mean[0] == pytest.approx(SETTINGS.prior_failure_ratio)
    assert lent[0] <= SETTINGS.prior_failures


def test_a_series_that_left_the_level_of_its_group_is_lent_next_to_nothing() -> None:
    apart = NONE_APART.copy()
    apart[3] = True
    lent = group_prior(SETTINGS, ONE_GROUP, counts(np.full(40, 0.02)), apart)[0]
    assert lent[3] <= 1 / SETTINGS.spread_ceiling
    assert lent[4] > 20


def test_groups_do_not_mix() -> None:
    groups = Groups.from_ids(np.repeat([1, 2], 20))
    mean = group_prior(SETTINGS, groups, counts(np.repeat([0.01, 0.3], 20)), NONE_APART)[1]
    np.testing.assert_allclose(mean, np.repeat([0.01, 0.3], 20), rtol=0.2)
