"""Recovery of a region, pooled over its series: found soon, not too soon, and taken back."""

import numpy as np
import pytest

from detectors.arrays import Floats, Integers
from detectors.recovery import RecoverySettings, assess, degraded_null


def course(
    levels: list[tuple[float, int]], volume: float, seed: int
) -> tuple[Integers, Integers, Floats]:
    """Draw windows whose failure ratio goes through (level, windows); the baseline is 1 %."""
    generator = np.random.default_rng(seed)
    ratio = np.concatenate([np.full(windows, level) for level, windows in levels])
    trials = generator.poisson(volume, ratio.size)
    return trials, generator.binomial(trials, ratio), np.full(ratio.size, 0.01)


def delay(degraded: float, baseline: float, volume: float, seed: int) -> int:
    """Windows from the recovery until it is declared; 0 if it was declared before, 20 if never."""
    trials, failures, level = course([(degraded, 40), (baseline, 20)], volume, seed)
    for end in range(5, 60):
        verdict = assess(trials[:end], failures[:end], level[:end] * baseline / 0.01)
        if verdict.recovered:
            return max(end - 40, 0)
    return 20


@pytest.mark.parametrize(("degraded", "baseline"), [(1.0, 0.005), (1.0, 0.03), (0.6, 0.03)])
def test_a_recovery_is_found_within_three_windows_of_ten_operations(
    degraded: float, baseline: float
) -> None:
    delays = [delay(degraded, baseline, 10.0, seed) for seed in range(100)]
    assert sum(1 <= found <= 3 for found in delays) >= 97


def test_a_recovery_from_the_mildest_level_is_found_within_six_windows() -> None:
    delays = [delay(0.3, 0.03, 10.0, seed) for seed in range(100)]
    assert sum(1 <= found <= 6 for found in delays) >= 95


def test_the_first_recovered_window_is_named() -> None:
    trials, failures, level = course([(0.8, 30), (0.01, 10)], 50.0, seed=1)
    verdict = assess(trials, failures, level)
    assert verdict.recovered
    assert verdict.at == 30


def test_one_window_never_decides() -> None:
    trials, failures, level = course([(0.8, 30), (0.01, 1)], 5000.0, seed=2)
    assert not assess(trials, failures, level).recovered


def test_a_window_without_failures_in_the_middle_is_a_lull_and_no_recovery() -> None:
    trials, failures, level = course([(0.8, 20), (0.0, 1), (0.8, 10)], 30.0, seed=3)
    assert not any(
        assess(trials[:end], failures[:end], level[:end]).recovered for end in range(1, 31)
    )


def test_a_partial_mitigation_is_no_recovery() -> None:
    trials, failures, level = course([(0.9, 30), (0.2, 60)], 30.0, seed=4)
    assert not any(
        assess(trials[:end], failures[:end], level[:end]).recovered for end in range(1, 90)
    )


def test_a_recovery_after_a_partial_mitigation_is_found() -> None:
    trials, failures, level = course([(0.9, 30), (0.2, 30), (0.01, 6)], 30.0, seed=5)
    verdict = assess(trials, failures, level)
    assert verdict.recovered
    assert verdict.at == 60


def test_a_relapse_takes_the_recovery_back_and_a_second_recovery_is_found() -> None:
    trials, failures, level = course([(0.7, 20), (0.01, 20), (0.7, 20), (0.01, 20)], 20.0, seed=6)
    verdicts = {end: assess(trials[:end], failures[:end], level[:end]) for end in (35, 50, 80)}
    assert verdicts[35].at == 20
    assert verdicts[50].at is None
    assert verdicts[80].at == 60


def test_six_hours_of_failures_are_no_recovery() -> None:
    trials, failures, level = course([(0.4, 360)], 10.0, seed=7)
    assert not any(
        assess(trials[:end], failures[:end], level[:end]).recovered for end in range(1, 360, 3)
    )


def test_windows_without_operations_say_no_traffic_and_nothing_else() -> None:
    trials, failures, level = course([(0.8, 30), (0.01, 10)], 0.0, seed=8)
    trials[:20], failures[:20] = 30, 24
    verdict = assess(trials, failures, level)
    assert verdict.no_traffic
    assert not verdict.recovered
    assert not assess(trials[:22], failures[:22], level[:22]).no_traffic


def test_no_windows_at_all_are_no_traffic() -> None:
    nothing = np.zeros(0, dtype=np.int64)
    verdict = assess(nothing, nothing, np.zeros(0))
    assert (verdict.recovered, verdict.at, verdict.statistic) == (False, None, 0.0)
    assert verdict.no_traffic


def test_more_evidence_takes_longer() -> None:
    trials, failures, level = course([(0.5, 30), (0.01, 3)], 10.0, seed=9)
    assert assess(trials, failures, level).recovered
    assert not assess(trials, failures, level, RecoverySettings(evidence=1e9)).recovered


def test_the_null_is_half_the_degraded_odds_but_at_least_twice_the_baseline() -> None:
    null = degraded_null(np.array([0.5, 0.012]), np.array([0.01, 0.01]))
    np.testing.assert_allclose(null, [1 / 3, 2 / 101])


@pytest.mark.parametrize(
    ("trials", "failures", "baseline", "message"),
    [
        ([1, 2], [0, 3], [0.1, 0.1], r"failures\[1\] = 3: more than trials"),
        ([-1, 2], [0, 0], [0.1, 0.1], r"trials\[0\] = -1"),
        ([1, 2], [0, 0], [0.1, 1.1], "baseline"),
        ([1, 2], [0, 0], [0.1], "baseline"),
        ([1, 2], [0, 0], [0.1, float("nan")], "baseline"),
    ],
)
def test_counts_and_baselines_that_cannot_be_are_refused(
    trials: list[int], failures: list[int], baseline: list[float], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        assess(np.array(trials), np.array(failures), np.array(baseline))
