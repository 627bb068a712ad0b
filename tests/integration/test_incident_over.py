"""Incident says that it is resolved when it is, and not when nobody is there who could say so."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from dashboard_samples import END, INCIDENT_ID, RECOVERY, START, open_metrics
from prometheus_queries import instant

from streams.adapters import local_servers, promtool
from streams.telemetry import INCIDENTS_OPEN

BOARD = Path(__file__).parents[2] / "dashboards" / "generated" / "opwatch-incident.json"
LASTING = START + 60 * (RECOVERY - 5)
VARIABLES = {"${incident}": INCIDENT_ID, "$__range": f"{END - START}s", "$__interval": "60s"}


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("prometheus")
    (folder / "metrics.om").write_text(open_metrics(()))
    promtool.create_blocks("promtool", folder / "metrics.om", folder / "data")
    with local_servers.prometheus(folder, "global: {}\n") as server:
        yield server.url


def _answer(url: str, title: str, at: float, without: str | None = None) -> dict[str, float]:
    """Ask what a panel asks first, as if there were no metric of that name."""
    panels = json.loads(BOARD.read_text())["panels"]
    (expr,) = (one["targets"][0]["expr"] for one in panels if one["title"] == title)
    for variable, value in VARIABLES.items():
        expr = expr.replace(variable, value)
    return instant(url, expr.replace(without, "absent_metric") if without else expr, at)


def test_an_incident_is_resolved_when_workers_say_no_more_of_it(prometheus: str) -> None:
    assert list(_answer(prometheus, "Status", END)) == ["status=resolved"]
    assert "status=resolved" not in _answer(prometheus, "Status", LASTING)


def test_without_workers_the_last_known_status_stays(prometheus: str) -> None:
    told = _answer(prometheus, "Status", END, without=INCIDENTS_OPEN.name)
    assert len(told) == 1
    assert told.keys() != {"status=resolved"}


def test_no_region_of_a_resolved_incident_is_affected(prometheus: str) -> None:
    assert 1.0 in _answer(prometheus, "Regions", LASTING).values()
    assert set(_answer(prometheus, "Regions", END).values()) == {0.0}
