"""Replay from Kafka: a range of time, raw or as windows, gives what files and a worker give."""

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from live_installation import LiveInstallation
from outcome_events import event
from structlog.testing import capture_logs

from servers.kafka_server import TopicMaker
from streams import wiring
from streams.adapters.scenario_files import ScenarioFiles, write_scenario
from streams.config import IngestSettings, KafkaSettings, Settings, TopicSettings
from streams.domain.errors import OperatorError
from streams.domain.time import format_instant, parse_instant
from streams.replay.compare import compare
from streams.replay.inputs import read_events
from streams.replay.request import KafkaContent, ReplayRequest, ReplaySummary
from streams.scenarios.catalogue import build

PARTITIONS = 3
ONSET = parse_instant("2021-10-13T06:27:00Z")


class Quiet:
    def advance(self, *_: int) -> None:
        """Hear nothing."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A scenario as files, a file for each partition."""

    files: ScenarioFiles
    parts: tuple[Path, ...]


def lines(path: Path) -> Iterator[bytes]:
    for batch in read_events(path):
        yield from batch.lines


def partition_of(line: bytes) -> int:
    """Spread outcomes over the partitions by their id, so that duplicates meet."""
    return zlib.crc32(json.loads(line)["id"].encode()) % PARTITIONS


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """The founding incident, short and small, with duplicates, disorder and late events."""
    scenario = build(
        "founding-incident",
        seed=5,
        volume=400,
        before=timedelta(minutes=140),
        incident_duration=timedelta(minutes=20),
        after=timedelta(minutes=10),
    )
    folder = tmp_path_factory.mktemp("recorded")
    files = write_scenario(scenario, folder)
    parts: tuple[list[bytes], ...] = tuple([] for _ in range(PARTITIONS))
    for line in lines(files.outcomes_path):
        parts[partition_of(line)].append(line)
    paths = tuple(folder / f"part-{number}.jsonl" for number in range(PARTITIONS))
    for path, part in zip(paths, parts, strict=True):
        path.write_bytes(b"".join(line + b"\n" for line in part))
    return Recorded(files, paths)


@dataclass(frozen=True, slots=True)
class Filled:
    """Topics with a scenario, whose records are written when their events happen."""

    settings: Settings
    bootstrap: str


@pytest.fixture
def filled(kafka: str, fresh_topics: TopicMaker, recorded: Recorded) -> Filled:
    outcomes, releases = fresh_topics("operations", "releases", partitions=PARTITIONS)
    # Without idempotence a retry could change the order of the records.
    producer = Producer({"bootstrap.servers": kafka, "enable.idempotence": True})
    for number, path in enumerate(recorded.parts):
        latest = 0.0
        for line in lines(path):
            # As a broker would: what comes late has the time at which it comes.
            latest = max(latest, datetime.fromisoformat(json.loads(line)["time"]).timestamp())
            milliseconds = int(1000 * (latest + 2))
            producer.produce(outcomes, line, partition=number, timestamp=milliseconds)
            producer.poll(0)
        producer.flush()
    for line in lines(recorded.files.releases_path):
        producer.produce(releases, line, partition=0)
    producer.flush()
    settings = Settings(
        kafka=KafkaSettings(bootstrap=kafka),
        topics=TopicSettings(outcomes=outcomes, releases=releases, counts_partitions=2),
        ingest=IngestSettings(maximum_ahead=timedelta(minutes=5), batch_size=500),
    )
    return Filled(settings, kafka)


def from_kafka(
    settings: Settings, out: Path, start: float, end: float, *, margin: float = 600.0
) -> ReplaySummary:
    request = ReplayRequest((), None, None, out, start, end, KafkaContent.RAW, margin)
    return wiring.replay(settings, request, Quiet())


def from_files(
    settings: Settings, recorded: Recorded, out: Path, start: float, end: float
) -> ReplaySummary:
    request = ReplayRequest(recorded.parts, None, recorded.files.releases_path, out, start, end)
    return wiring.replay(settings, request, Quiet())


def test_all_of_a_topic_gives_what_its_files_give(
    filled: Filled, recorded: Recorded, tmp_path: Path
) -> None:
    start, end = ONSET - 86_400, ONSET + 86_400
    kafka = from_kafka(filled.settings, tmp_path / "kafka", start, end)
    files = from_files(filled.settings, recorded, tmp_path / "files", start, end)
    assert kafka == files
    assert files.incidents == 1
    assert compare(tmp_path / "kafka", tmp_path / "files") is None


def test_a_range_gives_what_happened_in_it_and_the_rest_is_not_read(
    filled: Filled, recorded: Recorded, tmp_path: Path
) -> None:
    start, end = ONSET - 6_000, ONSET - 4_200
    kafka = from_kafka(filled.settings, tmp_path / "kafka", start, end)
    files = from_files(filled.settings, recorded, tmp_path / "files", start, end)
    assert compare(tmp_path / "kafka", tmp_path / "files") is None
    assert kafka.windows == files.windows == 30
    # An hour and a half of three: 25 minutes before the range, 10 after it, and half a batch.
    assert kafka.events < 0.5 * files.events


