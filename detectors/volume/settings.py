"""Settings of the volume bank, validated once, with the reason for every default."""

import math
from dataclasses import dataclass

from detectors.settings import SECONDS_PER_DAY

SECONDS_PER_HOUR = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeSettings:
    """What the volume bank promises, what it looks for, and how it learns what to expect.

    Attributes:
        window_seconds: Length of a window in seconds.
        false_alarms_per_day: Promise: expected false alarm episodes a day (see `multiplicity`) over
            all volume banks that share it.
        shares: Number of banks that share the promise; each gets an equal part.
        material_share: In control the mean is at least this share of the expected volume: half of
            the traffic moved elsewhere is no collapse.
        collapse_shares: Shares of the expected volume of the alternatives "it collapsed", all below
            `material_share`; the last is silence with a few probes left.
        collapse_weights: Their prior weights; silence is the commonest collapse.
        evidence_windows: m: no single alternative can reach the threshold in fewer than m windows,
            because a collector that hiccups for a window or two is no collapse.
        day_memory_days: Mean age of what the hours of the day remember, in days.
        week_memory_weeks: Mean age of what the hours of the week remember, in weeks.
        prior_operations: Weight, in operations, by which an hour of the week is shrunk towards its
            hour of the day, and that towards the level of the series; with 4, an hour in which four
            operations were counted stands half on its own.
        doubt_deviations: The expected volume is lowered by so many (Poisson) standard errors of the
            hour of the day: an estimate too high breaks the promise, one too low costs delay.
        holdback_seconds: A window enters the expectation this late. Two hours, so that what is
            expected in an hour never rests on that very hour.
        learning_seconds: A series is judged once so much of its time has entered: a day, so that
            every hour of the day has been seen.
        active_hours: Hours of the day, out of 24, in which a series must have had operations before
            its silence is news; what ran once for an hour is no traffic that could collapse.
        block_windows: Windows over which volume is added up to measure how it scatters, so that
            bursts and lulls of up to half an hour count as scatter, too.
        dispersion_prior: Overdispersion before data; large on purpose, because it costs a busy
            series a window or two of delay and a quiet one nothing.
        dispersion_prior_blocks: Weight of that prior, in blocks of a busy series.
        dispersion_floor: Smallest overdispersion believed.
        dispersion_ceiling: Largest; beyond it silence says next to nothing.
        dispersion_factor: The evidence is the smaller of that at `dispersion_floor` and that at so
            many times the overdispersion (or two standard errors above it): silence weighs what
            scattered arrivals make of it, and every operation what it does among independent ones.
        dispersion_memory_blocks: Mean age of what is known of overdispersion, in blocks (two weeks
            of half hours).
        lull_factor: An alarm takes at least so many times the operations missed in the second
            largest lull of recent days (see `Lulls`).
        lull_memory_days: Mean age of what is known of lulls, in days.
        ring_windows: Windows kept for finding the onset (default a day).
        dark_seconds: After so much time without any operation of any series the bank stands still
            until there is one: nobody is sending, and that has been said long before.
        recovered_share: An open collapse lasts while the mean is at most this share of the expected
            volume; above it lies the material share, below it every alternative.
        recovery_evidence: Evidence at which an open collapse is closed.
        forget_seconds: A collapse that has lasted so long (a week) is the new normal: it is closed
            without a word and the series is learned anew.
    """

    window_seconds: int = 60
    false_alarms_per_day: float = 1.0
    shares: int = 1
    material_share: float = 0.5
    collapse_shares: tuple[float, ...] = (0.2, 0.05, 0.005)
    collapse_weights: tuple[float, ...] = (0.3, 0.3, 0.4)
    evidence_windows: int = 3
    day_memory_days: float = 4.0
    week_memory_weeks: float = 4.0
    prior_operations: float = 4.0
    doubt_deviations: float = 1.0
    holdback_seconds: int = 2 * SECONDS_PER_HOUR
    learning_seconds: int = SECONDS_PER_DAY
    active_hours: int = 12
    block_windows: int = 30
    dispersion_prior: float = 0.3
    dispersion_prior_blocks: float = 10.0
    dispersion_floor: float = 1e-3
    dispersion_ceiling: float = 1e3
    dispersion_factor: float = 2.0
    dispersion_memory_blocks: float = 672.0
    lull_factor: float = 2.5
    lull_memory_days: float = 7.0
    ring_windows: int = 1440
    dark_seconds: int = SECONDS_PER_DAY
    recovered_share: float = 0.4
    recovery_evidence: float = 1000.0
    forget_seconds: int = 7 * SECONDS_PER_DAY

    def __post_init__(self) -> None:
        """Refuse settings without meaning.

        Raises:
            ValueError: The message names the field and its value.
        """
        for name in ("window_seconds", "shares", "evidence_windows", "block_windows"):
            self._require(name, bool(getattr(self, name) >= 1), "at least 1")
        for name in (
            "false_alarms_per_day",
            "day_memory_days",
            "week_memory_weeks",
            "prior_operations",
            "dispersion_prior_blocks",
            "dispersion_memory_blocks",
            "lull_factor",
            "lull_memory_days",
        ):
            value = getattr(self, name)
            self._require(name, bool(value > 0 and math.isfinite(value)), "positive and finite")
        for name in ("learning_seconds", "dark_seconds", "forget_seconds"):
            later = bool(getattr(self, name) > self.holdback_seconds)
            self._require(name, later, "above holdback_seconds")
        self._require("doubt_deviations", self.doubt_deviations >= 0, "at least 0")
        self._require("active_hours", 1 <= self.active_hours <= 24, "an hour count, 1 to 24")  # noqa: PLR2004
        self._require("dispersion_factor", self.dispersion_factor >= 1, "at least 1")
        self._require("recovery_evidence", self.recovery_evidence >= 1, "at least 1")
        self._require("ring_windows", self.ring_windows > self.holdback, "above the hold-back")
        ordered = 0 < self.dispersion_floor <= self.dispersion_prior <= self.dispersion_ceiling
        self._require("dispersion_prior", ordered, "0 < floor <= prior <= ceiling")
        self._require_shares()

    def _require_shares(self) -> None:
        shares, weights = self.collapse_shares, self.collapse_weights
        self._require("material_share", 0 < self.material_share <= 1, "above 0 and at most 1")
        below = all(0 < share < self.recovered_share for share in shares)
        self._require("collapse_shares", below, "between 0 and recovered_share")
        known = len(weights) == len(shares) > 0 and all(weight > 0 for weight in weights)
        self._require("collapse_weights", known, "positive, one for each of collapse_shares")
        self._require(
            "recovered_share", 0 < self.recovered_share < self.material_share, "below material"
        )

    def _require(self, name: str, holds: bool, rule: str) -> None:  # noqa: FBT001 - the condition itself
        if not holds:
            raise ValueError(f"{name} = {getattr(self, name)!r}: must be {rule}")

    @property
    def windows_per_false_alarm(self) -> float:
        """Windows in which this bank may raise one false alarm: T / B of `multiplicity`."""
        return self.windows_per_day * self.shares / self.false_alarms_per_day

    @property
    def windows_per_day(self) -> float:
        """Windows in a day."""
        return SECONDS_PER_DAY / self.window_seconds

    @property
    def holdback(self) -> int:
        """Windows that a window waits before it enters the expectation."""
        return -(-self.holdback_seconds // self.window_seconds)

    @property
    def learning(self) -> int:
        """Windows from a series' first operation until it is judged."""
        return -(-self.learning_seconds // self.window_seconds) + self.holdback

    @property
    def dark(self) -> int:
        """Windows without any operation after which the bank stands still."""
        return self.dark_seconds // self.window_seconds

    @property
    def forget(self) -> int:
        """Windows after which an open collapse is the new normal."""
        return self.forget_seconds // self.window_seconds
