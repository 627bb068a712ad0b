"""Milliseconds of processor time per window of the detector bank, all series active, on one core.

Run: `python benchmarks/bank.py [--series 10000] [--windows 60]`. Prints one JSON line.
"""

import argparse
import json
import resource
import time

import numpy as np

from detectors.bank import Bank, BankSettings

_GROUPS = 40
_WARM_UP = 150


def measure(series: int, windows: int) -> dict[str, float | int]:
    """Warm a bank up, then time its steps; every series has operations in every window."""
    generator = np.random.default_rng(20211013)
    volume = generator.uniform(2.0, 60.0, series)
    ratio = np.exp(generator.uniform(np.log(0.002), np.log(0.05), series))
    bank = Bank(BankSettings())
    bank.add(np.arange(series) % _GROUPS)
    times = []
    for window in range(_WARM_UP + windows):
        trials = np.maximum(generator.poisson(volume), 1)
        failures = generator.binomial(trials, ratio)
        before = time.process_time()
        step = bank.step(window, trials, failures)
        times.append(time.process_time() - before)
    timed = 1000.0 * np.array(times[_WARM_UP:])
    return {
        "series": series,
        "judged": int(np.count_nonzero(~step.learning)),
        "windows": windows,
        "milliseconds_per_window_median": round(float(np.median(timed)), 2),
        "milliseconds_per_window_p95": round(float(np.quantile(timed, 0.95)), 2),
        "nanoseconds_per_series": round(float(np.median(timed)) * 1e6 / series, 1),
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def main() -> None:
    """Parse the arguments and print the measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=10_000)
    parser.add_argument("--windows", type=int, default=60)
    arguments = parser.parse_args()
    print(json.dumps(measure(arguments.series, arguments.windows)))


if __name__ == "__main__":
    main()
