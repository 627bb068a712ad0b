"""How many times real time a replay from windows is, on one core, and how fast events are folded.

Run: `python benchmarks/replay.py [--series 2000] [--hours 24] [--incident] [--partitions 4]
[--events 300000] [--profile FILE]`.

A made-up day: every series has operations in nearly every window, 2 % of them fail. With
`--incident` the operations of one value of `os` fail more often for an hour, and releases are
ranked. The windows are written as a table first; then the table is read, replayed without any
outputs, and replayed with all of them. Of the events, an hour of the same series in JSON, reading,
decoding and folding is timed: what a replay does before the judges. Prints one JSON line; processor
time stands beside time on the wall, which other load on the machine stretches, and is what speeds
are worked out from.
"""

import argparse
import cProfile
import json
import os
import resource
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from streams.config import Settings, TopicSettings
from streams.domain.change_points import ChangePoint
from streams.domain.incidents import IncidentRecord
from streams.domain.outcomes import DeadLetter
from streams.replay.drive import Drive
from streams.replay.driver import replay
from streams.replay.files import OutcomeFiles, WindowsFile, read_releases
from streams.replay.request import ReplayRequest
from streams.stages.ingest import Ingest
from streams.stages.records import IngestStatistics
from streams.windows.closed import ClosedWindow
from streams.windows.ranges import TimeRange

BEGIN = 1_634_083_200
"""2021-10-13 00:00 UTC."""

REGIONS, SYSTEMS, TYPES, OPERATIONS = 20, 2, 10, 5
"""2,000 series; more or fewer come from more or fewer regions."""

INCIDENT = (14 * 60, 15 * 60)
"""Minutes of the day in which the incident begins and ends."""

_FAILING = 0.02

GOAL = 20_000
"""Times real time that a replay of 2,000 series should be."""


class Quiet:
    """Hears no progress, and is a clock that stands long after all events."""

    def advance(self, *_: int) -> None:
        """Hear nothing."""

    def now(self) -> float:
        """Give a time after all events."""
        return 1_893_456_000.0


