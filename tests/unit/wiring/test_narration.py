"""The story a person reads: little while all is well, every turn once while it is not."""

import io
import re
from collections.abc import Sequence
from dataclasses import replace

import pytest
from observed_fleet import WINDOWS, FleetRun
from rich.console import Console
from small_fleets import SETTINGS

from streams.adapters.prometheus import MetricStore
from streams.domain.incidents import IncidentRecord
from streams.scenarios.catalogue import build
from streams.stages.incidents import Incidents
from streams.stages.judge import Judge
from streams.windows.closed import ClosedWindow
from streams.wiring.narration import EVERY_WINDOWS, NEXT, SHOWN, Narrator


class Reader:
    """Hears the stages through a narrator."""

    def __init__(self) -> None:
        self.text = io.StringIO()
        console = Console(file=self.text, width=120, color_system=None)
        self.narrator = Narrator(console, SETTINGS.topics.counts_partitions)
        self.records: list[IncidentRecord] = []

    def judged(self, _: int, __: Judge, windows: Sequence[ClosedWindow]) -> None:
        for window in windows:
            self.narrator.window(window)

    def built(self, _: Incidents, __: ClosedWindow, records: Sequence[IncidentRecord]) -> None:
        for record in records:
            self.records.append(record)
            self.narrator.incident(record)


@pytest.fixture(scope="module")
def reader() -> Reader:
    """Somebody who has heard the fleet's whole story."""
    reader = Reader()
    FleetRun().go_on(reader, WINDOWS)
    return reader


@pytest.fixture(scope="module")
def story(reader: Reader) -> str:
    """The fleet's whole story."""
    return reader.text.getvalue()


def test_a_quiet_fleet_is_told_of_now_and_then() -> None:
    reader = Reader()
    FleetRun().go_on(reader, 5 * EVERY_WINDOWS)
    lines = reader.text.getvalue().splitlines()
    assert len(lines) == 5
    assert all(re.search(r"success +linux █ .*% +windows █ .*%", line) for line in lines)
    assert lines[0].endswith("(learning what is normal)")


def test_the_first_change_points_are_told_and_not_all(story: str) -> None:
    points = re.findall(r"change point \S+ (\S+) \S+: success ([\d.]+)% -> ([\d.]+)%", story)
    assert 0 < len(points) <= SHOWN
    assert all(system == "windows" for system, _, _ in points)
    assert all(float(now) < float(before) for _, before, now in points)


def test_the_incident_its_ranking_and_its_end_are_told_once_in_order(story: str) -> None:
    (opened,) = re.finditer(r"INCIDENT os=windows, 3 regions, since \d\d:\d\d: ", story)
    (resolved,) = re.finditer(r"RESOLVED .* more failed than would have; cause: culprit ", story)
    recovered = re.findall(r"recovered \S+ \((\d) of 3 regions\)", story)
    assert recovered == ["1", "2", "3"]
    ranked = story.index("which release?")
    assert opened.start() < ranked < story.index("recovered ") < resolved.start()
    assert "│ culprit " in story
    assert "no known release" in story


def test_another_incident_is_told_from_its_beginning_and_need_not_have_a_known_cause(
    reader: Reader,
) -> None:
    listener = Reader()
    for record in reader.records:
        listener.narrator.incident(record)
        other = replace(record, incident="another", candidates=(), no_release_probability=1.0)
        listener.narrator.incident(other)
    story = listener.text.getvalue()
    recovered = re.findall(r"recovered \S+ \((\d) of 3 regions\)", story)
    assert recovered.count("1") == recovered.count("2") == recovered.count("3") == 2
    causes = re.findall(r"RESOLVED .* cause: (.*) \(", story)
    assert causes == ["culprit", "no known release"]


def test_the_frame_says_where_things_are_and_what_to_do_next() -> None:
    reader = Reader()
    scenario = build("founding-incident", seed=1)
    reader.narrator.begin(scenario, "127.0.0.1:1", "http://127.0.0.1:2/metrics")
    reader.narrator.end(MetricStore(("region",)), 12_345, 41.6)
    text = reader.text.getvalue()
    assert "broker   127.0.0.1:1 (embedded, loopback only)" in text
    assert "metrics  http://127.0.0.1:2/metrics" in text
    assert re.search(r"Done: 12,345 operations in 42 s, \d+ samples\.", text)
    assert text.endswith("\n".join(NEXT) + "\n")
