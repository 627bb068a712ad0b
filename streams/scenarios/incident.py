"""What an incident does to a fleet: where, when, how strongly, with which error codes."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from streams.scenarios.fleet import ErrorKind, Scope

DIMENSIONS = ("os", "vm_type", "operation", "zone", "resource_type", "cluster")
"""What a scope may restrict. Regions are restricted by the effect's windows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionWindow:
    """When an effect is felt in one region: half-open, [onset, recovered)."""

    region: str
    onset: datetime
    recovered: datetime

    def __post_init__(self) -> None:
        """Refuse an empty window and instants without a time zone."""
        if self.onset.utcoffset() is None or self.recovered.utcoffset() is None:
            raise ValueError(f"window of {self.region!r} needs aware instants")
        if self.recovered <= self.onset:
            raise ValueError(
                f"{self.region!r} recovers at {self.recovered}, not after its onset {self.onset}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One cause of failures.

    A susceptible operation always fails, and its caller tries again a number of times (Poisson),
    which fails too. So of all trials in scope the share (1 + retries) * susceptible / (1 + retries
    * susceptible) fails in addition to the baseline, and the volume rises by the factor 1 + retries
    * susceptible.

    Operations that are held back never reach the fleet, so no outcome tells of them: the door that
    rejects them is not watched, or their callers have given up.

    Attributes:
        scope: Dimension of `DIMENSIONS` -> affected values; a dimension that is absent means all
            its values.
        windows: When each affected region is affected; regions without a window are not.
        susceptible_share: Share of the first attempts in scope that fails because of this effect, 0
            to 1.
        retries_per_failure: Mean number of further attempts after such a failure.
        held_back_share: Share of the operations in scope that never happen, 0 to 1; the susceptible
            share counts among the others.
        ramp: Time from a region's onset until both shares are reached, linearly.
        signature: Error kinds of these failures, with weights.
    """

    scope: Scope
    windows: tuple[RegionWindow, ...]
    susceptible_share: float
    retries_per_failure: float = 0.0
    held_back_share: float = 0.0
    ramp: timedelta = timedelta(0)
    signature: tuple[ErrorKind, ...]

    def __post_init__(self) -> None:
        """Refuse an effect that is none or whose scope nothing can match."""
        unknown = sorted(set(self.scope) - set(DIMENSIONS))
        if unknown:
            raise ValueError(f"scope names {unknown}; known dimensions are {list(DIMENSIONS)}")
        if not 0 < self.susceptible_share <= 1:
            raise ValueError(f"susceptible_share must be in (0, 1], not {self.susceptible_share}")
        if self.retries_per_failure < 0:
            raise ValueError(f"retries_per_failure must be >= 0, not {self.retries_per_failure}")
        if not 0 <= self.held_back_share < 1:
            raise ValueError(f"held_back_share must be in [0, 1), not {self.held_back_share}")
        if not self.windows or not self.signature:
            raise ValueError("an effect needs at least one region window and one error kind")

    @property
    def failure_ratio(self) -> float:
        """Failures this effect adds, over all trials in scope, when fully ramped up; 0 to 1."""
        failing = self.susceptible_share * (1 + self.retries_per_failure)
        return failing / (1 - self.susceptible_share + failing)

    @property
    def volume_factor(self) -> float:
        """Trials in scope over those of an ordinary day, when fully ramped up."""
        return (1 - self.held_back_share) * (1 + self.susceptible_share * self.retries_per_failure)


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """What goes wrong in a scenario, and why.

    Attributes:
        effects: At least one, in the order of their onsets.
        culprit: The registered release that causes it; None where no known release does.
        name: Unlike that of any other incident of the scenario.
        caused_by: Name of the incident of the same scenario whose mitigation brought this one
            about.
        latent_release: A release completed long before, whose defect the culprit brought to light.
    """

    effects: tuple[Effect, ...]
    culprit: str | None
    name: str = "incident"
    caused_by: str | None = None
    latent_release: str | None = None

    @property
    def onset(self) -> datetime:
        """First moment at which any region is affected."""
        return min(window.onset for effect in self.effects for window in effect.windows)

    @property
    def end(self) -> datetime:
        """First moment at which no region is affected any more."""
        return max(window.recovered for effect in self.effects for window in effect.windows)

    @property
    def scope(self) -> Scope:
        """Smallest scope that covers all effects, regions left out."""
        shared = [
            name for name in DIMENSIONS if all(name in effect.scope for effect in self.effects)
        ]
        return {
            name: tuple(sorted({v for effect in self.effects for v in effect.scope[name]}))
            for name in shared
        }

    @property
    def regions(self) -> tuple[RegionWindow, ...]:
        """Each affected region from its first onset to its last recovery, by name."""
        windows = [window for effect in self.effects for window in effect.windows]
        return tuple(
            RegionWindow(
                region=name,
                onset=min(w.onset for w in windows if w.region == name),
                recovered=max(w.recovered for w in windows if w.region == name),
            )
            for name in sorted({window.region for window in windows})
        )
