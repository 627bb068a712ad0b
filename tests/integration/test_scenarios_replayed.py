"""All scenarios, replayed from events, from windows and out of Kafka: the same incidents."""

import json
from pathlib import Path

import pytest
from scenario_replays import from_events_and_from_windows, from_kafka, short

from streams.replay.compare import compare
from streams.scenarios.catalogue import SCENARIOS

NOTHING = {"quiet-day", "few-hosts-2024"}
"""Scenarios in which there is nothing to page for."""

IN_KAFKA = {"policy-job-2026", "one-zone-2023"}
"""Those that go through Kafka here: `scenario_replays.py` does it for all, which takes its time."""


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_gives_the_same_records_wherever_it_is_replayed_from(
    name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    files = short(name, tmp_path / "files")
    assert from_events_and_from_windows(name, files, tmp_path / "out") is None
    folder = tmp_path / "out" / "setting-1"
    records = (folder / "incidents.jsonl").read_text().splitlines()
    assert bool({json.loads(record)["incident"] for record in records}) == (name not in NOTHING)
    if name in IN_KAFKA:
        kafka: str = request.getfixturevalue("kafka")
        for _, replayed in from_kafka(name, files, kafka, tmp_path / "kafka"):
            assert compare(folder, replayed) is None