@dataclass(frozen=True, slots=True)
class Straggler:
    """An event of the first hour, and when it is written."""

    id: str
    happened: float
    written: float


@pytest.mark.parametrize(("margin", "found"), [(600.0, 61), (7_200.0, 62), (14_400.0, 63)])
def test_what_happened_in_the_range_is_counted_if_it_is_written_within_the_margin(
    kafka: str, fresh_topics: TopicMaker, tmp_path: Path, margin: float, found: int
) -> None:
    outcomes, releases = fresh_topics("operations", "releases")
    minutes = [Straggler(str(minute), 60.0 * minute, 60.0 * minute + 1) for minute in range(420)]
    stragglers = [
        # With a clock that is ahead: written 40 minutes before it happened, before the range.
        Straggler("ahead", 3_660.0, 1_260.0),
        Straggler("hour-late", 4_000.0, 11_000.0),
        Straggler("hours-late", 4_000.0, 18_000.0),
    ]
    producer = Producer({"bootstrap.servers": kafka, "enable.idempotence": True})
    for one in sorted([*minutes, *stragglers], key=lambda each: each.written):
        value = event(id=one.id, time=format_instant(ONSET + one.happened))
        producer.produce(outcomes, value, timestamp=int(1000 * (ONSET + one.written)))
    producer.flush()
    settings = Settings(
        kafka=KafkaSettings(bootstrap=kafka),
        topics=TopicSettings(outcomes=outcomes, releases=releases, counts_partitions=1),
        ingest=IngestSettings(batch_size=5),
    )
    start, end = ONSET + 3_600, ONSET + 7_200
    from_kafka(settings, tmp_path / "out", start, end, margin=margin)
    table = pq.read_table(tmp_path / "out" / "windows.parquet")
    assert sum(table.column("trials").to_pylist()) == found


def test_what_retention_took_is_said(filled: Filled, tmp_path: Path) -> None:
    admin = AdminClient({"bootstrap.servers": filled.bootstrap})
    where = TopicPartition(filled.settings.topics.outcomes, 1, 9_000)
    admin.delete_records([where])[where].result()
    topic = filled.settings.topics.outcomes
    with pytest.raises(OperatorError, match=rf"partition 1 of topic {topic} begins at 2021-10-13T"):
        from_kafka(filled.settings, tmp_path / "out", ONSET - 7_000, ONSET)
    assert not (tmp_path / "out").exists()
    # What is left can be replayed.
    assert from_kafka(filled.settings, tmp_path / "later", ONSET - 600, ONSET).windows == 10


def test_a_partition_that_holds_nothing_any_more_is_passed_over_unless_all_do(
    filled: Filled, tmp_path: Path
) -> None:
    admin, topic = AdminClient({"bootstrap.servers": filled.bootstrap}), filled.settings.topics
    gone = [TopicPartition(topic.outcomes, number, -1) for number in range(PARTITIONS)]  # all of it
    admin.delete_records(gone[:1])[gone[0]].result()
    with capture_logs() as logged:
        summary = from_kafka(filled.settings, tmp_path / "out", ONSET - 600, ONSET)
    assert summary.windows == 10
    said = [one["partition"] for one in logged if one["event"].startswith("partition_holds")]
    assert said == [0]
    for one in admin.delete_records(gone[1:]).values():
        one.result()
    with pytest.raises(OperatorError, match=r"partition 0 of topic .* holds nothing: what was"):
        from_kafka(filled.settings, tmp_path / "none", ONSET - 600, ONSET)


def test_a_topic_that_is_not_there_is_said(filled: Filled, tmp_path: Path) -> None:
    topics = filled.settings.topics.model_copy(update={"outcomes": "nobody-has-this"})
    settings = filled.settings.model_copy(update={"topics": topics})
    with pytest.raises(OperatorError, match="there is no topic nobody-has-this in Kafka at"):
        from_kafka(settings, tmp_path / "out", ONSET - 600, ONSET)


def test_replays_from_kafka_are_what_the_live_worker_wrote(
    kafka: str, recorded: Recorded, tmp_path: Path
) -> None:
    whole = from_files(Settings(), recorded, tmp_path / "files", ONSET - 86_400, ONSET + 86_400)
    assert whole.incidents == 1
    with LiveInstallation(kafka, "from-kafka", tmp_path) as installation:
        installation.produce(
            lines(recorded.files.outcomes_path),
            lines(recorded.files.releases_path),
            lambda _, line: partition_of(line),
        )
        installation.start_worker()
        live = tmp_path / "live"
        live.mkdir()
        for name in ("incidents", "change_points"):
            written = (tmp_path / "files" / f"{name}.jsonl").read_bytes().splitlines()
            messages = installation.messages(name.replace("_", "-"), len(written))
            (live / f"{name}.jsonl").write_bytes(b"".join(one + b"\n" for one in messages))
        for content in KafkaContent:
            between = ["--from", "2021-10-13T00:00:00Z", "--to", "2021-10-14T00:00:00Z"]
            out = tmp_path / content.value
            installation.command("replay", "--kafka", content.value, *between, "--out", str(out))
            assert compare(live, out) is None
    assert compare(tmp_path / "files", tmp_path / "windows") is None
