"""Faulty content of a security product: CrowdStrike, 19 July 2024, 04:09 UTC.

From the public reviews: content for the Windows sensor was pushed to everybody at once at 04:09 and
taken back at 05:27; machines that had read it crashed and kept restarting until each was repaired
by hand, or had been restarted often enough: up to 15 times, customers were told. Linux had no part
in it. The provider of the machines knew nothing of the push.

Ours, because nobody published it: that 12 % of the first attempts to start or update a Windows VM
met a crashing machine, reached within 20 minutes of the push; that half of them still did after the
content had been taken back, until 10:09; that three further attempts followed on average.
"""

from datetime import UTC, datetime, timedelta

from streams.scenarios.concurrent_releases import concurrent_releases
from streams.scenarios.default_fleet import default_fleet
from streams.scenarios.fleet import ErrorKind, Scope
from streams.scenarios.generate import Scenario
from streams.scenarios.incident import Effect, Incident
from streams.scenarios.options import Options, Timeline, assemble

CONTENT = "third-party-content"

_ONSET = datetime(2024, 7, 19, 4, 9, tzinfo=UTC)
_REVERTED = datetime(2024, 7, 19, 5, 27, tzinfo=UTC)
_REPAIRED = datetime(2024, 7, 19, 10, 9, tzinfo=UTC)
_TO_EVERYBODY = timedelta(minutes=20)
_RESTARTS = 3.0

_SCOPE: Scope = {"os": ("windows",), "operation": ("start", "update")}
_SIGNATURE = (
    ErrorKind(code="VMAgentNotReporting", message="The guest agent did not report.", weight=75),
    ErrorKind(code="OSBootLoop", weight=25),
)


def crowdstrike_2024(options: Options) -> Scenario:
    """Windows VMs crash in all regions, by a third party's content that nobody registered."""
    timeline = Timeline(onset=_ONSET, end=_REPAIRED, length=options.incident_duration)
    fleet = default_fleet(options.volume)
    return assemble(
        "crowdstrike-2024",
        options,
        fleet=fleet,
        incidents=(faulty_content(timeline),),
        releases=concurrent_releases(fleet.region_names, _ONSET),
    )


def faulty_content(timeline: Timeline) -> Incident:
    """Give the incident on the default fleet's regions."""
    regions = default_fleet().region_names
    onset = timeline.at(_ONSET)
    pushed = Effect(
        scope=_SCOPE,
        windows=timeline.windows(regions, _ONSET, _REVERTED),
        susceptible_share=0.12,
        retries_per_failure=_RESTARTS,
        ramp=timeline.at(_ONSET + _TO_EVERYBODY) - onset,
        signature=_SIGNATURE,
    )
    left_over = Effect(
        scope=_SCOPE,
        windows=timeline.windows(regions, _REVERTED, _REPAIRED),
        susceptible_share=0.06,
        retries_per_failure=_RESTARTS,
        signature=_SIGNATURE,
    )
    return Incident(effects=(pushed, left_over), culprit=None, name=CONTENT)
