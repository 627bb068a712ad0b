"""`metrics.om`: a replay's windows and incidents as OpenMetrics with timestamps, ready to backfill.

`promtool tsdb create-blocks-from openmetrics metrics.om DATA` turns it into blocks. Unlike a scrape
it has what came late in the window it belongs to. A window's samples stand at its end; a counter
begins with 0 at the start of the first window in which it counts anything, because Prometheus
cannot see an increase from nothing.
"""

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

import numpy as np

from streams.config import Settings
from streams.domain.time import parse_instant
from streams.incident_samples import incident_samples
from streams.replay.windows_table import ArchiveRows
from streams.telemetry import (
    BASELINE_SUCCESS_RATIO,
    CANDIDATE_PROBABILITY,
    INCIDENT,
    INCIDENT_EXCESS_FAILURES,
    INCIDENT_ONSET,
    INCIDENTS_OPEN,
    NO_RELEASE_PROBABILITY,
    OPERATIONS,
    SUCCESS_RATIO,
    Kind,
    Metric,
    label_text,
    number_text,
)
from streams.windows.cells import Int64

_PER_WINDOW = (OPERATIONS, SUCCESS_RATIO, BASELINE_SUCCESS_RATIO)
_PER_INCIDENT = (
    INCIDENT,
    INCIDENT_ONSET,
    INCIDENT_EXCESS_FAILURES,
    CANDIDATE_PROBABILITY,
    NO_RELEASE_PROBABILITY,
)
_OUTCOMES = ("success", "failure", "cancelled", "caller_fault")
_SUFFIXES = {Kind.COUNTER: "_total", Kind.INFO: "_info"}


@dataclass(slots=True)
class _Series:
    """One series: the text of its labels, and its totals by outcome (None before the first)."""

    labels: str
    totals: list[int | None] = field(default_factory=lambda: [None] * len(_OUTCOMES))


class OpenMetricsWriter:
    """Writes `metrics.om`. Memory grows with the number of series and incidents, not of windows.

    A metric's samples must stand together, so each metric is written into a file of its own first.
    """

    def __init__(self, folder: Path, settings: Settings) -> None:
        """Open the files of the metrics that come window by window.

        Args:
            folder: Where they are kept until `finish`.
            settings: For the names of the dimensions and the length of the windows.
        """
        self._names = OPERATIONS.label_names(settings.ingest.dimensions)[:-1]
        self._seconds = settings.windows.seconds
        self._series: dict[tuple[str, ...], _Series] = {}
        self._paths = {metric: folder / f"{metric.name}.part" for metric in _PER_WINDOW}
        self._files: dict[Metric, TextIO] = {
            metric: path.open("w", encoding="utf-8") for metric, path in self._paths.items()
        }
        self._span: tuple[int, int] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for file in self._files.values():
            file.close()

    def add_rows(self, rows: ArchiveRows) -> None:
        """Write the samples of some windows.

        Args:
            rows: Whole windows, later than all before.
        """
        if not len(rows):
            return
        first, last = int(rows.cells.windows[0]), int(rows.cells.windows[-1])
        self._span = (self._span[0] if self._span else first, last)
        series = [self._series_of(key) for key in rows.cells.keys()]  # noqa: SIM118 a table, no mapping
        ends = ((rows.cells.windows + 1) * self._seconds).tolist()
        self._files[OPERATIONS].writelines(self._operations(rows, series, ends))
        trials = rows.cells.trials
        ratios = 1 - rows.cells.failures / np.maximum(trials, 1)
        gauges = (
            (SUCCESS_RATIO, ratios, trials > 0),
            (BASELINE_SUCCESS_RATIO, 1 - rows.baseline, ~np.isnan(rows.baseline)),
        )
        for metric, values, present in gauges:
            self._files[metric].writelines(
                f"{metric.name}{{{one.labels}}} {number_text(value)} {end}\n"
                for one, value, there, end in zip(
                    series, np.round(values, 9).tolist(), present.tolist(), ends, strict=True
                )
                if there
            )

    def finish(self, target: Path, incidents: Sequence[Mapping[str, Any]]) -> None:
        """Write the whole file.

        Args:
            target: Where to.
            incidents: All incident records, in the order they were written.
        """
        with target.open("wb") as out:
            for metric, file in self._files.items():
                file.close()
                with self._paths[metric].open("rb") as part:
                    out.write(_header(metric))
                    shutil.copyfileobj(part, out, 1024 * 1024)
            for line in self._incident_lines(incidents):
                out.write(line.encode())
            out.write(b"# EOF\n")

    def _series_of(self, key: tuple[str, ...]) -> _Series:
        found = self._series.get(key)
        if found is None:
            found = self._series[key] = _Series(label_text(self._names, key))
        return found

    def _operations(
        self, rows: ArchiveRows, series: Sequence[_Series], ends: Sequence[int]
    ) -> Iterator[str]:
        cells = rows.cells
        counts = (
            cells.trials - cells.failures,
            cells.failures,
            cells.cancelled,
            cells.caller_faults,
        )
        for one, end, *row in zip(
            series, ends, *(column.tolist() for column in counts), strict=True
        ):
            for outcome, count in enumerate(row):
                total = one.totals[outcome]
                if total is None and not count:
                    continue
                name = f'{OPERATIONS.name}{{{one.labels},outcome="{_OUTCOMES[outcome]}"}}'
                if total is None:
                    yield f"{name} 0 {end - self._seconds}\n"
                total = one.totals[outcome] = (total or 0) + count
                yield f"{name} {total} {end}\n"

    def _incident_lines(self, records: Sequence[Mapping[str, Any]]) -> Iterator[str]:
        if self._span is None:
            return
        grid = np.arange(self._span[0] + 1, self._span[1] + 2, dtype=np.int64) * self._seconds
        states = list(_states(records, grid))
        open_now = np.zeros(len(grid) + 1, np.int64)
        for record, first, last in states:
            if record["status"] != "resolved":
                open_now[first] += 1
                open_now[last] -= 1
        yield _header(INCIDENTS_OPEN).decode()
        for count, end in zip(np.cumsum(open_now[:-1]).tolist(), grid.tolist(), strict=True):
            yield f"{INCIDENTS_OPEN.name} {count} {end}\n"
        for metric in _PER_INCIDENT:
            yield _header(metric).decode()
            for record, first, last in states:
                yield from _state_lines(metric, record, grid[first:last])


def _states(
    records: Iterable[Mapping[str, Any]], grid: Int64
) -> Iterator[tuple[Mapping[str, Any], int, int]]:
    """Give each record with the part of the grid, [first, last), in which it is the newest."""
    of_incident: dict[str, list[Mapping[str, Any]]] = {}
    for record in records:
        of_incident.setdefault(record["incident"], []).append(record)
    for revisions in of_incident.values():
        begins = np.searchsorted(grid, [parse_instant(one["raised"]) for one in revisions]).tolist()
        for record, first, last in zip(revisions, begins, [*begins[1:], len(grid)], strict=True):
            yield record, first, last


def _state_lines(metric: Metric, record: Mapping[str, Any], ends: Int64) -> Iterator[str]:
    for of, values, value in incident_samples(record):
        if of is metric:
            head = f"{metric.name}{{{label_text(metric.labels, values)}}} {number_text(value)}"
            for end in ends.tolist():
                yield f"{head} {end}\n"


def _header(metric: Metric) -> bytes:
    family = metric.name.removesuffix(_SUFFIXES.get(metric.kind, ""))
    kind = metric.kind.value
    return f"# HELP {family} {metric.help}\n# TYPE {family} {kind}\n".encode()
