"""What a decoder says about a value that can never be counted."""

from dataclasses import dataclass

import msgspec

from streams.domain.outcomes import DeadLetterReason

MAXIMUM_DETAIL = 300
"""Characters of a detail: it may quote the sender, who may have sent megabytes."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a value is refused.

    Attributes:
        reason: The closed set that is counted.
        detail: What exactly is wrong; names the field where there is one.
    """

    reason: DeadLetterReason
    detail: str


def reject(reason: DeadLetterReason, detail: str) -> Rejection:
    """Make a rejection whose detail is cut to a length fit for a log line."""
    return Rejection(reason, detail[:MAXIMUM_DETAIL])


def explain(error: Exception, value: bytes | None) -> Rejection:
    """Say what is wrong with a value that no decoder took.

    Args:
        error: What msgspec raised for it.
        value: The value.

    Returns:
        EMPTY for nothing at all, INVALID for JSON that breaks the contract, else MALFORMED: no
        JSON, no UTF-8, or nested deeper than the interpreter's recursion limit.
    """
    if value is None or not value.strip():
        return reject(DeadLetterReason.EMPTY, "the value is null" if value is None else "no bytes")
    if isinstance(error, msgspec.ValidationError):
        return reject(DeadLetterReason.INVALID, str(error))
    if isinstance(error, RecursionError):
        return reject(DeadLetterReason.MALFORMED, "nested too deeply")
    return reject(DeadLetterReason.MALFORMED, str(error))
