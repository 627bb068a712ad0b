"""A small fleet that breaks and recovers, as judges and incidents tell it to an observer."""

from dataclasses import dataclass
from typing import Protocol

from small_fleets import SETTINGS, WARM_UP, Fault, blocks_of, fleet, progress, release

from streams.domain.incidents import IncidentRecord
from streams.stages.incidents import Incidents
from streams.stages.judge import Judge
from streams.windows.closed import ClosedWindow

ONSET, MENDED, WINDOWS = WARM_UP + 10, WARM_UP + 25, WARM_UP + 45
FAULT = Fault(first=ONSET, last=MENDED - 1, ratio=0.6, scope={"os": ["windows"]})


class Listener(Protocol):
    """Hears what the stages do."""

    def judged(self, partition: int, judge: Judge, windows: tuple[ClosedWindow, ...]) -> None:
        """Hear of closed windows."""

    def built(
        self, stage: Incidents, closed: ClosedWindow, records: tuple[IncidentRecord, ...]
    ) -> None:
        """Hear of incident records."""


@dataclass(slots=True)
class Told:
    """Totals of what was told."""

    trials: int = 0
    failures: int = 0
    change_points: int = 0


class FleetRun:
    """Judges and incidents over the fleet, step by step.

    Attributes:
        judges: The judge of each counts partition.
        incidents: The incidents stage.
        told: Totals of what was told.
    """

    def __init__(self) -> None:
        """Start before the first window; one release begins when the fleet breaks."""
        count = SETTINGS.topics.counts_partitions
        self.judges = [Judge(SETTINGS, partition) for partition in range(count)]
        self.incidents = Incidents(SETTINGS)
        self.incidents.add_releases([release("culprit", ONSET, os=["windows"])])
        self._tables = fleet(WINDOWS, [FAULT])
        self._window = 0
        self.told = Told()

    def repeat(self, listener: Listener, first: int, until: int) -> None:
        """Let the judges take windows once more, as after a crash; incidents hear nothing of it."""
        for window in range(first, until):
            blocks = blocks_of(SETTINGS, self._tables[window], (progress(window, window),))
            for partition, judge in enumerate(self.judges):
                for block in blocks[partition]:
                    listener.judged(partition, judge, judge.on_block(block))

    def go_on(self, listener: Listener, until: int) -> None:
        """Go on to before a window."""
        for window in range(self._window, until):
            table = self._tables[window]
            blocks = blocks_of(SETTINGS, table, (progress(window, window),))
            for partition, judge in enumerate(self.judges):
                for block in blocks[partition]:
                    closed = judge.on_block(block)
                    listener.judged(partition, judge, closed)
                    for one in closed:
                        self.told.change_points += len(one.change_points)
                        listener.built(self.incidents, one, self.incidents.on_closed(one))
            self.told.trials += int(table.trials.sum())
            self.told.failures += int(table.failures.sum())
        self._window = until
