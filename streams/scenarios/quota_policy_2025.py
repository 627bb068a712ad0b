"""Policy data meets old code: Google Cloud, 12 June 2025, 17:51 to 01:18 UTC of the next day.

From the public review (10:51 to 18:18 PDT): a check of quotas had been released region by region on
29 May, and nothing used it. At 17:45 a policy with empty fields was written and replicated to all
regions within seconds; the service that authorises every request read it and crashed everywhere. A
switch that turns the check off was ready after 25 minutes and had been thrown everywhere after 40;
most regions were well within two hours, us-central1 after 2 h 40 min, because the restarting tasks
overloaded what they read the policies from. Requests were refused at the door.

Ours, because nobody published it: that the published beginning is the onset in every region; how
many operations failed and how many never began; the order of recovery, from the smallest region to
the largest; that backlogs kept 4 % of the operations in us-central1 failing until the published
end.
"""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from streams.scenarios.concurrent_releases import concurrent_releases
from streams.scenarios.fleet import ErrorKind
from streams.scenarios.generate import Scenario
from streams.scenarios.incident import Effect, Incident, RegionWindow
from streams.scenarios.options import Options, Timeline, assemble
from streams.scenarios.provider_fleets import gcp_fleet
from streams.scenarios.releases import ReleasePlan, Rollback, Stage

POLICY = "quota-policy-data"
CHECK = "service-control-quota-check"

_REPLICATED = datetime(2025, 6, 12, 17, 45, tzinfo=UTC)
_ONSET = datetime(2025, 6, 12, 17, 51, tzinfo=UTC)
_FIRST_WELL = datetime(2025, 6, 12, 18, 31, tzinfo=UTC)
_LAST_WELL = datetime(2025, 6, 12, 19, 51, tzinfo=UTC)
_LARGEST_WELL = datetime(2025, 6, 12, 20, 31, tzinfo=UTC)
_END = datetime(2025, 6, 13, 1, 18, tzinfo=UTC)

_LARGEST = "us-central1"
_SIGNATURE = (
    ErrorKind(code="SERVICE_UNAVAILABLE", message="Visibility check was unavailable.", weight=85),
    ErrorKind(code="INTERNAL_ERROR", weight=15),
)


def quota_policy_2025(options: Options) -> Scenario:
    """Policy data breaks code released two weeks earlier, everywhere; regions recover apart."""
    timeline = Timeline(onset=_ONSET, end=_END, length=options.incident_duration)
    fleet = gcp_fleet(options.volume)
    incident = _crashing(timeline, fleet.region_names)
    second, third = (share.value for share in fleet.vm_types[1:])
    concurrent = concurrent_releases(fleet.region_names, _ONSET, machines=(second, third))
    return assemble(
        "quota-policy-2025",
        options,
        fleet=fleet,
        incidents=(incident,),
        releases=(*concurrent, _check(incident, fleet.region_names), _policy()),
    )


def _crashing(timeline: Timeline, regions: tuple[str, ...]) -> Incident:
    crashing = Effect(
        scope={},
        windows=tuple(
            RegionWindow(region=name, onset=timeline.at(_ONSET), recovered=timeline.at(well))
            for name, well in _recoveries(regions).items()
        ),
        susceptible_share=0.75,
        retries_per_failure=0.4,
        held_back_share=0.6,
        signature=_SIGNATURE,
    )
    backlog = Effect(
        scope={},
        windows=timeline.windows((_LARGEST,), _LARGEST_WELL, _END),
        susceptible_share=0.04,
        signature=_SIGNATURE,
    )
    return Incident(effects=(crashing, backlog), culprit=POLICY, latent_release=CHECK)


def _recoveries(regions: tuple[str, ...]) -> dict[str, datetime]:
    """Give when each region is well: from the smallest to the largest, the largest apart."""
    others = [name for name in reversed(regions) if name != _LARGEST]
    step = (_LAST_WELL - _FIRST_WELL) / (len(others) - 1)
    recovered = {name: _FIRST_WELL + number * step for number, name in enumerate(others)}
    return recovered | {_LARGEST: _LARGEST_WELL}


def _policy() -> ReleasePlan:
    return ReleasePlan(
        release=POLICY,
        component="service-control-policies",
        version="1",
        started=_REPLICATED,
        # Nobody took the data back while it mattered: the code that read it was switched off.
        stages=(Stage(name="global", bake=timedelta(days=30)),),
    )


def _check(incident: Incident, regions: tuple[str, ...]) -> ReleasePlan:
    """Give the old release, complete on 29 May, and the switch that turned it off again."""
    bounds = (0, 1, 4, 9, len(regions))
    names = ("canary", "early", "broad", "rest")
    off = sorted(incident.effects[0].windows, key=lambda window: window.recovered)
    return ReleasePlan(
        release=CHECK,
        component="service-control",
        version="2025.05.29",
        started=datetime(2025, 5, 27, 9, 0, tzinfo=UTC),
        stages=tuple(
            Stage(
                name=name,
                regions=tuple(reversed(regions))[first:last],
                gap=timedelta(minutes=30),
                bake=timedelta(hours=12),
            )
            for name, (first, last) in zip(names, pairwise(bounds), strict=True)
        ),
        rollbacks=tuple(Rollback(time=w.recovered, regions=(w.region,)) for w in off),
    )
