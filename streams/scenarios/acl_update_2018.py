"""Half of the instance creations fail: Google Compute Engine, us-central1-a, 5 November 2018.

From the public review (04:58 to 09:46 PST, 12:58 to 17:46 UTC): a job that updates access control
lists crashed while it wrote one and left it corrupted; half of the new instances in one zone failed
or were slow to be created.

Ours, because nobody published it: that all of the half failed and nobody tried again; that the
update was registered, with an exposure of one half; that another rollout reached the region twelve
minutes before it.
"""

from datetime import UTC, datetime, timedelta

from streams.scenarios.concurrent_releases import concurrent_releases, reaching
from streams.scenarios.fleet import ErrorKind
from streams.scenarios.generate import Scenario
from streams.scenarios.incident import Effect, Incident
from streams.scenarios.options import Options, Timeline, assemble
from streams.scenarios.provider_fleets import gcp_fleet
from streams.scenarios.releases import ReleasePlan, Rollback, Stage

UPDATE = "access-list-update"

_REGION = "us-central1"
_ZONE = "us-central1-a"
_ONSET = datetime(2018, 11, 5, 12, 58, tzinfo=UTC)
_END = datetime(2018, 11, 5, 17, 46, tzinfo=UTC)
_SHARE = 0.5


def acl_update_2018(options: Options) -> Scenario:
    """Half of the creations fail in one zone, by an access list written only in part."""
    timeline = Timeline(onset=_ONSET, end=_END, length=options.incident_duration)
    fleet = gcp_fleet(options.volume)
    second, third = (share.value for share in fleet.vm_types[1:])
    suspect = reaching(
        _REGION,
        _ONSET - timedelta(minutes=12),
        release="live-migration-17",
        component="live-migration",
        version="17.0",
        regions=fleet.region_names,
    )
    return assemble(
        "acl-update-2018",
        options,
        fleet=fleet,
        incidents=(_corrupted_list(timeline),),
        releases=(
            *concurrent_releases(fleet.region_names, _ONSET, machines=(second, third)),
            suspect,
            _update(timeline),
        ),
    )


def _corrupted_list(timeline: Timeline) -> Incident:
    effect = Effect(
        scope={"operation": ("create",), "zone": (_ZONE,)},
        windows=timeline.windows((_REGION,), _ONSET, _END),
        susceptible_share=_SHARE,
        signature=(
            ErrorKind(code="PERMISSION_LIST_UNREADABLE", weight=80),
            ErrorKind(code="INTERNAL_ERROR", weight=20),
        ),
    )
    return Incident(effects=(effect,), culprit=UPDATE)


def _update(timeline: Timeline) -> ReleasePlan:
    return ReleasePlan(
        release=UPDATE,
        component="access-lists",
        version="1",
        started=_ONSET,
        # Its bake time outlasts any incident: the update is taken back, never completed.
        stages=(Stage(name="zone", regions=(_REGION,), exposure=_SHARE, bake=timedelta(days=30)),),
        scope={"zone": (_ZONE,)},
        rollbacks=(Rollback(time=timeline.at(_END)),),
    )
