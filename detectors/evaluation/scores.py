"""Scores of detectors, with the cases in which they are undefined."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2

from detectors.arrays import Floats, Integers
from detectors.evaluation.method import Alarm


@dataclass(frozen=True, slots=True, kw_only=True)
class Delays:
    """Detection delays of one method in one cell.

    Attributes:
        found: Delay of every changed series in windows, the raising window included, so that 1 is
            the least; infinite if the change was missed. Shape [R].
    """

    found: Floats

    @property
    def median(self) -> float:
        """Median delay; infinite if half of the changes or more were missed, nan without any."""
        return self.quantile(0.5)

    @property
    def late(self) -> float:
        """95 % quantile of the delay; infinite if more than 5 % were missed, nan without any."""
        return self.quantile(0.95)

    @property
    def missed(self) -> float:
        """Share of changes missed, 0 to 1; nan without changes."""
        return float(np.mean(np.isinf(self.found))) if self.found.size else math.nan

    def quantile(self, share: float) -> float:
        """Give the smallest delay that `share` of the changes do not exceed; nan without changes.

        No interpolation: between a delay and infinity there is nothing to say.

        Args:
            share: Between 0 and 1.
        """
        if not self.found.size:
            return math.nan
        return float(np.quantile(self.found, share, method="inverted_cdf"))


def first_crossings(statistic: Floats, threshold: float, onset: int, horizon: int) -> Delays:
    """Score a running statistic: when it first reaches a threshold at or after the onset.

    A statistic that is above the threshold in the onset already counts as found in the first
    window: a false alarm that happens to be early enough. At the promised rate this favours every
    method alike, by less than horizon / 43,200 of the series.

    Args:
        statistic: Shape [T, R].
        threshold: What it has to reach.
        onset: First changed window.
        horizon: Windows from the onset on in which the change has to be found.
    """
    crossed = statistic[onset : onset + horizon] >= threshold
    first = np.argmax(crossed, axis=0) + 1.0
    return Delays(found=np.where(crossed.any(axis=0), first, np.inf))


def first_alarms(
    alarms: tuple[Alarm, ...], rows: Integers, onset: int, horizon: int, *, rising: bool
) -> tuple[Delays, tuple[Alarm, ...]]:
    """Score alarms: the first one of the right direction at or after the onset.

    Args:
        alarms: In order of time.
        rows: The series that change.
        onset: First changed window.
        horizon: Windows from the onset on in which the change has to be found.
        rising: Whether failures become more frequent.

    Returns:
        Delays in the order of `rows`, and the alarms that found the changes.
    """
    first: dict[int, Alarm] = {}
    for alarm in alarms:
        if alarm.rising == rising and onset <= alarm.window < onset + horizon:
            first.setdefault(alarm.row, alarm)
    delays = [first[row].window - onset + 1 if row in first else math.inf for row in rows.tolist()]
    return Delays(found=np.array(delays)), tuple(
        first[row] for row in rows.tolist() if row in first
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FalseAlarms:
    """False alarms against what was promised.

    Attributes:
        count: How many there were.
        promised: How many were promised at most, in expectation.
    """

    count: int
    promised: float

    @property
    def ratio(self) -> float:
        """Realised over promised; nan if nothing was observed (and so nothing promised)."""
        return self.count / self.promised if self.promised else math.nan

    @property
    def upper(self) -> float:
        """95 % upper confidence bound of `ratio`; nan if nothing was observed.

        Exact for a Poisson count (Garwood, Biometrika 28, 1936): half the 95 % quantile of a
        chi-square with 2 (count + 1) degrees of freedom; also defined for a count of 0 (3.0). Too
        narrow where false alarms come in clusters.
        """
        if not self.promised:
            return math.nan
        return float(chi2.ppf(0.95, 2 * (self.count + 1))) / 2.0 / self.promised


@dataclass(frozen=True, slots=True, kw_only=True)
class Onsets:
    """How well the beginnings of changes were estimated.

    Attributes:
        error: Estimated minus true onset in windows, of every change that was found, shape [R].
        covered: Share of these changes whose interval holds the true onset; nan without any.
        width: Median number of windows in the interval, at least 1; nan without any.
    """

    error: Floats
    covered: float
    width: float

    @property
    def median(self) -> float:
        """Median of the absolute error in windows; nan if nothing was found."""
        return float(np.median(np.abs(self.error))) if self.error.size else math.nan


def onset_errors(alarms: tuple[Alarm, ...], onset: int) -> Onsets:
    """Score the estimated onsets of changes that were found.

    Changes that were missed have no onset and do not enter.

    Args:
        alarms: One for each change found.
        onset: First changed window.
    """
    error = np.array([alarm.onset - onset for alarm in alarms], dtype=np.float64)
    inside = [alarm.low <= onset <= alarm.high for alarm in alarms]
    widths = [alarm.high - alarm.low + 1 for alarm in alarms]
    return Onsets(
        error=error,
        covered=float(np.mean(inside)) if inside else math.nan,
        width=float(np.median(widths)) if widths else math.nan,
    )
