"""A replay in a real Prometheus: the dashboards show it, and nothing is lost on the way."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from prometheus_queries import instant

from streams.adapters.scenario_files import write_scenario
from streams.adapters.system_clock import SystemClock
from streams.config import Settings
from streams.replay.driver import replay
from streams.replay.request import ReplayRequest
from streams.scenarios.catalogue import build
from streams.wiring import backfill, dashboards
from streams.wiring.backfill import ReplayPrometheus


class Unheard:
    """Progress nobody looks at."""

    def advance(self, done_bytes: int, total_bytes: int, events: int, windows: int) -> None:
        pass


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The founding incident, short and small, replayed from its events."""
    folder = tmp_path_factory.mktemp("replayed")
    scenario = build(
        "founding-incident",
        seed=1,
        volume=300,
        before=timedelta(minutes=130),
        after=timedelta(minutes=10),
        incident_duration=timedelta(minutes=15),
    )
    files = write_scenario(scenario, folder / "scenario")
    request = ReplayRequest((files.outcomes_path,), None, files.releases_path, folder / "result")
    summary = replay(Settings(), request, Unheard(), SystemClock())
    assert summary.incidents == 1
    return folder / "result"


@pytest.fixture(scope="module")
def served(result: Path) -> Iterator[ReplayPrometheus]:
    with backfill.serve([result], Settings(), port=0) as server:
        yield server


def test_every_panel_variable_and_annotation_of_the_dashboards_shows_something(
    served: ReplayPrometheus,
) -> None:
    boards = dashboards.built(Settings())
    filled = served.filled
    findings = dashboards.ask(served.server.url, boards, filled.start, filled.end, replay=True)
    assert findings.problems == []
    assert findings.queries > 60


def test_counts_in_prometheus_equal_those_of_the_windows_table(
    served: ReplayPrometheus, result: Path
) -> None:
    totals: Counter[str] = Counter()
    for row in pq.read_table(result / "windows.parquet").to_pylist():
        for outcome, count in (
            ("success", row["trials"] - row["failures"]),
            ("failure", row["failures"]),
            ("cancelled", row["cancelled"]),
            ("caller_fault", row["caller_faults"]),
        ):
            totals[f"outcome={outcome},region={row['region']}"] += count
    query = "sum(opwatch_operations_total) by (region, outcome)"
    found = instant(served.server.url, query, served.filled.end)
    assert found == {labels: count for labels, count in totals.items() if count}
    assert sum(found.values()) > 30_000
