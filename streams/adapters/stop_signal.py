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
