"""Small pieces of the composition root."""

from pathlib import Path

import pytest
from small_fleets import SETTINGS

from streams import wiring
from streams.adapters.kafka.topics import planned_topics
from streams.config import HttpSettings, IngestSettings, Settings, TopicSettings
from streams.wiring.embedded import embedded_settings
from streams.wiring.worker import _made_up_name


class Silent:
    """Progress nobody looks at, but counted."""

    def __init__(self) -> None:
        self.minutes: list[tuple[int, int]] = []

    def advance(self, done_bytes: int, total_bytes: int, events: int, windows: int) -> None:
        assert events >= 0
        assert windows == done_bytes
        self.minutes.append((done_bytes, total_bytes))


def test_every_topic_has_the_prefix_but_the_two_that_are_only_read() -> None:
    settings = Settings(
        topics=TopicSettings(outcomes="in", releases="changes", prefix="p-", counts_partitions=7)
    )
    plans = {plan.name: plan for plan in planned_topics(settings)}
    assert len(plans) == len(planned_topics(settings))
    read = {"in", "changes"}
    assert {name for name in plans if not name.startswith("p-")} == read
    # What is read may have any number; what state is kept of has one number everywhere.
    assert {name for name, plan in plans.items() if plan.partitions is None} == read
    sharded = {name for name, plan in plans.items() if plan.partitions == 7}
    assert sharded == {"p-counts", "p-judge-snapshots"}
    compacted = {
        name for name, plan in plans.items() if plan.config.get("cleanup.policy") == "compact"
    }
    assert compacted == {
        "p-change-points",
        "p-incidents",
        "p-judge-snapshots",
        "p-incidents-snapshots",
    }
    assert plans["changes"].config["retention.ms"] == "-1"


def test_a_worker_without_a_name_gets_one_that_nobody_else_has() -> None:
    names = {_made_up_name() for _ in range(100)}
    assert len(names) == 100


def test_the_demo_does_not_care_for_settings_of_an_installation() -> None:
    given = Settings(
        http=HttpSettings(host="127.0.0.2"),
        ingest=IngestSettings(dimensions=("region", "cluster")),
        topics=TopicSettings(counts_partitions=9, prefix="live."),
    )
    own = embedded_settings(given, "127.0.0.1:5")
    assert own.kafka.bootstrap == "127.0.0.1:5"
    assert own.http.host == "127.0.0.2"
    assert own.http.port == 0
    assert own.topics == Settings().topics
    assert own.ingest.dimensions == Settings().ingest.dimensions != SETTINGS.ingest.dimensions


def test_scenarios_are_listed_with_a_line_each_and_can_be_written(tmp_path: Path) -> None:
    listed = dict(wiring.list_scenarios())
    assert listed["founding-incident"]
    assert all("\n" not in about for about in listed.values())
    progress = Silent()
    request = wiring.SimulationRequest(name="founding-incident", out=tmp_path, seed=3, volume=0.001)
    wiring.simulate(request, progress)
    assert {path.name for path in tmp_path.iterdir()} == {
        "outcomes.jsonl.zst",
        "releases.jsonl",
        "truth.json",
    }
    assert progress.minutes[-1][0] == pytest.approx(progress.minutes[-1][1], rel=0.05)
