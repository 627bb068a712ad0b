"""Evidence against "nothing has changed": the mixture Shiryaev-Roberts e-detector."""

import math
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from scipy.special import gammaln

from detectors.arrays import Floats, Integers, Snapshot
from detectors.odds import shift_odds
from detectors.settings import BankSettings

_STIRLING_FROM: Final = 16.0
"""From here on two correction terms of Stirling's series leave an error below 1e-9."""
_BLOCK: Final = 512
"""Rows handled at once, so that the temporaries stay in the processor's cache."""
FEW: Final = 4
"""Most windows hold no more failures than this."""
_CERTAIN: Final = 1e-9
"""Distance that probabilities keep from 0 and 1, where the beta-binomial distribution
degenerates."""


@dataclass(frozen=True, slots=True)
class Alternatives:
    """The mixture of alternatives: odds ratios and weights.

    Attributes:
        odds: Odds ratios against the baseline, shape [J]; first those above 1, then those below.
        weights: Prior weights, shape [J], summing to 1.
        rising: Number of odds ratios above 1.
    """

    odds: Floats
    weights: Floats
    rising: int

    @classmethod
    def of(cls, settings: BankSettings) -> Self:
        """Build the mixture that the settings describe."""
        weights = np.array(settings.degradation_weights + settings.improvement_weights)
        odds = np.array(settings.degradation_odds + settings.improvement_odds)
        return cls(odds, weights / weights.sum(), len(settings.degradation_odds))

    def cap(self, threshold: float, windows: int) -> float:
        """Give the largest log evidence of one window: no alternative needs fewer than `windows`.

        With the smallest weight inside the logarithm, `windows` windows at the cap suffice for
        every alternative, also for a total outage.
        """
        return math.log(threshold / float(self.weights.min())) / windows


@dataclass(frozen=True, slots=True)
class Null:
    """What "in control" allows for some rows of one window.

    Attributes:
        upper: Largest failure probability in control, shape [R]; degradation is tested against it.
        lower: Smallest failure probability in control, shape [R]; improvement is tested against it.
        rho: Smallest and largest overdispersion, shape [2, R].
    """

    upper: Floats
    lower: Floats
    rho: Floats


def log_rising(start: Floats, count: Floats) -> Floats:
    """Compute ln of the rising factorial, lnG(start + count) - lnG(start), element by element.

    Args:
        start: Positive numbers, any shape.
        count: Numbers at or above 0 that broadcast against `start`.

    Returns:
        Array of the broadcast shape, to an absolute error of 1e-9: Stirling's series with two
        correction terms (Abramowitz & Stegun 6.1.41); `gammaln`, which is slower, where `start` is
        small.
    """
    end = start + count
    result = _stirling(end)
    result -= _stirling(start)
    result -= count
    if start.min(initial=_STIRLING_FROM) < _STIRLING_FROM:
        start = np.broadcast_to(start, end.shape)
        small = start < _STIRLING_FROM
        result[small] = gammaln(end[small]) - gammaln(start[small])
    return result


def log_rising_few(start: Floats, count: Floats) -> Floats:
    """Compute the same for counts of 1 to `FEW` by their product: one logarithm instead of four."""
    product = start.copy()
    for term in range(1, FEW):
        product *= np.where(count > term, start + term, 1.0)
    np.log(product, out=product)
    return product


def _stirling(argument: Floats) -> Floats:
    """Compute lnG(x) + x - ln(2 pi) / 2 for large x."""
    inverse = 1.0 / argument
    correction = inverse * inverse
    correction *= -1 / 360
    correction += 1 / 12
    correction *= inverse
    result = np.log(argument)
    result *= argument - 0.5
    result += correction
    return result


def beta_binomial_log_likelihood(
    trials: Floats, failures: Floats, probabilities: Floats, rho: Floats
) -> Floats:
    """Compute beta-binomial log-likelihoods up to a term that the probability does not enter.

    Args:
        trials: Operations, shape [R].
        failures: Failed operations, shape [R].
        probabilities: Failure probabilities, shape [P, R].
        rho: Intra-class correlations, shape [Q, R], in (0, 1).

    Returns:
        ln of (a)_k (b)_(n - k), shape [P, Q, R], with a = p M, b = (1 - p) M, M = (1 - rho) / rho
        and (x)_k the rising factorial. Differences along the first axis are log-likelihood ratios.
    """
    precision = (1.0 - rho) / rho
    clipped = np.clip(probabilities, _CERTAIN, 1.0 - _CERTAIN)[:, np.newaxis]
    likelihood = log_rising((1.0 - clipped) * precision, trials - failures)
    most = failures.max(initial=0.0)
    if most > 0.0:
        few = most <= FEW and failures.min() >= 1.0
        rising = log_rising_few if few else log_rising
        likelihood += rising(clipped * precision, failures)
    return likelihood


def _log_ratios(
    trials: Floats, failures: Floats, null: Floats, odds: Floats, rho: Floats
) -> Floats:
    """Compute log-likelihood ratios of odds [J, 1] to a null [R], least over rho [Q, R]; [J, R]."""
    levels = np.concatenate((null[np.newaxis], shift_odds(null, odds)))
    likelihood = beta_binomial_log_likelihood(trials, failures, levels, rho)
    ratios = likelihood[1:] - likelihood[0]
    least: Floats = ratios.min(axis=1)
    return least


