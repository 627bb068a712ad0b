"""When a degradation is over: per series inside the bank, and pooled over a region's series."""

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from detectors.arrays import Floats, Integers, Snapshot, check_counts
from detectors.eprocess import beta_binomial_log_likelihood
from detectors.odds import shift_odds

_SETTLED: Final = 2.71
"""A level is "not near the baseline" while its log-likelihood ratio exceeds this: half the 98 %
quantile of chi-square with one degree of freedom (Wilks 1938)."""
_LARGEST_LEVEL: Final = 1.0 - 1e-9


def degraded_null(degraded: Floats, baseline: Floats) -> Floats:
    """Give the failure probability that "still degraded" is tested at.

    Half the odds of the degraded level, so that a level which merely wanders is no recovery; at
    least twice the odds of the baseline, so that an alarm on a small or false change can be closed.

    Args:
        degraded: Failure probability since the onset, any shape.
        baseline: Failure probability in control, same shape.
    """
    return np.maximum(shift_odds(degraded, np.array(0.5)), shift_odds(baseline, np.array(2.0)))


def surplus(trials: Floats, failures: Floats, allowed: Floats) -> Floats:
    """Compute the log-likelihood ratio of "more failures than allowed", 0 where they are not."""
    known = np.clip(allowed, 1e-12, 1.0 - 1e-12)
    level = np.clip(failures / np.maximum(trials, 1e-12), 1e-12, 1.0 - 1e-12)
    gain = trials * (
        level * np.log(level / known) + (1.0 - level) * np.log((1.0 - level) / (1.0 - known))
    )
    return np.where(level > known, gain, 0.0)


