"""Scenarios, shortened, replayed from events, from windows, and both out of Kafka.

`PYTHONPATH=tests python tests/scenario_replays.py [NAME...]` does it for all scenarios with a Kafka
of its own, and prints a line for each; the tests do less of it.
"""

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from confluent_kafka import Producer

from servers.kafka_server import KafkaServer, TopicMaker
from streams import wiring
from streams.adapters.scenario_files import ScenarioFiles, write_scenario
from streams.config import IngestSettings, KafkaSettings, Settings, TopicSettings
from streams.replay.compare import Difference, compare
from streams.replay.drive import Drive
from streams.replay.files import OutcomeFiles, read_releases
from streams.replay.inputs import read_events
from streams.replay.request import KafkaContent, ReplayRequest
from streams.replay.what_if import Variant, WhatIf
from streams.scenarios.catalogue import SCENARIOS, build
from streams.stages.recordings import Recording
from streams.windows.closed import ClosedWindow
from streams.windows.closed_codec import encode_closed
from streams.windows.ranges import TimeRange

ZONAL = {"one-zone-2023", "acl-update-2018"}
"""Scenarios that zones tell apart."""

NOW = 1_893_456_000.0
DAYS = (1_500_000_000.0, 1_800_000_000.0)


class Quiet:
    """Hears no progress."""

    def advance(self, *_: int) -> None:
        """Hear nothing."""


def settings_of(name: str, **sections: Any) -> Settings:  # noqa: ANN401 sections of the settings
    """Give settings for a scenario: one judge does for so few series."""
    dimensions = ("region", "zone", "os", "operation") if name in ZONAL else None
    ingest = IngestSettings(dimensions=dimensions) if dimensions else IngestSettings()
    return Settings(ingest=ingest, **{"topics": TopicSettings(counts_partitions=1), **sections})


def short(name: str, folder: Path) -> ScenarioFiles:
    """Write a scenario whose incident lasts 25 minutes."""
    length = {} if name == "quiet-day" else {"incident_duration": timedelta(minutes=25)}
    scenario = build(
        name,
        seed=1,
        volume=300,
        before=timedelta(minutes=140),
        after=timedelta(minutes=10),
        **length,
    )
    return write_scenario(scenario, folder)


def from_events_and_from_windows(name: str, files: ScenarioFiles, out: Path) -> Difference | None:
    """Replay a scenario from its events, then from the windows of that; give what differs.

    The folders `setting-1` and `setting-2` hold the records.
    """

    @contextmanager
    def opened(_: Settings) -> Iterator[Recording]:
        yield OutcomeFiles([files.outcomes_path])

    same = settings_of(name)
    variants = [Variant("from events", same), Variant("from windows", same)]
    releases = read_releases(files.releases_path)
    WhatIf(variants, opened, releases, TimeRange(), None).run(out, Quiet(), NOW)
    return compare(out / "setting-1", out / "setting-2")


@dataclass(slots=True)
class _Judged:
    """Takes closed windows as a judge writes them to their topic."""

    messages: list[bytes] = field(default_factory=list)

    def add_closed(self, closed: ClosedWindow) -> None:
        self.messages.append(encode_closed(closed))

    def add_read(self, found: object) -> None:
        """Pass over."""

    def add_incident(self, record: object) -> None:
        """Pass over."""

    def add_change_point(self, point: object) -> None:
        """Pass over."""

    def add_dead_letter(self, letter: object, place: Mapping[str, str | int]) -> None:
        """Pass over."""


def from_kafka(
    name: str, files: ScenarioFiles, bootstrap: str, out: Path
) -> Iterator[tuple[KafkaContent, Path]]:
    """Put a scenario into topics and replay it out of them; give the folders."""
    maker = TopicMaker(bootstrap)
    outcomes, releases, windows = maker("operations", "releases", "windows")
    topics = TopicSettings(
        counts_partitions=1, prefix=maker.prefix, outcomes=outcomes, releases=releases
    )
    settings = settings_of(name, topics=topics, kafka=KafkaSettings(bootstrap=bootstrap))
    judged = _Judged()
    Drive(settings, TimeRange(), judged, Quiet(), NOW).run(
        OutcomeFiles([files.outcomes_path]), read_releases(files.releases_path)
    )
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True})
    latest = 0.0
    for batch in read_events(files.outcomes_path):
        for line in batch.lines:
            latest = max(latest, datetime.fromisoformat(json.loads(line)["time"]).timestamp())
            producer.produce(outcomes, line, timestamp=int(1000 * latest))
        producer.flush()
    for batch in read_events(files.releases_path):
        for line in batch.lines:
            producer.produce(releases, line)
    for message in judged.messages:
        producer.produce(windows, message)
    producer.flush()
    for content in KafkaContent:
        folder = out / content.value
        wiring.replay(settings, ReplayRequest((), None, None, folder, *DAYS, content), Quiet())
        yield content, folder


def main(names: list[str]) -> None:
    """Replay all scenarios, or some, and print a line for each."""
    with KafkaServer() as server, tempfile.TemporaryDirectory() as folder:
        for name in names or SCENARIOS:
            place = Path(folder) / name
            files = short(name, place / "files")
            found = {"windows": from_events_and_from_windows(name, files, place / "files-out")}
            for content, out in from_kafka(name, files, server.bootstrap, place / "kafka"):
                found[f"kafka {content.value}"] = compare(place / "files-out" / "setting-1", out)
            records = (place / "files-out" / "setting-1" / "incidents.jsonl").read_bytes()
            said = {way: "equal" if one is None else str(one) for way, one in found.items()}
            print(f"{name}: {len(records.splitlines())} records; {said}", flush=True)  # noqa: T201 a script


if __name__ == "__main__":
    main(sys.argv[1:])
