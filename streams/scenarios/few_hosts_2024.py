"""A few hosts of many: Linode, 22 November 2024, 21:43 to 23:16 UTC.

From the public report: about 20 of some 9,000 hosts were affected for an hour and a half.

Ours, because nobody published it: that the hosts were spread over all regions, that every operation
on them failed and nobody tried again, and that no release had to do with it. At that, 0.22 % of all
operations fail in addition to 0.8 % on an ordinary day, in every series a little: a watcher of
success ratios may well find nothing, and should then say nothing.
"""

from datetime import UTC, datetime

from streams.scenarios.concurrent_releases import concurrent_releases
from streams.scenarios.fleet import ErrorKind
from streams.scenarios.generate import Scenario
from streams.scenarios.incident import Effect, Incident
from streams.scenarios.options import Options, Timeline, assemble
from streams.scenarios.provider_fleets import linode_fleet

_ONSET = datetime(2024, 11, 22, 21, 43, tzinfo=UTC)
_END = datetime(2024, 11, 22, 23, 16, tzinfo=UTC)
_AFFECTED_HOSTS = 20 / 9_000


def few_hosts_2024(options: Options) -> Scenario:
    """About 20 of 9,000 hosts fail, spread over all regions: hardly to be seen."""
    timeline = Timeline(onset=_ONSET, end=_END, length=options.incident_duration)
    fleet = linode_fleet(options.volume)
    second, third = (share.value for share in fleet.vm_types[1:])
    effect = Effect(
        scope={},
        windows=timeline.windows(fleet.region_names, _ONSET, _END),
        susceptible_share=_AFFECTED_HOSTS,
        signature=(ErrorKind(code="HostUnresponsive"),),
    )
    return assemble(
        "few-hosts-2024",
        options,
        fleet=fleet,
        incidents=(Incident(effects=(effect,), culprit=None),),
        releases=concurrent_releases(fleet.region_names, _ONSET, machines=(second, third)),
    )
