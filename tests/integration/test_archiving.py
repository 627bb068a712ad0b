"""The archive of live workers: every window once, whatever is killed and whatever fails."""

import signal
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from threading import Event, Thread

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from archive_servers import S3_OPTIONS, s3_server
from cell_tables import Cell, cell_table
from closed_windows import closed_window
from confluent_kafka import Producer
from live_installation import LiveInstallation

from servers.kafka_server import TopicMaker
from streams import wiring
from streams.adapters.archive import ArchiveStore
from streams.adapters.scenario_files import ScenarioFiles, write_scenario
from streams.adapters.system_clock import SystemClock
from streams.config import KafkaSettings, Settings, TopicSettings
from streams.config_archive import ArchiveSettings
from streams.domain.errors import OperatorError
from streams.domain.series import OTHER
from streams.replay.archive_layout import DAY_S, days_of
from streams.replay.archive_tables import DayReader
from streams.replay.compare import compare
from streams.replay.inputs import read_events
from streams.replay.request import ReplayRequest
from streams.replay.windows_table import archive_rows, schema, to_arrow
from streams.scenarios.catalogue import build
from streams.windows.closed import ClosedWindow
from streams.windows.closed_codec import encode_closed
from streams.windows.merging import merge
from streams.wiring.archiving import ArchiveAt, Archiver

PATIENCE_S = 120.0
DIMENSIONS = Settings().ingest.dimensions
DAY = 18_913
"""2021-10-13."""


class Unheard:
    """Progress nobody looks at."""

    def advance(self, *_: int) -> None:
        pass


class Observed:
    """Counts what an archiver tells."""

    def __init__(self) -> None:
        self.windows: Counter[int] = Counter()
        self.failures = 0

    def archived(self, partition: int, windows: int) -> None:
        self.windows[partition] += windows

    def archive_failed(self) -> None:
        self.failures += 1


