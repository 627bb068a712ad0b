"""Time of one ranking over a large fleet, and the same ranking without collapsing the series.

Usage: python benchmarks/attribution.py [--releases 30] [--repeat 5]

The peer evaluates the likelihood of one reading of each release (no delay, exposure in proportion)
over every series and bin: the least that a ranking without sufficient sums has to do, against which
the whole ranking, with all its readings and evidence, is set. The last line is one JSON object.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from detectors.attribution.exposure import ExposureStep, ReleaseExposure, Step, exposure_matrix
from detectors.attribution.likelihood import EFFECTS, log_ratio
from detectors.attribution.posterior import AttributionSettings, Cells, rank
from detectors.attribution.timeline import Timeline
from detectors.scope import ScopeSettings, smallest_scope

CARDINALITIES = (50, 2, 10, 10)
"""Regions, operating systems, VM types, operations: 10,000 series."""
BINS = 288
BIN_SECONDS = 300.0
ONSET = 276


def fleet(rng: np.random.Generator) -> tuple[Cells, NDArray[np.bool_]]:
    """Draw a fleet whose first operating system fails in every region in the last hour."""
    grid = np.stack(np.meshgrid(*map(np.arange, CARDINALITIES), indexing="ij"), axis=-1)
    codes = grid.reshape(-1, len(CARDINALITIES)).astype(np.int64)
    series = codes.shape[0]
    failing = codes[:, 1] == 0
    trials = rng.poisson(15.0 * rng.lognormal(0.0, 0.7, series)[:, None], (series, BINS))
    base = np.clip(rng.lognormal(np.log(0.01), 0.5, series), 0.001, 0.1)
    ratio = np.repeat(base[:, None], BINS, axis=1)
    ratio[failing, ONSET:] += 0.2
    failures = rng.binomial(trials, ratio)
    return Cells(trials, failures, trials * base[:, None], codes, region_dimension=0), failing


def rollout(rng: np.random.Generator, codes: NDArray[np.int64]) -> ReleaseExposure:
    """Draw a rollout in five stages, half of them with a canary share first."""
    touched = np.isin(codes[:, 1], ((0,), (1,), (0, 1))[int(rng.integers(3))])
    order = rng.permutation(CARDINALITIES[0])
    at = float(rng.uniform(-100, BINS))
    steps = []
    for stage in np.split(order, [1, 5, 15, 30]):
        here = touched & np.isin(codes[:, 0], stage)
        for share in ((1.0,), (0.1, 1.0))[int(rng.integers(2))]:
            steps.append(ExposureStep(at, here, share))
            at += float(rng.uniform(2, 10))
        at += float(rng.uniform(5, 40))
    return ReleaseExposure(tuple(steps), touched, steps[0].bin)


def every_cell(cells: Cells, releases: list[ReleaseExposure]) -> None:
    """Evaluate one reading of each release over every series, bin and effect."""
    trials, failures = cells.trials.astype(np.float64), cells.failures.astype(np.float64)
    baseline = np.clip(cells.expected / np.maximum(trials, 1.0), 1e-4, 0.95)
    timeline = Timeline(np.arange(BINS + 1))
    for release in releases:
        steps = tuple(Step(round(s.bin), s.series, s.exposure) for s in release.steps)
        exposure = exposure_matrix(steps, np.zeros(trials.shape[0], np.int64), timeline)
        for effect in EFFECTS:
            log_ratio(trials, failures, baseline, effect * exposure).sum()


def seconds(work: Callable[[], object], repeat: int) -> float:
    """Median wall time of some work."""
    times = []
    for _ in range(repeat):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--releases", type=int, default=30)
    parser.add_argument("--repeat", type=int, default=5)
    arguments = parser.parse_args()
    rng = np.random.default_rng(1)
    cells, failing = fleet(rng)
    releases = [rollout(rng, cells.codes) for _ in range(arguments.releases)]
    settings = AttributionSettings(bin_seconds=BIN_SECONDS)
    ranking = seconds(lambda: rank(cells, releases, failing, ONSET, settings), arguments.repeat)
    recent = slice(ONSET, None)
    counts = (cells.trials[:, recent].sum(axis=1), cells.failures[:, recent].sum(axis=1))
    expected = cells.expected[:, recent].sum(axis=1)
    scope = seconds(
        lambda: smallest_scope(*counts, expected, cells.codes, CARDINALITIES, ScopeSettings()),
        arguments.repeat,
    )
    peer = seconds(lambda: every_cell(cells, releases[:1]), 1) * arguments.releases
    print(f"{cells.trials.shape[0]} series, {BINS} bins, {arguments.releases} releases")
    print(f"ranking {ranking:.2f} s; one reading over every cell {peer:.1f} s; scope {scope:.2f} s")
    figures = {
        "ranking_seconds": round(ranking, 3),
        "every_cell_seconds": round(peer, 1),
        "ratio_every_cell": round(peer / ranking, 1),
        "scope_seconds": round(scope, 3),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
