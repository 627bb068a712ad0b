"""What runs in one process on the embedded broker: settings, a fleet in a thread, a listener."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from threading import Event, Thread
from typing import Self

from streams.adapters.embedded_broker import EmbeddedBroker
from streams.adapters.kafka.topics import planned_topics
from streams.adapters.prometheus import MetricStore
from streams.adapters.system_clock import SystemClock
from streams.config import Settings
from streams.domain.incidents import IncidentRecord, IncidentStatus
from streams.stages.incidents import Incidents
from streams.stages.ingest import Flush
from streams.stages.judge import Judge
from streams.windows.closed import ClosedWindow
from streams.wiring.narration import Narrator
from streams.wiring.observation import Observation

PARTITIONS = 2
"""Of the topics that are only read."""

AHEAD = 20_000
"""Events the fleet may be ahead of the worker: what the broker keeps, with room to spare."""


class ToldObservation(Observation):
    """Tells the narrator what the stages do, and the fleet how far the worker is."""

    def __init__(self, settings: Settings, store: MetricStore, narrator: Narrator) -> None:
        """Start listening."""
        super().__init__(settings, store, SystemClock())
        self._narrator = narrator
        self.read = 0
        self.resolved = Event()
        self._worked = time.monotonic()

    def flushed(self, flush: Flush, lag: Mapping[int, int]) -> None:
        """Count what has been read."""
        super().flushed(flush, lag)
        self.read += flush.statistics.records

    def judged(self, partition: int, judge: Judge, windows: Sequence[ClosedWindow]) -> None:
        """Tell of success ratios and change points."""
        super().judged(partition, judge, windows)
        self._worked = time.monotonic()
        for window in windows:
            self._narrator.window(window)

    def built(
        self, stage: Incidents, closed: ClosedWindow, records: Sequence[IncidentRecord]
    ) -> None:
        """Tell of incidents."""
        super().built(stage, closed, records)
        self._worked = time.monotonic()
        for record in records:
            self._narrator.incident(record)
            if record.status is IncidentStatus.RESOLVED:
                self.resolved.set()

    def idle_for(self) -> float:
        """Give how many seconds ago the worker last took a step."""
        return time.monotonic() - self._worked

    def is_behind(self, sent: int) -> bool:
        """Tell whether a fleet that has sent so many outcomes must wait for the worker."""
        return sent - self.read > AHEAD


class Fleet:
    """A fleet that publishes in a thread while the context is open."""

    def __init__(self, play: Callable[[Event], object]) -> None:
        """Describe it; it starts with the context.

        Args:
            play: Publishes until all is published or the event is set.
        """
        self._play = play
        self._stop = Event()
        self._error: Exception | None = None
        self._ended: float | None = None
        self._thread = Thread(target=self._main, name="fleet", daemon=True)

    def silent_for(self) -> float | None:
        """Give how many seconds ago it had published all; None while it has not.

        Raises:
            Exception: What it died of.
        """
        if self._error is not None:
            raise self._error
        return None if self._ended is None else time.monotonic() - self._ended

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _main(self) -> None:
        try:
            self._play(self._stop)
        except Exception as error:  # noqa: BLE001 - told by whoever asks
            self._error = error
        self._ended = time.monotonic()


@contextmanager
def embedded_installation(settings: Settings) -> Iterator[Settings]:
    """Run a broker with all topics while the context is open.

    Args:
        settings: Of an installation; see `embedded_settings`.

    Yields:
        The settings of this one.
    """
    with EmbeddedBroker() as broker:
        own = embedded_settings(settings, broker.bootstrap)
        broker.create_topics(
            {plan.name: plan.partitions or PARTITIONS for plan in planned_topics(own)}
        )
        yield own


def embedded_settings(settings: Settings, bootstrap: str) -> Settings:
    """Give the settings the embedded broker and a fleet in a hurry need.

    Args:
        settings: Only the address to serve on matters, without its port.
        bootstrap: Where the embedded broker is.
    """
    own = Settings()
    kafka = own.kafka.model_copy(
        update={"bootstrap": bootstrap, "session_timeout": timedelta(seconds=6)}
    )
    ingest = own.ingest.model_copy(
        update={"idle_after": timedelta(seconds=2), "flush_interval": timedelta(milliseconds=300)}
    )
    worker = own.worker.model_copy(
        # The embedded broker keeps 5 MB a partition: nothing to spend on snapshots nobody resumes
        # from.
        update={"snapshot_every": timedelta(hours=1)}
    )
    http = settings.http.model_copy(update={"port": 0})
    return own.model_copy(update={"kafka": kafka, "ingest": ingest, "worker": worker, "http": http})
