"""The Faust side of a worker: who owns a partition works on it, and one error ends it in order."""

import asyncio
import logging
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Event, Timer
from types import SimpleNamespace
from typing import cast

import faust
import pytest
from aiokafka.errors import KafkaConnectionError
from faust.types import TP, StreamT
from manual_clock import ManualClock
from memory_store import Memory, MemoryStageStore
from structlog.testing import capture_logs

from streams.adapters.faust import lifetime
from streams.adapters.faust.app import (
    AgentsService,
    StageAgent,
    ThreadService,
    WorkerApp,
    build_app,
)
from streams.adapters.faust.failure import Failure
from streams.adapters.faust.partition import PartitionStage, StageWiring
from streams.adapters.faust.transport import QUIET_SECONDS, Seldom
from streams.config import Settings
from streams.domain.errors import OutsideSystemError
from streams.ports import OutgoingMessage, StageStore

TOPIC = "numbers"


class Echo:
    """A stage that gives back what it takes, and breaks at `broken`."""

    def take(self, value: bytes) -> list[OutgoingMessage]:
        if value == b"broken":
            message = "a defect"
            raise RuntimeError(message)
        return [OutgoingMessage("echo", value)]

    def snapshot(self) -> bytes:
        return b"echo"


class Deaf:
    """An observer that does not care."""

    def stepped(self, stage: str, seconds: float) -> None:
        pass

    def caught_up(self, stage: str, partition: int) -> None:
        pass

    def kept(self, stage: str, partition: int) -> None:
        pass

    def released(self, stage: str, partition: int) -> None:
        pass


@dataclass
class World:
    """Some partitions and an agent over them."""

    memories: dict[int, Memory] = field(default_factory=dict)
    failure: Failure = field(default_factory=Failure)

    def agent(self) -> StageAgent:
        """Make the agent; inside an event loop."""
        app = faust.App("t", broker="kafka://127.0.0.1:1", web_enabled=False, store="memory://")
        wiring = StageWiring("echo", TOPIC, self._make, self._store, Deaf())
        return StageAgent(app, wiring, ManualClock(), timedelta(hours=1), self.failure)

    async def feed(self, agent: StageAgent, *messages: tuple[int, bytes | None]) -> None:
        """Send messages (partition, value) as Faust would."""
        stream = cast("StreamT[bytes]", SimpleNamespace(events=lambda: self._events(messages)))
        await agent._consume(stream)  # noqa: SLF001 - what Faust calls

    def output(self, partition: int) -> list[bytes | None]:
        """Give what has been written for a partition."""
        return [message.value for message in self.memories[partition].output]

    async def _events(
        self, messages: Iterable[tuple[int, bytes | None]]
    ) -> AsyncIterator[SimpleNamespace]:
        for partition, value in messages:
            memory = self.memories.setdefault(partition, Memory())
            memory.input.append(value or b"")
            offset = len(memory.input) - 1
            message = SimpleNamespace(partition=partition, offset=offset, value=value)
            yield SimpleNamespace(message=message)

    def _make(self, _: int, __: bytes | None, ___: ExitStack) -> PartitionStage:
        return Echo()

    def _store(self, partition: int) -> StageStore:
        return MemoryStageStore(self.memories.setdefault(partition, Memory()))


def partitions(*numbers: int) -> set[TP]:
    return {TP(TOPIC, number) for number in numbers} | {TP("another topic", 9)}


def in_loop(scenario: Callable[[World], Awaitable[None]]) -> World:
    """Run a scenario with an agent's world."""
    world = World()

    async def run() -> None:
        await scenario(world)

    asyncio.run(run())
    return world


def test_an_agent_works_on_its_own_partitions_only() -> None:
    async def scenario(world: World) -> None:
        agent = world.agent()
        agent.take_over(partitions(0, 1))
        await agent.catch_up()
        await world.feed(agent, (0, b"a"), (1, b"b"), (2, b"not mine"), (0, None), (0, b"c"))
        await agent.stop()

    world = in_loop(scenario)
    assert world.output(0) == [b"a", b"c"]
    assert world.output(1) == [b"b"]
    assert world.memories[2].log == []
    assert world.failure.error is None


