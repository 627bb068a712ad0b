"""A global database setting: Azure Government HSKF-FB0, 27 September 2024, 18:47 to 20:25 UTC.

From the public review (14:47 to 16:25 EDT): the database that holds the state of features was set
to block the resource manager's access; the setting is global, so all its replicas, and with them
all regions of the government cloud, were hit at once. Monitors of success rates raised the alarm;
taking the setting back ended it.

Ours, because nobody published it: how many operations failed and how many were not even tried, and
that the setting was a registered change. The public regions are there to be unaffected; really the
two clouds are watched apart.
"""

from datetime import UTC, datetime, timedelta

from streams.scenarios.concurrent_releases import concurrent_releases
from streams.scenarios.fleet import ErrorKind
from streams.scenarios.generate import Scenario
from streams.scenarios.incident import Effect, Incident
from streams.scenarios.options import Options, Timeline, assemble
from streams.scenarios.provider_fleets import azure_fleet_with_government
from streams.scenarios.releases import ReleasePlan, Rollback, Stage

SETTING = "feature-database-access"

_REGIONS = ("usgovarizona", "usgovtexas", "usgovvirginia")
_ONSET = datetime(2024, 9, 27, 18, 47, tzinfo=UTC)
_END = datetime(2024, 9, 27, 20, 25, tzinfo=UTC)


def government_database_2024(options: Options) -> Scenario:
    """All operations fail in three regions at once, by one global setting of a database."""
    timeline = Timeline(onset=_ONSET, end=_END, length=options.incident_duration)
    fleet = azure_fleet_with_government(options.volume)
    return assemble(
        "government-database-2024",
        options,
        fleet=fleet,
        incidents=(_blocked_access(timeline),),
        releases=(*concurrent_releases(fleet.region_names, _ONSET), _setting(timeline)),
    )


def _blocked_access(timeline: Timeline) -> Incident:
    effect = Effect(
        scope={},
        windows=timeline.windows(_REGIONS, _ONSET, _END),
        susceptible_share=0.9,
        retries_per_failure=0.3,
        held_back_share=0.5,
        signature=(ErrorKind(code="FeatureStateUnavailable", weight=1),),
    )
    return Incident(effects=(effect,), culprit=SETTING)


def _setting(timeline: Timeline) -> ReleasePlan:
    return ReleasePlan(
        release=SETTING,
        component="feature-database",
        version="1",
        started=_ONSET,
        # Its bake time outlasts any incident: the setting is taken back, never completed.
        stages=(Stage(name="global", regions=_REGIONS, bake=timedelta(days=30)),),
        rollbacks=(Rollback(time=timeline.at(_END)),),
    )
