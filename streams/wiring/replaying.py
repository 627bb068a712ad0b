"""Replay put together: where the recording comes from, and the release log of its time."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from streams.adapters.archive import ArchiveStore
from streams.adapters.kafka.history import KafkaOutcomes, KafkaWindows, Span
from streams.adapters.kafka.releases import KafkaReleases
from streams.adapters.kafka.topics import partition_counts
from streams.adapters.system_clock import SystemClock
from streams.config import Settings
from streams.domain.errors import OperatorError
from streams.domain.releases import ReleaseEvent
from streams.replay.archived_windows import ArchivedWindows
from streams.replay.driver import recording_of_files, replay_recording
from streams.replay.files import read_releases, read_truth
from streams.replay.request import KafkaContent, Progress, ReplayRequest, ReplaySummary
from streams.replay.what_if import Variant, WhatIf
from streams.stages.recordings import Recording
from streams.wiring.archiving import ArchiveAt
from streams.wiring.worker import decode_message


def replay(settings: Settings, request: ReplayRequest, progress: Progress) -> ReplaySummary:
    """Replay files, the archive or a range of time in Kafka into a folder.

    Args:
        settings: The installation's settings.
        request: What to read, and where to write.
        progress: Hears how far the replay is.

    Raises:
        OperatorError: What to read is missing or not what it should be, or the folder cannot be
            written.
        OutsideSystemError: The disk failed, or Kafka or the archive does not answer.
    """
    releases = releases_of(settings, request)
    with recording_of(settings, request) as recording:
        return replay_recording(settings, request, recording, releases, progress, SystemClock())


def what_if(
    variants: Sequence[Variant], request: ReplayRequest, truth: Path | None, progress: Progress
) -> list[str]:
    """Replay the same past under several settings, and write them side by side.

    Args:
        variants: The settings; Kafka and its topics are those of the first.
        request: What to read, and where to write.
        truth: A `truth.json` of `opwatch simulate`; None where the truth is not known.
        progress: Hears how far it is.

    Returns:
        A sentence for each setting.

    Raises:
        OperatorError: What to read is missing or not what it should be, or the folder cannot be
            written.
        OutsideSystemError: The disk failed, or Kafka does not answer.
    """
    plan = WhatIf(
        variants=variants,
        opened=lambda settings: recording_of(settings, request),
        releases=releases_of(variants[0].settings, request),
        wanted=request.range,
        truth=None if truth is None else read_truth(truth),
    )
    found = plan.run(request.out, progress, SystemClock().now())
    return [
        f"{trial.name}: {answer}" for trial, answer in zip(found.trials, found.answers, strict=True)
    ]


@contextmanager
def recording_of(settings: Settings, request: ReplayRequest) -> Iterator[Recording]:
    """Open what a request wants to be replayed."""
    if request.archive is not None:
        archive = ArchiveAt(ArchiveStore(request.archive, settings.archive.options))
        yield ArchivedWindows(archive, settings, request.range)
        return
    if request.kafka is None:
        yield recording_of_files(settings, request)
        return
    if request.start is None or request.end is None:  # a request without them cannot be made
        raise OperatorError("--kafka needs --from TIME and --to TIME")
    span = Span(request.start, request.end, request.margin)
    kind = KafkaOutcomes if request.kafka is KafkaContent.RAW else KafkaWindows
    with kind(settings, span) as recording:
        yield recording


def releases_of(settings: Settings, request: ReplayRequest) -> list[ReleaseEvent]:
    """Give the release log: of the file, or of the topic up to the end of the range.

    It begins with the topic: what was released long before may fail in the range.
    """
    if request.kafka is None or request.releases is not None:
        return read_releases(request.releases)
    topic = settings.topics.releases
    if topic not in partition_counts(settings):
        raise OperatorError(
            f"there is no topic {topic} in Kafka at {settings.kafka.bootstrap}: "
            "set topics.releases, or give --releases FILE"
        )
    releases = KafkaReleases(settings, decode_message, SystemClock())
    try:
        events = releases.drain()
    finally:
        releases.close()
    return [one for one in events if request.end is None or one.time < request.end]
