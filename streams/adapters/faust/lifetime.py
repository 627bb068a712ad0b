"""The life of a Faust app: started, run until told to stop, stopped; a crash is an exception here."""

import asyncio
import signal
from collections.abc import Callable

import faust

STOP_SECONDS = 30.0
"""Patience with services that finish what they have begun."""


def run(app_factory: Callable[[], faust.App], stop_when: Callable[[], bool] = lambda: False) -> None:
    """Run an app until SIGINT or SIGTERM comes, or a condition holds.

    Args:
        app_factory: Makes the app, inside the event loop it will live in.
        stop_when: Asked a few times a second.

    Raises:
        Exception: Whatever the app, one of its agents or services has died of.
    """
    asyncio.run(_run(app_factory, stop_when))


async def _run(app_factory: Callable[[], faust.App], stop_when: Callable[[], bool]) -> None:
    loop = asyncio.get_running_loop()
    told = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    app = app_factory()
    app.loop = loop
    app.finalize()
    await app.start()
    while not (told.is_set() or app.crashed or stop_when()):
        await asyncio.sleep(0.1)
    try:
        await asyncio.wait_for(app.stop(), STOP_SECONDS)
    finally:
        if app.crash_reason is not None:
            raise app.crash_reason
