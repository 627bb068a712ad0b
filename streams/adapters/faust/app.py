"""The Faust app of one worker: an agent for each stage, a service for ingest.

Faust brings group membership, the agents' consumer and the life of the process. It holds no state
of ours, and what it commits decides nothing: a partition's runner knows from its own snapshot where
it has to go on.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from threading import Event, Thread

import faust
import structlog
from faust.types import TP, Message, StreamT
from mode import Service

from streams.adapters.faust.failure import Failure
from streams.adapters.faust.partition import PartitionRunner, StageWiring
from streams.adapters.faust.transport import use_committed_transport
from streams.config import Settings
from streams.domain.errors import OutsideSystemError
from streams.ports import Clock

log = structlog.get_logger(__name__)

SERVICE_LOGGER = logging.getLogger("mode")
"""Where services tell of their steps; by itself mode takes the logger of a service's module."""


class TablelessApp(faust.App):
    """A Faust app that writes no folder: it would be for tables, and opwatch has none."""

    def _create_directories(self) -> None:
        """Leave the working folder as it is; it may well be read-only."""


class StageAgent:
    """Feeds the messages of one stage's topic to the runners of its partitions."""

    def __init__(
        self,
        app: faust.App,
        wiring: StageWiring,
        clock: Clock,
        every: timedelta,
        failure: Failure,
    ) -> None:
        """Create the agent; Faust starts it."""
        self._wiring = wiring
        self._clock = clock
        self._every = every.total_seconds()
        self._failure = failure
        self._owned: set[int] = set()
        self._stopped = False
        self._runners: dict[int, PartitionRunner] = {}
        # One thread: messages of a partition must stay in order, and the event loop free for
        # heartbeats.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=wiring.name)
        topic = app.topic(wiring.topic, value_type=bytes, value_serializer="raw", internal=False)
        app.agent(topic, name=f"{app.conf.id}-{wiring.name}")(self._consume)

    async def _consume(self, stream: StreamT[bytes]) -> None:
        async for event in stream.events():
            # What was on its way when its partition was taken away is somebody else's now: taking
            # it would shut the new owner out.
            if event.message.partition in self._owned and self._failure.error is None:
                await self._in_thread(self._take, event.message)

    def take_over(self, assigned: Iterable[TP]) -> None:
        """Note which partitions are this worker's from now on."""
        self._owned = set() if self._stopped else self._mine(assigned)

    async def catch_up(self) -> None:
        """Bring the partitions up to date, before their first message is taken."""
        if not self._stopped:
            await self._in_thread(self._open, sorted(self._owned))

    async def release(self, revoked: Iterable[TP]) -> None:
        """Give partitions up that have been revoked."""
        if not self._stopped:
            mine = self._mine(revoked)
            self._owned -= mine
            await self._in_thread(self._close, sorted(mine))

    async def stop(self) -> None:
        """Keep a last snapshot of every partition and give all of them up."""
        self._owned = set()
        self._stopped = True
        await self._in_thread(self._keep_and_close)
        self._thread.shutdown()

    async def _in_thread(self, call: Callable[..., None], *arguments: object) -> None:
        """Call in the thread; after an error, whatever it is, going on would lose a message."""
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, call, *arguments)
        except Exception as error:  # noqa: BLE001 - the worker ends with it
            self._failure.tell(error)

    def _mine(self, partitions: Iterable[TP]) -> set[int]:
        return {tp.partition for tp in partitions if tp.topic == self._wiring.topic}

    def _take(self, message: Message) -> None:
        if message.value is not None:
            self._runner(message.partition).take(message.offset, message.value)

    def _runner(self, partition: int) -> PartitionRunner:
        runner = self._runners.get(partition)
        if runner is None:
            runner = PartitionRunner(self._wiring, partition, self._clock, self._every)
            self._runners[partition] = runner
        return runner

    def _open(self, partitions: Sequence[int]) -> None:
        self._close([one for one in self._runners if one not in partitions])
        for partition in partitions:
            self._runner(partition).catch_up()

    def _keep_and_close(self) -> None:
        try:
            if self._failure.error is None:
                for runner in self._runners.values():
                    runner.keep()
        except OutsideSystemError as error:
            # Nothing is lost: the next start reads a little more.
            log.warning("last_snapshot_not_kept", stage=self._wiring.name, reason=str(error))
        finally:
            self._close(list(self._runners))

    def _close(self, partitions: Sequence[int]) -> None:
        for partition in partitions:
            runner = self._runners.pop(partition, None)
            if runner is not None:
                runner.close()


