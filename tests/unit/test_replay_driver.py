"""Replay: what files say becomes incidents, the same from events and from windows."""

import gzip
import json
import os
import subprocess
import sys
import zlib
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from plain_counts import Counts, counted

from streams.adapters.scenario_files import ScenarioFiles, write_scenario
from streams.config import Settings
from streams.domain.time import parse_instant
from streams.replay.driver import replay
from streams.replay.inputs import read_events, read_windows
from streams.replay.request import ReplayRequest, ReplaySummary
from streams.scenarios.catalogue import build

ONSET = "2021-10-13T06:27:00Z"
DIMENSIONS = Settings().ingest.dimensions


@dataclass
class Heard:
    """Remembers how far a replay said it was."""

    steps: list[tuple[int, int, int, int]] = field(default_factory=list)

    def advance(self, done_bytes: int, total_bytes: int, events: int, windows: int) -> None:
        self.steps.append((done_bytes, total_bytes, events, windows))


class Then:
    """A clock that stands long after all events."""

    def now(self) -> float:
        return parse_instant("2026-01-01T00:00:00Z")


def run(request: ReplayRequest, heard: Heard | None = None) -> ReplaySummary:
    return replay(Settings(), request, heard or Heard(), Then())


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> ScenarioFiles:
    """The founding incident, short and small."""
    small = build(
        "founding-incident",
        seed=1,
        volume=500,
        before=timedelta(minutes=130),
        after=timedelta(minutes=4),
        incident_duration=timedelta(minutes=12),
    )
    return write_scenario(small, tmp_path_factory.mktemp("scenario"))


@pytest.fixture(scope="module")
def first(
    scenario: ScenarioFiles, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, ReplaySummary]:
    """The scenario, replayed from its events."""
    out = tmp_path_factory.mktemp("replayed") / "out"
    request = ReplayRequest((scenario.outcomes_path,), None, scenario.releases_path, out)
    return out, run(request)


@pytest.fixture(scope="module")
def replayed(first: tuple[Path, ReplaySummary]) -> Path:
    return first[0]


def found(out: Path) -> tuple[bytes, bytes]:
    return (out / "incidents.jsonl").read_bytes(), (out / "change_points.jsonl").read_bytes()


def counts_of(out: Path) -> Counts:
    """Read the counts of a windows table."""
    counts: Counts = Counts()
    for batch in read_windows(out / "windows.parquet", DIMENSIONS, 60):
        cells = batch.cells
        for name in ("trials", "failures", "cancelled", "caller_faults"):
            numbers = getattr(cells, name).tolist()
            for key, window, count in zip(
                cells.keys(), cells.windows.tolist(), numbers, strict=True
            ):
                counts["/".join(key), window, name] += count
    return +counts


def lines_of(scenario: ScenarioFiles) -> list[bytes]:
    return [line for batch in read_events(scenario.outcomes_path) for line in batch.lines]


def test_events_become_one_incident_with_the_release_that_did_it_first(replayed: Path) -> None:
    records = [json.loads(line) for line in (replayed / "incidents.jsonl").read_text().splitlines()]
    assert len({record["incident"] for record in records}) == 1
    last = records[-1]
    assert last["onset"] == ONSET
    assert last["scope"]["os"] == ["windows"]
    assert last["candidates"][0]["release"] == "image-template-migration"
    assert last["candidates"][0]["probability"] > 0.9


def test_counts_equal_those_of_the_input_with_duplicates_disorder_and_late_events(
    scenario: ScenarioFiles, replayed: Path
) -> None:
    truth = json.loads(scenario.truth_path.read_text())
    assert truth["duplicates"] > 0
    assert truth["late"] > 0
    assert counts_of(replayed) == counted(scenario.outcomes_path, 60)


def test_the_written_windows_replay_to_the_same_bytes(
    scenario: ScenarioFiles, replayed: Path, tmp_path: Path
) -> None:
    heard = Heard()
    table = replayed / "windows.parquet"
    summary = run(ReplayRequest((), table, scenario.releases_path, tmp_path / "again"), heard)
    assert found(tmp_path / "again") == found(replayed)
    assert counts_of(tmp_path / "again") == counts_of(replayed)
    assert summary.incidents == 1
    assert summary.events == sum(
        count for (_, _, name), count in counts_of(replayed).items() if name != "failures"
    )
    assert heard.steps[-1][:2] == (table.stat().st_size, table.stat().st_size)


