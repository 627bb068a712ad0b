"""What /metrics costs: seconds of a scrape over HTTP, and what the worker's event loop feels of it.

Run: `python benchmarks/exposition.py [--series 10000] [--scrapes 20]`. Prints one JSON line.

Judges of four counts partitions close windows of all series, so that everything told of a series is
set: operations by two outcomes, success ratio, baseline, both bounds, evidence. A process of its
own scrapes; an event loop that should turn every millisecond notes how late it comes meanwhile. The
peer, in the same run, is a custom collector of prometheus_client that gives the same samples from
the same arrays, served by the same server.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from streams import telemetry
from streams.adapters.http import HttpServer, Probes
from streams.adapters.prometheus import CONTENT_TYPE, Exporter, MetricStore
from streams.adapters.system_clock import SystemClock
from streams.config import DetectorSettings, HttpSettings, KnownBaseline, Settings, WindowSettings
from streams.domain.outcomes import SourcePartition
from streams.domain.series import partition_of
from streams.stages.judge import Judge
from streams.window_samples import OUTCOMES, window_gauges
from streams.windows.blocks import CountsBlock, SourceProgress
from streams.windows.cells import CellTable, SparseCounts
from streams.windows.closed import ClosedWindow
from streams.windows.merging import select
from streams.wiring.observation import Observation

SOURCE = SourcePartition("vm-operations", 0)
FIRST = 27_000_000
TICK_SECONDS = 0.001
SHORT_PIECE = 20_000
WINDOWS = 3
IDLE_SECONDS = 6.0
"""As long as the scrapes take, so that what other processes do shows in both."""
SYSTEMS, TYPES, OPERATIONS = 2, 10, 5

SCRAPER = """
import json, sys, time, urllib.request
url, scrapes = sys.argv[1], int(sys.argv[2])
sys.stdin.readline()
seconds = []
for _ in range(scrapes):
    begun = time.perf_counter()
    with urllib.request.urlopen(url) as answer:
        size = sum(len(piece) for piece in iter(lambda: answer.read(1 << 20), b""))
    seconds.append(time.perf_counter() - begun)
    time.sleep(0.2)
