"""What if: the same past under several settings, folded once, written whole or not at all."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from streams.adapters.scenario_files import ScenarioFiles, write_scenario
from streams.config import DetectorSettings, IngestSettings, Settings, TopicSettings
from streams.domain.errors import OperatorError
from streams.domain.time import parse_instant
from streams.replay.compare import compare
from streams.replay.driver import replay
from streams.replay.files import OutcomeFiles, read_releases, read_truth
from streams.replay.request import ReplayRequest
from streams.replay.side_by_side import SideBySide
from streams.replay.what_if import Variant, WhatIf
from streams.scenarios.catalogue import build
from streams.stages.recordings import Recording
from streams.windows.ranges import TimeRange

NOW = parse_instant("2026-01-01T00:00:00Z")
ONE_JUDGE = TopicSettings(counts_partitions=1)
SETTINGS = Settings(topics=ONE_JUDGE)
STRICT = Settings(topics=ONE_JUDGE, detectors=DetectorSettings(false_alarms_per_day=1e-9))
COARSE = Settings(topics=ONE_JUDGE, ingest=IngestSettings(dimensions=("region", "os")))


class Heard:
    """Remembers how far it was said to be; a clock, too."""

    def __init__(self) -> None:
        self.steps: list[tuple[int, int]] = []

    def advance(self, done_bytes: int, total_bytes: int, events: int, windows: int) -> None:
        assert events or windows or not done_bytes
        self.steps.append((done_bytes, total_bytes))

    def now(self) -> float:
        return NOW


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> ScenarioFiles:
    """The founding incident, short and small, with duplicates, disorder and late events."""
    small = build(
        "founding-incident",
        seed=1,
        volume=300,
        before=timedelta(minutes=135),
        after=timedelta(minutes=3),
        incident_duration=timedelta(minutes=10),
    )
    return write_scenario(small, tmp_path_factory.mktemp("scenario"))


@pytest.fixture(scope="module")
def tried(
    scenario: ScenarioFiles, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, SideBySide, list[Settings], Heard]:
    """Three settings; the first two fold events alike."""
    out, opened, heard = tmp_path_factory.mktemp("tried") / "out", list[Settings](), Heard()
    variants = [Variant("as it is", SETTINGS), Variant("strict", STRICT), Variant("coarse", COARSE)]
    found = _plan(scenario, variants, opened).run(out, heard, NOW)
    return out, found, opened, heard


def _plan(scenario: ScenarioFiles, variants: Sequence[Variant], opened: list[Settings]) -> WhatIf:
    @contextmanager
    def recording(settings: Settings) -> Iterator[Recording]:
        opened.append(settings)
        yield OutcomeFiles([scenario.outcomes_path])

    return WhatIf(
        variants=variants,
        opened=recording,
        releases=read_releases(scenario.releases_path),
        wanted=TimeRange(),
        truth=read_truth(scenario.truth_path),
    )


def test_each_setting_gives_what_a_replay_under_it_gives(
    scenario: ScenarioFiles,
    tried: tuple[Path, SideBySide, list[Settings], Heard],
    tmp_path: Path,
) -> None:
    out = tried[0]
    for number, settings in enumerate((SETTINGS, STRICT, COARSE), 1):
        alone = tmp_path / str(number)
        request = ReplayRequest((scenario.outcomes_path,), None, scenario.releases_path, alone)
        replay(settings, request, Heard(), Heard())
        for name in ("incidents.jsonl", "change_points.jsonl"):
            assert compare(out / f"setting-{number}" / name, alone / name) is None


def test_events_are_folded_once_for_all_settings_that_fold_them_alike(
    tried: tuple[Path, SideBySide, list[Settings], Heard],
) -> None:
    assert tried[2] == [SETTINGS, COARSE]


def test_the_answers_are_told_and_written(
    tried: tuple[Path, SideBySide, list[Settings], Heard],
) -> None:
    out, found, *_ = tried
    first, strict, coarse = found.answers
    assert first.startswith("Pages for incident ")
    assert first.endswith(" min after its onset; not once falsely.")
    assert "min later than the first" in strict or strict.startswith("Never pages for incident")
    assert coarse.startswith("Pages for incident ")
    written = json.loads((out / "what_if.json").read_bytes())
    assert [one["setting"] for one in written["settings"]] == ["as it is", "strict", "coarse"]
    assert [one["answer"] for one in written["settings"]] == found.answers
    assert first in (out / "what_if.md").read_text()
    assert "<svg" in (out / "what_if.html").read_text()
    folders = [f"setting-{number}" for number in (1, 2, 3)]
    assert sorted(path.name for path in out.iterdir()) == [
        *folders,
        *("what_if.html", "what_if.json", "what_if.md"),
    ]


def test_the_progress_goes_through_all_settings(
    tried: tuple[Path, SideBySide, list[Settings], Heard],
) -> None:
    steps = tried[3].steps
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)
    assert {total for _, total in steps} == {3_000_000}
    assert steps[-1][0] == 3_000_000


def test_whoever_is_stopped_leaves_nothing_behind(scenario: ScenarioFiles, tmp_path: Path) -> None:
    class Stopped(Heard):
        def advance(self, done_bytes: int, total_bytes: int, events: int, windows: int) -> None:
            super().advance(done_bytes, total_bytes, events, windows)
            if done_bytes > total_bytes / 2:
                raise KeyboardInterrupt

    variants = [Variant("one", STRICT), Variant("other", SETTINGS)]
    with pytest.raises(KeyboardInterrupt):
        _plan(scenario, variants, []).run(tmp_path / "out", Stopped(), NOW)
    assert list(tmp_path.iterdir()) == []


def test_a_truth_that_is_none_is_said(tmp_path: Path) -> None:
    path = tmp_path / "truth.json"
    for text in ("{", "[]", '{"incidents": [{}]}'):
        path.write_text(text)
        with pytest.raises(
            OperatorError, match=r"truth.json is no truth.json of `opwatch simulate`"
        ):
            read_truth(path)
