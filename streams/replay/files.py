"""Files as recordings: outcome events, each file a partition, or a windows table."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import structlog

from streams.config import Settings
from streams.domain.errors import OperatorError
from streams.domain.outcomes import SourcePartition
from streams.domain.releases import ReleaseEvent
from streams.domain.time import window_start
from streams.formats.release_json import decode_release
from streams.replay.inputs import NEVER, file_size, oldest_windows, read_events, read_windows
from streams.replay.trials import Wanted, wanted_of_truth
from streams.stages.recordings import RecordedEvents, RecordedWindows
from streams.stages.records import RecordBatch
from streams.windows.ranges import TimeRange

log = structlog.get_logger("opwatch.replay")

FILES = "files"
"""Topic that stands for the files of a replay: each file is a partition of it."""


class OutcomeFiles:
    """Files of outcome events, each read from its beginning to its end."""

    def __init__(self, paths: Sequence[Path]) -> None:
        """Look at the files.

        Raises:
            OperatorError: One is missing or a folder.
        """
        self._paths = tuple(paths)
        self.size = sum(file_size(path) for path in self._paths)
        self.sources = tuple(SourcePartition(FILES, number) for number in range(len(self._paths)))
        self._batches = [read_events(path) for path in self._paths]

    def read(self, source: SourcePartition, watermark: float) -> RecordedEvents | None:  # noqa: ARG002 a file is read whole
        """Give the next lines of a file; see `OutcomeRecording.read`."""
        batch = next(self._batches[source.partition], None)
        if batch is None:
            return None
        last = batch.first_line + len(batch.lines)
        records = RecordBatch(source, batch.lines, range(batch.first_line, last), None, None)
        return RecordedEvents(records, batch.position)

    def place(self, source: SourcePartition, offset: int) -> Mapping[str, str | int]:
        """Give file and line, counted from 1."""
        return {"file": str(self._paths[source.partition]), "line": offset + 1}


@dataclass(frozen=True, slots=True)
class WindowsFile:
    """A windows table.

    Attributes:
        path: The Parquet file.
        settings: For dimensions and window length.
        wanted: The range of event time.
    """

    path: Path
    settings: Settings
    wanted: TimeRange

    @property
    def size(self) -> int:
        """Give the size of the file in bytes.

        Raises:
            OperatorError: It is missing or a folder.
        """
        return file_size(self.path)

    def windows(self) -> Iterator[RecordedWindows]:
        """Give the cells in the range.

        The table is read twice: first to learn how old what is still to come may be, so that
        windows close as early as they can and a long table need not be held.
        """
        seconds = self.settings.windows.seconds
        dimensions = self.settings.ingest.dimensions
        start = -np.inf if self.wanted.start is None else self.wanted.start
        end = np.inf if self.wanted.end is None else self.wanted.end
        oldest = list(oldest_windows(self.path, seconds, start, end))
        batches = read_windows(self.path, dimensions, seconds)
        for batch, before in zip(batches, _complete_before(oldest, seconds), strict=True):
            cells = self.wanted.cells(batch.cells, seconds)
            yield RecordedWindows(cells, before, batch.position)


def read_releases(path: Path | None) -> list[ReleaseEvent]:
    """Read release events; bad ones are logged with their line and passed over.

    Raises:
        OperatorError: The file is missing, unreadable, damaged or of an unknown kind.
        OutsideSystemError: The disk failed.
    """
    events = []
    for batch in read_events(path) if path is not None else ():
        for number, line in enumerate(batch.lines, batch.first_line):
            event = decode_release(line)
            if isinstance(event, ReleaseEvent):
                events.append(event)
            elif line.strip():
                log.warning(
                    "release_set_aside", file=str(path), line=number + 1, detail=event.detail
                )
    return events


def read_truth(path: Path) -> tuple[Wanted, ...]:
    """Read the incidents of a `truth.json` that `opwatch simulate` wrote.

    Raises:
        OperatorError: It is missing, or no such file.
    """
    file_size(path)
    try:
        return wanted_of_truth(msgspec.json.decode(path.read_bytes()))
    except (msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
        raise OperatorError(
            f"{path} is no truth.json of `opwatch simulate`: {type(error).__name__}: {error}"
        ) from error


def _complete_before(oldest: Sequence[int], seconds: int) -> list[float | None]:
    """Give, for each table, the start of the oldest window that the tables after it are of."""
    following = [NEVER]
    for one in reversed(oldest[1:]):
        following.append(min(one, following[-1]))
    return [None if one == NEVER else window_start(one, seconds) for one in reversed(following)]
