"""What a scrape gets, and the thread that writes the most of it beforehand."""

import time
from threading import Event, Thread
from types import TracebackType
from typing import Self

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

from streams.adapters.prometheus.store import MetricStore
from streams.telemetry import STAGE_DURATION

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_LOOK_SECONDS = 0.5
"""How often the thread looks whether it is to end."""


class Exporter:
    """The page of /metrics; a context manager that writes what changes while it is open."""

    def __init__(self, store: MetricStore) -> None:
        """Serve a store, and the process's own metrics from a registry of its own.

        Args:
            store: The samples.
        """
        self._store = store
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        self._ended = Event()
        self._failure: Exception | None = None
        self._thread = Thread(target=self._write, name="metrics", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    def page(self) -> list[bytes]:
        """Give the page in pieces, in UTF-8 and the format of `CONTENT_TYPE`.

        Tables of series are as they were written last, all else is as it is now.

        Raises:
            RuntimeError: A defect has ended the writing. No answer is seen by those who scrape;
                a page that goes on with old tables is not.
        """
        if self._failure is not None:
            message = "the tables of series are not written any more"
            raise RuntimeError(message) from self._failure
        begun = time.perf_counter()
        pieces = [*self._store.page(), generate_latest(self._registry)]
        self._store.observe(STAGE_DURATION, time.perf_counter() - begun, ("exposition",))
        return pieces

    def exposition(self) -> bytes:
        """Give the whole page as it is now."""
        self._store.tables.write(_at_once)
        return b"".join(self.page())

    def _write(self) -> None:
        try:
            while not self._ended.is_set():
                if self._store.tables.wait(_LOOK_SECONDS):
                    self._write_tables()
        except Exception as error:  # noqa: BLE001 - told to whoever asks for the page
            self._failure = error

    def _write_tables(self) -> None:
        begun = time.perf_counter()
        self._store.tables.write()
        self._store.observe(STAGE_DURATION, time.perf_counter() - begun, ("rendering",))


def _at_once() -> None:
    """Take no rest: nobody waits for the interpreter."""
