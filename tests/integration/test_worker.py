"""`opwatch run` as a process: what is wrong is one line, and what runs can be seen and stopped."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from kafka_messages import produce
from live_installation import LiveInstallation
from outcome_events import flush_of
from receiving_server import ReceivingServer

from dashboards.alerting import page
from servers.kafka_server import TopicMaker
from streams import telemetry
from streams.adapters.scenario_files import write_scenario
from streams.config import Settings, WindowSettings
from streams.domain.time import parse_instant
from streams.replay.inputs import read_events
from streams.scenarios.catalogue import build
from streams.windows.closed_codec import decode_closed
from streams.windows.codec import encode_block

PARTITIONS = 4
PATIENCE_SECONDS = 60.0
STOP_SECONDS = 20.0
ROLES = ("ingest", "judge", "incidents")
SETTINGS = {"TOPICS__COUNTS_PARTITIONS": "2"}

UNSEEN = {
    telemetry.CHANGE_POINTS_ACTIVE,
    telemetry.ALERTS_PUSHED,
    telemetry.ARCHIVED_WINDOWS,
    telemetry.ARCHIVE_FAILURES,
}
"""Metrics with nothing to say at the end of the small incident: by then every series may be well
again, and nothing is pushed or archived unless it is asked for."""


def run(environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a worker that cannot, to its end."""
    own = {f"OPWATCH_{name}": value for name, value in environment.items()}
    return subprocess.run(
        [sys.executable, "-m", "streams.cli", "run"],
        env={**os.environ, **own},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )


def assert_one_line(done: subprocess.CompletedProcess[str], *said: str) -> None:
    """Check that a command ended with status 2 and one line that says all of this."""
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith("opwatch: ")
    for text in said:
        assert text in done.stderr


def test_a_broker_that_is_not_there_is_one_line() -> None:
    done = run({"KAFKA__BOOTSTRAP": "127.0.0.1:1"})
    assert_one_line(done, "Kafka at 127.0.0.1:1 does not answer", "is kafka.bootstrap right?")


def test_topics_that_are_missing_are_one_line(fresh_topics: TopicMaker) -> None:
    name = fresh_topics.name("")
    done = run({"KAFKA__BOOTSTRAP": fresh_topics.bootstrap, "TOPICS__PREFIX": name})
    assert_one_line(done, f"topic {name}counts does not exist: run `opwatch topics create`")


def test_a_setting_that_the_client_does_not_know_is_one_line(kafka: str) -> None:
    done = run({"KAFKA__BOOTSTRAP": kafka, "KAFKA__CLIENT": '{"no.such.setting": "1"}'})
    assert_one_line(done, "kafka.client", '"no.such.setting"')


def test_wrong_partitions_and_a_port_in_use_are_one_line(
    fresh_topics: TopicMaker, tmp_path: Path
) -> None:
    name = fresh_topics.name("w")
    with LiveInstallation(fresh_topics.bootstrap, name, tmp_path, SETTINGS) as installation:
        other = {**installation.environment, "TOPICS__COUNTS_PARTITIONS": "3"}
        assert_one_line(run(other), f"topic {name}-counts has 2 partitions, not 3")
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            done = run({**installation.environment, "HTTP__PORT": str(port)})
        assert_one_line(done, f"cannot serve /metrics on 127.0.0.1:{port}: ")


def eventually(so: Callable[[], bool], what: Callable[[], object]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not so():
        assert time.monotonic() < deadline, what()
        time.sleep(0.1)


@dataclass(frozen=True, slots=True)
class Small:
    """A small recorded incident, and what a replay of it gives."""

    outcomes: list[bytes]
    releases: list[bytes]
    incidents: list[bytes]
    failures: dict[str, int]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Small:
    """20,000 operations of a fleet that lives through the founding incident."""
    folder = tmp_path_factory.mktemp("small")
    scenario = build(
        "founding-incident",
        seed=5,
        volume=150,
        before=timedelta(minutes=130),
        incident_duration=timedelta(minutes=15),
        after=timedelta(minutes=8),
    )
    write_scenario(scenario, folder)
    outcomes, releases = folder / "outcomes.jsonl.zst", folder / "releases.jsonl"
    files = ["--outcomes", str(outcomes), "--releases", str(releases)]
    own = {f"OPWATCH_{name}": value for name, value in SETTINGS.items()}
    subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "streams.cli", "replay", *files, "--out", str(folder / "result")],
        env={**os.environ, **own},
        check=True,
        capture_output=True,
    )
    incidents = (folder / "result" / "incidents.jsonl").read_bytes().splitlines()
    assert len(incidents) > 5
    return Small(
        [line for batch in read_events(outcomes) for line in batch.lines],
        releases.read_bytes().splitlines(),
        incidents,
        in_time(folder / "result" / "windows.parquet"),
    )


@pytest.fixture
def pager() -> Iterator[ReceivingServer]:
    """Stands in for Alertmanager: a worker that does not find it works all the same."""
    with ReceivingServer() as running:
        yield running


