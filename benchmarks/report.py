"""What the report costs a replay: counting the windows as they pass by, and writing the page.

Run: `python benchmarks/report.py [--series 2400] [--hours 24]`.

A made-up day in which every series has operations in every window, with one incident of two hours
in half of the regions and three candidates whose releases step all day. Prints one JSON line;
processor time, because other load on the machine stretches time on the wall.
"""

import argparse
import json
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from streams.config import Settings
from streams.domain.releases import ReleaseAction, ReleaseEvent
from streams.domain.time import format_instant
from streams.replay.report import Report, ReportFormat, rendered, report_clock
from streams.replay.windows_table import ArchiveRows
from streams.windows.cells import CellTable, SparseCounts

BEGIN = 1_634_083_200
"""2021-10-13 00:00 UTC."""

SYSTEMS, TYPES, OPERATIONS = ("linux", "windows"), 12, 5
ONSET, END = BEGIN + 12 * 3600, BEGIN + 14 * 3600
GROUP = 100_000
"""Rows that come at once, as from a replay's archive."""

Record = dict[str, Any]


def days(series: int, hours: int) -> Iterator[ArchiveRows]:
    """Give all rows of the time, whole windows together."""
    regions = tuple(f"region-{n:03d}" for n in range(series // (len(SYSTEMS) * TYPES * OPERATIONS)))
    types, operations = (
        tuple(f"{name}-{n:02d}" for n in range(many))
        for name, many in (("type", TYPES), ("operation", OPERATIONS))
    )
    values = (regions, SYSTEMS, types, operations)
    one = np.indices(tuple(map(len, values))).reshape(4, -1)
    per_group = max(GROUP // one.shape[1], 1)
    drawn = np.random.default_rng(1)
    first, end = BEGIN // 60, BEGIN // 60 + 60 * hours
    for begin in range(first, end, per_group):
        many = min(per_group, end - begin)
        codes = tuple(np.tile(column, many).astype(np.int32) for column in one)
        windows = np.repeat(np.arange(begin, begin + many), one.shape[1])
        failing = (codes[0] % 2 == 0) & (codes[1] == 1)
        failing &= (windows >= ONSET // 60) & (windows < END // 60)
        trials = drawn.poisson(5, len(windows))
        none, late = np.zeros(len(windows), np.int64), np.zeros(len(windows), np.bool_)
        failures = drawn.binomial(trials, np.where(failing, 0.4, 0.01))
        empty = SparseCounts.none()
        dimensions = ("region", "os", "vm_type", "operation")
        place = (dimensions, values, codes, windows, late)
        yield ArchiveRows(
            CellTable(*place, trials, failures, none, none, empty, empty),
            CellTable(*place, none, none, none, none, empty, empty),
        )


def incident(regions: int) -> Record:
    """Give an incident in every other region."""
    counts = {"operations": 100, "failures": 40, "expected_failures": 1.0, "excess_failures": 39.0}
    times = {"onset": format_instant(ONSET), "recovered": format_instant(END)}
    return {
        "incident": "i-1",
        "revision": 1,
        "status": "resolved",
        "raised": format_instant(ONSET + 300),
        "onset": format_instant(ONSET),
        "resolved": format_instant(END),
        "scope": {"os": ["windows"]},
        "impact": {**counts, "baseline_success_ratio": 0.99, "success_ratio": 0.6},
        "regions": [{"region": f"region-{n:03d}", **times} for n in range(0, regions, 2)],
        "candidates": [{"release": f"r-{n}", "probability": 0.3} for n in range(3)],
        "no_release_probability": 0.1,
    }


def steps(regions: int) -> list[ReleaseEvent]:
    """Give releases that reach a region after the other."""
    return [
        ReleaseEvent(
            id=f"r-{release}/{place}",
            time=BEGIN + 3600.0 * place + release,
            release=f"r-{release}",
            action=ReleaseAction.PROGRESSED,
            scope={"region": (f"region-{place:03d}",)},
            exposure=1.0,
        )
        for release in range(3)
        for place in range(regions)
    ]


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=2400)
    parser.add_argument("--hours", type=int, default=24)
    asked = parser.parse_args()
    regions = asked.series // (len(SYSTEMS) * TYPES * OPERATIONS)
    clock = report_clock("UTC")
    report = Report(Settings(), [incident(regions)], [], steps(regions))
    rows, counting = 0, 0.0
    for group in days(asked.series, asked.hours):
        rows += len(group)
        began = time.process_time()
        report.add_rows(group)
        counting += time.process_time() - began
    spent: dict[str, float] = {}
    sizes: dict[str, int] = {}
    for form in ReportFormat:
        began = time.process_time()
        sizes[form.value] = len(rendered(report, form, clock))
        spent[form.value] = round(time.process_time() - began, 3)
    total = counting + sum(spent.values())
    print(
        json.dumps(
            {
                "series": asked.series,
                "hours": asked.hours,
                "rows": rows,
                "counting_seconds": round(counting, 3),
                "writing_seconds": spent,
                "seconds": round(total, 3),
                "characters": sizes,
            }
        )
    )


if __name__ == "__main__":
    main()
