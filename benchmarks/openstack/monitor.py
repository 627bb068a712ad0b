"""opwatch as a replay runs it, driven batch by batch, so that it can be forked on the way."""

import copy
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Self

from streams.config import IngestSettings, Settings, TopicSettings
from streams.domain.incidents import IncidentRecord
from streams.domain.outcomes import SourcePartition
from streams.domain.releases import ReleaseEvent
from streams.replay.pipeline import Pipeline
from streams.stages.ingest import Ingest, RecordBatch
from streams.windows.closed import ClosedWindow

if TYPE_CHECKING:
    from streams.domain.change_points import ChangePoint

SOURCE = SourcePartition("files", 0)

SETTINGS = Settings(
    # Sixteen regions times five operations are a hundred series: one judge is enough, and it costs
    # a quarter of the usual four.
    topics=TopicSettings(counts_partitions=1),
    ingest=IngestSettings(dimensions=("region", "os", "vm_type", "operation")),
)
"""The defaults, but for the number of counts partitions."""


class Monitor:
    """Ingest, judge and incidents behind each other, as in `streams.replay.driver`.

    Attributes:
        records: All incident records so far, in order.
        change_points: All change points so far, in order.
    """

    def __init__(self, settings: Settings = SETTINGS) -> None:
        """Start without any knowledge."""
        self.records: list[IncidentRecord] = []
        self.change_points: list[ChangePoint] = []
        self._pipeline = Pipeline(settings, self._on_window, self._on_incident)
        self._ingest = Ingest(settings, partitions_of={SOURCE.topic: 1})
        self._ingest.assign(SOURCE, None)
        self._read = 0

    def add_releases(self, events: Iterable[ReleaseEvent]) -> None:
        """Take in release events; they count from their event times on."""
        self._pipeline.add_releases(events)

    def feed(self, lines: Sequence[bytes], now: float) -> None:
        """Take in outcome events.

        Args:
            lines: JSON objects in order of time.
            now: Processing time, in seconds since the epoch: not before the last of them.
        """
        offsets = range(self._read, self._read + len(lines))
        self._read += len(lines)
        self._ingest.process(RecordBatch(SOURCE, lines, offsets, None, None), now)
        self._take()

    def finish(self) -> None:
        """Close what is open: nothing follows."""
        self._ingest.set_idle(SOURCE, idle=True)
        self._take()

    def fork(self) -> Self:
        """Give a monitor that knows the same and learns on by itself."""
        return copy.deepcopy(self)

    def _take(self) -> None:
        self._pipeline.take(self._ingest.flush().blocks)

    def _on_window(self, closed: ClosedWindow) -> None:
        self.change_points += closed.change_points

    def _on_incident(self, record: IncidentRecord) -> None:
        self.records.append(record)
