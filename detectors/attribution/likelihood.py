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
_HOPELESS = -10.0
"""Nats: a likelihood 20,000 times smaller than that of no effect decides nothing any more."""
_NARROW = 2.5
"""Curvature, in nats per squared spacing, up to which a sum over the grid is an integral: a normal
curve is then off by 0.1 %."""
_NEWTON_STEPS = 3


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

    With thousands of operations the peak is far narrower than the grid. It is then found on the
    quartic through five points, and its area by Laplace's method; a peak wider than that is summed
    over the grid, which for a smooth peak is precise far beyond what matters. Values that are
    hopeless, against the likelihood 1 of no effect at all, are only told to the nearest nats.

    Args:
        values: float64[..., G], log likelihood ratios against no effect.

    Returns:
        float64[...], the log of the average likelihood.
    """
    flat = values.reshape(-1, GRID)
    best = np.argmax(flat, axis=1)
    rows = np.arange(best.size)
    top = flat[rows, best]
    result: NDArray[np.float64] = top - np.log(GRID)
    untouched = (flat[:, 0] == 0.0) & (flat[:, -1] == 0.0)
    result[untouched] = 0.0
    near = np.flatnonzero((top > _HOPELESS) & ~untouched)
    result[near] = _log_area(flat[near], best[near]) - np.log(GRID)
    return result.reshape(values.shape[:-1])


def log_sum(values: NDArray[np.float64], axis: int | tuple[int, ...] = 0) -> NDArray[np.float64]:
    """Return log(sum(exp(values))) of finite values along the axes, as an array."""
    peak = values.max(axis=axis, keepdims=True)
    total = np.log(np.exp(values - peak).sum(axis=axis, keepdims=True)) + peak
    return np.asarray(total.squeeze(axis=axis), dtype=np.float64)


def _log_area(values: NDArray[np.float64], best: NDArray[np.intp]) -> NDArray[np.float64]:
    """float64[N], log of the integral of exp(values), float64[N, G], in units of the spacing."""
    rows = np.arange(best.size)
    inner = np.clip(best, 1, GRID - 2)
    bend = values[rows, inner - 1] - 2.0 * values[rows, inner] + values[rows, inner + 1]
    narrow = (bend < -_NARROW) & (best == inner)
    area = np.empty(best.size)
    area[narrow] = _laplace(values[narrow], best[narrow])
    top = values[rows, best][~narrow]
    area[~narrow] = top + np.log(np.exp(values[~narrow] - top[:, None]).sum(axis=1))
    return area


def _laplace(values: NDArray[np.float64], best: NDArray[np.intp]) -> NDArray[np.float64]:
    """The same for narrow peaks near the grid points `best`, intp[N], that are not at an end."""
    centre = np.clip(best, 2, GRID - 3)
    window = values[np.arange(best.size)[:, None], centre[:, None] + np.arange(-2, 3)]
    terms = _quartic() @ window.T
    at = (best - centre).astype(np.float64)
    for _ in range(_NEWTON_STEPS):
        at = np.clip(at - _slope(terms, at) / np.minimum(_bend(terms, at), -1.0), -2.0, 2.0)
    peak = terms[0] + at * (terms[1] + at * (terms[2] + at * (terms[3] + at * terms[4])))
    area: NDArray[np.float64] = peak + 0.5 * np.log(
        2.0 * np.pi / np.maximum(-_bend(terms, at), 1.0)
    )
    return area


def _slope(terms: NDArray[np.float64], at: NDArray[np.float64]) -> NDArray[np.float64]:
    value: NDArray[np.float64] = terms[1] + at * (
        2.0 * terms[2] + at * (3.0 * terms[3] + at * 4.0 * terms[4])
    )
    return value


def _bend(terms: NDArray[np.float64], at: NDArray[np.float64]) -> NDArray[np.float64]:
    value: NDArray[np.float64] = 2.0 * terms[2] + at * (6.0 * terms[3] + at * 12.0 * terms[4])
    return value


@cache
def _quartic() -> NDArray[np.float64]:
    """Matrix from values at -2, -1, 0, 1, 2 to the coefficients of 1, x, ..., x ** 4."""
    inverse: NDArray[np.float64] = np.linalg.inv(np.vander(np.arange(-2.0, 3.0), increasing=True))
    return inverse


def _lagrange(at: NDArray[np.float64], nodes: NDArray[np.int_]) -> NDArray[np.float64]:
    """Weights of the polynomial through the nodes, one row per point."""
    weights = np.ones((at.size, nodes.size))
    for column, node in enumerate(nodes):
        for other in nodes[nodes != node]:
            weights[:, column] *= (at - other) / (node - other)
    return weights
