"""What a closed window means in metrics: once, for the live exporter and for the backfill.

Pure, and column by column: a fleet has tens of thousands of series.
"""

from collections import defaultdict

import numpy as np

from detectors.bounds import failures_in_control
from streams.domain.series import OTHER, UNKNOWN
from streams.telemetry import (
    BASELINE_LOWER_BOUND,
    BASELINE_SUCCESS_RATIO,
    BASELINE_UPPER_BOUND,
    CHANGE_POINTS_ACTIVE,
    STATISTIC,
    SUCCESS_RATIO,
    Metric,
)
from streams.windows.cells import Bool, CellTable, Float64, Int64
from streams.windows.closed import ClosedWindow

OUTCOMES = ("success", "failure", "cancelled", "caller_fault")
"""Values of the label `outcome`, in the order of `operation_counts`."""

SERIES_GAUGES = (
    SUCCESS_RATIO,
    BASELINE_SUCCESS_RATIO,
    BASELINE_LOWER_BOUND,
    BASELINE_UPPER_BOUND,
    CHANGE_POINTS_ACTIVE,
    STATISTIC,
)
"""The metrics of `series_gauges`, in its order."""

_RATIO_DECIMALS = 9
"""Finer than any ratio of counts of one window that can be told apart; keeps the texts short."""
_EVIDENCE_DECIMALS = 3


def window_gauges(window: ClosedWindow) -> tuple[tuple[Metric, Float64], ...]:
    """Give the gauges of the series of a closed window; see `series_gauges`."""
    known = ~window.learning
    return series_gauges(
        window.cells,
        np.where(known, window.baseline, np.nan),
        window.rho,
        np.where(known, window.statistic, np.nan),
        window.alarmed > 0,
    )


def series_gauges(
    cells: CellTable, baseline: Float64, rho: Float64, statistic: Float64, active: Bool
) -> tuple[tuple[Metric, Float64], ...]:
    """Give the gauges of some series as they stand at the end of their windows.

    Args:
        cells: Their N cells.
        baseline: (N,) failure probability in control; NaN where it is not known.
        rho: (N,) intra-class correlation in control; NaN where it is not known.
        statistic: (N,) evidence of a change; NaN where it is not known.
        active: (N,) whether a degradation is open.

    Returns:
        Each metric of `SERIES_GAUGES` with its values, shape (N,); NaN stands for no sample.
    """
    lower, upper = _bounds(cells, baseline, rho)
    columns = (
        np.round(_success_ratio(cells.trials, cells.failures), _RATIO_DECIMALS),
        np.round(1.0 - baseline, _RATIO_DECIMALS),
        np.round(lower, _RATIO_DECIMALS),
        np.round(upper, _RATIO_DECIMALS),
        np.where(active, 1.0, np.nan),
        np.round(statistic, _EVIDENCE_DECIMALS),
    )
    return tuple(zip(SERIES_GAUGES, columns, strict=True))


def operation_counts(cells: CellTable) -> tuple[Int64, ...]:
    """Give the operations of each cell by outcome: one array of shape (N,) for each `OUTCOMES`."""
    return (cells.trials - cells.failures, cells.failures, cells.cancelled, cells.caller_faults)


def series_states(window: ClosedWindow) -> dict[str, int]:
    """Give how many series of a closed window are learning, watched and degraded."""
    degraded = window.alarmed > 0
    learning = window.learning & ~degraded
    return {
        "learning": int(np.count_nonzero(learning)),
        "watched": int(np.count_nonzero(~learning & ~degraded)),
        "degraded": int(np.count_nonzero(degraded)),
    }


def failure_counts(cells: CellTable) -> dict[tuple[str, str], int]:
    """Give the failures by region and error code; those without a code under `unknown`."""
    where = cells.dimensions.index("region")
    names, regions, codes = cells.values[where], cells.codes[where], cells.error_codes
    found: defaultdict[tuple[str, str], int] = defaultdict(int)
    width = len(codes.labels)
    if width:
        packed = regions[codes.rows].astype(np.int64) * width + codes.names
        for pair, count in _added_up(packed, codes.counts):
            region, code = divmod(pair, width)
            found[names[region], codes.labels[code]] += count
    coded = np.bincount(codes.rows, codes.counts, len(cells)).astype(np.int64)
    for region, count in _added_up(regions.astype(np.int64), cells.failures - coded):
        if count > 0:
            found[names[region], UNKNOWN] += count
    return dict(found)


def overflow_counts(cells: CellTable) -> dict[str, int]:
    """Give the operations counted under `__other__`, by the dimension that was at its bound.

    Where all dimensions of several are `__other__`, the number of series was: it stands under
    `series`.
    """
    operations = cells.trials + cells.cancelled + cells.caller_faults
    other = {
        name: codes == values.index(OTHER)
        for name, values, codes in zip(cells.dimensions, cells.values, cells.codes, strict=True)
        if OTHER in values
    }
    found = {}
    if len(other) == len(cells.dimensions) > 1:
        whole = np.logical_and.reduce(list(other.values()))
        found["series"] = int(operations[whole].sum())
        other = {name: inside & ~whole for name, inside in other.items()}
    found |= {name: int(operations[inside].sum()) for name, inside in other.items()}
    return {name: count for name, count in found.items() if count}


def _success_ratio(trials: Int64, failures: Int64 | Float64) -> Float64:
    ratio: Float64 = np.where(trials > 0, 1.0 - failures / np.maximum(trials, 1), np.nan)
    return ratio


def _bounds(cells: CellTable, baseline: Float64, rho: Float64) -> tuple[Float64, Float64]:
    """Give the success ratios between which 99 % of windows like these lie in control."""
    lower, upper = np.full((2, len(cells)), np.nan)
    known = np.flatnonzero((cells.trials > 0) & ~np.isnan(baseline) & ~np.isnan(rho))
    trials = cells.trials[known]
    fewest, most = failures_in_control(trials, baseline[known], rho[known])
    lower[known], upper[known] = 1.0 - most / trials, 1.0 - fewest / trials
    return lower, upper


def _added_up(names: Int64, counts: Int64) -> list[tuple[int, int]]:
    distinct, entry = np.unique(names, return_inverse=True)
    sums = np.bincount(entry, counts, distinct.size).astype(np.int64)
    return list(zip(distinct.tolist(), sums.tolist(), strict=True))
