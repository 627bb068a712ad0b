"""What a simulated fleet is: regions, machines, operations, traffic, ordinary failures."""

import math
from dataclasses import dataclass
from datetime import timedelta

from streams.domain.outcomes import Fault

Scope = dict[str, tuple[str, ...]]
"""Dimension -> values. A dimension that is absent means all its values."""


def _require_ratio(name: str, value: float) -> None:
    _require(0 <= value < 1, f"{name} must be in [0, 1), not {value}")


def _require(condition: bool, message: str) -> None:  # noqa: FBT001 - an assertion that survives -O
    if not condition:
        raise ValueError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One value of a dimension and its weight among the values of that dimension (any unit)."""

    value: str
    weight: float

    def __post_init__(self) -> None:
        """Refuse a weight no random draw can use."""
        _require(self.weight > 0, f"weight of {self.value!r} must be positive, not {self.weight}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """One region.

    Attributes:
        name: As it stands in the events.
        weight: Its part of the fleet's traffic (any unit).
        utc_offset: Local time minus UTC; shifts its daily profile.
        zones: Names of its availability zones; empty for a region without zones.
    """

    name: str
    weight: float
    utc_offset: timedelta
    zones: tuple[str, ...] = ("1", "2", "3")

    def __post_init__(self) -> None:
        """Refuse a weight no random draw can use."""
        _require(self.weight > 0, f"weight of {self.name!r} must be positive, not {self.weight}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One kind of control-plane operation.

    Attributes:
        name: As it stands in the events.
        weight: Its part of the traffic (any unit).
        failure_ratio: Failures and timeouts over trials on an ordinary day, platform faults only, 0
            to 1.
        median_duration: Half of the operations take longer.
        duration_spread: Standard deviation of the logarithm of the duration (log-normal).
    """

    name: str
    weight: float
    failure_ratio: float
    median_duration: timedelta
    duration_spread: float = 0.6

    def __post_init__(self) -> None:
        """Refuse what a log-normal duration or a Bernoulli trial cannot use."""
        _require(self.weight > 0, f"weight of {self.name!r} must be positive, not {self.weight}")
        _require_ratio(f"failure_ratio of {self.name!r}", self.failure_ratio)
        _require(self.median_duration > timedelta(0), f"{self.name!r} must take some time")


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorKind:
    """One way to fail.

    Attributes:
        code: Error code in the event.
        message: Error message in the event, or None for none.
        weight: How often it occurs among its kind (any unit).
        fault: What the event says about whose fault it is; None leaves it to the configured
            classification.
    """

    code: str
    message: str | None = None
    weight: float = 1.0
    fault: Fault | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyProfile:
    """Volume over the local day, as a factor with mean 1: two harmonics around one peak.

    Attributes:
        peak_hour: Local hour of the peak, 0 to 24.
        daily: Amplitude of the 24-hour wave.
        half_daily: Amplitude of the 12-hour wave: a sharper day and a flatter night.
    """

    peak_hour: float = 14.0
    daily: float = 0.35
    half_daily: float = 0.08

    def __post_init__(self) -> None:
        """Refuse amplitudes that would make the volume negative."""
        _require(
            self.daily >= 0 and self.half_daily >= 0 and self.daily + self.half_daily < 1,
            f"amplitudes {self.daily} and {self.half_daily} must not be negative, nor add up to 1",
        )

    def factor(self, local_hour: float) -> float:
        """Give the volume at a local hour over the mean of the day.

        Rounded, because the last bit of a cosine differs between C libraries.
        """
        angle = 2 * math.pi * (local_hour - self.peak_hour) / 24
        return round(1 + self.daily * math.cos(angle) + self.half_daily * math.cos(2 * angle), 9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How events travel from the fleet to the reader.

    Attributes:
        allowed_disorder: An event that is not late arrives within this time after its event time.
        duplicate_share: Share of events delivered twice, the second time within a minute of the
            first.
        late_share: Share of events that arrive later than the allowed disorder.
        lateness: The least and the greatest delay of a late event.
    """

    allowed_disorder: timedelta = timedelta(seconds=5)
    duplicate_share: float = 0.002
    late_share: float = 0.0001
    lateness: tuple[timedelta, timedelta] = (timedelta(minutes=2), timedelta(minutes=8))

    def __post_init__(self) -> None:
        """Refuse shares outside 0 to 1 and a lateness that is none."""
        _require_ratio("duplicate_share", self.duplicate_share)
        _require_ratio("late_share", self.late_share)
        least, greatest = self.lateness
        _require(
            timedelta(0) < self.allowed_disorder < least <= greatest,
            f"lateness {least} to {greatest} must begin after the disorder {self.allowed_disorder}",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """A fleet and its ordinary day.

    Attributes:
        regions: At least one.
        os: Operating systems.
        vm_types: Machine types.
        resource_types: Kinds of resources operations act on.
        operations: At least one.
        operations_per_minute: Mean over a day and all regions, retries of an incident not counted.
        profile: Volume over the local day of each region.
        overdispersion: rho of the beta-binomial failure count of one series and minute, 0
            (binomial) to 1.
        baseline_spread: Standard deviation of the logarithm of a series' failure ratio around its
            operation's.
        platform_errors: Ordinary failures that are the platform's fault.
        timeouts: Ordinary timeouts; the weights of both tables together decide which of them
            occurs.
        caller_errors: Failures that are the caller's fault.
        cancelled_share: Share of operations that are cancelled.
        caller_fault_share: Share of operations that fail by the caller's fault.
        clusters_per_region: Number of clusters, each an attribute of some events.
        delivery: Disorder, duplicates and late events.
    """

    regions: tuple[Region, ...]
    os: tuple[Share, ...]
    vm_types: tuple[Share, ...]
    resource_types: tuple[Share, ...]
    operations: tuple[Operation, ...]
    platform_errors: tuple[ErrorKind, ...]
    timeouts: tuple[ErrorKind, ...]
    caller_errors: tuple[ErrorKind, ...]
    operations_per_minute: float = 2000.0
    profile: DailyProfile = DailyProfile()
    overdispersion: float = 0.002
    baseline_spread: float = 0.25
    cancelled_share: float = 0.01
    caller_fault_share: float = 0.015
    clusters_per_region: int = 3
    delivery: Delivery = Delivery()

    def __post_init__(self) -> None:
        """Refuse a fleet that cannot produce events."""
        _require(
            math.isfinite(self.operations_per_minute) and self.operations_per_minute > 0,
            f"operations_per_minute must be positive, not {self.operations_per_minute}",
        )
        for name in ("overdispersion", "cancelled_share", "caller_fault_share"):
            _require_ratio(name, getattr(self, name))
        for name in ("regions", "os", "vm_types", "resource_types", "operations"):
            _require(bool(getattr(self, name)), f"a fleet needs {name}")
        _require(self.clusters_per_region > 0, "a region needs at least one cluster")

    @property
    def region_names(self) -> tuple[str, ...]:
        """Names of the regions, in the fleet's order."""
        return tuple(region.name for region in self.regions)
