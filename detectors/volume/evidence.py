"""Evidence that volume has collapsed, or is back: Shiryaev-Roberts, negative binomial counts."""

import math
from dataclasses import dataclass

import numpy as np

from detectors.arrays import Floats, Integers, Snapshot
from detectors.volume.settings import VolumeSettings


def log_ratio(
    operations: Floats, means: Floats, null: Floats, dispersion: tuple[float, Floats]
) -> Floats:
    """Compute negative binomial log-likelihood ratios, the smallest over an interval.

    l = n ln(m1 / m0) + (n + r) ln((r + m0) / (r + m1)) with r = 1 / d; the Gamma functions of the
    distribution cancel. It falls with n where m1 < m0, so that its exponential has a mean of at
    most 1 for every mean at or above m0 (and the other way round where m1 > m0).

    Args:
        operations: n, shape [R].
        means: m1 of each alternative, shape [J, R], above 0.
        null: m0, shape [R], above 0.
        dispersion: Smallest d, and the largest, shape [R].
    """
    slope = operations * np.log(means / null)
    ends = [
        slope + (operations + r) * np.log1p((null - means) / (r + means))
        for r in (1.0 / dispersion[0], 1.0 / dispersion[1])
    ]
    smallest: Floats = np.minimum(*ends)
    return smallest


@dataclass(frozen=True, slots=True)
class Expectation:
    """What one window of some rows is judged by.

    Attributes:
        mean: Expected operations, shape [R], above 0.
        dispersion: Smallest overdispersion, and the largest, shape [R].
    """

    mean: Floats
    dispersion: tuple[float, Floats]

    def take(self, rows: Integers) -> "Expectation":
        """Keep some rows."""
        low, high = self.dispersion
        return Expectation(self.mean[rows], (low, high[rows]))


class CollapseProcess:
    """Mixture Shiryaev-Roberts e-detector for "the mean fell to a share of what is expected".

    Statistic: per alternative j, R_j <- (1 + R_j) exp(min(l_j, c)), and E = sum_j w_j R_j; l_j is
    the log-likelihood ratio of "the mean is theta_j m" against "the mean is x m" (see `log_ratio`),
    m the expected volume, x the material share; c caps the evidence of one window. Units: counts
    per window in, evidence (betting wealth, dimensionless) out.

    In control, whatever the mean is at or above x m, E_t - t is a supermartingale: the average run
    length to E >= A is at least A windows (Shin, Ramdas & Rinaldo, "E-detectors", New England
    Journal of Statistics in Data Science 2023). Between x and about a third of the expected volume
    a series is neither in control nor does evidence grow: n ln(theta / x) outweighs (x - theta) m
    above m (x - theta) / ln(x / theta), 0.33 m for theta = 0.2 and x = 0.5.

    Attributes:
        evidence: R_j, shape [J, S].
        burst: C_j <- max(C_j, 1) exp(min(l_j, c)), by which many series are compared (see
            `multiplicity`), shape [J, S].
    """

    def __init__(self, settings: VolumeSettings) -> None:
        self._null = settings.material_share
        self._shares = np.array(settings.collapse_shares)[:, np.newaxis]
        weights = np.array(settings.collapse_weights)
        self._weights = (weights / weights.sum())[:, np.newaxis]
        self.evidence: Floats = np.zeros((self._shares.size, 0))
        self.burst: Floats = np.zeros((self._shares.size, 0))

    def add(self, count: int) -> None:
        """Append series without evidence."""
        new = np.zeros((self._shares.size, count))
        self.evidence = np.concatenate((self.evidence, new), axis=1)
        self.burst = np.concatenate((self.burst, new), axis=1)

    def keep(self, rows: Integers) -> None:
        """Drop all other series."""
        self.evidence, self.burst = self.evidence[:, rows], self.burst[:, rows]

    def state(self) -> Snapshot:
        """Give the state as plain data."""
        return {"evidence": self.evidence.copy(), "burst": self.burst.copy()}

    def restore(self, state: Snapshot) -> None:
        """Go on from a state; ValueError if it belongs to another mixture."""
        evidence = np.array(state["evidence"], dtype=np.float64)
        if evidence.shape[0] != self._shares.size:
            raise ValueError(f"evidence: {evidence.shape[0]} alternatives, not {self._shares.size}")
        self.evidence = evidence
        self.burst = np.array(state["burst"], dtype=np.float64)

    def restart(self, rows: Integers) -> None:
        """Forget the evidence of some series."""
        self.evidence[:, rows] = 0.0
        self.burst[:, rows] = 0.0

    def needed(self, threshold: float) -> float:
        """Give the log evidence at which even the least likely alternative reaches a threshold."""
        return math.log(threshold / float(self._weights.min()))

    def update(
        self, rows: Integers, operations: Floats, expected: Expectation, caps: Floats
    ) -> None:
        """Take in one window of some series.

        Args:
            rows: Row indices, shape [R].
            operations: Operations, shape [R].
            expected: What is expected of these rows.
            caps: Largest log evidence of this window, shape [R].
        """
        means = expected.mean * self._shares
        gain = log_ratio(operations, means, expected.mean * self._null, expected.dispersion)
        factor = np.exp(np.minimum(gain, caps))
        self.evidence[:, rows] = (1.0 + self.evidence[:, rows]) * factor
        self.burst[:, rows] = np.maximum(self.burst[:, rows], 1.0) * factor

    def totals(self) -> tuple[Floats, Floats]:
        """Give E and C = sum_j w_j C_j, each of shape [S]."""
        evidence: Floats = (self._weights * self.evidence).sum(axis=0)
        burst: Floats = (self._weights * self.burst).sum(axis=0)
        return evidence, burst


class ReturnProcess:
    """Evidence, per series with an open collapse, that operations have come back.

    Statistic: Shiryaev-Roberts as above for "the mean is all, or 0.7, of what is expected" against
    "it is at most the recovered share", capped so that at least two windows are needed. While the
    mean is below that share, the average number of windows to a false return is at least the
    evidence asked for.

    Attributes:
        evidence: R_j, shape [2, S].
    """

    _SHARES = np.array([[1.0], [0.7]])
    _LEAST_WINDOWS = 2

    def __init__(self, settings: VolumeSettings) -> None:
        self._null = settings.recovered_share
        self._cap = math.log(2.0 * settings.recovery_evidence) / self._LEAST_WINDOWS
        self.evidence: Floats = np.zeros((2, 0))

    def add(self, count: int) -> None:
        """Append series without an open collapse."""
        self.evidence = np.concatenate((self.evidence, np.zeros((2, count))), axis=1)

    def keep(self, rows: Integers) -> None:
        """Drop all other series."""
        self.evidence = self.evidence[:, rows]

    def state(self) -> Snapshot:
        """Give the state as plain data."""
        return {"evidence": self.evidence.copy()}

    def restore(self, state: Snapshot) -> None:
        """Go on from a state."""
        self.evidence = np.array(state["evidence"], dtype=np.float64)

    def restart(self, rows: Integers) -> None:
        """Forget the evidence of some series."""
        self.evidence[:, rows] = 0.0

    def update(self, rows: Integers, operations: Floats, expected: Expectation) -> None:
        """Take in one window of some series with an open collapse, shapes as above."""
        null = expected.mean * self._null
        gain = log_ratio(operations, expected.mean * self._SHARES, null, expected.dispersion)
        factor = np.exp(np.minimum(gain, self._cap))
        self.evidence[:, rows] = (1.0 + self.evidence[:, rows]) * factor

    def totals(self) -> Floats:
        """Give E, shape [S]."""
        totals: Floats = self.evidence.mean(axis=0)
        return totals
