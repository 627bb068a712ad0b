"""The life of a Faust app: started, run, stopped; a crash is an exception here."""

import asyncio
import signal
from collections.abc import Callable

from streams.adapters.faust.app import WorkerApp

BEAT_SECONDS = 0.1
"""How often it is looked whether to stop."""

STOP_SECONDS = 30.0
"""Patience with services that finish what they have begun."""


def run(
    make: Callable[[], WorkerApp],
    on_beat: Callable[[], None],
    stop_when: Callable[[], bool] = lambda: False,
) -> None:
    """Run an app until SIGINT or SIGTERM comes, or a condition holds.

    Args:
        make: Makes the app, inside the event loop it will live in.
        on_beat: Called a few times a second, as long as the event loop turns.
        stop_when: Asked a few times a second.

    Raises:
        Exception: Whatever the app, one of its agents or services has died of.
    """
    asyncio.run(_run(make, on_beat, stop_when))


async def _run(
    make: Callable[[], WorkerApp], on_beat: Callable[[], None], stop_when: Callable[[], bool]
) -> None:
    loop = asyncio.get_running_loop()
    told = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    worker = make()
    app = worker.app
    app.finalize()
    await app.start()
    for service in worker.services:
        await app.add_runtime_dependency(service)
    while not (told.is_set() or app.crashed or stop_when()):
        on_beat()
        await asyncio.sleep(BEAT_SECONDS)
    try:
        await asyncio.wait_for(app.stop(), STOP_SECONDS)
    finally:
        if app.crash_reason is not None:
            raise app.crash_reason
