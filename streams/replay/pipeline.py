"""The stages of a live worker without Kafka between them: counts blocks in, records out."""

from collections.abc import Callable, Iterable, Mapping

from streams.config import Settings
from streams.domain.change_points import ChangePoint
from streams.domain.incidents import IncidentRecord
from streams.domain.releases import ReleaseEvent
from streams.stages.incidents import Incidents
from streams.stages.judge import Judge
from streams.windows.blocks import CountsBlock
from streams.windows.closed import ClosedWindow


class Pipeline:
    """A judge for every counts partition, and the incidents stage behind them."""

    def __init__(
        self,
        settings: Settings,
        on_window: Callable[[ClosedWindow], None],
        on_incident: Callable[[IncidentRecord], None],
    ) -> None:
        """Start without any knowledge.

        Args:
            settings: The installation's settings; the number of counts partitions matters, as it
                does live.
            on_window: Told of every closed window and of late outcomes.
            on_incident: Told of every incident record, in order.
        """
        partitions = range(settings.topics.counts_partitions)
        self._judges = [Judge(settings, partition) for partition in partitions]
        self._incidents = Incidents(settings)
        self._on_window = on_window
        self._on_incident = on_incident

    def add_releases(self, events: Iterable[ReleaseEvent]) -> None:
        """Take in the release log."""
        self._incidents.add_releases(events)

    def take(self, blocks: Mapping[int, Iterable[CountsBlock]]) -> None:
        """Take in what ingest has flushed.

        Args:
            blocks: Counts blocks by counts partition.
        """
        for partition, several in sorted(blocks.items()):
            for block in several:
                for closed in self._judges[partition].on_block(block):
                    self._on_window(closed)
                    for record in self._incidents.on_closed(closed):
                        self._on_incident(record)


def in_order(change_points: Iterable[ChangePoint]) -> list[ChangePoint]:
    """Sort change points by the time they were raised, then by series and kind.

    Partitions close their windows independently of each other, so the order in which they are
    raised says nothing.
    """
    return sorted(change_points, key=lambda point: (point.raised, point.place))
