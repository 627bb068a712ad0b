"""One zone: Azure East US 2, 31 January 2023, 07:01 to 01:00 UTC of the next day.

From the public review: after a change of configuration two partitions of a backend service were
unhealthy in one availability zone, and creating and deleting VMs failed there; the configuration
was changed by hand.

Ours, because nobody published it: which zone, how many operations failed, that the change was
registered, and that another rollout reached the region nine minutes before it.
"""

from datetime import UTC, datetime, timedelta

from streams.scenarios.concurrent_releases import concurrent_releases, reaching
from streams.scenarios.default_fleet import default_fleet
from streams.scenarios.fleet import ErrorKind
from streams.scenarios.generate import Scenario
from streams.scenarios.incident import Effect, Incident
from streams.scenarios.options import Options, Timeline, assemble
from streams.scenarios.releases import ReleasePlan, Rollback, Stage

CONFIGURATION = "partition-map-eastus2-3"

_REGION = "eastus2"
_ZONE = "3"
_ONSET = datetime(2023, 1, 31, 7, 1, tzinfo=UTC)
_END = datetime(2023, 2, 1, 1, 0, tzinfo=UTC)


def one_zone_2023(options: Options) -> Scenario:
    """Creating and deleting fails in one zone, by a local change of configuration."""
    timeline = Timeline(onset=_ONSET, end=_END, length=options.incident_duration)
    fleet = default_fleet(options.volume)
    suspect = reaching(
        _REGION,
        _ONSET - timedelta(minutes=9),
        release="allocator-3.9",
        component="allocator",
        version="3.9.2",
        regions=fleet.region_names,
    )
    return assemble(
        "one-zone-2023",
        options,
        fleet=fleet,
        incidents=(_unhealthy_partitions(timeline),),
        releases=(
            *concurrent_releases(fleet.region_names, _ONSET),
            suspect,
            _configuration(timeline),
        ),
    )


def _unhealthy_partitions(timeline: Timeline) -> Incident:
    effect = Effect(
        scope={"operation": ("create", "delete"), "zone": (_ZONE,)},
        windows=timeline.windows((_REGION,), _ONSET, _END),
        susceptible_share=0.4,
        retries_per_failure=0.5,
        signature=(
            ErrorKind(code="PartitionUnavailable", weight=70),
            ErrorKind(code="InternalExecutionError", weight=30),
        ),
    )
    return Incident(effects=(effect,), culprit=CONFIGURATION)


def _configuration(timeline: Timeline) -> ReleasePlan:
    return ReleasePlan(
        release=CONFIGURATION,
        component="partition-map",
        version="1",
        started=_ONSET,
        # Its bake time outlasts any incident: the change is taken back, never completed.
        stages=(Stage(name="zone", regions=(_REGION,), bake=timedelta(days=30)),),
        scope={"zone": (_ZONE,)},
        rollbacks=(Rollback(time=timeline.at(_END)),),
    )
