"""What detectors have in common, and what the checks have to be told about one."""

import dataclasses
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

import numpy as np

from detectors.arrays import Flags, Floats, Integers, Snapshot
from detectors.detections import Direction


class Change(Protocol):
    """A change found in one series: a frozen dataclass, see `Detection`."""

    @property
    def row(self) -> int:
        """The series."""

    @property
    def direction(self) -> Direction:
        """Which way it changed."""

    @property
    def window(self) -> int:
        """Index of the window that raised it."""

    @property
    def onset(self) -> int:
        """First changed window, estimated."""

    @property
    def onset_low(self) -> int:
        """Earliest onset of its interval."""

    @property
    def onset_high(self) -> int:
        """Latest onset of its interval."""


class Step(Protocol):
    """What one window did: a frozen dataclass, see `BankStep`."""

    @property
    def window(self) -> int:
        """Index of the window."""

    @property
    def learning(self) -> Flags:
        """Whether a series is not judged yet, shape [S]."""

    @property
    def statistic(self) -> Floats:
        """Evidence after the window, before an alarm sets it back, shape [S]."""

    @property
    def threshold(self) -> float:
        """What the evidence of a series has to reach on its own."""

    @property
    def detections(self) -> Sequence[Change]:
        """Changes raised in the window, or in empty ones left out before it."""


class Detector(Protocol):
    """Watches many series, a row each, window by window.

    How it takes a window in, and how it is built from settings or from a snapshot, differs from one
    to the other: a `Subject` tells.
    """

    @property
    def size(self) -> int:
        """Number of series."""

    def add(self, groups: Integers) -> None:
        """Append series, each of a group that lends it what a single series cannot know."""

    def keep(self, rows: Integers) -> None:
        """Drop all other series; row i becomes what row rows[i] was."""

    def snapshot(self) -> Snapshot:
        """Give the whole state as plain data."""


AnyDetector = TypeVar("AnyDetector", bound=Detector)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A stream in which some series change.

    Attributes:
        counts: Counts by window, field and series, shape [T, K, S].
        onset: First changed window.
        rows: Series that degrade there, at once.
        within: Windows, that of the onset counted, in which every one of them must be found.
    """

    counts: Integers
    onset: int
    rows: Integers
    within: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject(Generic[AnyDetector]):
    """A detector that is to be checked, and streams that suit it.

    Streams are drawn from a seeded generator, so that a check gives the same result every time. All
    have the same number of series.

    Attributes:
        name: What to call it.
        groups: Group of every series of the streams, shape [S].
        fields: Names of the counts of a window, as in the detector's messages. The first are
            operations; the others are parts of them, none larger.
        build: Builds a detector with a series for each of the given groups.
        resume: Builds the detector that a snapshot was taken of.
        step: Lets a detector judge a window: its index, and counts of shape [K, S].
        quiet: Draws counts in control, shape [T, K, S].
        promised: Windows with a false alarm that are promised at most, on average, in all that
            `quiet` draws.
        abrupt: Draws a change that nobody can miss, and its end within the stream.
        faint: Draws a change that takes five windows and more to be found, in as many series as
            give a median.
        empty_is_evidence: Whether a window without operations says something about their change.
    """

    name: str
    groups: Integers
    fields: tuple[str, ...]
    build: Callable[[Integers], AnyDetector]
    resume: Callable[[Snapshot], AnyDetector]
    step: Callable[[AnyDetector, int, Integers], Step]
    quiet: Callable[[np.random.Generator], Integers]
    promised: float
    abrupt: Callable[[np.random.Generator], Case]
    faint: Callable[[np.random.Generator], Case]
    empty_is_evidence: bool = False

    def fresh(self) -> AnyDetector:
        """Build a detector of all series."""
        return self.build(self.groups)

    def run(
        self,
        detector: AnyDetector,
        counts: Integers,
        windows: Iterable[int] | None = None,
        origin: int = 0,
    ) -> list[Step]:
        """Let a detector judge some windows of a stream, or all, counted from an origin."""
        chosen = range(counts.shape[0]) if windows is None else windows
        return [self.step(detector, window + origin, counts[window]) for window in chosen]


WINDOWS: Final = frozenset(("window", "onset", "onset_low", "onset_high"))
"""Fields that hold the index of a window."""


def told(value: object, origin: int = 0) -> Hashable:
    """Put what a detector says into a form that compares bit by bit.

    Args:
        value: A step, a detection, a snapshot, or anything in one of them.
        origin: Where to count windows from.
    """
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, dict):
        return tuple((name, told(value[name], origin)) for name in sorted(value))
    if dataclasses.is_dataclass(value):
        names = [field.name for field in dataclasses.fields(value)]
        return tuple(
            getattr(value, name) - origin if name in WINDOWS else told(getattr(value, name), origin)
            for name in names
        )
    if isinstance(value, tuple | list):
        return tuple(told(one, origin) for one in value)
    return repr(value)
