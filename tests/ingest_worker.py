"""Ingest on a Kafka in a thread of the test, and what came of it."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Condition, Event, Thread
from typing import Self

from kafka_messages import committed
from outcome_events import Totals

from servers.kafka_server import TopicMaker
from streams.adapters.kafka.ingest import KafkaIngest
from streams.adapters.kafka.topics import create_topics
from streams.adapters.system_clock import SystemClock
from streams.config import IngestSettings, KafkaSettings, Settings, TopicSettings
from streams.domain.outcomes import SourcePartition
from streams.stages.ingest import Flush
from streams.stages.records import PartitionPosition
from streams.windows.blocks import SourceProgress
from streams.windows.codec import decode_block

SECONDS = 30.0
"""Patience with ingest."""


def installation(topics: TopicMaker, partitions: int = 2, **ingest: float) -> Settings:
    """Give the settings of an installation with topics of its own, which are there.

    Args:
        topics: Makes names.
        partitions: Partitions of the source topic.
        ingest: Durations of the section `ingest`, in seconds.
    """
    durations = {"flush_interval": 0.1, "idle_after": 60.0, **ingest}
    settings = Settings(
        kafka=KafkaSettings(
            bootstrap=topics.bootstrap,
            application=topics.prefix,
            session_timeout=timedelta(seconds=6),
        ),
        topics=TopicSettings(
            outcomes=topics.name("outcomes"),
            releases=topics.name("releases"),
            prefix=topics.prefix,
            counts_partitions=2,
        ),
        ingest=IngestSettings(batch_size=100).model_copy(
            update={name: timedelta(seconds=value) for name, value in durations.items()}
        ),
    )
    create_topics(settings, partitions)
    return settings


@dataclass
class Seen:
    """What an observer heard; the test waits on it."""

    flushes: list[Flush] = field(default_factory=list)
    lag: Mapping[int, int] = field(default_factory=dict)
    positions: dict[SourcePartition, PartitionPosition] = field(default_factory=dict)
    begun: dict[SourcePartition, PartitionPosition] = field(default_factory=dict)
    aborts: int = 0
    batches: int = 0
    changed: Condition = field(default_factory=Condition)

    @property
    def records(self) -> int:
        """Records of committed flushes."""
        return sum(flush.statistics.records for flush in self.flushes)

    def reading(self, positions: Mapping[SourcePartition, PartitionPosition]) -> None:
        """Hear from where which partitions are read."""
        with self.changed:
            self.positions = dict(positions)
            self.begun |= self.positions
            self.changed.notify_all()

    def flushed(self, flush: Flush, lag: Mapping[int, int]) -> None:
        """Hear of a committed flush."""
        with self.changed:
            self.flushes.append(flush)
            self.lag = dict(lag)
            self.changed.notify_all()

    def aborted(self) -> None:
        """Hear of a flush that was given up."""
        with self.changed:
            self.aborts += 1
            self.changed.notify_all()

    def stepped(self, stage: str, seconds: float) -> None:
        """Hear of a batch."""
        assert stage == "ingest"
        assert seconds >= 0
        with self.changed:
            self.batches += 1
            self.changed.notify_all()

    def wait(self, until: Callable[[Self], bool]) -> None:
        """Wait until something is so."""
        with self.changed:
            assert self.changed.wait_for(lambda: until(self), SECONDS), self


class IngestWorker(AbstractContextManager["IngestWorker"]):
    """One worker; running while the context is open.

    Args:
        settings: The installation.
        name: Name of the worker.
        seen: Hears of what it does.
    """

    def __init__(self, settings: Settings, name: str = "a", seen: Seen | None = None) -> None:
        self.seen = seen or Seen()
        self.error: BaseException | None = None
        self._stop = Event()
        self._ingest = KafkaIngest(settings, name, SystemClock(), self.seen)
        self._thread = Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def wait_until_read(self, records: int) -> None:
        """Wait until it has read so many records, counted from the beginning of its partitions."""
        deadline = time.monotonic() + SECONDS
        while True:
            cursors = list(self._ingest._cursors.values())  # noqa: SLF001 - not shown to anybody
            if sum(cursor.read_until for cursor in cursors) == records:
                return
            assert time.monotonic() < deadline, cursors
            time.sleep(0.02)

    def end(self) -> BaseException | None:
        """Tell it to stop, wait until it has, and give what it died of."""
        self._stop.set()
        return self.died()

    def died(self) -> BaseException | None:
        """Wait until it has ended, and give what it died of."""
        self._thread.join(SECONDS)
        assert not self._thread.is_alive()
        return self.error

    def _run(self) -> None:
        try:
            self._ingest.run(self._stop)
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            self.error = error


def totals(settings: Settings) -> Totals:
    """Add up the counts that have been committed."""
    result = Totals()
    partitions = range(settings.topics.counts_partitions)
    counts = settings.topics.named("counts")
    for message in committed(settings.kafka.bootstrap, counts, list(partitions)):
        result.add(decode_block(message.value() or b"").cells)
    return result


def progress(settings: Settings, counts_partition: int = 0) -> list[SourceProgress]:
    """Give what the blocks of a counts partition say of the sources, in order."""
    counts = settings.topics.named("counts")
    messages = committed(settings.kafka.bootstrap, counts, [counts_partition])
    return [one for each in messages for one in decode_block(each.value() or b"").sources]


def doors(flushes: Sequence[Flush]) -> Counter[str]:
    """Say how many records went through which door."""
    through: Counter[str] = Counter()
    for statistics in (flush.statistics for flush in flushes):
        through["counted"] += sum(statistics.outcomes.values()) + statistics.caller_faults
        through["duplicate"] += statistics.duplicates
        through["dead letter"] += sum(statistics.dead_letters.values())
    return through