def write_windows(path: Path, series: int, hours: int, *, incident: bool) -> int:
    """Write a day of windows and give how many rows it has."""
    draw = np.random.default_rng(20211013)
    number = np.arange(series)
    columns = {
        "region": np.char.add("region-", (number // (SYSTEMS * TYPES * OPERATIONS)).astype(str)),
        "os": np.array(["linux", "windows"])[number % SYSTEMS],
        "vm_type": np.char.add("type-", (number // SYSTEMS % TYPES).astype(str)),
        "operation": np.array(["create", "delete", "start", "stop", "update"])[
            number // (SYSTEMS * TYPES) % OPERATIONS
        ],
    }
    volume = draw.uniform(3.0, 40.0, series)
    ratio = np.exp(draw.uniform(np.log(0.005), np.log(0.03), series))
    hit = columns["os"] == "windows"
    rows = 0
    writer: pq.ParquetWriter | None = None
    for minute in range(hours * 60):
        trials = draw.poisson(volume)
        failing = incident and INCIDENT[0] <= minute < INCIDENT[1]
        failures = draw.binomial(trials, np.where(failing & hit, 0.3, ratio))
        there = np.flatnonzero(trials)
        codes = [{"Timeout": int(count)} if count else {} for count in failures[there]]
        table = pa.table(
            {
                "window_start": pa.array(
                    np.full(len(there), (BEGIN + 60 * minute) * 1_000_000)
                ).cast(pa.timestamp("us", tz="UTC")),
                **{name: pa.array(values[there].tolist()) for name, values in columns.items()},
                "trials": trials[there],
                "failures": failures[there],
                "error_codes": pa.array(
                    [list(one.items()) for one in codes], pa.map_(pa.string(), pa.int64())
                ),
            }
        )
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table)
        rows += len(there)
    if writer is not None:
        writer.close()
    return rows


def write_events(path: Path, series: int, count: int) -> None:
    """Write an hour of outcome events, evenly over the series, 2 % of them failures."""
    draw = np.random.default_rng(20211013)
    keys, failing = draw.integers(0, series, count), draw.random(count) < _FAILING
    with path.open("w", encoding="utf-8") as file:
        for number, (key, fails) in enumerate(zip(keys.tolist(), failing.tolist(), strict=True)):
            at = BEGIN + 3600 * number // count
            event = {
                "id": f"{number:032x}",
                "time": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(at)),
                "operation": f"operation-{key % OPERATIONS}",
                "outcome": "failure" if fails else "success",
                "region": f"region-{key // 100}",
                "os": "linux" if key % 2 else "windows",
                "vm_type": f"type-{key % TYPES}",
                "resource_id": f"/subscriptions/x/vm-{number % 9973}",
                **({"error_code": "Timeout"} if fails else {}),
            }
            file.write(json.dumps(event) + "\n")


def fold_events(path: Path, settings: Settings) -> None:
    """Read, decode and fold a file as a replay does, and flush at every batch."""
    recording = OutcomeFiles([path])
    (source,) = recording.sources
    ingest = Ingest(settings, partitions_of={source.topic: 1})
    ingest.assign(source, None)
    while (read := recording.read(source, 0.0)) is not None:
        ingest.process(read.batch, Quiet().now())
        ingest.flush()


def write_releases(path: Path) -> None:
    """Write the release log of the day: one release that did it and a few that did not."""
    lines = []
    for number, (minute, scope) in enumerate(
        [(INCIDENT[0], {"os": ["windows"]}), (600, {"region": ["region-3"]}), (830, {})]
    ):
        moment = BEGIN + 60 * minute - 30
        lines.append(
            {
                "id": f"event-{number}",
                "release": f"release-{number}",
                "component": f"component-{number}",
                "version": "2",
                "action": "started",
                "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment)),
                "scope": scope,
                "exposure": 1.0,
            }
        )
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


class Nowhere:
    """Takes what a replay finds, and counts the windows alone."""

    def __init__(self) -> None:
        """Begin with none."""
        self.closed = 0

    def add_read(self, found: IngestStatistics) -> None:
        """Drop it."""

    def add_closed(self, closed: ClosedWindow) -> None:
        """Count a piece of a window."""
        self.closed += closed.window is not None

    def add_incident(self, record: IncidentRecord) -> None:
        """Drop it."""

    def add_change_point(self, point: ChangePoint) -> None:
        """Drop it."""

    def add_dead_letter(self, letter: DeadLetter, place: Mapping[str, str | int]) -> None:
        """Drop it."""


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Give seconds on the wall and of the processor."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def measure(
    series: int,
    hours: int,
    *,
    incident: bool,
    partitions: int,
    events: int,
    profile: Path | None,
) -> dict[str, Any]:
    """Write a day, replay it with and without outputs, and give the figures."""
    settings, quiet = Settings(topics=TopicSettings(counts_partitions=partitions)), Quiet()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        windows, releases = folder / "windows.parquet", folder / "releases.jsonl"
        rows = write_windows(windows, series, hours, incident=incident)
        write_releases(releases)
        drive = Drive(settings, TimeRange(), Nowhere(), quiet, quiet.now())
        recording = WindowsFile(windows, settings, TimeRange())
        profiler = cProfile.Profile(time.process_time)

        def stages() -> None:
            drive.run(recording, read_releases(releases))

        write_events(folder / "events.jsonl", series, events)
        folding = timed(lambda: fold_events(folder / "events.jsonl", settings))
        reading = timed(lambda: [None for _ in recording.windows()])
        alone = timed(lambda: profiler.runcall(stages) if profile else stages())
        request = ReplayRequest((), windows, releases, folder / "out")
        whole = timed(lambda: replay(settings, request, quiet, quiet))
        if profile:
            profiler.dump_stats(profile)
        found = (folder / "out" / "incidents.jsonl").read_bytes().count(b"\n")
    span = hours * 3600.0
    return {
        "series": series,
        "hours": hours,
        "incident": incident,
        "partitions": partitions,
        "rows": rows,
        "records": found,
        "reading_seconds": [round(one, 2) for one in reading],
        "stages_seconds": [round(one, 2) for one in alone],
        "with_outputs_seconds": [round(one, 2) for one in whole],
        "times_real_time": round(span / alone[1]),
        "times_real_time_with_outputs": round(span / whole[1]),
        "goal": GOAL,
        "events": events,
        "folding_seconds": [round(one, 2) for one in folding],
        "events_per_second": round(events / folding[1]),
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def main() -> None:
    """Parse the arguments and print the measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=2_000)
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--incident", action="store_true")
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--events", type=int, default=300_000)
    parser.add_argument("--profile", type=Path)
    arguments = parser.parse_args()
    # One core: another would help numpy's threads, and hide what a replay costs.
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print(
        json.dumps(
            measure(
                arguments.series,
                arguments.hours,
                incident=arguments.incident,
                partitions=arguments.partitions,
                events=arguments.events,
                profile=arguments.profile,
            )
        )
    )


if __name__ == "__main__":
    main()
