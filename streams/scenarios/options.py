"""What whoever builds a scenario may choose, and how a scenario's own times follow the choice."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from streams.domain.errors import OperatorError
from streams.scenarios.fleet import Fleet
from streams.scenarios.generate import Scenario
from streams.scenarios.incident import Incident, RegionWindow
from streams.scenarios.releases import ReleasePlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What whoever builds a scenario may choose; None leaves it to the scenario.

    Attributes:
        seed: Of all random draws, not negative.
        volume: Operations per minute, mean over a day.
        before: Data before the onset.
        after: Data after the end.
        incident_duration: From onset to the end; mitigation times scale with it.
    """

    seed: int
    volume: float | None = None
    before: timedelta | None = None
    after: timedelta | None = None
    incident_duration: timedelta | None = None

    def __post_init__(self) -> None:
        """Refuse what no scenario can be built from."""
        if self.seed < 0:
            raise OperatorError(f"seed must not be negative, but is {self.seed}")
        if self.volume is not None and not (math.isfinite(self.volume) and self.volume > 0):
            raise OperatorError(f"volume must be a positive number, but is {self.volume}")
        for name in ("before", "after"):
            value = getattr(self, name)
            if value is not None and value < timedelta(0):
                raise OperatorError(f"{name} must not be negative, but is {value}")
        if self.incident_duration is not None and self.incident_duration < timedelta(minutes=1):
            raise OperatorError(
                f"incident_duration must be a minute or more, but is {self.incident_duration}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """The course of an incident, stretched or squeezed to a chosen length.

    Attributes:
        onset: Of the incident; stays where it is.
        end: Of the incident as it happened.
        length: From onset to the end as chosen; None for as it happened.
    """

    onset: datetime
    end: datetime
    length: timedelta | None = None

    def at(self, instant: datetime) -> datetime:
        """Give when something that happened at an instant happens now; whole seconds."""
        if self.length is None:
            return instant
        part = (instant - self.onset) / (self.end - self.onset)
        return self.onset + timedelta(seconds=round(part * self.length.total_seconds()))

    def windows(
        self, regions: tuple[str, ...], onset: datetime, recovered: datetime
    ) -> tuple[RegionWindow, ...]:
        """Give the window of regions that are affected from one instant to another."""
        return tuple(
            RegionWindow(region=name, onset=self.at(onset), recovered=self.at(recovered))
            for name in regions
        )


def assemble(
    name: str,
    options: Options,
    *,
    fleet: Fleet,
    incidents: tuple[Incident, ...],
    releases: tuple[ReleasePlan, ...],
) -> Scenario:
    """Put a scenario together: by default 4 hours before the first onset, 45 minutes after the end.

    Args:
        name: Of the scenario.
        options: What was chosen; its volume and duration have gone into the parts already.
        fleet: Where it happens.
        incidents: At least one, in the order of their onsets.
        releases: Everything registered that rolls out.
    """
    first, *further = incidents
    end = max(incident.end for incident in incidents)
    return Scenario(
        name=name,
        seed=options.seed,
        fleet=fleet,
        releases=releases,
        incident=first,
        further=tuple(further),
        start=whole_minute(first.onset - chosen(options.before, timedelta(hours=4))),
        end=whole_minute(end + chosen(options.after, timedelta(minutes=45)), up=True),
    )


def chosen(choice: timedelta | None, default: timedelta) -> timedelta:
    """Give what was chosen, or else the default."""
    return default if choice is None else choice


def whole_minute(instant: datetime, *, up: bool = False) -> datetime:
    """Round an instant down, or up, to a whole minute."""
    minutes = instant.timestamp() / 60
    return datetime.fromtimestamp((math.ceil(minutes) if up else math.floor(minutes)) * 60, UTC)
