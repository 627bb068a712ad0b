"""What a replay is asked for, what it says while it runs, and what it says at its end."""

import enum
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from streams.domain.errors import OperatorError
from streams.windows.ranges import TimeRange


class KafkaContent(enum.Enum):
    """What of Kafka a replay starts from."""

    RAW = "raw"
    WINDOWS = "windows"


@dataclass(frozen=True, slots=True)
class ReplayRequest:
    """One replay: of files, or of a range of time in Kafka or the archive.

    Attributes:
        outcomes: Files of outcome events; empty where they come from elsewhere.
        windows: A windows table; None where `outcomes` are given.
        releases: A file of release events, if there is one.
        out: The folder to write.
        start: First event time to take, in seconds since the epoch; None for all.
        end: First event time not to take, in seconds since the epoch; None for all.
        kafka: What to read from Kafka; None where files are given.
        margin: How much further than `end` Kafka is read, in seconds of event time and of record
            time: what arrives later than that is missed.
        archive: Where the archive lies; None where windows come from elsewhere.
    """

    outcomes: tuple[Path, ...]
    windows: Path | None
    releases: Path | None
    out: Path
    start: float | None = None
    end: float | None = None
    kafka: KafkaContent | None = None
    margin: float = 3600.0
    archive: str | None = None

    def __post_init__(self) -> None:
        given = (
            bool(self.outcomes),
            self.windows is not None,
            self.kafka is not None,
            self.archive is not None,
        )
        if sum(given) != 1:
            raise OperatorError(
                "give either --outcomes FILE (once or more), --windows FILE, --kafka or "
                "--archive URL"
            )
        if self.kafka is not None and (self.start is None or self.end is None):
            raise OperatorError("--kafka needs --from TIME and --to TIME")
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise OperatorError("--from must be before --to")

    @property
    def range(self) -> TimeRange:
        """Give the range of event time."""
        return TimeRange(self.start, self.end)


@dataclass(frozen=True, slots=True)
class ReplaySummary:
    """What a replay read and found.

    Attributes:
        events: Records read.
        duplicates: Events left out because their id had been counted.
        late: Outcomes whose window was closed.
        dead_letters: Records that can never be counted.
        windows: Windows closed that had any operation.
        change_points: Change points raised.
        incidents: Incidents, however often their records were revised.
    """

    events: int
    duplicates: int
    late: int
    dead_letters: int
    windows: int
    change_points: int
    incidents: int


class Progress(Protocol):
    """Hears how far a replay or a simulation is."""

    def advance(self, done_bytes: int, total_bytes: int, events: int, windows: int) -> None:
        """Hear of progress, often; all figures count from the start.

        Args:
            done_bytes: How much is read (for a simulation: simulated seconds that are done).
            total_bytes: How much there is to read; 0 while that is not known.
            events: Events read or written.
            windows: Windows closed.
        """
        ...
