"""Lines up the counts partitions: a window is done when all of them have closed it."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from streams.windows.closed import ClosedWindow


@dataclass(slots=True)
class Alignment:
    """Running state.

    Attributes:
        partitions: Number of counts partitions.
        through: Newest closed window by partition.
        waiting: Pieces of windows that some partition has not closed yet.
    """

    partitions: int
    through: dict[int, int] = field(default_factory=dict)
    waiting: list[ClosedWindow] = field(default_factory=list)

    def add(self, message: ClosedWindow) -> Iterator[tuple[int, tuple[ClosedWindow, ...]]]:
        """Take in one message; one that was taken in before is passed over.

        Yields:
            Windows with any cells that all partitions have now closed, in time order, each with its
            pieces in the order of their partitions.
        """
        before = self.through.get(message.partition)
        if before is not None and message.closed_through <= before:
            return
        self.through[message.partition] = message.closed_through
        if message.window is not None:
            self.waiting.append(message)
        if len(self.through) < self.partitions:
            return
        bound = min(self.through.values())
        ready: dict[int, list[ClosedWindow]] = {}
        waiting = []
        for piece in self.waiting:
            if piece.closed_through > bound:
                waiting.append(piece)
            else:
                ready.setdefault(piece.closed_through, []).append(piece)
        self.waiting = waiting
        for window, pieces in sorted(ready.items()):
            yield window, tuple(sorted(pieces, key=lambda piece: piece.partition))
