"""Fleets with the regions, zones, machine types and error codes of other providers.

The names are real ones. Everything else is the default fleet's, and so is ours: its operations and
their failure ratios, its daily profile, its 2,000 operations a minute. A region's weight is a guess
from the order in which the regions were opened.
"""

from dataclasses import replace
from datetime import timedelta

from streams.domain.outcomes import Fault
from streams.scenarios.default_fleet import default_fleet
from streams.scenarios.fleet import ErrorKind, Fleet, Region, Share


def aws_fleet(operations_per_minute: float | None = None) -> Fleet:
    """Give a fleet in 17 regions of AWS as of 2025; None for 2,000 operations a minute."""
    return _with_volume(_AWS, operations_per_minute)


def gcp_fleet(operations_per_minute: float | None = None) -> Fleet:
    """Give a fleet in the 18 regions Google Cloud had in 2018; None for 2,000 a minute."""
    return _with_volume(_GCP, operations_per_minute)


def linode_fleet(operations_per_minute: float | None = None) -> Fleet:
    """Give a fleet in 20 regions of Linode as of 2024; None for 2,000 operations a minute."""
    return _with_volume(_LINODE, operations_per_minute)


def azure_fleet_with_government(operations_per_minute: float | None = None) -> Fleet:
    """Give the default fleet with three regions of Azure Government; None for 2,000 a minute."""
    return _with_volume(_AZURE_WITH_GOVERNMENT, operations_per_minute)


def _with_volume(fleet: Fleet, operations_per_minute: float | None) -> Fleet:
    if operations_per_minute is None:
        return fleet
    return replace(fleet, operations_per_minute=operations_per_minute)


def _region(name: str, weight: float, utc_offset_hours: float, zones: str = "") -> Region:
    """Make a region; each letter of `zones` is appended to its name."""
    return Region(
        name=name,
        weight=weight,
        utc_offset=timedelta(hours=utc_offset_hours),
        zones=tuple(f"{name}{letter}" for letter in zones),
    )


def _google_region(name: str, weight: float, utc_offset_hours: float, zones: str = "abc") -> Region:
    """Make a region of Google Cloud, whose zones have a hyphen before their letter."""
    region = _region(name, weight, utc_offset_hours)
    return replace(region, zones=tuple(f"{name}-{letter}" for letter in zones))


def _machines(first: str, second: str, third: str) -> tuple[Share, ...]:
    return (
        Share(value=first, weight=50),
        Share(value=second, weight=20),
        Share(value=third, weight=30),
    )


def _platform(*codes: str) -> tuple[ErrorKind, ...]:
    """Make error kinds of the platform, the first the most frequent."""
    return tuple(
        ErrorKind(code=code, weight=weight, fault=Fault.PLATFORM)
        for code, weight in zip(codes, (40, 25, 15), strict=True)
    )


def _caller(often: str, seldom: str) -> tuple[ErrorKind, ...]:
    return (
        ErrorKind(code=often, weight=60, fault=Fault.CALLER),
        ErrorKind(code=seldom, weight=40, fault=Fault.CALLER),
    )


_AWS = replace(
    default_fleet(),
    regions=(
        _region("us-east-1", 20, -5, "abcdef"),
        _region("us-west-2", 13, -8, "abcd"),
        _region("eu-west-1", 11, 0, "abc"),
        _region("us-east-2", 9, -5, "abc"),
        _region("eu-central-1", 7, 1, "abc"),
        _region("ap-northeast-1", 6, 9, "acd"),
        _region("ap-southeast-1", 5, 8, "abc"),
        _region("ap-southeast-2", 5, 10, "abc"),
        _region("ap-south-1", 5, 5.5, "abc"),
        _region("eu-west-2", 4, 0, "abc"),
        _region("us-west-1", 3.5, -8, "bc"),
        _region("ca-central-1", 3, -5, "abd"),
        _region("ap-northeast-2", 2.5, 9, "abcd"),
        _region("sa-east-1", 2, -3, "abc"),
        _region("eu-west-3", 2, 1, "abc"),
        _region("eu-north-1", 1.5, 1, "abc"),
        _region("ap-northeast-3", 1, 9, "abc"),
    ),
    vm_types=_machines("m5.large", "c5.2xlarge", "t3.medium"),
    resource_types=(Share(value="instance", weight=78), Share(value="spot-instance", weight=22)),
    platform_errors=_platform("InsufficientInstanceCapacity", "InternalError", "Unavailable"),
    timeouts=(ErrorKind(code="Server.InternalError", weight=15, fault=Fault.PLATFORM),),
    caller_errors=_caller("InstanceLimitExceeded", "InvalidParameterValue"),
)

