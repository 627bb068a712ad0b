"""What one ranking over a large fleet costs."""

import statistics
import time

import numpy as np

from detectors.attribution.posterior import AttributionSettings, rank
from detectors.evaluation.attribution.large import BIN_MINUTES, draw_large


def seconds_of_large_ranking(*, quick: bool) -> float:
    """Give the median processor time of ranking 30 releases over 10,000 series and 24 hours."""
    case = draw_large(np.random.default_rng(1))
    settings = AttributionSettings(bin_seconds=60.0 * BIN_MINUTES)
    times = []
    for _ in range(1 if quick else 5):
        before = time.process_time()
        rank(case.cells, case.releases, case.scope, case.onset, settings)
        times.append(time.process_time() - before)
    return statistics.median(times)
