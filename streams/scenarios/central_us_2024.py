"""Storage locked out of Central US: Azure 1K80-N_8, 18 July 2024, 21:40 to 02:55 UTC.

From the public review: a workflow that manages storage clusters deployed an incomplete allow list
in one region; compute lost its disks, and machines restarted. Deployments were stopped in all
regions at 23:35, the cause confirmed at 00:45, mitigation begun at 01:10, storage well at 02:55.
Services that depended on it recovered one by one until about noon, so that the faulty content of a
security product (see `crowdstrike_2024`) met the tail.

Ours, because nobody published it: how many operations failed and how many were not even tried; that
recovery is half done at 01:30; that another rollout, of the host network, reached Central US eleven
minutes before the workflow; in the scenario with both incidents, that 6 % of the operations failed
in the tail.
"""

from datetime import UTC, datetime, timedelta

from streams.scenarios.concurrent_releases import concurrent_releases, reaching
from streams.scenarios.crowdstrike_2024 import faulty_content
from streams.scenarios.default_fleet import default_fleet
from streams.scenarios.fleet import ErrorKind
from streams.scenarios.generate import Scenario
from streams.scenarios.incident import Effect, Incident
from streams.scenarios.options import Options, Timeline, assemble
from streams.scenarios.releases import ReleasePlan, Rollback, Stage

WORKFLOW = "storage-allow-list-centralus"
STORAGE = "storage-allow-list"

_REGION = "centralus"
_ONSET = datetime(2024, 7, 18, 21, 40, tzinfo=UTC)
_HALTED = datetime(2024, 7, 18, 23, 35, tzinfo=UTC)
_HALF_WELL = datetime(2024, 7, 19, 1, 30, tzinfo=UTC)
_WELL = datetime(2024, 7, 19, 2, 55, tzinfo=UTC)
_TAIL_END = datetime(2024, 7, 19, 12, 15, tzinfo=UTC)

_SIGNATURE = (
    ErrorKind(code="StorageAccessDenied", message="The disk could not be reached.", weight=65),
    ErrorKind(code="VMStartTimedOut", weight=35),
)


def storage_allow_list_2024(options: Options) -> Scenario:
    """One region loses its disks to a configuration workflow; all rollouts are stopped."""
    timeline = Timeline(onset=_ONSET, end=_WELL, length=options.incident_duration)
    return _scenario("storage-allow-list-2024", options, timeline, (_storage(timeline),))


def central_us_and_crowdstrike_2024(options: Options) -> Scenario:
    """The same with its tail, and faulty third-party content on all Windows VMs meanwhile."""
    timeline = Timeline(onset=_ONSET, end=_TAIL_END, length=options.incident_duration)
    incidents = (_storage(timeline, tail=True), faulty_content(timeline))
    return _scenario("central-us-and-crowdstrike-2024", options, timeline, incidents)


def _scenario(
    name: str, options: Options, timeline: Timeline, incidents: tuple[Incident, ...]
) -> Scenario:
    fleet = default_fleet(options.volume)
    regions, halted = fleet.region_names, timeline.at(_HALTED)
    suspect = reaching(
        _REGION,
        _ONSET - timedelta(minutes=11),
        release="host-network-8.3",
        component="host-network",
        version="8.3.0",
        regions=regions,
        halted=halted,
    )
    return assemble(
        name,
        options,
        fleet=fleet,
        incidents=incidents,
        releases=(
            *concurrent_releases(regions, _ONSET, halted=halted),
            suspect,
            _workflow(timeline),
        ),
    )


def _storage(timeline: Timeline, *, tail: bool = False) -> Incident:
    worst = Effect(
        scope={},
        windows=timeline.windows((_REGION,), _ONSET, _HALF_WELL),
        susceptible_share=0.45,
        retries_per_failure=0.5,
        held_back_share=0.2,
        signature=_SIGNATURE,
    )
    recovering = Effect(
        scope={},
        windows=timeline.windows((_REGION,), _HALF_WELL, _WELL),
        susceptible_share=0.2,
        retries_per_failure=0.5,
        held_back_share=0.1,
        signature=_SIGNATURE,
    )
    dependent = Effect(
        scope={},
        windows=timeline.windows((_REGION,), _WELL, _TAIL_END),
        susceptible_share=0.06,
        signature=_SIGNATURE,
    )
    effects = (worst, recovering, dependent) if tail else (worst, recovering)
    return Incident(effects=effects, culprit=WORKFLOW, name=STORAGE)


def _workflow(timeline: Timeline) -> ReleasePlan:
    return ReleasePlan(
        release=WORKFLOW,
        component="storage-cluster-management",
        version="1",
        started=_ONSET,
        # Its bake time outlasts any incident: the list is taken back, never completed.
        stages=(Stage(name=_REGION, regions=(_REGION,), bake=timedelta(days=30)),),
        rollbacks=(Rollback(time=timeline.at(_WELL)),),
    )
