"""What a live worker writes, whatever happens to it, is byte for byte what a replay writes."""

import json
import signal
import subprocess
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from live_installation import LiveInstallation
from plain_counts import counted, counted_windows

from streams.adapters.scenario_files import write_scenario
from streams.replay.inputs import read_events
from streams.scenarios.catalogue import build

SOURCE_PARTITIONS = 4


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recorded incident, and what a replay of it gives."""

    outcomes: Path
    releases: Path
    incidents: list[bytes]
    change_points: set[bytes]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """The founding incident, smaller and shorter, with duplicates, disorder and late events."""
    folder = tmp_path_factory.mktemp("recorded")
    scenario = build(
        "founding-incident",
        seed=5,
        volume=700,
        before=timedelta(minutes=170),
        incident_duration=timedelta(minutes=30),
        after=timedelta(minutes=10),
    )
    write_scenario(scenario, folder)
    outcomes, releases = folder / "outcomes.jsonl.zst", folder / "releases.jsonl"
    arguments = ["--outcomes", outcomes, "--releases", releases, "--out", folder / "result"]
    subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "streams.cli", "replay", *map(str, arguments)],
        check=True,
        capture_output=True,
    )
    return Recorded(
        outcomes,
        releases,
        (folder / "result" / "incidents.jsonl").read_bytes().splitlines(),
        set((folder / "result" / "change_points.jsonl").read_bytes().splitlines()),
    )


def lines(path: Path) -> Iterator[bytes]:
    """Give the lines of a recorded file."""
    for batch in read_events(path):
        yield from batch.lines


def by_id(_: int, line: bytes) -> int:
    """Spread outcomes over the partitions by their id, so that duplicates meet."""
    return zlib.crc32(json.loads(line)["id"].encode()) % SOURCE_PARTITIONS


def test_a_live_worker_writes_what_a_replay_writes_and_counts_every_operation_once(
    kafka: str, recorded: Recorded, tmp_path: Path
) -> None:
    """One worker, four partitions, everything as it comes."""
    with LiveInstallation(kafka, "live-plain", tmp_path) as installation:
        installation.produce(lines(recorded.outcomes), lines(recorded.releases), by_id)
        worker = installation.start_worker()
        incidents = installation.messages("incidents", len(recorded.incidents))
        assert incidents == recorded.incidents, installation.logs()
        changes = installation.messages("change-points", len(recorded.change_points))
        assert set(changes) == recorded.change_points
        assert len(changes) == len(recorded.change_points)
        windows = installation.messages("windows", 0)
        assert counted_windows(windows) == counted(recorded.outcomes, 60)
        worker.terminate()
        assert worker.wait(40) == 0


def test_two_workers_one_of_them_killed_write_what_a_replay_writes(
    kafka: str, recorded: Recorded, tmp_path: Path
) -> None:
    """Two workers with odd batches; one is killed in the middle of the incident."""
    odd = {"INGEST__BATCH_SIZE": "777", "INGEST__FLUSH_INTERVAL": "PT0.2S"}
    # A worker that reads up on a busy machine must not be taken for dead: it would be shut out by
    # the one that takes over, and end.
    patient = {"KAFKA__SESSION_TIMEOUT": "PT20S"}
    with LiveInstallation(kafka, "live-killed", tmp_path, patient) as installation:
        installation.produce(lines(recorded.outcomes), lines(recorded.releases), by_id)
        victim = installation.start_worker(**odd)
        installation.start_worker(INGEST__BATCH_SIZE="1313")
        kills: list[int] = []

        def kill(records: int) -> None:
            if records >= 2 and not kills:
                kills.append(records)
                victim.send_signal(signal.SIGKILL)
                victim.wait()
                installation.start_worker(**odd)

        incidents = installation.messages("incidents", len(recorded.incidents), kill)
        assert kills, "the worker was never killed"
        assert incidents == recorded.incidents, installation.logs()
        windows = installation.messages("windows", 0)
        assert counted_windows(windows) == counted(recorded.outcomes, 60)
