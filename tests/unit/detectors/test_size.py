"""The size of a change: its interval holds the true level as often as it says."""

import numpy as np
import pytest

from detectors.size import observed_level


def coverage(ratio: float, rho: float, volume: int, windows: int) -> float:
    """Give how often the interval holds the true ratio, over 1,500 drawn stretches."""
    generator = np.random.default_rng(3)
    held = 0
    for _ in range(1_500):
        level = np.full(windows, ratio)
        if rho:
            precision = (1 - rho) / rho
            level = generator.beta(ratio * precision, (1 - ratio) * precision, windows)
        trials = np.full(windows, volume, dtype=np.int32)
        failures = generator.binomial(trials, level).astype(np.int32)
        measured = observed_level(np.stack((trials, failures)), rho)
        held += measured.low <= ratio <= measured.high
    return held / 1_500


@pytest.mark.parametrize("ratio", [0.02, 0.3])
@pytest.mark.parametrize("rho", [0.0, 0.02])
def test_the_interval_holds_the_true_level_nine_times_in_ten(ratio: float, rho: float) -> None:
    assert 0.86 <= coverage(ratio, rho, volume=60, windows=12) <= 0.95


@pytest.mark.parametrize("failures", [0, 1, 50, 99, 100])
def test_the_level_lies_inside_its_interval(failures: int) -> None:
    measured = observed_level(np.array([[100], [failures]], dtype=np.int32), 0.0)
    assert measured.ratio == failures / 100
    assert 0.0 <= measured.low <= measured.ratio <= measured.high <= 1.0


def test_more_operations_make_the_interval_narrower_and_overdispersion_wider() -> None:
    def width(trials: int, rho: float) -> float:
        measured = observed_level(np.array([[trials], [trials // 10]], dtype=np.int32), rho)
        return measured.high - measured.low

    assert width(1_000, 0.0) < 0.5 * width(100, 0.0)
    assert width(1_000, 0.05) > 3 * width(1_000, 0.0)


def test_empty_windows_say_nothing() -> None:
    filled = np.array([[40, 30], [4, 2]], dtype=np.int32)
    gaps = np.array([[40, 0, 0, 30], [4, 0, 0, 2]], dtype=np.int32)
    assert observed_level(gaps, 0.01) == observed_level(filled, 0.01)
