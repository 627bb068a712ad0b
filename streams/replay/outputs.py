"""What a replay writes: one folder, complete or not at all."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import msgspec

from streams.config import Settings
from streams.domain.errors import OutsideSystemError
from streams.domain.releases import ReleaseEvent
from streams.replay.archive import WindowArchive
from streams.replay.openmetrics import OpenMetricsWriter
from streams.replay.report import Report, ReportFormat, rendered, report_clock
from streams.replay.whole_folder import hidden_folder, move_in, reason
from streams.stages.records import IngestStatistics
from streams.windows.closed import ClosedWindow

INCIDENTS = "incidents.jsonl"
CHANGE_POINTS = "change_points.jsonl"
WINDOWS = "windows.parquet"
DEAD_LETTERS = "dead_letters.jsonl"
RELEASES = "releases.jsonl"
METRICS = "metrics.om"


class ReplayOutputs:
    """The files of one replay; a context manager, that without `finish` leaves nothing behind.

    All of it is written into a hidden folder beside the target and moved in at the end. A target
    that is there keeps what else it holds.
    """

    def __init__(self, out: Path, settings: Settings) -> None:
        """Describe the folder; nothing is written before the context is entered.

        Args:
            out: The folder to write.
            settings: For dimensions and window length.
        """
        self._out = out
        self._settings = settings
        self._incidents: list[Mapping[str, Any]] = []
        self._change_points: list[Mapping[str, Any]] = []
        self._releases: list[ReleaseEvent] = []
        self._encode = msgspec.json.Encoder().encode
        self._files: dict[str, BinaryIO] = {}

    def __enter__(self) -> Self:
        """Make the hidden folder.

        Raises:
            OperatorError: The folder cannot be made there.
            OutsideSystemError: The disk failed.
        """
        # One stack for all, so that Ctrl-C at any moment finds what is there already.
        with ExitStack() as opened, self._writing():
            self._hidden = opened.enter_context(hidden_folder(self._out))
            for name in (INCIDENTS, CHANGE_POINTS, DEAD_LETTERS, RELEASES):
                self._files[name] = opened.enter_context((self._hidden / name).open("wb"))
            self._archive = WindowArchive(self._hidden / "windows.spool", self._settings)
            opened.callback(self._archive.close)
            self._metrics = OpenMetricsWriter(self._hidden, self._settings)
            opened.callback(self._metrics.close)
            self._opened = opened.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._opened.close()

    def add_releases(self, releases: Iterable[ReleaseEvent]) -> None:
        """Take release events, in the order they were read."""
        for event in releases:
            self._releases.append(event)
            self._write_line(RELEASES, event.record())

    def add_read(self, found: IngestStatistics) -> None:
        """Take what became of records that were read, before the windows that they close."""
        self._metrics.add_read(found)

    def add_closed(self, closed: ClosedWindow) -> None:
        """Take a closed window, or late outcomes.

        Args:
            closed: Memory is bounded as long as windows come in time order; late cells and
                stragglers are kept in memory until the end.

        Raises:
            OutsideSystemError: The disk failed.
        """
        with self._writing():
            self._archive.add(closed.cells)
            self._metrics.add_closed(closed)

    def add_incident(self, record: Mapping[str, Any]) -> None:
        """Take an incident record, in the order they are written."""
        self._incidents.append(record)
        self._write_line(INCIDENTS, record)

    def add_change_point(self, record: Mapping[str, Any]) -> None:
        """Take a change point, in the order they are raised."""
        self._change_points.append(record)
        self._write_line(CHANGE_POINTS, record)

    def add_dead_letter(self, record: Mapping[str, Any]) -> None:
        """Take a record that can never be counted: where it lies, and what is wrong with it."""
        self._write_line(DEAD_LETTERS, record)

    def finish(self) -> None:
        """Write what needs all of it, and move the files into their folder.

        Raises:
            OutsideSystemError: The disk failed.
        """
        with self._writing():
            report = Report(self._settings, self._incidents, self._change_points, self._releases)
            for rows in self._archive.finish(self._hidden / WINDOWS):
                self._metrics.add_rows(rows)
                report.add_rows(rows)
            self._metrics.finish(self._hidden / METRICS, self._incidents, self._releases)
            for form in ReportFormat:
                text = rendered(report, form, report_clock("UTC"))
                (self._hidden / form.file).write_text(text, "utf-8")
            for file in self._files.values():
                file.close()
            whole = [*self._files, WINDOWS, METRICS, *(form.file for form in ReportFormat)]
            move_in([self._hidden / name for name in whole], self._out)

    def _write_line(self, name: str, record: Mapping[str, Any]) -> None:
        with self._writing():
            self._files[name].write(self._encode(record) + b"\n")

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OutsideSystemError(f"cannot write {self._out}: {reason(error)}") from error