class AgentsService(Service):
    """Ends the agents with the worker: a last snapshot spares the next start the reading."""

    logger = SERVICE_LOGGER

    def __init__(self, agents: Sequence[StageAgent]) -> None:
        """Describe the service; Faust starts it."""
        super().__init__()
        self._agents = agents

    async def on_stop(self) -> None:
        """Keep snapshots and give the partitions up."""
        # Side by side: without Kafka each has to wait until its last transaction times out.
        await asyncio.gather(*(agent.stop() for agent in self._agents))


class ThreadService(Service):
    """Runs a blocking loop in a thread; if the loop dies, so does the worker."""

    logger = SERVICE_LOGGER

    def __init__(self, name: str, loop_until: Callable[[Event], None], failure: Failure) -> None:
        """Describe the service; Faust starts it."""
        super().__init__()
        self._loop_until = loop_until
        self._failure = failure
        self._told_to_stop = Event()
        self._thread = Thread(target=self._main, name=name, daemon=True)

    async def on_start(self) -> None:
        """Start the thread."""
        self._thread.start()

    async def on_stop(self) -> None:
        """Ask the thread to finish what it has begun, and wait for it."""
        self._told_to_stop.set()
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join)

    def _main(self) -> None:
        try:
            self._loop_until(self._told_to_stop)
        except BaseException as error:  # noqa: BLE001 - the worker ends with it
            self._failure.tell(error)


@dataclass(frozen=True, slots=True)
class WorkerApp:
    """A Faust app, the services that live as long as it, and what any of it dies of."""

    app: faust.App
    services: tuple[Service, ...]
    failure: Failure


def build_app(
    settings: Settings,
    stages: Sequence[StageWiring],
    loops: Sequence[tuple[str, Callable[[Event], None]]],
    clock: Clock,
    *,
    check_crcs: bool = True,
) -> WorkerApp:
    """Build the Faust app of a worker.

    Args:
        settings: The installation's settings.
        stages: Stages this worker runs.
        loops: Blocking loops to run beside them, by name.
        clock: Processing time.
        check_crcs: Whether messages' checksums are checked; those of the embedded broker are wrong.
    """
    timeout = settings.kafka.session_timeout.total_seconds()
    app = TablelessApp(
        settings.kafka.application,
        broker=";".join(f"kafka://{one}" for one in settings.kafka.bootstrap.split(",")),
        broker_session_timeout=timeout,
        broker_heartbeat_interval=timeout / 5,
        broker_rebalance_timeout=timeout,
        broker_commit_interval=1.0,
        broker_check_crcs=check_crcs,
        consumer_auto_offset_reset="earliest",
        table_standby_replicas=0,
        topic_disable_leader=True,
        topic_allow_declare=False,
        stream_wait_empty=False,
        web_enabled=False,
        store="memory://",
    )
    # Without a stage there is no topic to subscribe to, and Faust's consumer dies of that.
    app.producer_only = not stages
    use_committed_transport(app)
    failure = Failure()
    every = settings.worker.snapshot_every
    agents = [StageAgent(app, wiring, clock, every, failure) for wiring in stages]

    async def take_over(_: faust.App, assigned: Iterable[TP], **__: object) -> None:
        # Not awaited: reading up may take longer than a rebalance may, and messages wait behind it
        # anyway.
        for agent in agents:
            agent.take_over(assigned)
            app.add_future(agent.catch_up())

    async def release(_: faust.App, revoked: Iterable[TP], **__: object) -> None:
        for agent in agents:
            await agent.release(revoked)

    # Faust's types ask for a positional variadic that its signals never send.
    app.on_partitions_assigned.connect(take_over, weak=False)  # type: ignore[arg-type]
    app.on_partitions_revoked.connect(release, weak=False)  # type: ignore[arg-type]
    services = [AgentsService(agents), *(ThreadService(*loop, failure) for loop in loops)]
    return WorkerApp(app, tuple(services), failure)
