"""Learned baselines: shrinkage, forgetting, what waits, what is stated, what is taken out again."""

import numpy as np
import pytest

from detectors.arrays import Floats, Integers
from detectors.baseline import Baseline
from detectors.memory import Memory
from detectors.posterior import Posterior
from detectors.settings import BankSettings


def learned(
    trials: Integers, failures: Integers, groups: Integers, waits: tuple[int, int] = (-1, 0)
) -> Baseline:
    """Let a baseline learn all windows, shape [T, S].

    Args:
        trials: Operations.
        failures: Failed operations.
        groups: Groups, shape [S].
        waits: A series, and the window from which on its level waits.
    """
    baseline = Baseline(BankSettings())
    baseline.add(groups)
    baseline.begin(0)
    frozen = np.zeros(groups.size, dtype=np.bool_)
    for window, (n, k) in enumerate(zip(trials, failures, strict=True)):
        rows = np.flatnonzero(n)
        counts = n[rows].astype(np.float64), k[rows].astype(np.float64)
        baseline.fade(window - 1, window, frozen)
        baseline.learn(window, rows, *counts, (rows == waits[0]) & (window >= waits[1]))
        baseline.settle(window, window)
    return baseline


def believed(trials: Integers, failures: Integers, groups: Integers) -> Posterior:
    """Give what is believed after all windows, shape [T, S]."""
    return learned(trials, failures, groups).posterior(trials.shape[0])


def fleet(ratios: Floats, volume: float, windows: int, seed: int) -> tuple[Integers, Integers]:
    generator = np.random.default_rng(seed)
    trials = generator.poisson(volume, (windows, ratios.size))
    return trials, generator.binomial(trials, ratios)


def test_a_series_without_history_starts_from_its_group() -> None:
    trials, failures = fleet(np.full(21, 0.05), 20, 100, seed=1)
    trials[:, 20] = failures[:, 20] = 0
    posterior = believed(trials, failures, np.zeros(21, dtype=np.int64))
    assert posterior.mean[20] == pytest.approx(0.05, rel=0.1)
    assert posterior.alpha[20] > 4


def test_a_series_with_much_history_stands_on_its_own() -> None:
    ratios = np.full(21, 0.01)
    ratios[20] = 0.1
    trials, failures = fleet(ratios, 50, 300, seed=2)
    posterior = believed(trials, failures, np.zeros(21, dtype=np.int64))
    assert posterior.mean[20] == pytest.approx(0.1, rel=0.15)


def test_series_that_differ_lend_each_other_less_than_series_that_agree() -> None:
    alike = np.full(40, 0.02)
    unlike = np.random.default_rng(3).beta(0.5, 24.5, 40)
    lent = []
    for ratios in (alike, unlike):
        trials, failures = fleet(ratios, 20, 200, seed=4)
        trials[:, 0] = failures[:, 0] = 0
        lent.append(believed(trials, failures, np.zeros(40, dtype=np.int64)).alpha[0])
    assert lent[0] > 5 * lent[1]


def test_groups_do_not_mix() -> None:
    groups = np.repeat([7, 3], 10)
    trials, failures = fleet(np.repeat([0.01, 0.2], 10), 20, 100, seed=5)
    trials[:, [0, 10]] = failures[:, [0, 10]] = 0
    mean = believed(trials, failures, groups).mean
    assert mean[0] == pytest.approx(0.01, rel=0.3)
    assert mean[10] == pytest.approx(0.2, rel=0.1)


def test_overdispersed_windows_teach_less_than_their_operations() -> None:
    generator = np.random.default_rng(7)
    ratio = generator.beta(0.02 * 19, 0.98 * 19, (300, 10))
    trials = np.full((300, 10), 500)
    baseline = learned(trials, generator.binomial(trials, ratio), np.zeros(10, dtype=np.int64))
    assert float(baseline.trials[0]) < 300 * 500 / 15


def test_the_first_windows_of_a_large_fleet_do_not_make_it_too_sure() -> None:
    generator = np.random.default_rng(11)
    trials = np.full((40, 60), 10_000)
    ratio = generator.beta(0.001 * 99, 0.999 * 99, trials.shape)
    baseline = learned(trials, generator.binomial(trials, ratio), np.zeros(60, dtype=np.int64))
    assert float(baseline.overdispersion.interval()[2][0]) > 0.008
    assert np.all(np.abs(np.log(baseline.posterior(40).mean / 0.001)) < np.log(2))


