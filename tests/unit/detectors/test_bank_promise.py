"""The promise and the delays, measured on simulated fleets with fixed seeds."""

import numpy as np
import pytest

from detectors.arrays import Floats, Integers
from detectors.bank import Bank, BankSettings, BankStep, Direction
from detectors.simulation import (
    QUIET,
    Nuisance,
    draw,
    failure_ratio,
    mean_volume,
    odds_change,
    step_change,
)

DAY = 1440


def run(trials: Integers, failures: Integers, groups: Integers, promise: float) -> list[BankStep]:
    bank = Bank(BankSettings(false_alarms_per_day=promise))
    bank.add(groups)
    return [bank.step(t, n, k) for t, (n, k) in enumerate(zip(trials, failures, strict=True))]


@pytest.mark.parametrize(
    ("nuisance", "volume", "ratio"),
    [
        (QUIET, 4.0, 0.01),
        (Nuisance(rho=0.01), 60.0, 0.01),
        (Nuisance(rho=0.002, volume_swing=0.9), 20.0, 0.01),
    ],
    ids=["independent", "overdispersed", "daily volume"],
)
def test_a_fleet_in_control_raises_fewer_episodes_than_promised(
    nuisance: Nuisance, volume: float, ratio: float
) -> None:
    """A hundred a day are promised, so that a broken promise shows in two simulated days."""
    generator = np.random.default_rng(20211013)
    series, windows = 300, 2 * DAY
    phase = generator.uniform(0, 2 * np.pi, series)
    levels = ratio * np.exp(generator.normal(0, 0.5, series))
    volumes = mean_volume(windows, np.full(series, volume), nuisance, phase)
    ratios = failure_ratio(windows, levels, nuisance, phase, generator)
    steps = run(*draw(volumes, ratios, nuisance, generator), np.arange(series) % 3, promise=100.0)
    episodes = sum(bool(step.detections) for step in steps)
    assert episodes < 2 * 100 * 0.75


def delays(before: float, after: float, volume: float, learned: int, last: int) -> Floats:
    """Delays in windows of the 40 series that change, in a fleet of 80 that learned before."""
    generator = np.random.default_rng(7)
    ratio = np.full((learned + last, 80), before)
    ratio[:, :40] = step_change(ratio[:, :40], learned, after)
    trials, failures = draw(np.full(ratio.shape, volume), ratio, QUIET, generator)
    steps = run(trials, failures, np.zeros(80, dtype=np.int64), promise=80 * DAY / 43_200)
    kind = Direction.DEGRADED if after > before else Direction.RECOVERED
    delay = np.full(80, np.inf)
    for step in steps[learned:]:
        for found in step.detections:
            if found.direction is kind:
                delay[found.row] = min(delay[found.row], step.window - learned + 1)
    return delay[:40]


@pytest.mark.parametrize(
    ("before", "after", "volume", "median", "late"),
    [
        (0.001, 0.005, 100.0, 28, 55),
        (0.005, 0.03, 5.0, 71, 130),
        (0.005, 0.03, 100.0, 6, 10),
        (0.01, 0.4, 5.0, 4, 7),
        (0.03, 0.005, 100.0, 10, 14),
    ],
    ids=["A n=100", "B n=5", "B n=100", "C n=5", "G n=100"],
)
def test_changes_are_found_about_as_soon_as_the_information_allows(
    before: float, after: float, volume: float, median: int, late: int
) -> None:
    """The oracle CUSUM that knows all needs 17/41, 42/106, 4/8, 2/4, 6/9 windows (median/95 %)."""
    found = delays(before, after, volume, learned=DAY // 2, last=160)
    assert np.median(found) <= median
    assert np.quantile(found, 0.9) <= late


def test_one_series_of_many_is_found_under_overdispersion() -> None:
    nuisance = Nuisance(rho=0.005)
    generator = np.random.default_rng(8)
    ratio = np.full((400, 100), 0.01)
    ratio[:, 17:18] = odds_change(ratio[:, 17:18], 350, 12.0)
    trials, failures = draw(np.full(ratio.shape, 200.0), ratio, nuisance, generator)
    steps = run(trials, failures, np.zeros(100, dtype=np.int64), promise=1.0)
    found = [(change.row, change.onset) for step in steps for change in step.detections]
    assert found == [(17, 350)]
