"""The outcome contract, version 1, as types: what a typed decoder checks while it reads."""

from typing import Annotated, Literal

import msgspec

EVENT_TYPE = "opwatch.operation.outcome.v1"

EventId = str | tuple[str, str]
"""What makes two events the same one: the id, or (source, id) of a CloudEvent."""

_Id = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
_Name = Annotated[str, msgspec.Meta(max_length=128)]
_Label = Annotated[str, msgspec.Meta(max_length=256)]


class OutcomeData(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The contract's fields; `id` and `time` may be left to the envelope of a CloudEvent."""

    id: _Id | None = None
    time: str | None = None
    operation: _Name
    outcome: Literal["success", "failure", "timeout", "cancelled"]
    region: _Name
    zone: _Name | None = None
    os: _Name | None = None
    vm_type: _Name | None = None
    resource_type: _Name | None = None
    resource_id: Annotated[str, msgspec.Meta(max_length=1024)] | None = None
    correlation_id: _Label | None = None
    started: str | None = None
    error_code: _Label | None = None
    error_message: Annotated[str, msgspec.Meta(max_length=4096)] | None = None
    fault: Literal["platform", "caller"] | None = None
    attributes: dict[str, _Label] = {}


class OutcomeEvent(OutcomeData, frozen=True, gc=False, kw_only=True):
    """The contract's fields of an event that travels alone."""

    id: _Id
    time: str


FIELDS = frozenset({"operation", "region", "zone", "os", "vm_type", "resource_type"})
"""Fields of the contract that may be dimensions; others are looked up in `attributes`."""
