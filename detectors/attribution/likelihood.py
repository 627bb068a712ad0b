r"""Binomial likelihood of an additional failure cause, on a fixed grid of effects.

A cause with effect e lets an operation fail with probability e on top of the baseline,
p = 1 - (1 - p0)(1 - e), so that against the baseline

    l(e) = y log(1 + e (1 - p0) / p0) + (n - y) log(1 - e).

The grid is even in logit(e). l is smooth there (its second derivative is at most n / 4), so that a
cubic through four grid points gives l between them; partial exposure and the integral over the
effect need that.
"""

from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

FLOOR = 1e-4
"""Least baseline failure probability: below it a single failure would be proof of anything."""
CEILING = 0.95
"""Largest baseline failure probability: above it nothing can be told."""

_SPACING = 0.4
LOGITS = np.arange(-5.2, 3.21, _SPACING)
"""Grid of logit(e): effects from 0.0055 to 0.961, about 0.01 to 0.95 with a margin."""
EFFECTS = expit(LOGITS)
GRID = LOGITS.size
_FINE = np.linspace(-1.0, 1.0, 33)


def cell_log_ratios(
    trials: NDArray[np.float64], failures: NDArray[np.float64], baseline: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Compute the log likelihood ratio of every grid effect against none in every cell.

    Args:
        trials: float64[...], operations.
        failures: float64[...], failed operations.
        baseline: float64[...], failure probability without the cause, in (0, 1).

    Returns:
        float64[..., G].
    """
    ratios: NDArray[np.float64] = (trials - failures)[..., None] * np.log1p(-EFFECTS)
    failing = failures > 0.0
    odds = (1.0 - baseline[failing]) / baseline[failing]
    ratios[failing] += failures[failing, None] * np.log1p(odds[:, None] * EFFECTS)
    return ratios


def log_ratio(
    trials: NDArray[np.float64],
    failures: NDArray[np.float64],
    baseline: NDArray[np.float64],
    effect: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Compute the log likelihood ratio of one effect per cell against none.

    Args:
        trials: float64[...], operations.
        failures: float64[...], failed operations.
        baseline: float64[...], failure probability without the cause, in (0, 1).
        effect: float64[...], in [0, 1).

    Returns:
        float64[...], 0 where the effect is 0.
    """
    odds = (1.0 - baseline) / baseline
    result: NDArray[np.float64] = failures * np.log1p(odds * effect)
    result += (trials - failures) * np.log1p(-effect)
    return result


def suffix_sums(cells: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum cell ratios from each bin to the newest.

    Args:
        cells: float64[A, T, G].

    Returns:
        float64[A, T + 1, G]; entry t is the sum over bins t, t + 1, ...; entry T is 0.
    """
    groups, bins, grid = cells.shape
    sums = np.zeros((groups, bins + 1, grid))
    np.cumsum(cells[:, ::-1], axis=1, out=sums[:, bins - 1 :: -1])
    return sums


@lru_cache(maxsize=256)
def dose_weights(ratio: float) -> NDArray[np.float64]:
    """Weights that read the likelihood of a scaled-down effect off the grid.

    Args:
        ratio: Exposure over the release's largest exposure, in (0, 1].

    Returns:
        float64[G, G]; row g gives l(ratio * e_g) as a combination of the grid values. Effects below
        the grid are read off the chord to l(0) = 0.
    """
    weights = np.zeros((GRID, GRID))
    for row, effect in enumerate(ratio * EFFECTS):
        if effect <= EFFECTS[0]:
            weights[row, 0] = effect / EFFECTS[0]
            continue
        position = (np.log(effect / (1.0 - effect)) - LOGITS[0]) / _SPACING
        first = int(np.clip(np.floor(position) - 1, 0, GRID - 4))
        nodes = np.arange(first, first + 4)
        weights[row, nodes] = _lagrange(np.array([position]), nodes)[0]
    weights.setflags(write=False)
    return weights


def log_integral(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average a likelihood over the effect, uniform in logit(e) over the grid.

    With thousands of operations the peak is far narrower than the grid. The stretch around the
    best grid point is therefore read from a quartic through five points, 16 times finer.

    Args:
        values: float64[..., G], log likelihoods.

    Returns:
        float64[...], the log of the average likelihood.
    """
    best = np.clip(np.argmax(values, axis=-1), 2, GRID - 3)[..., None]
    window = np.take_along_axis(values, best + np.arange(-2, 3), axis=-1)
    fine = window @ _fine_weights().T
    peak = np.maximum(values.max(axis=-1), fine.max(axis=-1))[..., None]
    far = np.abs(np.arange(GRID) - best) > 1
    outside = np.where(far, np.exp(values - peak), 0.0).sum(axis=-1)
    inside = (np.exp(fine - peak) * _trapezoid()).sum(axis=-1)
    result: NDArray[np.float64] = peak[..., 0] + np.log(outside + inside) - np.log(GRID)
    return result


def log_sum(values: NDArray[np.float64], axis: int | tuple[int, ...] = 0) -> NDArray[np.float64]:
    """Return log(sum(exp(values))) of finite values along the axes, as an array."""
    peak = values.max(axis=axis, keepdims=True)
    total = np.log(np.exp(values - peak).sum(axis=axis, keepdims=True)) + peak
    return np.asarray(total.squeeze(axis=axis), dtype=np.float64)


@cache
def _fine_weights() -> NDArray[np.float64]:
    return _lagrange(_FINE, np.arange(-2, 3))


@cache
def _trapezoid() -> NDArray[np.float64]:
    # In units of the grid's spacing. The two ends also belong to the coarse stretch beside them.
    weights = np.full(_FINE.size, 2.0 / (_FINE.size - 1))
    weights[[0, -1]] = 0.5 * weights[0] + 0.5
    return weights


def _lagrange(at: NDArray[np.float64], nodes: NDArray[np.int_]) -> NDArray[np.float64]:
    """Weights of the polynomial through the nodes, one row per point."""
    weights = np.ones((at.size, nodes.size))
    for column, node in enumerate(nodes):
        for other in nodes[nodes != node]:
            weights[:, column] *= (at - other) / (node - other)
    return weights