def in_time(windows: Path) -> dict[str, int]:
    """Give the failures that came in time, by region."""
    found: Counter[str] = Counter()
    for row in pq.read_table(windows).to_pylist():
        found[row["region"]] += row["failures"] - row["late_failures"]
    return dict(found)


def alone(_: int, __: bytes) -> int:
    """Put every outcome into one partition: what is late is then what is late in the file."""
    return 0


def spread(number: int, _: bytes) -> int:
    """Put outcomes into the partitions in turn."""
    return number % PARTITIONS


@dataclass(slots=True)
class Running:
    """A worker process and where it can be asked."""

    process: subprocess.Popen[bytes]
    log: Path

    def lines(self) -> list[dict[str, object]]:
        """Give what it has logged."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def get(self, path: str) -> tuple[int, str]:
        """Ask it."""
        (started,) = [line for line in self.lines() if line["message"] == "worker_starts"]
        url = str(started["metrics"]).replace("/metrics", path)
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - loopback
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def stop(self) -> None:
        """Tell it to stop, and check that it does so in order."""
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(2 * STOP_SECONDS) == 0, self.log.read_text()
        assert time.monotonic() - begun < STOP_SECONDS
        assert "Traceback" not in self.log.read_text()
        assert self.lines()[-1]["message"] == "worker_stopped"


class Installation(LiveInstallation):
    """An installation whose workers can be asked."""

    def __init__(self, bootstrap: str, name: str, folder: Path) -> None:
        super().__init__(bootstrap, name, folder, SETTINGS)
        self.folder = folder

    def start(self, **settings: str) -> Running:
        """Start a worker and wait until it has said where it can be asked."""
        log = self.folder / f"worker-{len(list(self.folder.glob('worker-*.log')))}.log"
        running = Running(self.start_worker(**settings), log)
        eventually(lambda: "worker_starts" in log.read_text(), log.read_text)
        return running


@pytest.fixture
def installation(fresh_topics: TopicMaker, tmp_path: Path) -> Iterator[Installation]:
    """An installation with topics of its own."""
    with Installation(fresh_topics.bootstrap, fresh_topics.name("w"), tmp_path) as made:
        yield made


def test_roles_split_over_three_processes_do_what_one_does_and_tell_all_they_do(
    installation: Installation, small: Small, pager: ReceivingServer
) -> None:
    own = {"ALERTMANAGER__URL": pager.url}
    workers = {role: installation.start(WORKER__ROLES=f'["{role}"]', **own) for role in ROLES}
    assert workers["judge"].get("/healthz") == (200, '{"status": "ok"}\n')
    status, text = workers["incidents"].get("/readyz")
    assert (status, "waits for its first input" in text) == (503, True)
    installation.produce(small.outcomes, small.releases, alone)
    assert installation.messages("incidents", len(small.incidents)) == small.incidents
    for role, worker in workers.items():
        assert worker.get("/readyz") == (200, '{"status": "ok"}\n'), role
    pages = [worker.get("/metrics") for worker in workers.values()]
    assert {status for status, _ in pages} == {200}
    for _, text in pages:
        ours = text.partition("# HELP process_")[0]
        checked = subprocess.run(
            ["promtool", "check", "metrics"],  # noqa: S607 wherever the system has it
            input=ours.encode(),
            capture_output=True,
            check=False,
        )
        assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")
    told = {name for _, text in pages for name in re.findall(r"^# TYPE (\S+)", text, re.MULTILINE)}
    assert {metric.name for metric in telemetry.CATALOGUE if metric not in UNSEEN} <= told
    read = re.findall(r"^opwatch_records_read_total\{.*\} (\d+)$", pages[0][1], re.MULTILINE)
    assert sorted(map(int, read)) == [0] * (PARTITIONS - 1) + [len(small.outcomes)]
    lags = re.findall(r"opwatch_consumer_lag_records\{.*\} (\d+)", pages[0][1])
    assert lags == ["0"] * PARTITIONS
    pushed = pager.next()
    assert pushed.path == "/api/v2/alerts"
    assert pushed.body[0]["labels"] == page.labels(json.loads(small.incidents[0])["incident"])
    accepted = 'opwatch_alerts_pushed_total{result="accepted"} 0'
    eventually(lambda: accepted not in workers["incidents"].get("/metrics")[1], lambda: accepted)
    for worker in workers.values():
        worker.stop()


def test_a_worker_stopped_under_load_ends_in_order_and_its_successor_goes_on(
    installation: Installation, small: Small
) -> None:
    installation.produce(small.outcomes, small.releases, alone)
    first = installation.start()
    installation.messages("windows", 20)
    first.stop()
    second = installation.start()
    assert installation.messages("incidents", len(small.incidents)) == small.incidents
    second.stop()


PARTITION_COUNTERS = "|".join(
    metric.name
    for metric in (*telemetry.CATALOGUE, telemetry.WINDOWS_CLOSED)
    if metric.by_partition or metric is telemetry.WINDOWS_CLOSED
)


def counters(worker: Running) -> dict[str, int]:
    """Give the samples of the counters that belong to counts partitions."""
    text = worker.get("/metrics")[1]
    lines = re.findall(rf"^((?:{PARTITION_COUNTERS})\{{.*\}}) (\d+)$", text, re.MULTILINE)
    return {sample: int(value) for sample, value in lines}


def failures(samples: Mapping[str, int]) -> dict[str, int]:
    """Give the failed operations by region."""
    found: Counter[str] = Counter()
    for sample, count in samples.items():
        match = re.match(r'opwatch_operations_total\{region="([^"]*)".*,outcome="failure"', sample)
        if match:
            found[match[1]] += count
    return dict(found)


def test_the_counters_of_a_killed_worker_go_on_where_they_were(
    installation: Installation, small: Small
) -> None:
    """No counter ever falls, so that what is repeated after the kill does not count twice."""
    installation.produce(small.outcomes, small.releases, alone)
    first = installation.start()
    newest: dict[str, int] = {}
    fallen: list[str] = []

    def looked_at(worker: Running) -> Mapping[str, int]:
        now = counters(worker)
        fallen.extend(
            f"{sample} fell from {newest[sample]} to {count}"
            for sample, count in now.items()
            if count < newest.get(sample, 0)
        )
        newest.update(now)
        return now

    killed = sum(small.failures.values()) // 2
    eventually(lambda: sum(failures(looked_at(first)).values()) >= killed, installation.logs)
    first.process.kill()
    first.process.wait()
    second = installation.start()
    eventually(lambda: failures(looked_at(second)) == small.failures, installation.logs)
    assert fallen == []
    second.stop()


def test_counters_move_with_their_partitions_and_are_told_by_one_worker_only(
    installation: Installation, small: Small
) -> None:
    installation.produce(small.outcomes, small.releases, alone)
    first = installation.start()
    installation.messages("incidents", len(small.incidents))
    whole = counters(first)
    assert failures(whole) == small.failures
    second = installation.start()

    def told(*workers: Running) -> list[dict[str, int]]:
        pages = [counters(worker) for worker in workers]
        assert [one for page in pages for one in page if page[one] < whole[one]] == []
        return pages

    def is_shared() -> bool:
        others, mine = told(second, first)  # asked in this order, what moves is in one at most
        assert not mine.keys() & others.keys()
        shared = bool(failures(mine)) and bool(failures(others))
        return shared and failures(mine | others) == small.failures

    eventually(is_shared, installation.logs)
    second.stop()
    eventually(lambda: told(first)[0].keys() == whole.keys(), installation.logs)
    assert failures(counters(first)) == small.failures
    first.stop()


MINUTE = int(parse_instant("2021-10-13T06:00:00Z")) // 60


def closed(messages: list[bytes]) -> list[int]:
    """Give which windows have been closed with something in them, in their order."""
    windows = (decode_closed(message).window for message in messages)
    return sorted({window for window in windows if window is not None})


def outcomes(first: int, last: int, minute: int) -> list[bytes]:
    return [
        json.dumps(
            {
                "id": f"{minute}-{number}",
                "time": f"2021-10-13T06:{minute:02}:00Z",
                "operation": "create",
                "outcome": "success",
                "region": "westus",
                "os": "linux",
            }
        ).encode()
        for number in range(first, last)
    ]


def test_settings_that_shape_the_state_begin_it_anew_or_are_refused_clearly(
    installation: Installation,
) -> None:
    for minute in range(5):
        installation.produce(outcomes(0, 40, minute), [], spread)
    first = installation.start(INGEST__IDLE_AFTER="PT10M")
    before = closed(installation.messages("windows", 1))
    first.stop()
    assert before[-1] == MINUTE + 2

    # Other bounds: the old state does not fit, what was written is not written again.
    second = installation.start(INGEST__IDLE_AFTER="PT10M", WINDOWS__SERIES="77")
    installation.produce(outcomes(0, 40, 7), [], spread)
    installation.produce(outcomes(0, 40, 9), [], spread)
    after = closed(installation.messages("windows", 1))
    second.stop()
    warned = [line for line in second.lines() if line["message"] == "snapshot_unusable"]
    assert {line["stage"] for line in warned} == {"judge", "incidents"}
    assert all("settings" in str(line["reason"]) for line in warned)
    assert before[-1] < after[0] <= after[-1] == MINUTE + 7

    # Counts of windows of another length cannot be added up with these.
    longer = Settings(windows=WindowSettings(length=timedelta(minutes=2)))
    blocks = [encode_block(block) for block in flush_of(outcomes(0, 4, 12), longer).blocks[0]]
    produce(installation.bootstrap, f"{installation.name}-counts", blocks)
    third = run({**installation.environment, "WORKER__ROLES": '["judge"]'})
    assert third.returncode == 2
    assert "use new topics after changing windows.length" in third.stderr.splitlines()[-1]
    assert "Traceback" not in third.stderr
