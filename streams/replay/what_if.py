"""What if: the same past under several settings, side by side."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from detectors.detections import Direction
from streams.config import Settings
from streams.domain.change_points import ChangePoint
from streams.domain.incidents import IncidentRecord
from streams.domain.outcomes import DeadLetter
from streams.domain.releases import ReleaseEvent
from streams.replay.archive import WindowArchive
from streams.replay.drive import Drive
from streams.replay.files import WindowsFile
from streams.replay.outputs import CHANGE_POINTS, INCIDENTS
from streams.replay.request import Progress, ReplaySummary
from streams.replay.side_by_side import SideBySide, as_html, as_json, as_markdown
from streams.replay.trials import Page, Trial, Wanted
from streams.replay.whole_folder import whole_folder
from streams.stages.recordings import Recording
from streams.stages.records import IngestStatistics
from streams.windows.closed import ClosedWindow
from streams.windows.ranges import TimeRange

_PARTS = 1_000_000
"""Parts that the progress of one replay is told in: each setting takes about as long."""


@dataclass(frozen=True, slots=True)
class Variant:
    """Settings to try.

    Attributes:
        name: What they are called in the table: what is different about them.
        settings: All of them.
    """

    name: str
    settings: Settings


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What to try on what.

    Attributes:
        variants: The settings; the others are compared with the first.
        opened: Opens the recording for some settings.
        releases: The release log.
        wanted: The range of event time.
        truth: The incidents that there were; None where that is not known.
    """

    variants: Sequence[Variant]
    opened: Callable[[Settings], AbstractContextManager[Recording]]
    releases: Sequence[ReleaseEvent]
    wanted: TimeRange
    truth: Sequence[Wanted] | None

    def run(self, out: Path, progress: Progress, now: float) -> SideBySide:
        """Replay under each setting and write what_if.md, what_if.json and what_if.html.

        A folder for each setting has its incidents.jsonl and change_points.jsonl. Events are folded
        once for all settings that fold them alike; the others start from the windows.

        Args:
            out: The folder to write.
            progress: Hears how far it is.
            now: Processing time, in seconds since the epoch.

        Raises:
            OperatorError: What is recorded is not what it should be, or the folder cannot be
                written.
            OutsideSystemError: The disk failed, or where the recording lies did.
        """
        with whole_folder(out) as folder:
            replays = _Replays(self, folder, now)
            trials = []
            for number, variant in enumerate(self.variants):
                step = _Step(progress, number, len(self.variants))
                trials.append(replays.of(number, variant, step))
            found = SideBySide(tuple(trials), self.truth, replays.curve.ratios())
            (folder / "what_if.md").write_text(as_markdown(found), "utf-8")
            (folder / "what_if.json").write_bytes(as_json(found))
            (folder / "what_if.html").write_text(as_html(found), "utf-8")
            replays.tidy()
        return found


class _Replays:
    """Replays one setting after another, and keeps the windows that others can start from."""

    def __init__(self, plan: WhatIf, folder: Path, now: float) -> None:
        self._plan, self._folder, self._now = plan, folder, now
        self._left = Counter(_folding(one.settings) for one in plan.variants)
        self._tables: dict[str, Path] = {}
        self.curve = _Curve()

    def of(self, number: int, variant: Variant, progress: Progress) -> Trial:
        """Replay under some settings."""
        part = self._folder / f"setting-{number + 1}"
        part.mkdir()
        folding = _folding(variant.settings)
        self._left[folding] -= 1
        sink = _TrialSink(None if number else self.curve)
        if folding in self._tables:
            table = WindowsFile(self._tables[folding], variant.settings, self._plan.wanted)
            summary = self._run(variant, table, sink, progress)
        else:
            with ExitStack() as stack:
                if self._left[folding]:
                    archive = WindowArchive(self._folder / "spool", variant.settings)
                    stack.callback(archive.close)
                    sink.archive = archive
                recording = stack.enter_context(self._plan.opened(variant.settings))
                summary = self._run(variant, recording, sink, progress)
                if sink.archive is not None:
                    self._tables[folding] = self._folder / f"windows-{number + 1}.parquet"
                    for _ in sink.archive.finish(self._tables[folding]):
                        pass  # what is given besides is for metrics and reports
        return sink.finish(variant.name, summary, part)

    def tidy(self) -> None:
        """Drop the windows."""
        for path in (self._folder / "spool", *self._tables.values()):
            path.unlink(missing_ok=True)

    def _run(
        self, variant: Variant, recording: Recording, sink: "_TrialSink", progress: Progress
    ) -> ReplaySummary:
        drive = Drive(variant.settings, self._plan.wanted, sink, progress, self._now)
        return drive.run(recording, self._plan.releases)


