"""The scenarios by name. To add one: its data in a module of its own, and a row in `SCENARIOS`."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from streams.domain.errors import OperatorError
from streams.scenarios.acl_update_2018 import acl_update_2018
from streams.scenarios.central_us_2024 import (
    central_us_and_crowdstrike_2024,
    storage_allow_list_2024,
)
from streams.scenarios.concurrent_releases import concurrent_releases
from streams.scenarios.crowdstrike_2024 import crowdstrike_2024
from streams.scenarios.default_fleet import default_fleet
from streams.scenarios.few_hosts_2024 import few_hosts_2024
from streams.scenarios.founding_incident import ONSET, founding_incident, migration
from streams.scenarios.generate import Scenario
from streams.scenarios.government_database_2024 import government_database_2024
from streams.scenarios.launch_failures_2025 import launch_failures_2025
from streams.scenarios.one_zone_2023 import one_zone_2023
from streams.scenarios.options import Options, assemble, chosen, whole_minute
from streams.scenarios.policy_job_2026 import policy_job_2026
from streams.scenarios.quota_policy_2025 import quota_policy_2025


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
    return assemble(
        name,
        options,
        fleet=fleet,
        incidents=(incident,),
        releases=(*concurrent, migration(incident)) if registered else concurrent,
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
        start=whole_minute(ONSET - chosen(options.before, ONSET - midnight)),
        end=whole_minute(ONSET + chosen(options.after, rest_of_day), up=True),
    )


SCENARIOS: Mapping[str, Callable[[Options], Scenario]] = MappingProxyType(
    {
        "founding-incident": _founding,
        "founding-incident-unregistered": _founding_unregistered,
        "policy-job-2026": policy_job_2026,
        "storage-allow-list-2024": storage_allow_list_2024,
        "crowdstrike-2024": crowdstrike_2024,
        "central-us-and-crowdstrike-2024": central_us_and_crowdstrike_2024,
        "one-zone-2023": one_zone_2023,
        "government-database-2024": government_database_2024,
        "launch-failures-2025": launch_failures_2025,
        "quota-policy-2025": quota_policy_2025,
        "acl-update-2018": acl_update_2018,
        "few-hosts-2024": few_hosts_2024,
        "quiet-day": _quiet_day,
    }
)
"""Name -> builder. The first line of its docstring tells users what the scenario is about."""
