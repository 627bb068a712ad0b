"""The dashboards of the usual settings are committed and current."""

from pathlib import Path

import pytest

from dashboards.grafana.assembly import render
from dashboards.grafana.links import Uid
from streams.config import Settings
from streams.wiring import dashboards

GENERATED = Path(__file__).parents[2] / "dashboards" / "generated"
COMMAND = "opwatch dashboards build --out dashboards/generated"


@pytest.mark.parametrize("uid", [uid.value for uid in Uid])
def test_a_generated_dashboard_is_current(uid: str) -> None:
    committed = (GENERATED / f"{uid}.json").read_text("utf-8")
    assert committed == render(dashboards.built(Settings())[uid]), f"out of date: run `{COMMAND}`"


def test_there_is_no_dashboard_that_is_not_built() -> None:
    committed = {path.stem for path in GENERATED.glob("*.json")}
    assert committed == dashboards.built(Settings()).keys()