print(json.dumps({"seconds": seconds, "bytes": size}))
"""


@dataclass(slots=True)
class Loop:
    """How late an event loop comes, in seconds, turn by turn."""

    delays: list[float] = field(default_factory=list)

    async def turn(self) -> None:
        """Turn until cancelled."""
        while True:
            due = time.perf_counter() + TICK_SECONDS
            await asyncio.sleep(TICK_SECONDS)
            self.delays.append(time.perf_counter() - due)

    async def during(self, work: Awaitable[None]) -> list[float]:
        """Give the delay that 99 % of turns keep, and the longest, in milliseconds."""
        await asyncio.sleep(0.05)
        self.delays.clear()
        await work
        await asyncio.sleep(0.01)
        return [round(1000 * float(np.quantile(self.delays, share)), 1) for share in (0.99, 1.0)]


class Peer(Collector):
    """The same samples as metric objects of the client library."""

    def __init__(self, settings: Settings, windows: dict[int, ClosedWindow]) -> None:
        """Serve some windows."""
        self._names = telemetry.SUCCESS_RATIO.label_names(settings.ingest.dimensions)
        self._windows = windows

    def collect(self) -> Iterator[Metric]:
        """Give all samples."""
        more = ("outcome", "partition")
        counter = CounterMetricFamily("opwatch_operations", "h", labels=(*self._names, *more))
        gauges: dict[str, GaugeMetricFamily] = {}
        for partition, window in self._windows.items():
            keys, cells = window.cells.keys(), window.cells
            for outcome, counts in zip(
                OUTCOMES, (cells.trials - cells.failures, cells.failures), strict=False
            ):
                for key, count in zip(keys, counts.tolist(), strict=True):
                    counter.add_metric((*key, outcome, str(partition)), count)
            for metric, values in window_gauges(window):
                family = gauges.setdefault(
                    metric.name, GaugeMetricFamily(metric.name, "h", labels=self._names)
                )
                for key, value in zip(keys, values.tolist(), strict=True):
                    if value == value:  # noqa: PLR0124 NaN
                        family.add_metric(key, value)
        yield counter
        yield from gauges.values()


class Fleet:
    """The judges of a fleet whose series are all judged from their first window on."""

    def __init__(self, settings: Settings, series: int) -> None:
        """Start before the first window."""
        self._settings = settings
        self._series = series
        count = settings.topics.counts_partitions
        self._table = self._cells(0)
        keys = self._table.keys()
        owners = [partition_of(key, settings.group_positions, count) for key in keys]
        self._owners = np.array(owners, np.int64)
        self.judges = [Judge(settings, partition) for partition in range(count)]
        self.newest: dict[int, ClosedWindow] = {}

    def close(self, window: int, observation: Observation) -> float:
        """Let all judges close a window; give the seconds in which it was told to the metrics."""
        table, told = self._cells(window), 0.0
        end = (FIRST + window + 1) * 60.0
        progress = SourceProgress(SOURCE, 1, 0, window + 1, end, end, idle=False)
        for partition, judge in enumerate(self.judges):
            block = CountsBlock(60, (progress,), select(table, self._owners == partition))
            closed = judge.on_block(block)
            begun = time.perf_counter()
            observation.judged(partition, judge, closed)
            told += time.perf_counter() - begun
            for one in closed:
                if one.window is not None:
                    self.newest[partition] = one
        return told

    def _cells(self, window: int) -> CellTable:
        number, random = np.arange(self._series), np.random.default_rng((7, window))
        regions = -(-self._series // (SYSTEMS * TYPES * OPERATIONS))
        sizes = (regions, SYSTEMS, TYPES, OPERATIONS)
        trials = random.poisson(30, self._series) + 1
        return CellTable(
            dimensions=self._settings.ingest.dimensions,
            values=tuple(
                tuple(f"{name}-{place:04}" for place in range(size))
                for name, size in zip(("region", "os", "type", "operation"), sizes, strict=True)
            ),
            codes=tuple(code.astype(np.int32) for code in np.unravel_index(number, sizes)),
            windows=np.full(self._series, FIRST + window),
            late=np.zeros(self._series, np.bool_),
            trials=trials.astype(np.int64),
            failures=random.binomial(trials, 0.01).astype(np.int64),
            cancelled=np.zeros(self._series, np.int64),
            caller_faults=np.zeros(self._series, np.int64),
            error_codes=SparseCounts.none(),
            durations=SparseCounts.none(),
        )


def settings_for(series: int) -> Settings:
    """Give settings under which all series are told apart and judged at once."""
    return Settings(
        windows=WindowSettings(series=series, values_per_dimension=series),
        detectors=DetectorSettings(
            kinds=(), pool_below=0, known_baselines=(KnownBaseline(series={}, failure_ratio=0.01),)
        ),
    )


async def measure(series: int, scrapes: int) -> dict[str, object]:
    """Measure both, side by side."""
    settings = settings_for(series)
    store = MetricStore(settings.ingest.dimensions)
    observation = Observation(settings, store, SystemClock())
    fleet, loop, pool = Fleet(settings, series), Loop(), ThreadPoolExecutor(1)
    turning = asyncio.create_task(loop.turn())
    found: dict[str, object] = {"series": series}
    registry = CollectorRegistry()
    told: list[float] = []

    def close(window: int) -> None:
        told.append(fleet.close(window, observation))

    async def in_thread(call: Callable[[], object]) -> None:
        await asyncio.get_running_loop().run_in_executor(pool, call)

    fleet.close(0, observation)
    before = _memory_mb()
    found["idle_stall_ms_99_worst"] = await loop.during(asyncio.sleep(IDLE_SECONDS))
    with Exporter(store) as exporter:
        for window in range(1, WINDOWS + 1):  # labels are new at first, and written later
            closing = in_thread(partial(close, window))
            found["judge_stall_ms_99_worst"] = await loop.during(closing)
            await _written(store)
        for partition in range(settings.topics.counts_partitions):
            observation.caught_up("judge", partition)  # says all of it again
        found["rendering_stall_ms_99_worst"] = await loop.during(_written(store))
        found["told_ms"] = round(1000 * told[-1], 1)
        found["rendering_ms_a_window"] = round(1000 * _rendering(store) / (WINDOWS + 1), 1)
        found["memory_mb"] = _memory_mb() - before
        found["opwatch"] = await _scraped(exporter.page, scrapes, loop)
        found["memory_after_scrapes_mb"] = _memory_mb() - before
    registry.register(Peer(settings, fleet.newest))
    peer_scrapes = max(scrapes // 4, 3)
    found["prometheus_client"] = await _scraped(
        lambda: [generate_latest(registry)], peer_scrapes, loop
    )
    turning.cancel()
    found["load_average"] = round(os.getloadavg()[0], 1)
    return found


async def _written(store: MetricStore) -> None:
    """Wait until the thread has written all tables."""
    while not store.tables.is_current:  # noqa: ASYNC110 - it is another thread that writes
        await asyncio.sleep(0.005)


def _few(store: MetricStore) -> str:
    return b"".join(piece for piece in store.page() if len(piece) < SHORT_PIECE).decode()


def _rendering(store: MetricStore) -> float:
    """Give the seconds spent on writing tables, rests included."""
    (line,) = [one for one in _few(store).splitlines() if "_sum{" in one and "rendering" in one]
    return float(line.split()[-1])


async def _scraped(page: Callable[[], list[bytes]], scrapes: int, loop: Loop) -> dict[str, object]:
    probes = Probes(page, CONTENT_TYPE, lambda: None, dict)
    with HttpServer(HttpSettings(port=0), probes) as server:
        command = [sys.executable, "-c", SCRAPER, f"{server.url}/metrics", str(scrapes)]
        pipe = subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
        await asyncio.sleep(1.0)  # until it waits for the word: a fork stalls the loop, too
        answered: list[bytes] = []

        async def scrape() -> None:
            answered.append((await process.communicate(b"\n"))[0])

        stall = await loop.during(scrape())
    answer = json.loads(answered[0])
    timed = sorted(answer["seconds"])
    return {
        "scrape_ms_median": round(1000 * statistics.median(timed), 1),
        "scrape_ms_worst": round(1000 * timed[-1], 1),
        "stall_ms_99_worst": stall,
        "megabytes": round(answer["bytes"] / 1e6, 1),
    }


def _memory_mb() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 2**20


def main() -> None:
    """Parse the arguments and print the measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=10_000)
    parser.add_argument("--scrapes", type=int, default=20)
    arguments = parser.parse_args()
    print(json.dumps(asyncio.run(measure(arguments.series, arguments.scrapes))))


if __name__ == "__main__":
    main()
