"""The life of a Faust app: started, run, stopped; whatever it dies of is an exception here."""

import asyncio
import signal
from collections.abc import Callable

from aiokafka.errors import KafkaError

from streams.adapters.faust.app import WorkerApp
from streams.domain.errors import OutsideSystemError

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
        OutsideSystemError: Faust cannot go on with Kafka.
        Exception: Whatever else the app, one of its agents or services has died of.
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
    app, failure = worker.app, worker.failure
    app.finalize()
    try:
        await app.start()
        for service in worker.services:
            await app.add_runtime_dependency(service)
        while not (told.is_set() or failure.error or app.crashed or stop_when()):
            on_beat()
            await asyncio.sleep(BEAT_SECONDS)
    except Exception as error:  # noqa: BLE001 - told below, once the app has been stopped
        failure.tell(error)
    if app.crash_reason is not None:
        failure.tell(app.crash_reason)
    await _stop(worker)
    if failure.error is not None:
        raise _translated(failure.error, worker)


async def _stop(worker: WorkerApp) -> None:
    """Stop the app; what goes wrong on the way matters only if nothing had before."""
    try:
        await asyncio.wait_for(worker.app.stop(), STOP_SECONDS)
    except TimeoutError:
        worker.failure.tell(OutsideSystemError(f"the worker did not stop in {STOP_SECONDS:.0f} s"))
    except Exception as error:  # noqa: BLE001 - told by the caller
        worker.failure.tell(error)


def _translated(error: BaseException, worker: WorkerApp) -> BaseException:
    if isinstance(error, KafkaError):
        address = ",".join(str(url).rpartition("/")[2] for url in worker.app.conf.broker)
        told = OutsideSystemError(f"Faust cannot go on with Kafka at {address}: {error}")
        told.__cause__ = error
        return told
    return error
