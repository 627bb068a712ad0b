"""What the detector bank costs: processor time per window, and memory per series."""

import time
from dataclasses import dataclass
from typing import Final

import numpy as np

from detectors.bank import Bank, BankSettings
from detectors.evaluation.goals import Goal

_GROUPS: Final = 40
_WARM_UP: Final = 5
_FLEET: Final = 10_000
_MOST_BYTES: Final = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Cost of one step over so many series, all of which have operations and are judged.

    Attributes:
        series: How many.
        judged: How many of them were judged.
        milliseconds: Median processor time of a window.
        late_milliseconds: 95 % quantile of it.
        nanoseconds: Median per series and update.
    """

    series: int
    judged: int
    milliseconds: float
    late_milliseconds: float
    nanoseconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """All costs.

    Attributes:
        steps: Time, by number of series.
        bytes_per_series: Memory of the state, a full day of windows included.
    """

    steps: tuple[Cost, ...]
    bytes_per_series: float


def measure(series: int, windows: int) -> Cost:
    """Time steps of a bank whose baselines are known, so that all series are judged.

    Args:
        series: How many.
        windows: How many steps to time, after a few others.
    """
    generator = np.random.default_rng(1)
    volume = generator.uniform(2.0, 60.0, series)
    ratio = np.exp(generator.uniform(np.log(0.002), np.log(0.05), series))
    bank = Bank(BankSettings())
    bank.add(np.arange(series) % _GROUPS)
    bank.know(np.arange(series), ratio)
    times = []
    for window in range(_WARM_UP + windows):
        trials = np.maximum(generator.poisson(volume), 1)
        failures = generator.binomial(trials, ratio)
        before = time.process_time()
        step = bank.step(window, trials, failures)
        times.append(time.process_time() - before)
    timed = 1000.0 * np.array(times[_WARM_UP:])
    median = float(np.median(timed))
    return Cost(
        series=series,
        judged=int(np.count_nonzero(~step.learning)),
        milliseconds=median,
        late_milliseconds=float(np.quantile(timed, 0.95)),
        nanoseconds=median * 1e6 / series,
    )


def bytes_per_series() -> float:
    """Give the memory that the bank's state takes for a series, all counts as 32-bit integers."""
    series, generator = 1000, np.random.default_rng(1)
    bank = Bank(BankSettings())
    bank.add(np.arange(series) % _GROUPS)
    trials = generator.poisson(20.0, series)
    bank.step(0, trials, generator.binomial(trials, 0.01))
    total = 0
    for name, value in bank.snapshot().items():
        if isinstance(value, np.ndarray):
            # Snapshots pack counts into the smallest type that holds them; the ring does not.
            total += value.size * 4 if name == "history.counts" else value.nbytes
    return total / series


def measure_all(*, quick: bool) -> Costs:
    """Measure 10,000 and 100,000 series; only the former if it has to be quick."""
    sizes = ((_FLEET, 15),) if quick else ((_FLEET, 60), (10 * _FLEET, 25))
    steps = tuple(measure(series, windows) for series, windows in sizes)
    return Costs(steps=steps, bytes_per_series=bytes_per_series())


def cost_goals(costs: Costs) -> list[Goal]:
    """Judge the costs."""
    most = {_FLEET: 20.0, 10 * _FLEET: 250.0}
    goals = [
        Goal(
            subject="milliseconds a window",
            cell=f"{cost.series:,} series",
            value=cost.milliseconds,
            bound=f"< {most[cost.series]:g}",
            met=cost.milliseconds < most[cost.series],
        )
        for cost in costs.steps
    ]
    size = Goal(
        subject="bytes a series",
        cell="state",
        value=costs.bytes_per_series,
        bound=f"< {_MOST_BYTES:,}",
        met=costs.bytes_per_series < _MOST_BYTES,
    )
    return [*goals, size]
