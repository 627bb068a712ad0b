"""Scenarios as files: complete or not there, the same bytes for the same seed, progress."""

import json
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pytest

from streams.adapters.scenario_files import OUTCOMES, RELEASES, TRUTH, Progress, write_scenario
from streams.domain.errors import OperatorError
from streams.scenarios.catalogue import build
from streams.scenarios.generate import Batch, Scenario


def scenario(seed: int = 1) -> Scenario:
    return build(
        "founding-incident",
        seed=seed,
        volume=300.0,
        before=timedelta(minutes=3),
        after=timedelta(minutes=1),
        incident_duration=timedelta(minutes=4),
    )


def read(path: Path) -> list[bytes]:
    with pa.CompressedInputStream(pa.OSFile(str(path), "rb"), "zstd") as stream:
        content: bytes = stream.read()
    return content.splitlines()


def test_three_files_hold_the_scenario(tmp_path: Path) -> None:
    story = scenario()
    written = write_scenario(story, tmp_path / "new" / "folder")
    assert read(written.outcomes_path) == [line for b in story.batches() for line in b.lines]
    assert written.releases_path.read_bytes().splitlines() == story.release_events()
    assert json.loads(written.truth_path.read_text("utf-8")) == story.truth()
    assert written.outcomes == story.truth()["outcomes"]
    assert written.releases == len(story.release_events())


def test_nothing_else_is_left_in_the_directory(tmp_path: Path) -> None:
    write_scenario(scenario(), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([OUTCOMES, RELEASES, TRUTH])


def test_the_same_seed_gives_the_same_files_and_another_seed_gives_others(tmp_path: Path) -> None:
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_scenario(scenario(seed), tmp_path / folder)
    for name in (OUTCOMES, TRUTH):
        first, second, other = ((tmp_path / folder / name).read_bytes() for folder in "abc")
        assert first == second != other


def test_progress_counts_minutes_up_to_the_last_and_outcomes_up_to_all(tmp_path: Path) -> None:
    seen: list[Progress] = []
    written = write_scenario(scenario(), tmp_path, seen.append)
    assert seen[0].minutes == 1
    assert seen[-1] == Progress(8, 8, written.outcomes)
    assert all(a.outcomes <= b.outcomes for a, b in pairwise(seen))


class _BreaksOff(Scenario):
    """A scenario whose outcomes break off."""

    def batches(self) -> Iterator[Batch]:
        """Fail after the first minute."""
        yield from list(super().batches())[:1]
        raise RuntimeError("broken off")


def test_a_failure_leaves_the_files_of_before_and_no_partial_ones(tmp_path: Path) -> None:
    write_scenario(scenario(), tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    whole = scenario(seed=2)
    broken = _BreaksOff(
        name=whole.name,
        seed=whole.seed,
        fleet=whole.fleet,
        releases=whole.releases,
        incident=whole.incident,
        start=whole.start,
        end=whole.end,
    )
    with pytest.raises(RuntimeError, match="broken off"):
        write_scenario(broken, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_directory_that_cannot_be_made_is_the_operators_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(OperatorError, match="cannot write the scenario into"):
        write_scenario(scenario(), tmp_path / "file" / "folder")
