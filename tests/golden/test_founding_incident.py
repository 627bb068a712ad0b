"""What readers get from the founding incident, seed 1, at a quarter of its volume and in an hour.

The first record is the page, the last what is left to read. A difference means that opwatch now
says something else about the same events: write the new records only if it should, with
`OPWATCH_WRITE_GOLDEN=1 pytest tests/golden/test_founding_incident.py`, and say why in the log of
changes.
"""

import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from streams.adapters.scenario_files import write_scenario
from streams.config import Settings
from streams.replay.driver import replay
from streams.replay.request import ReplayRequest
from streams.scenarios.catalogue import build

RECORDS = Path(__file__).parent / "records"
VARIANTS = ["founding-incident", "founding-incident-unregistered"]


class Still:
    """Hears no progress, and is a clock that stands long after all events."""

    def advance(self, *_: int) -> None:
        """Hear nothing."""

    def now(self) -> float:
        return 1_767_225_600.0


def records_of(name: str, folder: Path) -> list[dict[str, Any]]:
    scenario = build(
        name,
        seed=1,
        volume=500,
        before=timedelta(minutes=150),
        after=timedelta(minutes=20),
        incident_duration=timedelta(minutes=60),
    )
    files = write_scenario(scenario, folder / name)
    request = ReplayRequest((files.outcomes_path,), None, files.releases_path, folder / "out")
    replay(Settings(), request, Still(), Still())
    lines = (folder / "out" / "incidents.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("name", VARIANTS)
def test_the_first_and_the_last_record_say_what_they_always_said(name: str, tmp_path: Path) -> None:
    records = records_of(name, tmp_path)
    ranked = [
        {one["release"]: one["probability"] for one in each["candidates"]} for each in records
    ]
    if name == "founding-incident":
        assert all(each["image-template-migration"] > 0.9 for each in ranked)
    else:
        assert all(max(each.values()) < 0.5 for each in ranked)
    written = json.dumps([records[0], records[-1]], indent=1, ensure_ascii=False) + "\n"
    golden = RECORDS / f"{name}.json"
    if os.environ.get("OPWATCH_WRITE_GOLDEN"):
        golden.write_text(written, encoding="utf-8")
    assert _rounded(json.loads(written)) == _rounded(json.loads(golden.read_text("utf-8")))
    first, last = json.loads(golden.read_text("utf-8"))
    assert first["incident"] == last["incident"]
    assert last["status"] == "resolved"


def _rounded(value: Any) -> Any:  # noqa: ANN401 the values of JSON
    """Leave out digits that another processor's mathematics library may not agree on."""
    if isinstance(value, dict):
        return {name: _rounded(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    return round(value, 3) if isinstance(value, float) else value