def until(done: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < deadline, f"{what} did not happen"
        time.sleep(0.2)


def archived(url: str, options: dict[str, str] | None = None) -> pa.Table:
    """Give all that is in an archive."""
    archive = ArchiveAt(ArchiveStore(url, options or {}))
    tables = [schema(DIMENSIONS).empty_table()]
    for day in days_of(archive.files()):
        reader = DayReader([day], archive.opened, DIMENSIONS, 60)
        tables += [to_arrow(rows, 60) for _, rows in reader.slices(*day.bounds)]
    return pa.concat_tables(tables)


# A worker that is killed


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> ScenarioFiles:
    """Three hours of a small fleet, with duplicates, disorder and late events."""
    small = build(
        "founding-incident",
        seed=3,
        volume=400,
        before=timedelta(minutes=130),
        incident_duration=timedelta(minutes=20),
        after=timedelta(minutes=30),
    )
    return write_scenario(small, tmp_path_factory.mktemp("scenario"))


@pytest.fixture(scope="module")
def replayed(scenario: ScenarioFiles, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("replayed") / "out"
    request = ReplayRequest((scenario.outcomes_path,), None, scenario.releases_path, out)
    wiring.replay(Settings(), request, Unheard())
    return out


def test_the_archive_of_workers_that_are_killed_equals_the_windows_of_a_replay(
    kafka: str, scenario: ScenarioFiles, replayed: Path, tmp_path: Path
) -> None:
    table = pq.read_table(replayed / "windows.parquet")
    url = str(tmp_path / "archive")
    own = {"ARCHIVE__URL": url, "ARCHIVE__EVERY": "PT1S", "INGEST__BATCH_SIZE": "500"}
    with LiveInstallation(kafka, "archive-killed", tmp_path, own) as installation:
        lines = (line for batch in read_events(scenario.outcomes_path) for line in batch.lines)
        installation.produce(lines, [], lambda _, __: 0)
        for parts in (1, 2):
            worker = installation.start_worker()
            until(partial(_has_files, url, parts), "a file")
            worker.send_signal(signal.SIGKILL)
            worker.wait()
        installation.start_worker()
        whole = sum(table["trials"].to_pylist())
        until(lambda: sum(archived(url)["trials"].to_pylist()) >= whole, "the whole archive")
    assert archived(url).equals(table)
    assert [path for path in Path(url).rglob("*") if path.name.startswith(".")] == []
    request = ReplayRequest((), None, scenario.releases_path, tmp_path / "again", archive=url)
    wiring.replay(Settings(), request, Unheard())
    assert compare(replayed, tmp_path / "again") is None


def _has_files(url: str, least: int) -> bool:
    return len(list(Path(url).rglob("*.parquet"))) >= least


# An archiver by itself, on a topic with windows of two days


@pytest.fixture
def closed() -> list[ClosedWindow]:
    """Windows of two counts partitions over midnight, and late outcomes of the day before."""
    found = []
    for number in range(40):
        window = (DAY + 1) * 1440 - 20 + number
        for partition, region in enumerate(("eu", "us")):
            key = (region, "linux", "d4", "create")
            found.append(
                closed_window(cell_table(DIMENSIONS, [Cell(window, key, 9, 1)]), partition)
            )
        if number % 8 == 7:
            late = [Cell(window - 15, ("eu", OTHER, "d4", "stop"), 2, 1, late=True)]
            found.append(closed_window(cell_table(DIMENSIONS, late), through=window))
    return found


@pytest.fixture
def settings(kafka: str, fresh_topics: TopicMaker) -> Settings:
    fresh_topics("windows")
    return Settings(
        kafka=KafkaSettings(
            bootstrap=kafka, application=fresh_topics.name("app").replace(".", "-")
        ),
        topics=TopicSettings(prefix=fresh_topics.prefix),
        archive=ArchiveSettings(
            url="unused", every=timedelta(seconds=1), merge_every=timedelta(seconds=1)
        ),
    )


def produce(settings: Settings, windows: Sequence[ClosedWindow]) -> None:
    producer = Producer({"bootstrap.servers": settings.kafka.bootstrap})
    for one in windows:
        producer.produce(settings.topics.named("windows"), encode_closed(one), partition=0)
    producer.flush()


class Died(BaseException):
    """Stands for a process that is gone."""


@contextmanager
def archiving(settings: Settings, store: ArchiveStore, observed: Observed) -> Iterator[Thread]:
    """Run an archiver in a thread."""
    stop = Event()
    archiver = Archiver(settings, store, observed, SystemClock())

    def run() -> None:
        with suppress(Died):
            archiver.run(stop)

    thread = Thread(target=run)
    thread.start()
    try:
        yield thread
    finally:
        stop.set()
        thread.join()


def expected(windows: Sequence[ClosedWindow]) -> pa.Table:
    return to_arrow(archive_rows(merge([one.cells for one in windows], DIMENSIONS)), 60)


def names(url: str, options: dict[str, str] | None = None) -> list[str]:
    return ArchiveStore(url, options or {}).names()


def test_a_day_that_is_over_becomes_one_file_in_s3_and_again_when_something_comes_late(
    settings: Settings, closed: list[ClosedWindow]
) -> None:
    with s3_server() as address:
        options = {**S3_OPTIONS, "endpoint_url": address}
        url, observed = "s3://archive/opwatch", Observed()
        with archiving(settings, ArchiveStore(url, options), observed):
            for first in range(0, len(closed), 20):
                produce(settings, closed[first : first + 20])
                count = sum(one.window is not None for one in closed[: first + 20])
                until(partial(_has_written, observed, count), "a part")
            until(lambda: _of_day(names(url, options), "2021-10-13") == ["windows"], "a merged day")
            late = [Cell(DAY * 1440 + 5, ("eu", "linux", "d4", "stop"), 3, late=True)]
            straggler = closed_window(
                cell_table(DIMENSIONS, late), through=closed[-1].closed_through
            )
            produce(settings, [straggler])
            until(
                lambda: archived(url, options).num_rows > expected(closed).num_rows, "the straggler"
            )
            until(
                lambda: _of_day(names(url, options), "2021-10-13") == ["windows"], "another merge"
            )
        assert observed.failures == 0
        assert observed.windows == {0: 40, 1: 40}
        assert archived(url, options).equals(expected([*closed, straggler]))


def _has_written(observed: Observed, windows: int) -> bool:
    return observed.windows.total() == windows


def _of_day(found: Sequence[str], day: str) -> list[str]:
    """Give the kinds of files of a day."""
    return [name.split("/")[1].split("-")[0] for name in found if day in name]


class Interrupted(ArchiveStore):
    """A store whose writer dies after its first file, before it can commit."""

    def write(self, name: str, data: bytes) -> None:
        super().write(name, data)
        raise Died


def test_what_was_written_and_not_committed_is_written_anew(
    settings: Settings, closed: list[ClosedWindow], tmp_path: Path
) -> None:
    # Nothing is merged meanwhile, which would remove what is left, too.
    rare = settings.archive.model_copy(update={"merge_every": timedelta(hours=1)})
    settings = settings.model_copy(update={"archive": rare})
    url, observed = str(tmp_path), Observed()
    produce(settings, closed[:50])
    with archiving(settings, Interrupted(url, {}), observed) as thread:
        thread.join(PATIENCE_S)
    (left,) = names(url)
    assert observed.windows.total() == 0
    produce(settings, closed[50:])
    with archiving(settings, ArchiveStore(url, {}), observed):
        until(lambda: observed.windows.total() == 80, "the whole archive")
    assert archived(url).equals(expected(closed))
    assert left not in names(url)
    # Others, who know nothing of offsets, read the same.
    others = ds.dataset(url, partitioning="hive")
    first_day = others.to_table(["trials"], filter=ds.field("day") == "2021-10-13")
    assert sum(first_day["trials"].to_pylist()) == sum(
        int(one.cells.trials[one.cells.windows < (DAY + 1) * 1440].sum()) for one in closed
    )


def test_two_archivers_of_one_installation_write_every_window_once(
    settings: Settings, closed: list[ClosedWindow], tmp_path: Path
) -> None:
    url, observed = str(tmp_path), Observed()
    second = Observed()
    with archiving(settings, ArchiveStore(url, {}), second):
        with archiving(settings, ArchiveStore(url, {}), observed):
            produce(settings, closed[:50])
            count = sum(one.window is not None for one in closed[:50])
            both = observed.windows, second.windows
            until(lambda: sum(map(Counter.total, both)) == count, "a part")
        produce(settings, closed[50:])
        until(lambda: archived(url).equals(expected(closed)), "the whole archive")


def test_a_store_that_is_down_is_tried_again_and_nothing_is_lost(
    settings: Settings, closed: list[ClosedWindow]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = {**S3_OPTIONS, "endpoint_url": f"http://127.0.0.1:{port}"}
    url, observed = "s3://archive/down", Observed()
    produce(settings, closed)
    with archiving(settings, ArchiveStore(url, options), observed):
        until(lambda: observed.failures >= 1, "a failure")
        assert observed.windows.total() == 0
        with s3_server(port):
            until(lambda: observed.windows.total() == 80, "the whole archive")
            assert archived(url, options).equals(expected(closed))


def test_a_range_without_anything_is_told_with_what_there_is(
    closed: list[ClosedWindow], settings: Settings, tmp_path: Path
) -> None:
    empty = ReplayRequest((), None, None, tmp_path / "out", archive=str(tmp_path / "none"))
    with pytest.raises(OperatorError, match="none holds no archive"):
        wiring.replay(settings, empty, Unheard())
    url, observed = str(tmp_path / "archive"), Observed()
    produce(settings, closed)
    with archiving(settings, ArchiveStore(url, {}), observed):
        until(lambda: observed.windows.total() == 80, "the whole archive")
    start = float((DAY + 9) * DAY_S)
    later = ReplayRequest((), None, None, tmp_path / "out", start=start, archive=url)
    with pytest.raises(OperatorError, match="it has days from 2021-10-13 to 2021-10-14"):
        wiring.replay(settings, later, Unheard())
