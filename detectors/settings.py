"""Settings of the detector bank, validated once, with the source of every default."""

import math
from dataclasses import dataclass

SECONDS_PER_DAY = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class BankSettings:
    """What the bank promises, what it looks for, and how it learns what is normal.

    "Measured" means: on simulated fleets, by the tests and benchmarks of this repository.

    Attributes:
        window_seconds: Length of a window in seconds.
        false_alarms_per_day: Promise: expected false alarm episodes a day (see `multiplicity`) over
            all banks that share it.
        shares: Number of banks that share the promise; each gets an equal part.
        degradation_odds: Odds ratios of the alternatives "it fails more", ascending, all above 1.
        degradation_weights: Their prior weights; normalised together with the improvement weights.
            Grid and weights were chosen on streams from 0.1 % -> 0.5 % to 1 % -> 100 % failures.
        improvement_odds: Odds ratios of the alternatives "it fails less", all between 0 and 1.
        improvement_weights: Their prior weights.
        evidence_windows: m: no single alternative can reach the threshold in fewer than m windows;
            the evidence of one window is capped at ln(A / smallest weight) / m.
        rho_prior: Overdispersion (intra-class correlation of outcomes inside one window) before
            data.
        rho_floor: Smallest overdispersion believed; real fleets are never exactly binomial.
        rho_ceiling: Largest overdispersion believed; beyond it a window says next to nothing.
        rho_interval: The evidence is the smallest over [rho / f, rho * f], or two standard errors
            if that is wider: taking rho wrong by a factor of 2 alone broke the promise (measured).
        memory_windows: Mean age of what the baseline remembers, in windows (default two days): more
            than a day, so that no hour of the day is forgotten, and short enough to follow slow
            drift.
        holdback_windows: A window enters the baseline this many windows late (default 20 minutes),
            so that a ramp of half an hour is judged by what was normal before it.
        suspicion: Evidence of a burst (see `EProcess`) at which the level of a series waits to
            learn, so that a slow change does not become normal before it is found.
        warm_up_windows: After so many windows since its first operation a series is judged in any
            case (default two hours).
        informative_failures: A series is judged earlier once its baseline rests on so many (pseudo)
            failures; 4 means a relative standard error of 1 / sqrt(4) = 50 %.
        informative_windows: ... and its group has learned from so many windows.
        bound_deviations: The bound of the baseline that evidence is computed against lies so many
            standard deviations of the posterior from its middle; 0.25 is a one-sided 60 %.
        season_memory_windows: Mean age of what the daily and weekly season remembers, in windows
            (default four weeks).
        drift_windows: Windows after which a block for slow variation may end: what wanders faster
            is overdispersion.
        drift_failures: ... and the expected failures it needs: blocks of 8 measure the level to
            1 / sqrt(8) = 35 %.
        drift_prior: Slow variation before data, standard deviation of the log odds.
        drift_prior_error: Standard error of its square.
        drift_ceiling: Largest slow variation believed; beyond it a series says next to nothing.
        drift_deviations: A level so many standard deviations of the slow variation away is
            unchanged.
        together: Raise series that change at the same time at a lower threshold each (see
            `multiplicity`); without it every series is judged on its own.
        materiality_odds: A change of the odds by less than this factor is no change (slow drift).
        prior_failure_ratio: Failure probability of a group that nothing is known about.
        prior_failures: Weight of that prior, in failures; 1/2 as in the prior of Jeffreys.
        spread_floor: Smallest squared relative spread of failure ratios between the series of a
            group: 1/400 lets a group lend its series at most 400 pseudo-failures.
        spread_ceiling: Largest such spread; 4 lends a quarter of a pseudo-failure.
        ring_windows: Windows kept for finding the onset (default a day).
        recovery_evidence: Evidence at which an open alarm is closed.
        near_odds: A level within this factor of the baseline's odds counts as recovered.
    """

    window_seconds: int = 60
    false_alarms_per_day: float = 1.0
    shares: int = 1
    degradation_odds: tuple[float, ...] = (1.5, 2.2, 3.5, 5.5, 12.0, 40.0, 1000.0)
    degradation_weights: tuple[float, ...] = (0.16, 0.18, 0.23, 0.21, 0.08, 0.03, 0.01)
    improvement_odds: tuple[float, ...] = (1 / 2, 1 / 5, 1 / 20)
    improvement_weights: tuple[float, ...] = (0.15, 0.2, 0.08)
    evidence_windows: int = 2
    rho_prior: float = 1e-3
    rho_floor: float = 1e-5
    rho_ceiling: float = 0.2
    rho_interval: float = 1.25
    memory_windows: int = 2880
    holdback_windows: int = 20
    suspicion: float = 1000.0
    warm_up_windows: int = 120
    informative_failures: float = 4.0
    informative_windows: int = 30
    bound_deviations: float = 0.25
    season_memory_windows: int = 40_320
    drift_windows: int = 30
    drift_failures: float = 8.0
    drift_prior: float = 0.05
    drift_prior_error: float = 0.02
    drift_ceiling: float = 1.0
    drift_deviations: float = 1.8
    together: bool = True
    materiality_odds: float = 1.01
    prior_failure_ratio: float = 0.02
    prior_failures: float = 0.5
    spread_floor: float = 1 / 400
    spread_ceiling: float = 4.0
    ring_windows: int = 1440
    recovery_evidence: float = 1000.0
    near_odds: float = 1.5

    def __post_init__(self) -> None:
        """Refuse settings without meaning.

        Raises:
            ValueError: The message names the field and its value.
        """
        for name in (
            "window_seconds",
            "shares",
            "evidence_windows",
            "memory_windows",
            "season_memory_windows",
            "drift_windows",
            "warm_up_windows",
        ):
            self._require(name, bool(getattr(self, name) >= 1), "at least 1")
        for name in (
            "false_alarms_per_day",
            "bound_deviations",
            "informative_failures",
            "prior_failures",
            "drift_failures",
            "drift_prior",
            "drift_prior_error",
            "drift_ceiling",
        ):
            value = getattr(self, name)
            self._require(name, bool(value > 0 and math.isfinite(value)), "positive and finite")
        for name in ("rho_interval", "materiality_odds", "near_odds", "recovery_evidence"):
            value = getattr(self, name)
            self._require(name, bool(value >= 1 and math.isfinite(value)), "at least 1 and finite")
        ordered = 0 < self.rho_floor <= self.rho_prior <= self.rho_ceiling < 1
        self._require("rho_prior", ordered, "0 < rho_floor <= rho_prior <= rho_ceiling < 1")
        self._require("prior_failure_ratio", 0 < self.prior_failure_ratio < 1, "between 0 and 1")
        self._require(
            "spread_floor", 0 < self.spread_floor <= self.spread_ceiling, "in (0, spread_ceiling]"
        )
        self._require("holdback_windows", self.holdback_windows >= 0, "at least 0")
        self._require(
            "ring_windows", self.ring_windows > self.holdback_windows, "above holdback_windows"
        )
        self._require_alternatives()

    def _require_alternatives(self) -> None:
        for kind in ("degradation", "improvement"):
            odds, weights = getattr(self, f"{kind}_odds"), getattr(self, f"{kind}_weights")
            self._require(
                f"{kind}_weights", len(weights) == len(odds) > 0, f"one for each of {kind}_odds"
            )
            self._require(f"{kind}_weights", all(weight > 0 for weight in weights), "positive")
        self._require(
            "degradation_odds", all(odds > 1 for odds in self.degradation_odds), "above 1"
        )
        below = all(0 < odds < 1 for odds in self.improvement_odds)
        self._require("improvement_odds", below, "between 0 and 1")

    def _require(self, name: str, holds: bool, rule: str) -> None:  # noqa: FBT001 - the condition itself
        if not holds:
            raise ValueError(f"{name} = {getattr(self, name)!r}: must be {rule}")

    @property
    def windows_per_false_alarm(self) -> float:
        """Windows in which this bank may raise one false alarm: T / B of `detection.md`."""
        return SECONDS_PER_DAY / self.window_seconds * self.shares / self.false_alarms_per_day
