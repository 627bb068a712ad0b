"""What the method is compared with: the floor, and two classics, over all series at once."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import gammaln

from detectors.arrays import Floats, Integers
from detectors.evaluation.cells import ChangeCell
from detectors.evaluation.method import Run
from detectors.evaluation.streams import Streams

_CERTAIN: Final = 1e-9
"""Distance that probabilities keep from 0 and 1."""


def log_likelihood_ratio(
    trials: Integers, failures: Integers, before: Floats, after: Floats, rho: float
) -> Floats:
    """Compute ln P(failures | after) - ln P(failures | before), element by element.

    Args:
        trials: Operations.
        failures: Failed operations.
        before: Failure probabilities before the change.
        after: Failure probabilities after it.
        rho: Overdispersion; 0 is the binomial distribution, else it is the beta-binomial.
    """
    low, high = (np.clip(ratio, _CERTAIN, 1.0 - _CERTAIN) for ratio in (before, after))
    succeeded = trials - failures
    ratio: Floats
    if not rho:
        ratio = failures * np.log(high / low) + succeeded * np.log((1.0 - high) / (1.0 - low))
        return ratio
    precision = (1.0 - rho) / rho
    ratio = (
        _log_rising(high * precision, failures)
        - _log_rising(low * precision, failures)
        + _log_rising((1.0 - high) * precision, succeeded)
        - _log_rising((1.0 - low) * precision, succeeded)
    )
    return ratio


def _log_rising(start: Floats, count: Integers) -> Floats:
    rising: Floats = gammaln(start + count) - gammaln(start)
    return rising


@dataclass(frozen=True, slots=True)
class OracleCusum:
    """The floor: Page's CUSUM that knows everything but the onset.

    Statistic: c_t = max(c_(t-1), 0) + l_t with l_t the log-likelihood ratio of the window between
    the true failure probability after the change and the true one before it, both of that very
    window, under the true overdispersion; computed as a cumulative sum less its running minimum.
    One-sided. Among all charts with the same run length it has the smallest worst-case delay
    (Lorden, Annals of Mathematical Statistics 42, 1971; Moustakides, Annals of Statistics 14,
    1986). For a ramp it knows the final level only, and is no floor.
    """

    name: str = "oracle CUSUM"
    lead: int = 1440
    most: int | None = None
    steady: int | None = None

    def suits(self, cell: ChangeCell) -> bool:
        """Take any cell; see `Method`."""
        del cell
        return True

    def run(self, streams: Streams) -> Run:
        """Accumulate; see `Method`."""
        ratio = log_likelihood_ratio(
            streams.trials, streams.failures, streams.before, streams.after(), streams.rho
        )
        return Run(statistic=cusum(ratio))


def cusum(increments: Floats) -> Floats:
    """Compute c_t = max(c_(t-1), 0) + l_t, from c_0 = 0, down the first axis of [T, S]."""
    summed = np.cumsum(increments, axis=0)
    earlier = np.concatenate((np.zeros((1, summed.shape[1])), summed[:-1]))
    statistic: Floats = summed - np.minimum.accumulate(np.minimum(earlier, 0.0), axis=0)
    return statistic


@dataclass(frozen=True, slots=True)
class Ewma:
    """Two-sided chart of the exponentially weighted moving average.

    Statistic: |e_t| / sqrt(v_t) with e_t = (1 - w) e_(t-1) + w (k - n p) and v_t its exact variance
    under p and the true rho. Source: Roberts, Technometrics 1, 1959; Lucas & Saccucci,
    Technometrics 32, 1990, who recommend weights of 0.05 to 0.25.
    """

    weight: float = 0.05
    name: str = "EWMA"
    lead: int = 480
    most: int | None = None
    steady: int | None = None

    def suits(self, cell: ChangeCell) -> bool:
        """Take any cell; see `Method`."""
        del cell
        return True

    def run(self, streams: Streams) -> Run:
        """Average; see `Method`."""
        trials, level = streams.trials.astype(np.float64), streams.level
        residual = streams.failures - trials * level
        variance = trials * level * (1.0 - level)
        variance *= 1.0 + np.maximum(trials - 1.0, 0.0) * streams.rho
        statistic = np.zeros(trials.shape)
        average, spread = np.zeros(streams.series), np.zeros(streams.series)
        keep, weight = 1.0 - self.weight, self.weight
        for window in range(streams.windows):
            average = keep * average + weight * residual[window]
            spread = keep**2 * spread + weight**2 * variance[window]
            statistic[window] = np.abs(average) / np.sqrt(np.maximum(spread, _CERTAIN))
        return Run(statistic=statistic)


@dataclass(frozen=True, slots=True)
class BurnRate:
    """Multi-window, multi-burn-rate alerts, as published, without calibration.

    Statistic: the largest over the tiers of min(burn rate of the long window, of the short window)
    / factor; it alarms at 1. Tiers and factors: Google, The Site Reliability Workbook, chapter 5,
    "Alerting on SLOs", table 5-8 (pages at 14.4 and 6, a ticket at 1). Windows that the stream does
    not fill hold what there is. The objective is not part of the publication: here its error budget
    is `budget` times the failure ratio in control, so an objective that is met with room.

    It says nothing about improvements.
    """

    budget: float = 1.5
    name: str = "burn rate"
    lead: int = 4320
    most: int | None = None
    steady: int | None = None

    def suits(self, cell: ChangeCell) -> bool:
        """Take any cell; see `Method`."""
        del cell
        return True

    def run(self, streams: Streams) -> Run:
        """Compare; see `Method`."""
        tiers = ((60, 5, 14.4), (360, 30, 6.0), (4320, 360, 1.0))
        sums = [np.cumsum(counts, axis=0) for counts in (streams.failures, streams.trials)]
        allowed = self.budget * streams.level
        statistic = np.zeros(streams.trials.shape)
        for long, short, factor in tiers:
            slow, fast = (_recent(sums[0], sums[1], windows) for windows in (long, short))
            statistic = np.maximum(statistic, np.minimum(slow, fast) / allowed / factor)
        return Run(statistic=statistic, threshold=1.0)


def _recent(failures: Integers, trials: Integers, windows: int) -> Floats:
    """Give the failure ratio of the latest `windows` windows from running sums [T, S]."""
    latest = []
    for sums in (failures, trials):
        past = np.zeros_like(sums)
        past[windows:] = sums[:-windows] if windows < len(sums) else sums[:0]
        latest.append(sums - past)
    ratio: Floats = latest[0] / np.maximum(latest[1], 1)
    return ratio