def test_a_message_still_under_way_does_not_open_a_partition_again_that_was_given_up() -> None:
    async def scenario(world: World) -> None:
        agent = world.agent()
        agent.take_over(partitions(0, 1))
        await agent.catch_up()
        await agent.release(partitions(0))
        await world.feed(agent, (0, b"under way"), (1, b"b"))
        await agent.stop()

    world = in_loop(scenario)
    assert world.memories[0].log == ["open", "read 0", "close"]
    assert world.output(1) == [b"b"]


def test_partitions_lost_without_a_word_are_closed_at_the_next_assignment() -> None:
    async def scenario(world: World) -> None:
        agent = world.agent()
        agent.take_over(partitions(0, 1))
        await agent.catch_up()
        agent.take_over(partitions(1))
        await agent.catch_up()
        await agent.stop()

    world = in_loop(scenario)
    assert world.memories[0].log == ["open", "read 0", "close"]
    assert world.memories[1].log == ["open", "read 0", "read 0", "close"]


def test_after_an_error_nothing_more_is_taken_and_no_snapshot_kept() -> None:
    async def scenario(world: World) -> None:
        agent = world.agent()
        agent.take_over(partitions(0, 1))
        await world.feed(agent, (1, b"a"), (0, b"broken"), (1, b"b"))
        await agent.stop()

    world = in_loop(scenario)
    assert str(world.failure.error) == "a defect"
    assert world.output(1) == [b"a"]
    assert world.memories[1].snapshot == (None, 0)
    assert world.memories[1].log[-1] == "close"


def test_stopping_keeps_a_last_snapshot_and_is_final() -> None:
    async def scenario(world: World) -> None:
        agent = world.agent()
        agent.take_over(partitions(0))
        await world.feed(agent, (0, b"a"))
        await AgentsService([agent]).on_stop()
        agent.take_over(partitions(0))
        await agent.catch_up()
        await agent.release(partitions(0))
        await world.feed(agent, (0, b"too late"))

    world = in_loop(scenario)
    assert world.memories[0].snapshot == (b"echo", 1)
    assert world.output(0) == [b"a"]
    assert world.failure.error is None


def test_a_last_snapshot_that_cannot_be_kept_is_a_warning() -> None:
    async def scenario(world: World) -> None:
        agent = world.agent()
        agent.take_over(partitions(0))
        await world.feed(agent, (0, b"a"))
        world.memories[0].owner += 1  # another worker has taken over
        await agent.stop()

    with capture_logs() as logs:
        world = in_loop(scenario)
    assert [one["event"] for one in logs] == ["last_snapshot_not_kept"]
    assert world.memories[0].log[-1] == "close"
    assert world.failure.error is None


def test_a_worker_without_stages_has_no_consumer_to_start() -> None:
    async def build() -> tuple[bool, bool]:
        without = build_app(Settings(), [], [], ManualClock())
        wiring = StageWiring("echo", TOPIC, World()._make, World()._store, Deaf())  # noqa: SLF001
        return without.app.producer_only, build_app(
            Settings(), [wiring], [], ManualClock()
        ).app.producer_only

    assert asyncio.run(build()) == (True, False)


def test_a_thread_runs_until_it_is_told_to_stop() -> None:
    failure, ended = Failure(), Event()

    def loop(stop: Event) -> None:
        stop.wait(10)
        ended.set()

    async def run() -> None:
        service = ThreadService("loop", loop, failure)
        await service.start()
        assert not ended.is_set()
        await service.stop()

    asyncio.run(run())
    assert ended.is_set()
    assert failure.error is None


def test_an_error_in_a_thread_is_told_and_the_first_one_counts() -> None:
    failure = Failure()

    def dies(_: Event) -> None:
        raise OutsideSystemError("Kafka is gone")

    async def run() -> None:
        service = ThreadService("dies", dies, failure)
        await service.start()
        await service.stop()

    asyncio.run(run())
    failure.tell(RuntimeError("a consequence"))
    assert isinstance(failure.error, OutsideSystemError)


