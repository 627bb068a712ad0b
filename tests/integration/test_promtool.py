"""Prometheus's own tool accepts what opwatch serves, and what a replay gives to backfill."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
from cell_tables import Cell, cell_table
from closed_windows import closed_window
from incident_records import incident_record

from streams import telemetry
from streams.adapters.prometheus import Column, Exporter, MetricStore
from streams.config import IngestSettings, Settings, TopicSettings
from streams.replay.outputs import ReplayOutputs
from streams.telemetry import CATALOGUE, Kind

DIMENSIONS = ("region", "os")
ONSET = 1634106420 // 60


def _promtool(*words: str | Path, page: bytes = b"") -> str:
    """Run promtool (Debian's package `prometheus`) and give what it prints."""
    done = subprocess.run(  # noqa: S603 our own words
        ["promtool", *words],  # noqa: S607 wherever the system has it
        input=page,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert done.stderr == b""
    return done.stdout.decode()


def test_promtool_finds_nothing_to_complain_of_on_a_page_with_every_metric() -> None:
    store = MetricStore(DIMENSIONS)
    for metric in CATALOGUE:
        labels = tuple(f'odd "{name}"\\\n' for name in metric.served_label_names(DIMENSIONS))
        if metric.kind is Kind.HISTOGRAM:
            store.observe(metric, 0.5, labels)
        else:
            store.set(metric, 1.5, labels)
    page = Exporter(store).exposition()
    for metric in CATALOGUE:
        assert f"\n{metric.name}".encode() in page
    ours = page[: page.index(b"# HELP process_")] if b"# HELP process_" in page else page
    assert _promtool("check", "metrics", page=ours) == ""


def test_promtool_finds_nothing_to_complain_of_in_tables_of_series() -> None:
    store = MetricStore(DIMENSIONS)
    gauges = [metric for metric in CATALOGUE if metric.per_series and metric.kind is Kind.GAUGE]
    for partition in range(2):
        keys = [(f'odd "region"\\\n{partition}', f"os-{number}") for number in range(3)]
        columns = [Column(metric, np.array([0.5, np.nan, np.inf])) for metric in gauges]
        store.tables.put(("gauges", partition), keys, columns)
        counts = [
            Column(telemetry.OPERATIONS, np.array([7, 0, -1]), (outcome, str(partition)))
            for outcome in ("success", "failure")
        ]
        store.tables.put(("counters", partition), keys, counts)
    page = store.text()
    assert page.count("\nopwatch_operations_total{") == 8
    assert page.count("\nopwatch_success_ratio{") == 4
    assert _promtool("check", "metrics", page=page.encode()) == ""


def test_promtool_reads_the_whole_page() -> None:
    store = MetricStore(DIMENSIONS)
    store.set(telemetry.INCIDENTS_OPEN, 1)
    _promtool("check", "metrics", page=Exporter(store).exposition())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A replay of three hours with an incident."""
    settings = Settings(
        ingest=IngestSettings(dimensions=DIMENSIONS), topics=TopicSettings(counts_partitions=1)
    )
    with ReplayOutputs(tmp_path / "out", settings) as outputs:
        for minute in range(180):
            cells = [Cell(ONSET + minute, (region, 'w"\\'), 10, 1) for region in ("eu", "us")]
            outputs.add_closed(closed_window(cell_table(DIMENSIONS, cells), baseline=0.1))
        outputs.add_incident(incident_record())
        outputs.add_incident(
            incident_record(revision=2, status="resolved", raised="2021-10-13T07:30:00Z")
        )
        outputs.finish()
    return tmp_path


def test_promtool_turns_a_replays_metrics_into_blocks_without_losing_a_sample(
    folder: Path,
) -> None:
    file = folder / "out" / "metrics.om"
    table = _promtool("tsdb", "create-blocks-from", "openmetrics", file, folder / "data")
    blocks = [line.split() for line in table.splitlines() if line.startswith("01")]
    lines = [line for line in file.read_text().splitlines() if not line.startswith("#")]
    assert sum(int(block[4]) for block in blocks) == len(lines)
    assert len(lines) > 180 * 2 * 4


def test_backfilled_counters_have_the_counts_of_the_replay(folder: Path) -> None:
    file = folder / "out" / "metrics.om"
    _promtool("tsdb", "create-blocks-from", "openmetrics", file, folder / "data")
    (folder / "data" / "wal").mkdir()  # a live Prometheus has one, and the dump asks for it
    dumped = _promtool(
        *("tsdb", "dump", '--match={__name__="opwatch_operations_total",outcome="failure"}'),
        folder / "data",
    )
    last = [line for line in dumped.splitlines() if line.endswith(f" {(ONSET + 180) * 60_000}")]
    assert [line.split()[-2] for line in last] == ["180", "180"]
