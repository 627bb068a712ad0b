"""Outcome events and the doors for what is no outcome."""

import enum
from dataclasses import dataclass


class Outcome(enum.Enum):
    """How an operation ended, by the outcome contract."""

    SUCCESS = "success"
    FAILURE = "failure"
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"


class Fault(enum.Enum):
    """Whose fault a failure is."""

    PLATFORM = "platform"
    CALLER = "caller"


@dataclass(frozen=True, slots=True, order=True)
class SourcePartition:
    """One partition of a source topic, or one file of a replay (topic = its path, partition 0)."""

    topic: str
    partition: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record set aside: it can never be counted.

    Attributes:
        source: Where it came from.
        offset: Its offset there (in a file: the line number, from 0).
        reason: A `DeadLetterReason`.
        detail: What exactly is wrong, in a sentence that names the field.
        value: The original bytes; None for a null value.
    """

    source: SourcePartition
    offset: int
    reason: "DeadLetterReason"
    detail: str
    value: bytes | None


class DeadLetterReason(enum.Enum):
    """Why a record can never be counted; a closed set, because it is a metric label."""

    EMPTY = "empty"
    MALFORMED = "malformed"
    INVALID = "invalid"
    TIME_OUT_OF_RANGE = "time_out_of_range"
    TIME_AHEAD = "time_ahead"
    TOO_LARGE = "too_large"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True)
class LateOutcome:
    """An outcome that came after its window had closed: counted as late, and kept."""

    source: SourcePartition
    offset: int
    window: int
    value: bytes
