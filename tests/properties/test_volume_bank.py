"""Properties of the volume bank that hold for every stream: resuming, time origin, gaps, order."""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.arrays import Integers
from detectors.volume.bank import VolumeBank, VolumeSettings, VolumeStep

LENGTH = 240
SMALL = VolumeSettings(
    window_seconds=1800,
    false_alarms_per_day=50.0,
    holdback_seconds=7200,
    learning_seconds=86_400,
    block_windows=4,
    ring_windows=48,
    dark_seconds=36_000,
    forget_seconds=2 * 86_400,
    recovery_evidence=50.0,
)
"""Half hours, so that five days are 240 windows."""


def stream(seed: int, series: int = 5) -> Integers:
    """Draw volumes with a collapse of some series, its end, and empty windows in it."""
    generator = np.random.default_rng(seed)
    mean = np.tile(generator.uniform(0.5, 40, series), (LENGTH, 1))
    start = int(generator.integers(70, 150))
    last = start + int(generator.integers(4, 120))
    mean[start:last, : generator.integers(1, series)] *= 0.02
    operations = generator.poisson(mean)
    operations[generator.integers(0, LENGTH, 8)] = 0
    dark = int(generator.integers(0, LENGTH))
    operations[dark : dark + int(generator.integers(1, 40))] = 0
    return operations.astype(np.int64)


def fresh(series: int = 5) -> VolumeBank:
    bank = VolumeBank(SMALL)
    bank.add(np.arange(series) % 2)
    return bank


def plain(step: VolumeStep, origin: int = 0) -> dict[str, Any]:
    """Give a step in a form that compares bit by bit, windows counted from `origin`."""
    return {
        "window": step.window - origin,
        "expected": step.expected.tobytes(),
        "learning": step.learning.tobytes(),
        "alarmed": step.alarmed.tobytes(),
        "statistic": step.statistic.tobytes(),
        "threshold": step.threshold,
        "detections": told(step, origin),
    }


def told(step: VolumeStep, origin: int = 0) -> list[tuple[Any, ...]]:
    return [
        (
            found.row,
            found.direction,
            found.window - origin,
            (found.onset - origin, found.onset_low - origin, found.onset_high - origin),
            (found.share, found.statistic, found.threshold),
        )
        for found in step.detections
    ]


@given(seed=st.integers(0, 2**20), cut=st.integers(0, LENGTH - 1))
@settings(max_examples=8, deadline=None)
def test_a_bank_resumed_at_any_cut_goes_on_bit_by_bit(seed: int, cut: int) -> None:
    operations = stream(seed)
    bank = fresh()
    for window in range(cut):
        bank.step(window, operations[window])
    again = VolumeBank.resume(SMALL, bank.snapshot())
    for window in range(cut, LENGTH):
        step = bank.step(window, operations[window])
        assert plain(again.step(window, operations[window])) == plain(step)


@given(seed=st.integers(0, 2**20), origin=st.integers(-(10**9), 10**9))
@settings(max_examples=8, deadline=None)
def test_the_origin_of_time_does_not_matter(seed: int, origin: int) -> None:
    operations = stream(seed)
    here, there = fresh(), fresh()
    for window in range(LENGTH):
        step = here.step(window, operations[window])
        assert plain(there.step(window + origin, operations[window]), origin) == plain(step)


@given(seed=st.integers(0, 2**20))
@settings(max_examples=8, deadline=None)
def test_the_order_of_the_series_does_not_matter(seed: int) -> None:
    operations = stream(seed)
    order = np.random.default_rng(seed).permutation(5)
    here, there = fresh(), VolumeBank(SMALL)
    there.add(order % 2)
    for window in range(LENGTH):
        step = here.step(window, operations[window])
        moved = there.step(window, operations[window][order])
        np.testing.assert_allclose(moved.expected, step.expected[order], rtol=1e-9)
        np.testing.assert_allclose(moved.statistic, step.statistic[order], rtol=1e-6)
        found = {(int(order[one.row]), one.direction, one.onset) for one in moved.detections}
        assert found == {(one.row, one.direction, one.onset) for one in step.detections}


@given(seed=st.integers(0, 2**20), share=st.floats(0, 0.9))
@settings(max_examples=8, deadline=None)
def test_windows_left_out_are_windows_without_operations(seed: int, share: float) -> None:
    operations = stream(seed)
    silent = np.random.default_rng(seed + 1).random(LENGTH) < share
    silent[0] = silent[-1] = False
    operations[silent] = 0
    everything, gaps = fresh(), fresh()
    waiting: list[tuple[Any, ...]] = []
    for window in range(LENGTH):
        step = everything.step(window, operations[window])
        waiting += told(step)
        if silent[window]:
            continue
        skipped = gaps.step(window, operations[window])
        assert told(skipped) == waiting
        assert plain(skipped) | {"detections": None} == plain(step) | {"detections": None}
        waiting = []


@given(seed=st.integers(0, 2**20), gap=st.integers(1, 10**12))
@settings(max_examples=5, deadline=None)
def test_a_gap_of_any_length_is_survived(seed: int, gap: int) -> None:
    operations = stream(seed)
    bank = fresh()
    for window in range(150):
        bank.step(window, operations[window])
    for window in range(150, LENGTH):
        step = bank.step(window + gap, operations[window])
        assert np.all(np.isfinite(step.statistic))
        assert np.all(step.expected >= 0)


@given(seed=st.integers(0, 2**20))
@settings(max_examples=8, deadline=None)
def test_every_detection_is_consistent_with_itself(seed: int) -> None:
    operations = stream(seed)
    bank = fresh()
    for window in range(LENGTH):
        step = bank.step(window, operations[window])
        for found in step.detections:
            assert found.window == window
            assert found.onset_low <= found.onset <= found.onset_high <= found.window
            assert found.onset > found.window - SMALL.ring_windows
            assert found.share >= 0
            assert not step.learning[found.row]


@given(seed=st.integers(0, 2**20))
@settings(max_examples=5, deadline=None)
def test_series_that_leave_change_nothing_for_those_that_stay(seed: int) -> None:
    """With a promise that does not depend on their number, the rest goes on as it was."""
    operations = stream(seed)
    bank, rest = fresh(), np.array([0, 2, 4])  # one whole group
    for window in range(120):
        step = bank.step(window, operations[window])
    expected, seen = step.expected, bank.last_seen()
    bank.keep(rest)
    assert bank.size == 3
    np.testing.assert_array_equal(bank.last_seen(), seen[rest])
    after = bank.step(120, operations[120][rest])
    assert np.all(np.isfinite(after.expected))
    assert expected.shape == (5,)
