"""The fleet of the shipped scenarios: 20 regions, 600 series, 2,000 operations a minute.

Region names, zones and VM sizes are real ones of 2021. Weights, failure ratios and durations are
ours, chosen so that a large region sees about 250 operations a minute and a small one about 35, and
so that a success rate of 99.3 % is an ordinary day.
"""

from dataclasses import replace
from datetime import timedelta

from streams.domain.outcomes import Fault
from streams.scenarios.fleet import ErrorKind, Fleet, Operation, Region, Share


def default_fleet(operations_per_minute: float | None = None) -> Fleet:
    """Give the default fleet.

    Args:
        operations_per_minute: Mean volume over a day; the fleet's own (2,000) if None.

    Raises:
        ValueError: The volume is not positive.
    """
    if operations_per_minute is None:
        return _FLEET
    return replace(_FLEET, operations_per_minute=operations_per_minute)


def _region(name: str, weight: float, utc_offset_hours: float, *, zonal: bool = True) -> Region:
    return Region(
        name=name,
        weight=weight,
        utc_offset=timedelta(hours=utc_offset_hours),
        zones=("1", "2", "3") if zonal else (),
    )


_REGIONS = (
    _region("eastus", 12, -5),
    _region("eastus2", 11, -5),
    _region("westeurope", 11, 1),
    _region("northeurope", 9, 0),
    _region("westus2", 8, -8),
    _region("centralus", 7, -6),
    _region("southcentralus", 7, -6),
    _region("southeastasia", 6, 8),
    _region("westus", 5, -8, zonal=False),
    _region("uksouth", 5, 0),
    _region("japaneast", 5, 9),
    _region("australiaeast", 4.5, 10),
    _region("centralindia", 4, 5.5),
    _region("eastasia", 3.5, 8),
    _region("northcentralus", 3, -6, zonal=False),
    _region("canadacentral", 3, -5),
    _region("francecentral", 2.5, 1),
    _region("germanywestcentral", 2.5, 1),
    _region("brazilsouth", 2.5, -3),
    _region("westcentralus", 1.8, -7, zonal=False),
)

_OPERATIONS = (
    Operation(name="create", weight=30, failure_ratio=0.012, median_duration=timedelta(seconds=70)),
    Operation(name="start", weight=22, failure_ratio=0.007, median_duration=timedelta(seconds=35)),
    Operation(name="stop", weight=18, failure_ratio=0.003, median_duration=timedelta(seconds=40)),
    Operation(name="update", weight=20, failure_ratio=0.008, median_duration=timedelta(seconds=20)),
    Operation(name="delete", weight=10, failure_ratio=0.004, median_duration=timedelta(seconds=45)),
)

_FLEET = Fleet(
    regions=_REGIONS,
    os=(Share(value="windows", weight=45), Share(value="linux", weight=55)),
    vm_types=(
        Share(value="Standard_D4s_v3", weight=50),
        Share(value="Standard_F8s_v2", weight=20),
        Share(value="Standard_B2ms", weight=30),
    ),
    resource_types=(
        Share(value="vm", weight=70),
        Share(value="vm-scale-set", weight=22),
        Share(value="availability-set", weight=8),
    ),
    operations=_OPERATIONS,
    platform_errors=(
        ErrorKind(
            code="AllocationFailed",
            message="There is not enough free capacity for the requested size.",
            weight=40,
            fault=Fault.PLATFORM,
        ),
        ErrorKind(code="InternalExecutionError", weight=25, message="An internal error occurred."),
        ErrorKind(code="NetworkingInternalOperationError", weight=15),
        ErrorKind(
            code="ProvisioningFailed", weight=5, message="Provisioning of the resource failed."
        ),
    ),
    timeouts=(
        ErrorKind(
            code="OSProvisioningTimedOut",
            message="The guest did not report ready in time.",
            weight=15,
            fault=Fault.PLATFORM,
        ),
    ),
    caller_errors=(
        ErrorKind(
            code="QuotaExceeded",
            message="The operation would exceed the approved quota.",
            weight=60,
            fault=Fault.CALLER,
        ),
        ErrorKind(code="InvalidParameter", weight=40, fault=Fault.CALLER),
    ),
)
