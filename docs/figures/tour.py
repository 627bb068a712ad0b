"""Draw the success ratio of some regions through a replay, with onset, page and recovery marked.

    python docs/figures/tour.py RESULT SVG REGION...

RESULT is the folder that `opwatch replay` wrote. Each region is one panel, each point a few
minutes: its operations in the scope of the first incident that names it, or all of them where none
does.
"""  # noqa: INP001 a script, not a package

import json
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from streams.domain.time import format_instant, parse_instant
from streams.replay.report import report_clock
from streams.replay.report.counts import ScopeCounter
from streams.replay.report.drawings import success_plot
from streams.replay.report.paper import paper
from streams.replay.report.plots import Mark, Sign
from streams.replay.windows_table import ArchiveRows, from_arrow

WINDOW_S = 60
POINTS = 300
WIDTH, HEIGHT, HEADER = 900, 274, 20

STYLE = """
text { font: 11px sans-serif; fill: #444 } .title { font-size: 12px; font-weight: bold }
.curve { fill: none; stroke: #2b6cb0; stroke-width: 1.5 } .grid { stroke: #e7eaf0 }
.mark { stroke-dasharray: 4 3 } .bad { stroke: #c53030 } .good { stroke: #2f855a }
"""

UTC = report_clock("UTC")

Record = dict[str, Any]


def main(result: Path, svg: Path, regions: list[str]) -> None:
    """Draw the regions of a replay into one file."""
    table = pq.read_table(result / "windows.parquet").combine_chunks()
    dimensions = tuple(table.column_names[1 : table.column_names.index("trials")])
    rows = from_arrow(table.to_batches()[0], dimensions, WINDOW_S, "windows.parquet")
    lines = (result / "incidents.jsonl").read_text("utf-8").splitlines()
    incidents = by_incident([json.loads(line) for line in lines])
    height = len(regions) * (HEIGHT + HEADER)
    drawn = "\n".join(
        panel(rows, incidents, region, number * (HEIGHT + HEADER))
        for number, region in enumerate(regions)
    )
    svg.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}">\n'
        f"<style>{STYLE}</style>\n"
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>\n{drawn}\n</svg>\n',
        encoding="utf-8",
    )


def by_incident(records: list[Record]) -> list[tuple[Record, Record]]:
    """Give the first and the last record of each incident."""
    revisions: dict[str, list[Record]] = {}
    for record in records:
        revisions.setdefault(record["incident"], []).append(record)
    return [(own[0], own[-1]) for own in revisions.values()]


def panel(rows: ArchiveRows, incidents: list[tuple[Record, Record]], region: str, top: int) -> str:
    """Draw one region, `top` pixels down; its title tells what the lines mark."""
    scope: dict[str, list[str]] = {}
    told: list[str] = []
    marks: list[Mark] = []
    for first, last in incidents:
        for place in last["regions"]:
            if place["region"] == region:
                scope = scope or last["scope"]
                told.append(course(place, first["raised"]))
                marks.extend(marks_of(place, first["raised"]))
    counter = ScopeCounter({**scope, "region": [region]}, WINDOW_S)
    counter.add_rows(rows)
    plot = success_plot(counter.counted(), region, UTC, marks=marks, points=POINTS)
    drawn = paper(plot, UTC).replace(
        "<svg ", f'<svg y="{top + HEADER}" width="{WIDTH}" height="{HEIGHT}" ', 1
    )
    what = ", ".join(f"{name} {'/'.join(scope[name])}" for name in scope if name != "region")
    title = f"{region}, {what or 'all operations'}: {'; '.join(told) or 'not affected'}"
    return f'<text class="title" x="50" y="{top + HEADER - 5}">{title}</text>\n{drawn}'


def course(place: Record, paged: str) -> str:
    """Tell when a region was affected, the incident paged, and the region well again."""
    well = f", recovered {clock(place['recovered'])}" if place["recovered"] else ""
    return f"onset {clock(place['onset'])}, page {clock(paged)}{well}"


def marks_of(place: Record, paged: str) -> list[Mark]:
    """Give the same as lines: onset and page as bad news, recovery as good."""
    bad = [Mark(parse_instant(instant), "", Sign.BAD) for instant in (place["onset"], paged)]
    if not place["recovered"]:
        return bad
    return [*bad, Mark(parse_instant(place["recovered"]), "", Sign.GOOD)]


def clock(instant: str) -> str:
    """Give hours and minutes of an instant."""
    return format_instant(parse_instant(instant))[11:16]


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
