"""Replay: a recording through the stages of the live worker, into one folder."""

from collections import Counter
from collections.abc import Iterable, Mapping

import structlog

from streams.config import Settings
from streams.domain.change_points import ChangePoint
from streams.domain.incidents import IncidentRecord
from streams.domain.outcomes import DeadLetter, DeadLetterReason
from streams.domain.releases import ReleaseEvent
from streams.ports import Clock
from streams.replay.drive import Drive
from streams.replay.files import OutcomeFiles, WindowsFile, read_releases
from streams.replay.outputs import DEAD_LETTERS, ReplayOutputs
from streams.replay.request import Progress, ReplayRequest, ReplaySummary
from streams.stages.recordings import Recording
from streams.stages.records import IngestStatistics
from streams.windows.closed import ClosedWindow

log = structlog.get_logger("opwatch.replay")

_LOGGED = 5
"""Dead letters that are logged one by one; a sender is mostly wrong in the same way."""


def replay(
    settings: Settings, request: ReplayRequest, progress: Progress, clock: Clock
) -> ReplaySummary:
    """Run files through the stages and write what comes of it.

    Args:
        settings: The installation's settings.
        request: What to read, and where to write.
        progress: Hears how far the replay is.
        clock: Processing time, which bounds how far ahead an event's time may be.

    Raises:
        OperatorError: A file is missing or not what it should be, or the folder cannot be written.
        OutsideSystemError: The disk failed.
    """
    return replay_recording(
        settings,
        request,
        recording_of_files(settings, request),
        read_releases(request.releases),
        progress,
        clock,
    )


def recording_of_files(settings: Settings, request: ReplayRequest) -> Recording:
    """Give the files of a request as a recording.

    Raises:
        OperatorError: A file is missing or a folder.
    """
    if request.windows is None:
        return OutcomeFiles(request.outcomes)
    return WindowsFile(request.windows, settings, request.range)


def replay_recording(
    settings: Settings,
    request: ReplayRequest,
    recording: Recording,
    releases: Iterable[ReleaseEvent],
    progress: Progress,
    clock: Clock,
) -> ReplaySummary:
    """Run a recording through the stages and write what comes of it; see `replay`.

    Args:
        settings: The installation's settings.
        request: The range of event time, and where to write.
        recording: What to replay.
        releases: The release log.
        progress: Hears how far the replay is.
        clock: Processing time.
    """
    with ReplayOutputs(request.out, settings) as outputs:
        sink = _FolderSink(outputs)
        drive = Drive(settings, request.range, sink, progress, clock.now())
        known = list(releases)
        outputs.add_releases(known)
        summary = drive.run(recording, known)
        outputs.finish()
    sink.sum_up(request)
    return summary


class _FolderSink:
    """Writes what a replay finds into its folder."""

    def __init__(self, outputs: ReplayOutputs) -> None:
        self._outputs = outputs
        self._reasons: Counter[DeadLetterReason] = Counter()

    def add_read(self, found: IngestStatistics) -> None:
        self._outputs.add_read(found)

    def add_closed(self, closed: ClosedWindow) -> None:
        self._outputs.add_closed(closed)

    def add_incident(self, record: IncidentRecord) -> None:
        self._outputs.add_incident(record.record())

    def add_change_point(self, point: ChangePoint) -> None:
        self._outputs.add_change_point(point.record())

    def add_dead_letter(self, letter: DeadLetter, place: Mapping[str, str | int]) -> None:
        told = {**place, "reason": letter.reason.value, "detail": letter.detail}
        self._outputs.add_dead_letter(told)
        self._reasons[letter.reason] += 1
        if self._reasons.total() <= _LOGGED:
            log.warning("dead_letter", **told)

    def sum_up(self, request: ReplayRequest) -> None:
        """Log how many dead letters there are for each reason, where not all were logged."""
        if self._reasons.total() <= _LOGGED:
            return
        for reason, count in sorted(self._reasons.items(), key=lambda one: one[0].value):
            where = str(request.out / DEAD_LETTERS)
            log.warning("dead_letters", reason=reason.value, count=count, see=where)
