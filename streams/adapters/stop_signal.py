"""SIGINT and SIGTERM as something a loop can ask for."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event

STOPPING = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def told_to_stop() -> Iterator[Event]:
    """Give an event that SIGINT or SIGTERM sets, instead of what they do otherwise.

    To be used in the main thread.
    """
    told = Event()
    before = {number: signal.signal(number, lambda *_: told.set()) for number in STOPPING}
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def sigterm_as_ctrl_c() -> Iterator[None]:
    """Let SIGTERM raise KeyboardInterrupt, so that what has been started is stopped.

    To be used in the main thread.
    """
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
