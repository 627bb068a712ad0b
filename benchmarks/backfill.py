"""How long it takes until a day of a fleet is seen in a Prometheus, and whether anything is lost.

Run: `python -m benchmarks.backfill [--series 2400] [--hours 24] [--result FOLDER]`.

A made-up quiet day, as in `benchmarks/replay.py`, is replayed from its windows (not counted, but
told), unless the folder of a replay is given. Then `opwatch backfill` puts its metrics into a
Prometheus of its own; the clock stops when that answers a query about the day. Its totals are
compared with those of `windows.parquet`. Prints one JSON line; processor time, of promtool and
Prometheus too, stands beside time on the wall, which other load on the machine stretches.
"""

import argparse
import json
import os
import resource
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.replay import Quiet, write_windows
from streams.config import Settings
from streams.replay.driver import replay
from streams.replay.request import ReplayRequest
from streams.wiring import backfill

GOAL_SECONDS = 90.0
QUERY = "sum(opwatch_operations_total) by (outcome)"


@contextmanager
def measured(figures: dict[str, object], name: str) -> Iterator[None]:
    """Note how long something takes."""
    wall, spent = time.monotonic(), _processor()
    yield
    figures[f"{name}_s"] = round(time.monotonic() - wall, 2)
    figures[f"{name}_processor_s"] = round(_processor() - spent, 2)


def _processor() -> float:
    """Give the processor time of this process and of those it has waited for."""
    return sum(
        used.ru_utime + used.ru_stime
        for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def replayed(folder: Path, series: int, hours: int, figures: dict[str, object]) -> Path:
    """Replay a quiet day."""
    write_windows(folder / "day.parquet", series, hours, incident=False)
    quiet, result = Quiet(), folder / "result"
    request = ReplayRequest((), folder / "day.parquet", None, result)
    with measured(figures, "replay"):
        replay(Settings(), request, quiet, quiet)
    return result


def totals_of_table(result: Path) -> dict[str, int]:
    """Add up the windows table."""
    table = pq.read_table(result / "windows.parquet")
    trials, failures = (pc.sum(table[name]).as_py() for name in ("trials", "failures"))
    return {"success": trials - failures, "failure": failures}


def totals_in(url: str, at: float) -> dict[str, int]:
    """Ask a Prometheus for the totals; waits until it has an answer."""
    words = urllib.parse.urlencode({"query": QUERY, "time": at})
    while True:
        with urllib.request.urlopen(f"{url}/api/v1/query?{words}") as answer:  # noqa: S310 loopback
            found = json.load(answer)["data"]["result"]
        if found:
            return {one["metric"]["outcome"]: int(one["value"][1]) for one in found}
        time.sleep(0.1)


def measure(result: Path, figures: dict[str, object]) -> None:
    """Backfill a replay and ask for it."""
    with measured(figures, "backfill"):
        wall = time.monotonic()
        with backfill.serve([result], Settings(), port=0) as served:
            found = totals_in(served.server.url, served.filled.end)
            seen = time.monotonic() - wall
    figures["metrics_om_bytes"] = (result / "metrics.om").stat().st_size
    figures["samples"] = served.filled.samples
    figures["seen_s"] = round(seen, 2)
    figures["goal_s"] = GOAL_SECONDS
    figures["sums_equal"] = found == totals_of_table(result)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=2400)
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--result", type=Path)
    asked = parser.parse_args()
    figures: dict[str, object] = {"series": asked.series, "hours": asked.hours}
    with tempfile.TemporaryDirectory(prefix="opwatch-bench-") as name:
        result = asked.result or replayed(Path(name), asked.series, asked.hours, figures)
        measure(result, figures)
    figures["load"] = round(os.getloadavg()[0], 1)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
