"""Launches fail, and no release did it: AWS us-east-1, 20 October 2025, 06:48 to 20:50 UTC.

From the public summary (23:48 to 13:50 PDT): two automata that keep DNS records raced, an old
defect, and left a database's endpoint without addresses until 09:25 UTC. The manager of the hosts
lost its leases meanwhile; from 09:25 to 17:36 new instances failed to launch, while it was
throttled and restarted; some that launched afterwards had no network until 20:50. Running instances
were fine. Load balancers were well at 21:20, the end of the whole event.

Ours, because nobody published it: that launches fail more and more from 06:48 on, as leases run
out; how many fail, and how many are not even tried; that starting a stopped instance is a launch;
that another rollout reached the region seven minutes before.
"""

from datetime import UTC, datetime, timedelta

from streams.scenarios.concurrent_releases import concurrent_releases, reaching
from streams.scenarios.fleet import ErrorKind, Scope
from streams.scenarios.generate import Scenario
from streams.scenarios.incident import Effect, Incident
from streams.scenarios.options import Options, Timeline, assemble
from streams.scenarios.provider_fleets import aws_fleet

_REGION = "us-east-1"
_ONSET = datetime(2025, 10, 20, 6, 48, tzinfo=UTC)
_LEASES_LOST = datetime(2025, 10, 20, 9, 25, tzinfo=UTC)
_LAUNCHING = datetime(2025, 10, 20, 17, 36, tzinfo=UTC)
_END = datetime(2025, 10, 20, 20, 50, tzinfo=UTC)

_SCOPE: Scope = {"operation": ("create", "start")}
_SIGNATURE = (
    ErrorKind(code="InsufficientInstanceCapacity", weight=60),
    ErrorKind(code="RequestLimitExceeded", weight=40),
)


def launch_failures_2025(options: Options) -> Scenario:
    """Launches fail for hours in the largest region, by an old race that no release brought."""
    timeline = Timeline(onset=_ONSET, end=_END, length=options.incident_duration)
    fleet = aws_fleet(options.volume)
    second, third = (share.value for share in fleet.vm_types[1:])
    suspect = reaching(
        _REGION,
        _ONSET - timedelta(minutes=7),
        release="instance-metadata-5.1",
        component="instance-metadata",
        version="5.1.0",
        regions=fleet.region_names,
    )
    return assemble(
        "launch-failures-2025",
        options,
        fleet=fleet,
        incidents=(_lost_leases(timeline),),
        releases=(
            *concurrent_releases(fleet.region_names, _ONSET, machines=(second, third)),
            suspect,
        ),
    )


def _lost_leases(timeline: Timeline) -> Incident:
    losing = Effect(
        scope=_SCOPE,
        windows=timeline.windows((_REGION,), _ONSET, _LEASES_LOST),
        susceptible_share=0.6,
        retries_per_failure=0.4,
        ramp=timeline.at(_LEASES_LOST) - timeline.at(_ONSET),
        signature=_SIGNATURE,
    )
    lost = Effect(
        scope=_SCOPE,
        windows=timeline.windows((_REGION,), _LEASES_LOST, _LAUNCHING),
        susceptible_share=0.9,
        retries_per_failure=0.4,
        held_back_share=0.35,
        signature=_SIGNATURE,
    )
    without_network = Effect(
        scope=_SCOPE,
        windows=timeline.windows((_REGION,), _LAUNCHING, _END),
        susceptible_share=0.12,
        signature=(ErrorKind(code="NetworkStateNotPropagated"),),
    )
    return Incident(effects=(losing, lost, without_network), culprit=None)