class StubApp:
    """What `lifetime` asks of an app."""

    def __init__(
        self, start: Exception | None = None, stop: Exception | None = None, *, hangs: bool = False
    ) -> None:
        self.crashed = False
        self.crash_reason: BaseException | None = None
        self.conf = SimpleNamespace(broker=["kafka://here:1"])
        self.calls: list[str] = []
        self._start, self._stop, self._hangs = start, stop, hangs

    def finalize(self) -> None:
        self.calls.append("finalize")

    async def start(self) -> None:
        self.calls.append("start")
        if self._start:
            raise self._start

    async def add_runtime_dependency(self, _: object) -> None:
        self.calls.append("add")

    async def stop(self) -> None:
        self.calls.append("stop")
        if self._hangs:
            await asyncio.sleep(60)
        if self._stop:
            raise self._stop


def run_stub(
    app: StubApp,
    failure: Failure | None = None,
    stop_when: Callable[[], bool] = lambda: True,
) -> int:
    """Run a stub app; give the number of beats."""
    beats: list[float] = []
    worker = WorkerApp(
        cast("faust.App", app), (ThreadService("x", print, Failure()),), failure or Failure()
    )
    lifetime.run(lambda: worker, lambda: beats.append(time.monotonic()), stop_when)
    return len(beats)


def test_an_app_runs_until_the_condition_holds_and_beats_meanwhile() -> None:
    app, asked = StubApp(), iter([False, False, True])
    assert run_stub(app, stop_when=lambda: next(asked)) == 2
    assert app.calls == ["finalize", "start", "add", "stop"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_without_an_error(number: signal.Signals) -> None:
    app = StubApp()
    sender = Timer(0.3, os.kill, (os.getpid(), number))
    sender.start()
    assert run_stub(app, stop_when=lambda: False) > 0
    sender.join()
    assert app.calls[-1] == "stop"


def test_a_failure_ends_it_and_is_raised_after_it_has_been_stopped() -> None:
    app, failure = StubApp(), Failure()
    failure.tell(OutsideSystemError("Kafka is gone"))
    with pytest.raises(OutsideSystemError, match="Kafka is gone"):
        run_stub(app, failure, stop_when=lambda: False)
    assert app.calls[-1] == "stop"


def test_what_fausts_client_cannot_do_is_an_outside_error_that_names_the_broker() -> None:
    app = StubApp(start=KafkaConnectionError("refused"))
    with pytest.raises(
        OutsideSystemError, match=r"Faust cannot go on with Kafka at here:1: .*refused"
    ):
        run_stub(app)
    assert app.calls == ["finalize", "start", "stop"]


def test_a_crash_of_the_app_itself_is_raised() -> None:
    app = StubApp()
    app.crashed, app.crash_reason = True, RuntimeError("a defect of Faust")
    with pytest.raises(RuntimeError, match="a defect of Faust"):
        run_stub(app, stop_when=lambda: False)


def test_an_error_while_stopping_matters_only_if_nothing_went_wrong_before() -> None:
    with pytest.raises(RuntimeError, match="while stopping"):
        run_stub(StubApp(stop=RuntimeError("while stopping")))
    failure = Failure()
    failure.tell(OutsideSystemError("before"))
    with pytest.raises(OutsideSystemError, match="before"):
        run_stub(StubApp(stop=RuntimeError("while stopping")), failure)


def test_a_worker_that_does_not_stop_is_left_with_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifetime, "STOP_SECONDS", 0.1)
    with pytest.raises(OutsideSystemError, match="did not stop"):
        run_stub(StubApp(hangs=True))


def test_the_client_repeats_a_complaint_once_in_a_while_only() -> None:
    seldom = Seldom()

    def told(message: str, after: float) -> bool:
        record = logging.LogRecord("aiokafka", logging.ERROR, "", 0, message, ("x",), None)
        record.created = 1000.0 + after
        return seldom.filter(record)

    assert told("cannot connect to %s", 0)
    assert not told("cannot connect to %s", QUIET_SECONDS / 2)
    assert told("something else: %s", QUIET_SECONDS / 2)
    assert told("cannot connect to %s", QUIET_SECONDS)
    assert not told("cannot connect to %s", QUIET_SECONDS + 1)
