"""Properties of the bank that hold for every stream: resuming, time origin, silence, order."""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.arrays import Integers
from detectors.bank import Bank, BankSettings, BankStep

SMALL = BankSettings(
    ring_windows=40,
    holdback_windows=4,
    warm_up_windows=10,
    informative_windows=4,
    memory_windows=60,
)


def stream(seed: int, windows: int = 90, series: int = 5) -> tuple[Integers, Integers]:
    """Draw a stream with an outage of some series, a silence, and a recovery in it."""
    generator = np.random.default_rng(seed)
    ratio = np.full((windows, series), 0.03)
    start = int(generator.integers(30, 50))
    ratio[start : start + 15, : generator.integers(1, series)] = 0.7
    trials = generator.poisson(generator.uniform(0.5, 30, series), (windows, series))
    trials[generator.integers(0, windows, 8)] = 0
    return trials, generator.binomial(trials, ratio)


def steps_of(bank: Bank, trials: Integers, failures: Integers, windows: range) -> list[BankStep]:
    return [bank.step(t, trials[t], failures[t]) for t in windows]


def fresh(series: int = 5) -> Bank:
    bank = Bank(SMALL)
    bank.add(np.arange(series) % 2)
    return bank


def plain(step: BankStep, origin: int = 0) -> dict[str, Any]:
    """Give a step in a form that compares bit by bit, windows counted from `origin`."""
    return {
        "window": step.window - origin,
        "baseline": step.baseline.tobytes(),
        "learning": step.learning.tobytes(),
        "alarmed": step.alarmed.tobytes(),
        "statistic": step.statistic.tobytes(),
        "threshold": step.threshold,
        "detections": [
            (
                found.row,
                found.direction,
                found.window - origin,
                (found.onset - origin, found.onset_low - origin, found.onset_high - origin),
                (found.baseline_ratio, found.ratio, found.ratio_low, found.ratio_high),
                (found.statistic, found.threshold),
            )
            for found in step.detections
        ],
    }


@given(seed=st.integers(0, 2**20), cut=st.integers(0, 89))
@settings(max_examples=15, deadline=None)
def test_a_bank_resumed_at_any_cut_goes_on_bit_by_bit(seed: int, cut: int) -> None:
    trials, failures = stream(seed)
    bank = fresh()
    steps_of(bank, trials, failures, range(cut))
    again = Bank.resume(SMALL, bank.snapshot())
    rest = range(cut, 90)
    expected = [plain(step) for step in steps_of(bank, trials, failures, rest)]
    assert [plain(step) for step in steps_of(again, trials, failures, rest)] == expected


@given(seed=st.integers(0, 2**20), origin=st.integers(-(10**9), 10**9))
@settings(max_examples=15, deadline=None)
def test_the_origin_of_time_does_not_matter(seed: int, origin: int) -> None:
    trials, failures = stream(seed)
    here, there = fresh(), fresh()
    for window in range(90):
        step = here.step(window, trials[window], failures[window])
        moved = there.step(window + origin, trials[window], failures[window])
        assert plain(step) == plain(moved, origin)


@given(seed=st.integers(0, 2**20))
@settings(max_examples=15, deadline=None)
def test_windows_left_out_are_windows_without_operations(seed: int) -> None:
    trials, failures = stream(seed)
    silent = np.random.default_rng(seed + 1).random(90) < 0.3
    trials[silent] = failures[silent] = 0
    everything, gaps = fresh(), fresh()
    for window in range(90):
        step = everything.step(window, trials[window], failures[window])
        if silent[window]:
            assert step.detections == ()
            continue
        skipped = gaps.step(window, trials[window], failures[window])
        np.testing.assert_allclose(skipped.statistic, step.statistic, rtol=1e-9)
        np.testing.assert_allclose(skipped.baseline, step.baseline, rtol=1e-9)
        np.testing.assert_array_equal(skipped.alarmed, step.alarmed)
        assert [(found.row, found.onset) for found in skipped.detections] == [
            (found.row, found.onset) for found in step.detections
        ]


@given(seed=st.integers(0, 2**20), silent=st.integers(0, 4))
@settings(max_examples=15, deadline=None)
def test_a_series_without_operations_keeps_its_evidence(seed: int, silent: int) -> None:
    trials, failures = stream(seed)
    trials[60:, silent] = failures[60:, silent] = 0
    bank = fresh()
    steps = steps_of(bank, trials, failures, range(90))
    before = np.array([step.statistic[silent] for step in steps[60:]])
    assert np.all(before == before[0])
    assert all(found.row != silent for step in steps[60:] for found in step.detections)


@given(seed=st.integers(0, 2**20))
@settings(max_examples=15, deadline=None)
def test_every_detection_is_consistent_with_itself(seed: int) -> None:
    trials, failures = stream(seed)
    for step in steps_of(fresh(), trials, failures, range(90)):
        for found in step.detections:
            assert found.window == step.window
            assert found.onset_low <= found.onset <= found.onset_high <= found.window
            assert found.onset > found.window - SMALL.ring_windows
            assert found.statistic >= found.threshold or found.threshold < step.threshold
            assert 0 <= found.ratio_low <= found.ratio <= found.ratio_high <= 1
            assert 0 < found.baseline_ratio < 1


@given(seed=st.integers(0, 2**20), gap=st.integers(1, 10**12))
@settings(max_examples=10, deadline=None)
def test_a_gap_of_any_length_is_survived(seed: int, gap: int) -> None:
    trials, failures = stream(seed)
    bank = fresh()
    steps_of(bank, trials, failures, range(70))
    for offset, window in enumerate(range(70, 90)):
        step = bank.step(69 + gap + offset, trials[window], failures[window])
        assert np.all(np.isfinite(step.statistic))
        assert np.all((step.baseline > 0) & (step.baseline < 1))