_GCP = replace(
    default_fleet(),
    regions=(
        _google_region("us-central1", 17, -6, "abcf"),
        _google_region("europe-west1", 11, 1, "bcd"),
        _google_region("us-east1", 10, -5, "bcd"),
        _google_region("asia-east1", 7, 8),
        _google_region("us-west1", 7, -8),
        _google_region("us-east4", 6, -5),
        _google_region("europe-west4", 6, 1),
        _google_region("europe-west2", 5, 0),
        _google_region("asia-northeast1", 5, 9),
        _google_region("asia-southeast1", 5, 8),
        _google_region("europe-west3", 4, 1),
        _google_region("asia-south1", 4, 5.5),
        _google_region("australia-southeast1", 3, 10),
        _google_region("us-west2", 3, -8),
        _google_region("northamerica-northeast1", 2.5, -5),
        _google_region("southamerica-east1", 2, -3),
        _google_region("europe-north1", 1.5, 2),
        _google_region("asia-east2", 1.5, 8),
    ),
    vm_types=_machines("n1-standard-4", "n1-highcpu-8", "n1-standard-1"),
    resource_types=(Share(value="instance", weight=75), Share(value="instance-group", weight=25)),
    platform_errors=_platform(
        "ZONE_RESOURCE_POOL_EXHAUSTED", "INTERNAL_ERROR", "RESOURCE_OPERATION_RATE_EXCEEDED"
    ),
    timeouts=(ErrorKind(code="TIMEOUT", weight=15, fault=Fault.PLATFORM),),
    caller_errors=_caller("QUOTA_EXCEEDED", "INVALID_USAGE"),
)

_LINODE = replace(
    default_fleet(),
    regions=(
        _region("us-east", 13, -5),
        _region("us-central", 10, -6),
        _region("eu-west", 9, 0),
        _region("eu-central", 9, 1),
        _region("ap-south", 8, 8),
        _region("us-west", 7, -8),
        _region("us-southeast", 7, -5),
        _region("ap-northeast", 5, 9),
        _region("ap-west", 5, 5.5),
        _region("ca-central", 4, -5),
        _region("ap-southeast", 4, 10),
        _region("us-ord", 4, -6),
        _region("us-iad", 4, -5),
        _region("fr-par", 3, 1),
        _region("nl-ams", 2.5, 1),
        _region("us-sea", 2.5, -8),
        _region("in-maa", 2, 5.5),
        _region("us-mia", 2, -5),
        _region("se-sto", 1.5, 1),
        _region("br-gru", 1.5, -3),
    ),
    vm_types=_machines("g6-standard-2", "g6-dedicated-4", "g6-nanode-1"),
    resource_types=(Share(value="linode", weight=85), Share(value="lke-node", weight=15)),
    platform_errors=_platform("JobFailed", "HostUnavailable", "InternalError"),
    timeouts=(ErrorKind(code="JobTimeout", weight=15, fault=Fault.PLATFORM),),
    caller_errors=_caller("LimitReached", "InvalidRequest"),
)

_AZURE_WITH_GOVERNMENT = replace(
    default_fleet(),
    regions=(
        *default_fleet().regions,
        Region(name="usgovvirginia", weight=3, utc_offset=timedelta(hours=-5)),
        Region(name="usgovarizona", weight=1.8, utc_offset=timedelta(hours=-7)),
        Region(name="usgovtexas", weight=1.6, utc_offset=timedelta(hours=-6)),
    ),
)
