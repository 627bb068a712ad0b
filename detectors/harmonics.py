"""Logistic regression on harmonics of the day and the week, many series at once."""

from typing import Final

import numpy as np
from scipy.special import expit, log_expit, logit

from detectors.arrays import Flags, Floats

HOURS_PER_WEEK: Final = 168
PERIODS: Final[Floats] = np.array([24.0, 12.0, 168.0, 84.0])
"""Hours: two harmonics of the day and two of the week (Harvey, Forecasting, Structural Time Series
Models, 1989, section 2.3.4)."""
COEFFICIENTS: Final = 2 * PERIODS.size
"""Cosine and sine of every period."""
DAILY: Final = 4
"""How many of them belong to the day; they come first."""
_PRIOR_DEVIATION: Final = np.array([0.5, 0.5, 0.3, 0.3, 0.3, 0.3, 0.2, 0.2])
"""Standard deviation of each coefficient before data, in log odds: a factor of 1.6 either way."""
_LEVEL_PRECISION: Final = 1e-6
"""The level has next to no prior; this keeps the equations solvable."""
_UNKNOWN: Final = 1e9
"""Precision that holds a coefficient at zero while nothing can be known of it."""
_STEPS: Final = 3
"""Newton steps a fit; each begins at the fit of an hour before."""
_LONGEST_STEP: Final = 1.0


def harmonics(hours: Floats) -> Floats:
    """Compute cosine and sine of every period, shape [8, H], at some hours, shape [H]."""
    angle = 2.0 * np.pi * hours / PERIODS[:, np.newaxis]
    return np.stack((np.cos(angle), np.sin(angle)), axis=1).reshape(COEFFICIENTS, -1)


SLOT_HARMONICS: Final = harmonics(np.arange(HOURS_PER_WEEK, dtype=np.float64) + 0.5)
"""Harmonics in the middle of each hour of the week, shape [8, 168]."""
_DESIGN: Final = np.concatenate((np.ones((1, HOURS_PER_WEEK)), SLOT_HARMONICS)).T
_PRODUCTS: Final = (_DESIGN[:, :, np.newaxis] * _DESIGN[:, np.newaxis]).reshape(HOURS_PER_WEEK, -1)


def fit_season(
    trials: Floats, failures: Floats, start: Floats, weekly: Flags
) -> tuple[Floats, Floats]:
    """Fit logit p = level + x beta by penalised maximum likelihood (Newton's method).

    Args:
        trials: Operations by hour of the week, shape [168, R], some in every series.
        failures: Failed operations, same shape.
        start: Coefficients to begin at, shape [8, R].
        weekly: Whether the series' weekly coefficients are fitted, not only the daily, shape [R].

    Returns:
        Coefficients beta, shape [8, R], and twice the log-likelihood gained over a constant level,
        shape [R].
    """
    precision = np.tile(_PRIOR_DEVIATION[:, np.newaxis] ** -2.0, trials.shape[1])
    precision[DAILY:, ~weekly] = _UNKNOWN
    precision = np.concatenate((np.full((1, trials.shape[1]), _LEVEL_PRECISION), precision))
    level = logit((failures.sum(axis=0) + 0.5) / (trials.sum(axis=0) + 1.0))[np.newaxis]
    found = np.concatenate((level, start))
    for _ in range(_STEPS):
        found += _step(trials, failures, found, precision)
    gain = _log_likelihood(trials, failures, _DESIGN @ found)
    gain -= _log_likelihood(trials, failures, level)
    return found[1:], 2.0 * gain


def _step(trials: Floats, failures: Floats, found: Floats, precision: Floats) -> Floats:
    """Give Newton's step, shape [9, R], cut to what the curvature can be trusted for."""
    size = found.shape[0]
    ratio = expit(_DESIGN @ found)
    gradient = _DESIGN.T @ (failures - trials * ratio) - precision * found
    curvature = (_PRODUCTS.T @ (trials * ratio * (1.0 - ratio))).T.reshape(-1, size, size)
    curvature += precision.T[:, :, np.newaxis] * np.eye(size)
    step = np.linalg.solve(curvature, gradient.T[:, :, np.newaxis])[:, :, 0].T
    return np.clip(step, -_LONGEST_STEP, _LONGEST_STEP)


def _log_likelihood(trials: Floats, failures: Floats, log_odds: Floats) -> Floats:
    total: Floats = (failures * log_odds + trials * log_expit(-log_odds)).sum(axis=0)
    return total
