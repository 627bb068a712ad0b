"""The terminal: how far a long command is, for people who watch and for logs."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

EVERY_S = 5.0
"""Between two lines where nobody watches: a log wants to be short."""

COUNTED = ("events", "windows")
"""What a replay counts."""


class LineProgress:
    """Says how far a command is in lines of plain text, now and then."""

    def __init__(
        self,
        title: str,
        stream: TextIO,
        monotonic: Callable[[], float],
        counted: tuple[str, str] = COUNTED,
    ) -> None:
        """Start the clock.

        Args:
            title: What is going on.
            stream: Where to write.
            monotonic: Gives a time in seconds that never goes back.
            counted: What is counted: what the rate is of, and another thing.
        """
        self._counted = counted
        self._title = title
        self._stream = stream
        self._monotonic = monotonic
        self._begun = self._told = monotonic()
        self._state = (0, 0, 0, 0)

    def advance(self, done_bytes: int, total_bytes: int, events: int, windows: int) -> None:
        """Hear of progress; see `streams.replay.request.Progress`."""
        self._state = (done_bytes, total_bytes, events, windows)
        now = self._monotonic()
        if now - self._told >= EVERY_S:
            self._told = now
            self._tell(now)

    def close(self) -> None:
        """Tell where it ended, if it was told that it began to take long."""
        if self._told > self._begun:
            self._tell(self._monotonic())

    def _tell(self, now: float) -> None:
        done, total, events, windows = self._state
        elapsed = max(now - self._begun, 1e-9)
        thing, other = self._counted
        rate = rate_text(events, elapsed, thing)
        parts = [f"{events} {thing}", rate, f"{windows} {other}"]
        if 0 < done <= total:
            parts.insert(0, f"{done / total:.0%}")
            parts.append(f"{elapsed * (total - done) / done:.0f} s left")
        print(f"{self._title}: {', '.join(parts)}", file=self._stream, flush=True)


class BarProgress:
    """Draws a bar with rate and time left."""

    def __init__(
        self,
        title: str,
        console: Console,
        monotonic: Callable[[], float],
        counted: tuple[str, str] = COUNTED,
    ) -> None:
        """Begin to draw.

        Args:
            title: What is going on.
            console: The terminal.
            monotonic: Gives a time in seconds that never goes back.
            counted: What is counted: what the rate is of, and another thing.
        """
        self._counted = counted
        self._monotonic = monotonic
        self._begun = monotonic()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self._task = self._bar.add_task(title, total=None, figures="")
        self._bar.start()

    def advance(self, done_bytes: int, total_bytes: int, events: int, windows: int) -> None:
        """Hear of progress; see `streams.replay.request.Progress`."""
        thing, other = self._counted
        rate = rate_text(events, max(self._monotonic() - self._begun, 1e-9), thing)
        self._bar.update(
            self._task,
            completed=done_bytes,
            total=total_bytes or None,
            figures=f"{events:,} {thing}, {rate}, {windows:,} {other}",
        )

    def close(self) -> None:
        """Take the bar away."""
        self._bar.stop()


@contextlib.contextmanager
def shown_progress(
    title: str, stream: TextIO | None = None, counted: tuple[str, str] = COUNTED
) -> Iterator[BarProgress | LineProgress]:
    """Show progress while the context is open: a bar on a terminal, else lines.

    Args:
        title: What is going on.
        stream: Where to show it; standard error unless given.
        counted: What is counted: what the rate is of, and another thing.
    """
    target = stream or sys.stderr
    shown: BarProgress | LineProgress
    if target.isatty():
        shown = BarProgress(title, Console(file=target), time.monotonic, counted)
    else:
        shown = LineProgress(title, target, time.monotonic, counted)
    try:
        yield shown
    finally:
        shown.close()


def rate_text(events: int, elapsed: float, thing: str = COUNTED[0]) -> str:
    """Give events, or whatever else, per second, in words for people."""
    return f"{events / elapsed:,.0f} {thing}/s"