def test_a_windows_table_in_another_order_of_rows_replays_to_the_same_bytes(
    scenario: ScenarioFiles, replayed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.replay.inputs._ROWS", 3_000)
    table = pq.read_table(replayed / "windows.parquet")
    middle = len(table) // 2
    turned = pa.concat_tables([table.slice(middle), table.slice(0, middle)])
    pq.write_table(turned, tmp_path / "turned.parquet")
    request = ReplayRequest((), tmp_path / "turned.parquet", scenario.releases_path, tmp_path / "o")
    run(request)
    assert found(tmp_path / "o") == found(replayed)


def test_windows_of_a_sorted_table_close_while_it_is_read(
    replayed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.replay.inputs._ROWS", 3_000)
    heard = Heard()
    end = parse_instant("2021-10-13T05:30:00Z")
    request = ReplayRequest((), replayed / "windows.parquet", None, tmp_path / "o", None, end)
    summary = run(request, heard)
    closed = [windows for *_, windows in heard.steps]
    assert closed == sorted(closed)
    assert 0 < closed[0] < closed[2] < summary.windows


def test_two_files_are_two_partitions_that_wait_for_each_other(
    scenario: ScenarioFiles, replayed: Path, tmp_path: Path
) -> None:
    # By id, because a duplicate must meet its like in one file.
    halves: tuple[list[bytes], list[bytes]] = ([], [])
    for line in lines_of(scenario):
        halves[zlib.crc32(json.loads(line)["id"].encode()) % 2].append(line)
    paths = (tmp_path / "a.jsonl", tmp_path / "b.jsonl.gz")
    paths[0].write_bytes(b"\n".join(halves[0]) + b"\n")
    paths[1].write_bytes(gzip.compress(b"\n".join(halves[1])))
    summary = run(ReplayRequest(paths, None, scenario.releases_path, tmp_path / "out"))
    assert summary.events == sum(map(len, halves))
    assert min(map(len, halves)) > 10_000
    assert found(tmp_path / "out") == found(replayed)


def test_from_and_to_keep_the_windows_that_begin_in_between(
    scenario: ScenarioFiles, replayed: Path, tmp_path: Path
) -> None:
    start, end = parse_instant("2021-10-13T05:00:30Z"), parse_instant("2021-10-13T05:10:00Z")
    whole = counts_of(replayed)
    wanted = {cell: count for cell, count in whole.items() if start <= cell[1] * 60 < end}
    for number, (outcomes, windows) in enumerate(
        [((scenario.outcomes_path,), None), ((), replayed / "windows.parquet")]
    ):
        out = tmp_path / str(number)
        summary = run(ReplayRequest(outcomes, windows, None, out, start, end))
        assert counts_of(out) == wanted
        assert summary.windows == 9
    only_from = tmp_path / "from"
    run(ReplayRequest((), replayed / "windows.parquet", None, only_from, start=end))
    later = {cell: count for cell, count in whole.items() if cell[1] * 60 >= end}
    assert counts_of(only_from) == later


def test_bad_lines_are_set_aside_with_their_place_and_the_rest_goes_on(
    scenario: ScenarioFiles, tmp_path: Path
) -> None:
    lines = lines_of(scenario)[:1000]
    lines[10:10] = [b"{", b'{"id": "x"}', b"[1]"]
    (tmp_path / "bad.jsonl").write_bytes(b"\n".join(lines))
    releases = tmp_path / "releases.jsonl"
    releases.write_bytes(b'\n{"id": 5}\n' + scenario.releases_path.read_bytes())
    heard = Heard()
    summary = run(ReplayRequest((tmp_path / "bad.jsonl",), None, releases, tmp_path / "out"), heard)
    assert summary.dead_letters == 3
    assert summary.events == 1003
    assert heard.steps[-1][2] == 1003


def test_late_events_and_duplicates_are_counted(
    scenario: ScenarioFiles, first: tuple[Path, ReplaySummary]
) -> None:
    truth = json.loads(scenario.truth_path.read_text())
    summary = first[1]
    assert summary.events == truth["outcomes"]
    assert summary.duplicates == truth["duplicates"]
    assert summary.late == truth["late"]
    assert summary.incidents == 1


def test_an_empty_file_gives_empty_outputs(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_bytes(b"")
    out = tmp_path / "out"
    summary = run(ReplayRequest((tmp_path / "empty.jsonl",), None, None, out))
    assert (summary.events, summary.windows, summary.incidents) == (0, 0, 0)
    assert found(out) == (b"", b"")
    again = run(ReplayRequest((), out / "windows.parquet", None, tmp_path / "again"))
    assert (again.events, again.windows) == (0, 0)


_REPLAY = """
import sys
from pathlib import Path
from streams.config import Settings
from streams.replay.driver import replay
from streams.replay.request import ReplayRequest

class Quiet:
    def advance(self, *_): pass
    def now(self): return 1767225600.0

windows, releases, out = map(Path, sys.argv[1:])
replay(Settings(), ReplayRequest((), windows, releases, out), Quiet(), Quiet())
"""


def test_the_seed_of_hashes_does_not_show(
    scenario: ScenarioFiles, replayed: Path, tmp_path: Path
) -> None:
    environment = {**os.environ, "PYTHONHASHSEED": "4711"}
    files = [replayed / "windows.parquet", scenario.releases_path, tmp_path / "out"]
    subprocess.run(  # noqa: S603 our own interpreter and script
        [sys.executable, "-c", _REPLAY, *map(str, files)], check=True, env=environment
    )
    assert found(tmp_path / "out") == found(replayed)
