"""Progress: a bar for people, a line now and then for logs."""

import io
import re

from rich.console import Console

from streams.adapters.terminal import EVERY_S, BarProgress, LineProgress, shown_progress


class Time:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_short_command_says_nothing_in_a_log() -> None:
    stream = io.StringIO()
    with shown_progress("Replaying", stream) as progress:
        progress.advance(50, 100, 10, 1)
    assert stream.getvalue() == ""


def test_a_long_command_says_how_far_it_is_how_fast_and_how_long_it_takes() -> None:
    stream, clock = io.StringIO(), Time()
    progress = LineProgress("Replaying", stream, clock)
    progress.advance(1, 100, 1, 0)
    clock.now += 2 * EVERY_S
    progress.advance(25, 100, 5000, 7)
    progress.advance(26, 100, 5001, 7)
    assert stream.getvalue() == (
        "Replaying: 25%, 5000 events, 500 events/s, 7 windows, 30 s left\n"
    )
    progress.advance(100, 100, 20000, 9)
    progress.close()
    assert stream.getvalue().splitlines()[-1] == (
        "Replaying: 100%, 20000 events, 2,000 events/s, 9 windows, 0 s left"
    )


def test_an_unknown_total_gives_no_time_left() -> None:
    stream, clock = io.StringIO(), Time()
    progress = LineProgress("Simulating", stream, clock)
    clock.now += EVERY_S
    progress.advance(7, 0, 10, 1)
    assert stream.getvalue() == "Simulating: 10 events, 2 events/s, 1 windows\n"


def test_a_terminal_gets_a_bar_with_rate_and_time_left() -> None:
    stream, clock = io.StringIO(), Time()
    console = Console(file=stream, force_terminal=True, width=120)
    progress = BarProgress("Replaying", console, clock)
    clock.now += 2
    progress.advance(50, 100, 1000, 3)
    progress.close()
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue())
    assert "Replaying" in text
    assert "50%" in text
    assert "1,000 events, 500 events/s, 3 windows" in text


def test_progress_on_a_terminal_is_the_bar() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    with shown_progress("Replaying", stream) as progress:
        assert isinstance(progress, BarProgress)
        progress.advance(1, 2, 3, 4)
