"""A partition's runner: covered input is skipped, new output written once, snapshots are whole."""

from collections.abc import Sequence
from contextlib import ExitStack

import pytest
from manual_clock import ManualClock
from memory_store import Memory, MemoryStageStore
from structlog.testing import capture_logs

from streams.adapters.faust.partition import PartitionRunner, StageWiring
from streams.adapters.system_clock import SystemClock
from streams.domain.errors import OutsideSystemError, SnapshotError
from streams.ports import OutgoingMessage

EVERY = 60.0


class Adding:
    """Adds up its input; gives the sum for every value above 4; breaks at 13."""

    def __init__(self, snapshot: bytes | None) -> None:
        if snapshot == b"other settings":
            raise SnapshotError("it was made under other settings")
        self.total = int(snapshot or b"0")

    def take(self, value: bytes) -> Sequence[OutgoingMessage]:
        self.total += int(value)
        if value == b"13":
            message = "a defect"
            raise RuntimeError(message)
        return [OutgoingMessage("sums", b"%d" % self.total)] if int(value) > 4 else []

    def snapshot(self) -> bytes:
        return b"%d" % self.total


class Steps:
    """An observer that notes what it hears."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def stepped(self, stage: str, seconds: float) -> None:
        assert seconds >= 0
        self.heard.append(f"{stage} stepped")

    def caught_up(self, stage: str, partition: int) -> None:
        self.heard.append(f"{stage} caught up {partition}")

    def kept(self, stage: str, partition: int) -> None:
        self.heard.append(f"{stage} kept {partition}")

    def released(self, stage: str, partition: int) -> None:
        self.heard.append(f"{stage} released {partition}")


class World:
    """One partition, its runners and what they leave."""

    def __init__(self, *values: int) -> None:
        self.memory = Memory(input=[b"%d" % value for value in values])
        self.clock = ManualClock()
        self.steps = Steps()
        self.closed: list[str] = []
        self.releases_there = True

    def make(self, _: int, snapshot: bytes | None, resources: ExitStack) -> Adding:
        resources.callback(self.closed.append, "closed")
        if not self.releases_there:
            raise OutsideSystemError("no releases")
        return Adding(snapshot)

    def runner(self) -> PartitionRunner:
        wiring = StageWiring(
            name="adding",
            topic="numbers",
            make=self.make,
            store=lambda _: MemoryStageStore(self.memory),
            observer=self.steps,
        )
        return PartitionRunner(wiring, 3, self.clock, EVERY)

    def feed(self, runner: PartitionRunner, value: int) -> None:
        self.memory.input.append(b"%d" % value)
        runner.take(len(self.memory.input) - 1, b"%d" % value)

    @property
    def output(self) -> list[bytes | None]:
        return [message.value for message in self.memory.output]


def test_what_came_before_is_read_before_the_first_message_is_taken() -> None:
    world = World(1, 5, 2)
    runner = world.runner()
    world.feed(runner, 10)
    assert world.output == [b"6", b"18"]
    assert world.memory.log == ["open", "read 0", "write 2", "write 4"]


def test_catching_up_reads_to_the_end_and_the_same_messages_again_change_nothing() -> None:
    world = World(5, 6)
    runner = world.runner()
    runner.catch_up()
    runner.take(0, b"5")
    runner.take(1, b"6")
    assert world.output == [b"5", b"11"]
    world.feed(runner, 7)
    assert world.output == [b"5", b"11", b"18"]


def test_a_successor_repeats_in_silence_what_has_been_written() -> None:
    world = World(5, 6)
    first = world.runner()
    first.catch_up()
    first.keep()
    world.feed(first, 7)
    world.feed(first, 1)  # after the snapshot, with nothing to write
    second = world.runner()
    second.catch_up()
    assert world.output == [b"5", b"11", b"18"]
    world.feed(second, 9)
    assert world.output == [b"5", b"11", b"18", b"28"]


def test_a_snapshot_is_kept_when_it_is_due_and_there_is_something_new() -> None:
    world = World()
    runner = world.runner()
    world.feed(runner, 1)
    world.clock.time += EVERY
    world.feed(runner, 2)
    assert world.memory.snapshot == (b"3", 2)
    runner.keep()
    world.feed(runner, 4)
    assert world.memory.log.count("keep 2") == 1
    assert "keep 3" not in world.memory.log
    assert world.steps.heard == [
        "adding stepped",
        "adding caught up 3",
        "adding stepped",
        "adding kept 3",
        "adding stepped",
    ]


def test_a_snapshot_of_other_settings_is_dropped_with_a_warning_and_nothing_is_repeated() -> None:
    world = World(5, 6, 7)
    world.memory.snapshot, world.memory.written = (b"other settings", 1), 2
    with capture_logs() as logs:
        runner = world.runner()
    runner.catch_up()
    assert world.output == [b"7"]
    (warning,) = logs
    assert (warning["event"], warning["log_level"]) == ("snapshot_unusable", "warning")
    assert (warning["stage"], warning["partition"]) == ("adding", 3)
    assert warning["reason"] == "it was made under other settings"


def test_half_a_step_never_gets_into_a_snapshot() -> None:
    world = World(1)
    runner = world.runner()
    runner.catch_up()
    with pytest.raises(RuntimeError, match="a defect"):
        world.feed(runner, 13)
    runner.keep()
    assert world.memory.snapshot == (None, 0)


def test_output_that_could_not_be_written_is_not_covered_by_a_snapshot() -> None:
    world = World(1)
    runner = world.runner()
    runner.catch_up()
    world.memory.owner += 1  # another store has taken over
    with pytest.raises(OutsideSystemError):
        world.feed(runner, 5)
    world.memory.owner -= 1
    runner.keep()
    assert world.memory.snapshot == (None, 0)


def test_closing_gives_everything_up() -> None:
    world = World()
    runner = world.runner()
    runner.close()
    assert world.closed == ["closed"]
    assert world.memory.log == ["open", "close"]
    assert world.steps.heard == ["adding released 3"]


def test_a_runner_that_cannot_start_leaves_nothing_open() -> None:
    world = World()
    world.releases_there = False
    with pytest.raises(OutsideSystemError, match="no releases"):
        world.runner()
    assert world.closed == ["closed"]
    assert world.memory.log == ["open", "close"]


def test_the_system_clock_goes_on() -> None:
    clock = SystemClock()
    assert 1_700_000_000 < clock.now() <= clock.now()
