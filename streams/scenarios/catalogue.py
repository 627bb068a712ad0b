"""The scenarios by name. To add one: its data in a module of its own, and a row in `SCENARIOS`."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from streams.domain.errors import OperatorError
from streams.scenarios.concurrent_releases import concurrent_releases
from streams.scenarios.default_fleet import default_fleet
from streams.scenarios.founding_incident import ONSET, founding_incident, migration
from streams.scenarios.generate import Scenario


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


def build(
    name: str,
    *,
    seed: int,
    volume: float | None = None,
    before: timedelta | None = None,
    after: timedelta | None = None,
    incident_duration: timedelta | None = None,
) -> Scenario:
    """Build a scenario.

    Args:
        name: One of `SCENARIOS`.
        seed: Of all random draws, not negative.
        volume: Operations per minute, mean over a day; None for the default fleet's 2,000.
        before: Data before the onset; None for the scenario's own choice, like the following.
        after: Data after the end.
        incident_duration: From onset to the end; mitigation times scale with it. A quiet scenario
            has none.

    Raises:
        OperatorError: There is no such scenario, or an option is out of range.
    """
    if name not in SCENARIOS:
        raise OperatorError(f"no scenario {name!r}; there are {', '.join(sorted(SCENARIOS))}")
    return SCENARIOS[name](
        Options(
            seed=seed,
            volume=volume,
            before=before,
            after=after,
            incident_duration=incident_duration,
        )
    )


def _founding(options: Options) -> Scenario:
    """Windows operations fail in all regions at once; the migration to blame is a known release."""
    return _founding_variant("founding-incident", options, registered=True)


def _founding_unregistered(options: Options) -> Scenario:
    """The same, but nobody registered the migration."""
    return _founding_variant("founding-incident-unregistered", options, registered=False)


def _founding_variant(name: str, options: Options, *, registered: bool) -> Scenario:
    fleet = default_fleet(options.volume)
    incident = founding_incident(
        fleet.region_names, registered=registered, duration=options.incident_duration
    )
    concurrent = concurrent_releases(fleet.region_names, ONSET)
    return Scenario(
        name=name,
        seed=options.seed,
        fleet=fleet,
        releases=(*concurrent, migration(incident)) if registered else concurrent,
        incident=incident,
        start=_whole_minute(ONSET - _or(options.before, timedelta(hours=4))),
        end=_whole_minute(incident.end + _or(options.after, timedelta(minutes=45)), up=True),
    )


def _quiet_day(options: Options) -> Scenario:
    """The same fleet and releases without an incident; before and after count from 06:27."""
    if options.incident_duration is not None:
        raise OperatorError("quiet-day has no incident, so incident_duration means nothing")
    fleet = default_fleet(options.volume)
    midnight = datetime(2021, 10, 13, tzinfo=UTC)
    rest_of_day = midnight + timedelta(days=1) - ONSET
    return Scenario(
        name="quiet-day",
        seed=options.seed,
        fleet=fleet,
        releases=concurrent_releases(fleet.region_names, ONSET),
        incident=None,
        start=_whole_minute(ONSET - _or(options.before, ONSET - midnight)),
        end=_whole_minute(ONSET + _or(options.after, rest_of_day), up=True),
    )


SCENARIOS: Mapping[str, Callable[[Options], Scenario]] = MappingProxyType(
    {
        "founding-incident": _founding,
        "founding-incident-unregistered": _founding_unregistered,
        "quiet-day": _quiet_day,
    }
)
"""Name -> builder. The first line of its docstring tells users what the scenario is about."""


def _or(chosen: timedelta | None, default: timedelta) -> timedelta:
    return default if chosen is None else chosen


def _whole_minute(instant: datetime, *, up: bool = False) -> datetime:
    minutes = instant.timestamp() / 60
    return datetime.fromtimestamp((math.ceil(minutes) if up else math.floor(minutes)) * 60, UTC)
