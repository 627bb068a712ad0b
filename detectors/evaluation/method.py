"""What a method is to the benchmark."""

from dataclasses import dataclass
from typing import Protocol

from detectors.arrays import Floats
from detectors.evaluation.cells import ChangeCell
from detectors.evaluation.streams import Streams


@dataclass(frozen=True, slots=True)
class Alarm:
    """A change that a method raised by its own threshold.

    Attributes:
        row: The series.
        window: The window that raised it.
        rising: Whether it says that failures became more frequent.
        onset: First changed window, estimated.
        low: Earliest window of the interval of the onset.
        high: Latest window of that interval.
    """

    row: int
    window: int
    rising: bool
    onset: int
    low: int
    high: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a method made of streams.

    Attributes:
        statistic: Running statistic, to be compared with a threshold, shape [T, S].
        threshold: The method's own threshold, where it promises something; infinite if it needs to
            be calibrated.
        alarms: What it raised by that threshold, in order of time.
    """

    statistic: Floats
    threshold: float = float("inf")
    alarms: tuple[Alarm, ...] = ()


class Method(Protocol):
    """Turns streams into a running statistic."""

    @property
    def name(self) -> str:
        """What the tables call it."""
        ...

    @property
    def lead(self) -> int:
        """How many windows before the onset it wants to see at most."""
        ...

    @property
    def most(self) -> int | None:
        """How many changing series of a cell it gets at most, and four times as many others.

        None for all; a method that takes one series at a time cannot have them.
        """
        ...

    @property
    def steady(self) -> int | None:
        """How many windows from the onset on of series in control it gets at most; None for all."""
        ...

    def suits(self, cell: ChangeCell) -> bool:
        """Say whether it can take the streams of a cell, and is quick enough for them.

        Args:
            cell: The change.
        """
        ...

    def run(self, streams: Streams) -> Run:
        """Go through the windows; the statistic of a window may use it and those before.

        Args:
            streams: Counts, with what is known.
        """
        ...