class RecoveryProcess:
    """Evidence, per series with an open degradation, that it is back at its baseline.

    Statistic: Shiryaev-Roberts as in `EProcess`, R_j <- (1 + R_j) L_j, E = (R_1 + R_2) / 2, for
    "failure probability at the baseline" and "near it" (odds times `near`) against "still degraded"
    (`degraded_null`), beta-binomial, smallest over the interval of the overdispersion, capped so
    that at least two windows are needed.

    The degraded level is estimated from the onset on, leaving out the latest windows, which may be
    recovered already. While the true level is no lower than the null's, the average number of
    windows to a false recovery is at least the evidence asked for. Blind spot: a partial recovery
    is refused by the caller's check of
    the level (`settled`), and becomes the degraded level of what follows.

    Attributes:
        evidence: R_j, shape [2, S].
        degraded: Operations and failures since the onset, shape [2, S].
    """

    def __init__(self, near: float) -> None:
        self._near = near
        self.evidence: Floats = np.zeros((2, 0))
        self.degraded: Floats = np.zeros((2, 0))

    def add(self, count: int) -> None:
        """Append series without an open degradation."""
        self.evidence = np.concatenate((self.evidence, np.zeros((2, count))), axis=1)
        self.degraded = np.concatenate((self.degraded, np.zeros((2, count))), axis=1)

    def keep(self, rows: Integers) -> None:
        """Drop all other series."""
        self.evidence, self.degraded = self.evidence[:, rows], self.degraded[:, rows]

    def state(self) -> Snapshot:
        """Give the state as plain data."""
        return {"evidence": self.evidence.copy(), "degraded": self.degraded.copy()}

    def restore(self, state: Snapshot) -> None:
        """Go on from a state."""
        self.evidence = np.array(state["evidence"], dtype=np.float64)
        self.degraded = np.array(state["degraded"], dtype=np.float64)

    def begin(self, row: int, trials: float, failures: float) -> None:
        """Start testing a degradation, with the operations and failures since its onset."""
        self.evidence[:, row] = 0.0
        self.degraded[:, row] = (trials, failures)

    def end(self, row: int) -> None:
        """Close a degradation."""
        self.evidence[:, row] = 0.0
        self.degraded[:, row] = 0.0

    def level(self, rows: Integers) -> Floats:
        """Give the degraded failure probability, shape [R], half a failure and a success added."""
        trials, failures = self.degraded[:, rows]
        level: Floats = (failures + 0.5) / (trials + 1.0)
        return level

    def update(
        self, rows: Integers, counts: Floats, baseline: Floats, rho: Floats, cap: float
    ) -> None:
        """Take in one window of open rows, all with operations.

        Args:
            rows: Row indices, shape [R].
            counts: Operations and failures, shape [2, R].
            baseline: Failure probability in control, shape [R].
            rho: Ends of the interval of the overdispersion, shape [2, R].
            cap: Largest log evidence of one window.
        """
        null = degraded_null(self.level(rows), baseline)
        levels = np.stack((null, baseline, shift_odds(baseline, np.array(self._near))))
        likelihood = beta_binomial_log_likelihood(counts[0], counts[1], levels, rho)
        gain = np.minimum((likelihood[1:] - likelihood[0]).min(axis=1), cap)
        self.evidence[:, rows] = (1.0 + self.evidence[:, rows]) * np.exp(gain)

    def totals(self) -> Floats:
        """Give E, shape [S]."""
        totals: Floats = self.evidence.mean(axis=0)
        return totals

    def settled(self, trials: float, failures: float, baseline: float) -> bool:
        """Say whether a level since a recovery is compatible with being near the baseline."""
        allowed = shift_odds(np.array(baseline), np.array(self._near))
        return bool(surplus(np.array(trials), np.array(failures), allowed) <= _SETTLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoverySettings:
    """How the pooled recovery is judged.

    Attributes:
        evidence: Likelihood ratio at which a recovery, or a relapse, is declared; 300 makes the
            average number of windows to a false one at least 1,000 (Lorden, Annals of Mathematical
            Statistics 42, 1971).
        evidence_windows: No fewer windows can decide: one lucky or empty-looking window is a lull.
        near_odds: A level within this factor of the baseline's odds counts as recovered.
        holdback_windows: The latest windows, which the degraded level is not estimated from.
        dispersion: Pearson's phi expected of degraded operations (McCullagh & Nelder, Generalized
            Linear Models, 2nd edition, section 4.5); a failed operation tried again at once and
            failing again doubles its count.
        dispersion_windows: How many windows that expectation weighs.
        lull_windows: So many windows without operations at the end mean "no traffic".
    """

    evidence: float = 300.0
    evidence_windows: int = 2
    near_odds: float = 1.5
    holdback_windows: int = 3
    lull_windows: int = 5
    dispersion: float = 2.0
    dispersion_windows: float = 20.0

    def __post_init__(self) -> None:
        """Refuse settings without meaning.

        Raises:
            ValueError: The message names the field and its value.
        """
        for name, least in (
            ("evidence", 1.0),
            ("evidence_windows", 1),
            ("near_odds", 1.0),
            ("holdback_windows", 0),
            ("lull_windows", 1),
            ("dispersion", 1.0),
            ("dispersion_windows", 0.0),
        ):
            value = getattr(self, name)
            if not (value >= least and math.isfinite(value)):
                raise ValueError(f"{name} = {value!r}: must be at least {least}")


DEFAULT_RECOVERY: Final = RecoverySettings()


@dataclass(frozen=True, slots=True)
class RecoveryVerdict:
    """Whether pooled operations have recovered.

    Attributes:
        recovered: The failure ratio is back near the baseline, and has not relapsed.
        at: Index of the first recovered window, or None.
        statistic: Log evidence for recovery now (for relapse, if recovered), 0 or more.
        no_traffic: No operations in the latest windows: nothing can be said.
    """

    recovered: bool
    at: int | None
    statistic: float
    no_traffic: bool


def assess(
    trials: Integers,
    failures: Integers,
    baseline: Floats,
    settings: RecoverySettings = DEFAULT_RECOVERY,
) -> RecoveryVerdict:
    """Judge, after each window, whether pooled operations are back at their baseline.

    Statistic: CUSUM W_t = max(0, W_(t-1)) + l_t of the binomial log-likelihood ratio l of "near the
    baseline" (odds times `near_odds`) against "degraded", whose level is estimated from the first
    window on without the latest ones; l is capped above. Recovery when W >= ln(evidence) and the
    windows since the CUSUM's last zero are compatible with "near"; windows at their beginning in
    which the mitigation was taking hold are left out. If no windows are, this is a partial
    mitigation: the degraded level is measured anew from its first window on. The first recovered
    window is where the CUSUM left zero: the maximum-likelihood split for the two levels (Page,
    Biometrika 41, 1954). After a recovery the same with the hypotheses exchanged: relapse.

    The verdict for a prefix never changes when more windows come: calling this after every window
    gives the course online. Blind spot: the failures must have begun at index 0; a window of both
    kinds belongs to the larger part.

    Args:
        trials: Operations per window from the onset on, pooled over series, shape [T].
        failures: Failed operations, shape [T].
        baseline: Failure probability in control, weighted by operations, shape [T].
        settings: How to judge.

    Returns:
        The verdict at the last window.

    Raises:
        ValueError: Counts or baselines that cannot be; the message names the field.
    """
    check_counts(trials, failures, trials.size)
    if baseline.shape != trials.shape or not np.all((baseline >= 0) & (baseline <= 1)):
        raise ValueError("baseline: must be a probability for each window of trials")
    near = shift_odds(np.clip(baseline, 1e-6, 0.5), np.array(settings.near_odds))
    recovered, at, statistic = _follow(trials, failures, near, settings)
    no_traffic = not np.any(trials[-settings.lull_windows :])
    return RecoveryVerdict(recovered, at, statistic, no_traffic)


def _follow(
    trials: Integers, failures: Integers, near: Floats, settings: RecoverySettings
) -> tuple[bool, int | None, float]:
    """Run the two CUSUMs in turn; give the state, the first recovered window and the statistic."""
    limit = math.log(settings.evidence)
    cap = limit / settings.evidence_windows
    enough = limit * (1.0 - 1e-12)  # capped windows may add up to a rounding error less
    operations, failed = _running(trials), _running(failures)
    squares, busy = _running(failures**2 / np.maximum(trials, 1)), _running(trials > 0)
    recovered, at, start, statistic, level, phi = False, 0, 0, 0.0, 0.0, 1.0
    origin, known = 0, 1  # the degraded level is measured over [origin, known)
    gains: dict[int, float] = {}  # by window, since the CUSUM left zero
    for window in np.flatnonzero(trials).tolist():
        if statistic <= 0.0:
            start, gains = window, {}
        if not recovered:
            known = max(known, window - settings.holdback_windows)
            seen = float(operations[known] - operations[origin])
            level = (float(failed[known] - failed[origin]) + 0.5) / (seen + 1.0)
            square = (
                squares[known]
                - squares[origin]
                - level * (2.0 * (failed[known] - failed[origin]) - level * seen)
            )
            windows = float(busy[known] - busy[origin])
            phi = _dispersion(square / (level * (1.0 - level)), windows, settings)
        gain = _log_ratio(int(trials[window]), int(failures[window]), float(near[window]), level)
        gain /= phi
        gains[window] = min(-gain if recovered else gain, cap)
        statistic = max(max(statistic, 0.0) + gains[window], 0.0)
        if statistic < enough:
            continue
        if recovered:
            recovered, origin, known, statistic = False, start, window + 1, 0.0
            continue
        first = _near_from(trials, failures, near, gains)
        if first is None:  # a partial mitigation: its level is the degraded one from now on
            origin, known, statistic = start, window + 1, 0.0
            continue
        gains = {one: value for one, value in gains.items() if one >= first}
        start, statistic = first, sum(gains.values())
        if statistic >= enough:
            recovered, at, statistic = True, start, 0.0
    return recovered, at if recovered else None, statistic


def _running(counts: npt.NDArray[Any]) -> Floats:
    """Give the sums before each window and after the last, shape [T + 1]."""
    return np.concatenate(([0.0], np.cumsum(counts, dtype=np.float64)))


def _dispersion(chi_square: float, windows: float, settings: RecoverySettings) -> float:
    """Give Pearson's phi of the degraded windows, held to its prior while they are few."""
    held = settings.dispersion_windows
    return max((chi_square + settings.dispersion * held) / (windows + held), 1.0)


def _near_from(
    trials: Integers, failures: Integers, near: Floats, gains: dict[int, float]
) -> int | None:
    """Give the earliest window from which on the level is near the baseline, or None.

    A mitigation takes hold inside a window: that window speaks for a recovery, but it is not part
    of what has recovered.
    """
    last = max(gains)
    return next((one for one in gains if _is_near(trials, failures, near, one, last)), None)


def _log_ratio(trials: int, failures: int, near: float, degraded: float) -> float:
    """Give the log-likelihood ratio of the baseline's neighbourhood against the degraded level."""
    twice = 2.0 * near / (1.0 + near)
    level = min(max(degraded, twice), _LARGEST_LEVEL)
    succeeding = (trials - failures) * math.log((1.0 - near) / (1.0 - level))
    return failures * math.log(near / level) + succeeding


def _is_near(trials: Integers, failures: Integers, near: Floats, first: int, last: int) -> bool:
    part = slice(first, last + 1)
    operations = float(trials[part].sum())
    allowed = np.array(float(trials[part] @ near[part]) / operations)
    found = surplus(np.array(operations), np.array(float(failures[part].sum())), allowed)
    return bool(found <= _SETTLED)
