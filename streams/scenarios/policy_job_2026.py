"""A policy job takes reads away: Azure FNJ8-VQZ, 2 February 2026, 18:03 to about 00:30 UTC.

From the public review: a job that enforces a policy switched anonymous reads off on storage that
holds VM extension packages, region after region; creating and scaling VMs and scale sets failed.
Alarms came from 18:29 on and were seen to belong together at 19:46. While reads came back, traffic
overloaded managed identities in East US and West US: from 00:08 to 06:05 creating, updating and
deleting resources failed there.

Ours, because nobody published it: which eleven regions, ten minutes apart; the order of recovery,
from 22:10 on, the two regions of the second wave shortly before it; how many operations failed.
"""

from datetime import UTC, datetime, timedelta

from streams.scenarios.concurrent_releases import concurrent_releases
from streams.scenarios.default_fleet import default_fleet
from streams.scenarios.fleet import ErrorKind
from streams.scenarios.generate import Scenario
from streams.scenarios.incident import Effect, Incident, RegionWindow
from streams.scenarios.options import Options, Timeline, assemble
from streams.scenarios.releases import ReleasePlan, Rollback, Stage

NAME = "policy-job-2026"
JOB = "storage-read-policy-job"
FIRST_WAVE = "extension-storage"
SECOND_WAVE = "managed-identity"

_ONSET = datetime(2026, 2, 2, 18, 3, tzinfo=UTC)
_SECOND_ONSET = datetime(2026, 2, 3, 0, 8, tzinfo=UTC)
_SECOND_END = datetime(2026, 2, 3, 6, 5, tzinfo=UTC)

_BETWEEN_REGIONS = timedelta(minutes=10)
_IN_ORDER_OF_THE_JOB = (
    "westcentralus",
    "northcentralus",
    "canadacentral",
    "uksouth",
    "westus2",
    "westus",
    "southcentralus",
    "northeurope",
    "eastus2",
    "westeurope",
    "eastus",
)
_FIRST_RECOVERY = datetime(2026, 2, 2, 22, 10, tzinfo=UTC)
_BETWEEN_RECOVERIES = timedelta(minutes=14)
_IN_ORDER_OF_RECOVERY = (
    "westcentralus",
    "northcentralus",
    "canadacentral",
    "uksouth",
    "southcentralus",
    "westus2",
    "westus",
    "eastus",
    "eastus2",
    "northeurope",
    "westeurope",
)


def policy_job_2026(options: Options) -> Scenario:
    """A policy job breaks VM extensions region by region; its mitigation breaks identities."""
    timeline = Timeline(onset=_ONSET, end=_SECOND_END, length=options.incident_duration)
    fleet = default_fleet(options.volume)
    first = _extension_storage(timeline)
    return assemble(
        NAME,
        options,
        fleet=fleet,
        incidents=(first, _managed_identity(timeline)),
        releases=(*concurrent_releases(fleet.region_names, _ONSET), _policy_job(first)),
    )


def _extension_storage(timeline: Timeline) -> Incident:
    recovered = {
        name: _FIRST_RECOVERY + number * _BETWEEN_RECOVERIES
        for number, name in enumerate(_IN_ORDER_OF_RECOVERY)
    }
    effect = Effect(
        scope={"operation": ("create", "update"), "resource_type": ("vm", "vm-scale-set")},
        windows=tuple(
            RegionWindow(
                region=name,
                onset=timeline.at(_ONSET + number * _BETWEEN_REGIONS),
                recovered=timeline.at(recovered[name]),
            )
            for number, name in enumerate(_IN_ORDER_OF_THE_JOB)
        ),
        susceptible_share=0.3,
        retries_per_failure=0.8,
        signature=(
            ErrorKind(code="VMExtensionProvisioningError", weight=85),
            ErrorKind(code="VMExtensionProvisioningTimeout", weight=15),
        ),
    )
    return Incident(effects=(effect,), culprit=JOB, name=FIRST_WAVE)


def _managed_identity(timeline: Timeline) -> Incident:
    effect = Effect(
        scope={"operation": ("create", "delete", "update")},
        windows=timeline.windows(("eastus", "westus"), _SECOND_ONSET, _SECOND_END),
        susceptible_share=0.25,
        retries_per_failure=0.6,
        signature=(
            ErrorKind(code="ManagedIdentityTokenUnavailable", weight=70),
            ErrorKind(code="TooManyRequests", weight=30),
        ),
    )
    return Incident(effects=(effect,), culprit=None, name=SECOND_WAVE, caused_by=FIRST_WAVE)


def _policy_job(incident: Incident) -> ReleasePlan:
    """Give the job as a release: it steps into each region at the onset there."""
    effect = incident.effects[0]
    undone = sorted(effect.windows, key=lambda window: window.recovered)
    steps = effect.windows
    return ReleasePlan(
        release=JOB,
        component="storage-policy",
        version="1",
        started=incident.onset,
        stages=tuple(
            Stage(
                name=f"region-{number + 1}",
                regions=(window.region,),
                bake=steps[min(number + 1, len(steps) - 1)].onset - window.onset,
            )
            for number, window in enumerate(steps)
        ),
        rollbacks=tuple(Rollback(time=w.recovered, regions=(w.region,)) for w in undone),
    )