def _folding(settings: Settings) -> str:
    """Give what decides how events become closed windows; equal for settings that share them.

    To the counts themselves come the bounds on what is told apart, which each judge keeps for its
    share of the series, until it forgets them.
    """
    return "\n".join(
        [
            settings.ingest.model_dump_json(),
            settings.windows.model_dump_json(),
            settings.topics.model_dump_json(),
            str(settings.detectors.group_by),
            str(settings.detectors.forget_after),
        ]
    )


@dataclass(frozen=True, slots=True)
class _Step:
    """Tells the progress of one replay as a part of all."""

    whole: Progress
    number: int
    steps: int

    def advance(self, done_bytes: int, total_bytes: int, events: int, windows: int) -> None:
        done = min(done_bytes / total_bytes, 1.0) if total_bytes else 0.0
        parts = round((self.number + done) * _PARTS)
        self.whole.advance(parts, self.steps * _PARTS, events, windows)


class _Curve:
    """Trials and failures of all series, window by window."""

    def __init__(self) -> None:
        self._totals: defaultdict[int, list[int]] = defaultdict(lambda: [0, 0])
        self._seconds = 0

    def add(self, closed: ClosedWindow) -> None:
        self._seconds = closed.window_seconds
        cells = closed.cells
        for window in np.unique(cells.windows).tolist():
            inside = cells.windows == window
            self._totals[window][0] += int(cells.trials[inside].sum())
            self._totals[window][1] += int(cells.failures[inside].sum())

    def ratios(self) -> tuple[tuple[float, float], ...]:
        """Give (start of the window in seconds since the epoch, success ratio), in time order."""
        return tuple(
            (float(window * self._seconds), 1.0 - failures / trials)
            for window, (trials, failures) in sorted(self._totals.items())
            if trials
        )


class _TrialSink:
    """Keeps of a replay what the table needs, and its records."""

    def __init__(self, curve: _Curve | None) -> None:
        self.archive: WindowArchive | None = None
        self._curve = curve
        self._records: list[dict[str, Any]] = []
        self._points: list[ChangePoint] = []

    def add_read(self, found: IngestStatistics) -> None:
        """Pass over what the summary says, too."""

    def add_closed(self, closed: ClosedWindow) -> None:
        if self.archive is not None:
            self.archive.add(closed.cells)
        if self._curve is not None:
            self._curve.add(closed)

    def add_incident(self, record: IncidentRecord) -> None:
        self._records.append(record.record())

    def add_change_point(self, point: ChangePoint) -> None:
        self._points.append(point)

    def add_dead_letter(self, letter: DeadLetter, place: Mapping[str, str | int]) -> None:
        """Pass over what is the same under all settings; a replay tells it."""

    def finish(self, name: str, summary: ReplaySummary, folder: Path) -> Trial:
        """Write the records, and give what the table needs."""
        encode = msgspec.json.encode
        records = b"".join(encode(record) + b"\n" for record in self._records)
        points = b"".join(encode(point.record()) + b"\n" for point in self._points)
        (folder / INCIDENTS).write_bytes(records)
        (folder / CHANGE_POINTS).write_bytes(points)
        told: dict[str, list[dict[str, Any]]] = {}
        for record in self._records:
            told.setdefault(str(record["incident"]), []).append(record)
        pages = [Page.of(revisions[0], revisions[-1]) for revisions in told.values()]
        worse = [one for one in self._points if one.direction is Direction.DEGRADED]
        changes = Counter(one.kind.value for one in worse)
        return Trial(name, summary, tuple(pages), dict(sorted(changes.items())))