class EProcess:
    """Mixture Shiryaev-Roberts e-detector over many series at once.

    Statistic: per alternative j (odds ratio theta_j against the baseline),
    R_j <- (1 + R_j) exp(min(l_j, c)), and E = sum_j w_j R_j; l_j is the beta-binomial
    log-likelihood ratio of one window, the **smallest** over both ends of the interval of the
    overdispersion rho, computed against the upper bound of the baseline for degradation and the
    lower for improvement; c caps the evidence of one window.

    Tested: "the failure probability lies within the bounds" against "its odds have been multiplied
    by theta_j since some window". Units: counts per window in, evidence (betting wealth,
    dimensionless) out.

    In control E_t - t is a supermartingale, so the average run length to E >= A is at least A
    windows with data and P(alarm within m windows) <= m / A, without calibration (Shin, Ramdas &
    Rinaldo, "E-detectors", New England Journal of Statistics in Data Science 2023). It needs the
    true baseline and rho inside their bounds.

    A window without operations changes nothing: it is no evidence, and no time passes for its
    series.

    Blind spots: changes smaller than the bound of the baseline; changes that reverse within
    `evidence_windows`; dependence between windows (slow swings of the baseline look like changes);
    volumes that collapse.

    Onset is not estimated here: see `onset`.

    Attributes:
        evidence: R_j, shape [J, S].
        burst: C_j <- max(C_j, 1) exp(min(l_j, c)), the CUSUM e-detector of the same betting, shape
            [J, S]. It stays near 1 in control, where R_j of a series with few operations drifts
            upwards with time; `multiplicity` compares many series by it.
    """

    def __init__(self, alternatives: Alternatives) -> None:
        self._alternatives = alternatives
        self.evidence: Floats = np.zeros((alternatives.odds.size, 0))
        self.burst: Floats = np.zeros((alternatives.odds.size, 0))

    def add(self, count: int) -> None:
        """Append series without evidence."""
        new = np.zeros((self._alternatives.odds.size, count))
        self.evidence = np.concatenate((self.evidence, new), axis=1)
        self.burst = np.concatenate((self.burst, new), axis=1)

    def keep(self, rows: Integers) -> None:
        """Drop all other series."""
        self.evidence = self.evidence[:, rows]
        self.burst = self.burst[:, rows]

    def restart(self, rows: Integers) -> None:
        """Forget the evidence of some series."""
        self.evidence[:, rows] = 0.0
        self.burst[:, rows] = 0.0

    def state(self) -> Snapshot:
        """Give the state as plain data."""
        return {"evidence": self.evidence.copy(), "burst": self.burst.copy()}

    def restore(self, state: Snapshot) -> None:
        """Go on from a state; ValueError if it belongs to another mixture."""
        evidence = np.array(state["evidence"], dtype=np.float64)
        if evidence.shape[0] != self._alternatives.odds.size:
            raise ValueError(
                f"evidence: {evidence.shape[0]} alternatives in the snapshot, "
                f"{self._alternatives.odds.size} in the settings"
            )
        self.evidence = evidence
        self.burst = np.array(state["burst"], dtype=np.float64)

    def update(
        self, rows: Integers, trials: Floats, failures: Floats, null: Null, cap: float
    ) -> None:
        """Take in one window of the given rows, all with operations.

        Args:
            rows: Row indices, shape [R].
            trials: Operations, shape [R], all above 0.
            failures: Failed operations, shape [R].
            null: What is in control, for these rows.
            cap: Largest log evidence of one window.
        """
        factor = np.empty((self._alternatives.odds.size, rows.size))
        # Half of the work falls away without failures, a quarter with few.
        for kind in (failures > FEW, (failures > 0) & (failures <= FEW), failures == 0):
            chosen = np.flatnonzero(kind)
            for first in range(0, chosen.size, _BLOCK):
                part = chosen[first : first + _BLOCK]
                bounds = Null(null.upper[part], null.lower[part], null.rho.take(part, axis=1))
                factor[:, part] = self._log_evidence(trials[part], failures[part], bounds)
        np.minimum(factor, cap, out=factor)
        np.exp(factor, out=factor)
        where = slice(None) if rows.size == self.evidence.shape[1] else rows
        self.evidence[:, where] = (1.0 + self.evidence[:, where]) * factor
        self.burst[:, where] = np.maximum(self.burst[:, where], 1.0) * factor

    def _log_evidence(self, trials: Floats, failures: Floats, null: Null) -> Floats:
        """Give l_j of the mixture, smallest over the ends of the interval of rho, shape [J, R].

        Without failures the smallest is known: P(k = 0) is a product of (q + x) terms, q the
        probability of success and x growing with rho, and (q_j + x) / (q_0 + x) grows with x where
        q_j < q_0 and falls where q_j > q_0.
        """
        rising = self._alternatives.rising
        odds = self._alternatives.odds[:, np.newaxis]
        if failures.any():
            low = high = null.rho
        else:
            low, high = null.rho[:1], null.rho[1:]
        up = _log_ratios(trials, failures, null.upper, odds[:rising], low)
        down = _log_ratios(trials, failures, null.lower, odds[rising:], high)
        return np.concatenate((up, down))

    def totals(self) -> tuple[Floats, Floats]:
        """Give the evidence for degradation and for improvement, each [S]; E is their sum."""
        rising, weights = self._alternatives.rising, self._alternatives.weights[:, np.newaxis]
        weighted = weights * self.evidence
        return weighted[:rising].sum(axis=0), weighted[rising:].sum(axis=0)

    def bursts(self) -> Floats:
        """Give C = sum_j w_j C_j, shape [S]; it never exceeds E."""
        weighted = self._alternatives.weights[:, np.newaxis] * self.burst
        total: Floats = weighted.sum(axis=0)
        return total
