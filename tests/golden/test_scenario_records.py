"""What readers get from the scenarios, seed 1, at a quarter of their volume and squeezed.

Of each incident the first record is the page, the last what is left to read. A difference means
that opwatch now says something else about the same events: write the new records only if it should,
with `OPWATCH_WRITE_GOLDEN=1 pytest tests/golden/test_scenario_records.py`, and say why in the log
of changes. What the records must say whatever they say is held against the truth here, so that new
records cannot hide a failure.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from streams.adapters.scenario_files import write_scenario
from streams.config import IngestSettings, Settings, TopicSettings
from streams.replay.driver import replay
from streams.replay.request import ReplayRequest
from streams.scenarios.catalogue import SCENARIOS, build
from streams.scenarios.generate import Scenario
from streams.scenarios.incident import Incident

RECORDS = Path(__file__).parent / "records"
DIMENSIONS = ("region", "os", "vm_type", "operation")
ZONAL = ("region", "zone", "os", "operation")

Record = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Case:
    """How a scenario is replayed, and what of its truth can be found.

    Attributes:
        minutes: From the first onset to the last end.
        volume: Operations per minute.
        dimensions: What makes a series.
        found: Whether there is anything to find.
        probability: Least probability of the true culprit, in the page and in the last record.
        onset_windows: How many windows the onset may be off.
    """

    minutes: int = 60
    volume: float = 500
    dimensions: tuple[str, ...] = DIMENSIONS
    found: bool = True
    probability: float = 0.9
    onset_windows: int = 1


CASES: Mapping[str, Case] = {
    "founding-incident": Case(),
    "founding-incident-unregistered": Case(probability=0.5),
    # The first region is the smallest, and the next ones follow within minutes.
    "policy-job-2026": Case(onset_windows=3),
    "storage-allow-list-2024": Case(),
    "crowdstrike-2024": Case(probability=0.5, onset_windows=2),
    "central-us-and-crowdstrike-2024": Case(probability=0.5, onset_windows=2),
    # Four operations a minute in the zone.
    "one-zone-2023": Case(dimensions=ZONAL, onset_windows=3),
    "government-database-2024": Case(),
    # The failures begin from nothing and grow.
    "launch-failures-2025": Case(probability=0.5, onset_windows=4),
    "quota-policy-2025": Case(volume=250, probability=0.5),
    "acl-update-2018": Case(dimensions=ZONAL, onset_windows=2),
    # One operation in 450 fails in addition: an honest watcher says nothing.
    "few-hosts-2024": Case(found=False),
}


class Still:
    """Hears no progress, and is a clock that stands long after all events."""

    def advance(self, *_: int) -> None:
        """Hear nothing."""

    def now(self) -> float:
        return 1_893_456_000.0


def cases(wrong: Mapping[str, str]) -> list[Any]:
    """Give all cases; those that opwatch gets wrong, and how, are expected to fail."""
    return [
        pytest.param(name, marks=pytest.mark.xfail(reason=wrong[name], raises=AssertionError))
        if name in wrong
        else name
        for name in CASES
    ]


def scenario_of(name: str) -> Scenario:
    return build(
        name,
        seed=1,
        volume=CASES[name].volume,
        before=timedelta(minutes=150),
        after=timedelta(minutes=20),
        incident_duration=timedelta(minutes=CASES[name].minutes),
    )


@cache
def told(name: str) -> tuple[tuple[Record, Record], ...]:
    """Give the first and the last record of each incident, in the order of their pages."""
    settings = Settings(
        ingest=IngestSettings(dimensions=CASES[name].dimensions),
        # One judge does for so few series, in a third of the time.
        topics=TopicSettings(counts_partitions=1),
    )
    with TemporaryDirectory() as directory:
        folder = Path(directory)
        files = write_scenario(scenario_of(name), folder)
        request = ReplayRequest((files.outcomes_path,), None, files.releases_path, folder / "out")
        replay(settings, request, Still(), Still())
        lines = (folder / "out" / "incidents.jsonl").read_text().splitlines()
    by_incident: dict[str, list[Record]] = {}
    for record in map(json.loads, lines):
        by_incident.setdefault(record["incident"], []).append(record)
    return tuple((records[0], records[-1]) for records in by_incident.values())


@pytest.mark.parametrize("name", CASES)
def test_the_first_and_the_last_record_say_what_they_always_said(name: str) -> None:
    written = json.dumps(told(name), indent=1, ensure_ascii=False) + "\n"
    golden = RECORDS / f"{name}.json"
    if os.environ.get("OPWATCH_WRITE_GOLDEN"):
        golden.write_text(written, encoding="utf-8")
    assert _rounded(json.loads(written)) == _rounded(json.loads(golden.read_text("utf-8")))


def _rounded(value: Any) -> Any:  # noqa: ANN401 the values of JSON
    """Leave out digits that another processor's mathematics library may not agree on."""
    if isinstance(value, dict):
        return {name: _rounded(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    return round(value, 3) if isinstance(value, float) else value


def true_incidents(name: str) -> tuple[Incident, ...]:
    """Give what there is to find, in the order of the onsets."""
    return scenario_of(name).incidents if CASES[name].found else ()


def true_scope(name: str, incident: Incident) -> dict[str, list[str]]:
    """Give the scope of an incident in the dimensions that are watched."""
    scope = {key: list(values) for key, values in incident.scope.items()}
    regions = [window.region for window in incident.regions]
    every = scenario_of(name).fleet.regions
    zones = {
        zone: [one.name for one in every if zone in one.zones] for zone in scope.get("zone", [])
    }
    # A zone that only one region has says which region it is.
    if len(regions) < len(every) and not any(found == regions for found in zones.values()):
        scope["region"] = regions
    return {key: values for key, values in scope.items() if key in CASES[name].dimensions}


@pytest.mark.parametrize(
    "name",
    cases(
        {
            "policy-job-2026": "of the second wave, creations and updates are given to the first",
            "central-us-and-crowdstrike-2024": "the region of the other incident is left out",
        }
    ),
)
def test_there_are_as_many_incidents_as_in_truth_and_each_has_its_scope(name: str) -> None:
    scopes = [last["scope"] for _, last in told(name)]
    assert scopes == [true_scope(name, incident) for incident in true_incidents(name)]


@pytest.mark.parametrize(
    "name",
    cases(
        {
            "policy-job-2026": "the job, taken back just before, is blamed for the second wave",
            "quota-policy-2025": "everything at once, six minutes later: no release is likelier",
        }
    ),
)
def test_the_true_cause_is_ranked_first_in_the_page_and_in_the_end(name: str) -> None:
    for pair, incident in zip(told(name), true_incidents(name), strict=True):
        for record in pair:
            ranked = {one["release"]: one["probability"] for one in record["candidates"]}
            ranked[None] = record["no_release_probability"]
            assert max(ranked, key=lambda release: ranked[release]) == incident.culprit
            assert ranked[incident.culprit] > CASES[name].probability


@pytest.mark.parametrize("name", CASES)
def test_what_a_mitigation_brought_about_says_so_in_its_page_and_nothing_else_does(
    name: str,
) -> None:
    pages = {
        incident.name: page
        for (page, _), incident in zip(told(name), true_incidents(name), strict=True)
    }
    for incident in true_incidents(name):
        causes = [
            one["incident"]
            for one in pages[incident.name]["related"]
            if one["relation"] == "after_mitigation"
        ]
        cause = incident.caused_by
        assert causes == ([] if cause is None else [pages[cause]["incident"]])


@pytest.mark.parametrize("name", CASES)
def test_the_onset_is_found_to_a_window_or_two(name: str) -> None:
    allowed = timedelta(minutes=CASES[name].onset_windows)
    for pair, incident in zip(told(name), true_incidents(name), strict=True):
        for record in pair:
            assert abs(datetime.fromisoformat(record["onset"]) - incident.onset) <= allowed


@pytest.mark.parametrize(
    "name", cases({"crowdstrike-2024": "a small region is not well 20 minutes after the end"})
)
def test_an_incident_that_is_over_is_resolved(name: str) -> None:
    assert [last["status"] for _, last in told(name)] == ["resolved"] * len(true_incidents(name))


def test_every_scenario_with_an_incident_has_a_record() -> None:
    assert set(CASES) == set(SCENARIOS) - {"quiet-day"}
    assert {path.stem for path in RECORDS.glob("*.json")} == set(CASES)