def test_a_frozen_series_neither_forgets_nor_changes() -> None:
    trials, failures = fleet(np.full(2, 0.05), 20, 100, seed=8)
    baseline = learned(trials, failures, np.array([1, 2]))
    before = baseline.trials.copy()
    baseline.fade(99, 500, np.array([True, False]))
    assert baseline.trials[0] == before[0]
    assert baseline.trials[1] == pytest.approx(before[1] * Memory(1.0, 2880).factor(99, 500))


def test_levels_that_wait_do_not_move_while_the_scatter_is_learned() -> None:
    trials, failures = fleet(np.full(4, 0.05), 20, 100, seed=13)
    baseline = learned(trials, failures, np.zeros(4, dtype=np.int64), waits=(2, 0))
    assert (baseline.failures[2], baseline.trials[2], baseline.squares[2]) == (0.0, 0.0, 0.0)
    assert np.all(baseline.failures[[0, 1, 3]] > 10)
    everything = learned(trials, failures, np.zeros(4, dtype=np.int64))
    assert baseline.drift.block[4].tolist() == everything.drift.block[4].tolist()


def test_a_waiting_level_that_enters_later_is_the_one_that_did_not_wait() -> None:
    trials, failures = fleet(np.full(20, 0.05), 20, 200, seed=14)
    groups = np.zeros(20, dtype=np.int64)
    waited = learned(trials, failures, groups, waits=(1, 120))
    straight = learned(trials, failures, groups)
    assert waited.trials[1] < 0.8 * straight.trials[1]
    waited.amend(1, 120, 199, np.stack((trials[120:, 1], failures[120:, 1])).astype(np.float64))
    assert waited.trials[1] == pytest.approx(straight.trials[1], rel=0.02)
    assert waited.failures[1] == pytest.approx(straight.failures[1], rel=0.02)
    assert waited.squares[1] == pytest.approx(straight.squares[1], rel=0.02)


def test_what_was_added_can_be_taken_out_again() -> None:
    trials, failures = fleet(np.full(3, 0.05), 20, 100, seed=9)
    baseline = learned(trials, failures, np.zeros(3, dtype=np.int64))
    before = baseline.failures[1], baseline.trials[1], baseline.squares[1]
    counts = np.stack((np.full(5, 30.0), np.full(5, 12.0)))
    baseline.amend(1, 95, 99, counts)
    assert baseline.failures[1] > before[0] + 30
    baseline.amend(1, 95, 99, -counts)
    after = baseline.failures[1], baseline.trials[1], baseline.squares[1]
    assert after == pytest.approx(before)


def test_taking_out_more_than_there_is_leaves_nothing_negative() -> None:
    baseline = Baseline(BankSettings())
    baseline.add(np.zeros(1, dtype=np.int64))
    baseline.begin(0)
    baseline.amend(0, 0, 1, np.full((2, 2), -9.0))
    assert (baseline.failures[0], baseline.trials[0], baseline.squares[0]) == (0.0, 0.0, 0.0)


def test_a_dropped_group_is_forgotten_and_a_kept_one_is_not() -> None:
    trials, failures = fleet(np.full(4, 0.05), 200, 60, seed=10)
    baseline = learned(trials, failures, np.array([1, 1, 2, 2]))
    kept = baseline.overdispersion.moments[:, 1].copy()
    wander = baseline.drift.shared[:, 1].copy()
    baseline.keep(np.array([3]))
    np.testing.assert_array_equal(baseline.overdispersion.moments[:, 0], kept)
    np.testing.assert_array_equal(baseline.drift.shared[:, 0], wander)
    assert baseline.overdispersion.moments.shape == (4, 1)


def test_a_stated_level_is_believed_whatever_comes_and_lends_no_certainty_of_its_own() -> None:
    trials, failures = fleet(np.full(3, 0.05), 20, 100, seed=15)
    baseline = learned(trials, failures, np.zeros(3, dtype=np.int64))
    learned_before = baseline.posterior(100).mean.copy()
    baseline.know(np.array([1]), np.array([0.002]))
    posterior = baseline.posterior(100)
    assert posterior.mean[1] == pytest.approx(0.002)
    assert posterior.drift[1] == 0.0
    assert posterior.bound(2.0)[1] == pytest.approx(0.002, rel=0.005)
    assert baseline.stated.tolist() == [False, True, False]
    np.testing.assert_array_equal(posterior.mean[[0, 2]], learned_before[[0, 2]])


def test_a_restarted_series_starts_from_next_to_nothing_rather_than_from_its_group() -> None:
    trials, failures = fleet(np.full(20, 0.05), 20, 100, seed=16)
    baseline = learned(trials, failures, np.zeros(20, dtype=np.int64))
    baseline.restart(7)
    posterior = baseline.posterior(100)
    assert baseline.apart[7]
    assert posterior.alpha[7] < 0.3
    assert posterior.alpha[8] > 50
