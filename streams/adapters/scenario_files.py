"""Scenarios as files: `outcomes.jsonl.zst`, `releases.jsonl` and `truth.json` in a directory."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from streams.domain.errors import OperatorError
from streams.scenarios.generate import Scenario

OUTCOMES = "outcomes.jsonl.zst"
RELEASES = "releases.jsonl"
TRUTH = "truth.json"

_PARTIAL = ".partial"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the writing of a scenario has come.

    Attributes:
        minutes: Minutes of the scenario written.
        of_minutes: Minutes of the scenario in all; the last of them comes with what arrives later.
        outcomes: Outcome events written.
    """

    minutes: int
    of_minutes: int
    outcomes: int


@dataclass(frozen=True, slots=True)
class ScenarioFiles:
    """Where a scenario was written, and how much of it."""

    outcomes_path: Path
    releases_path: Path
    truth_path: Path
    outcomes: int
    releases: int


def write_scenario(
    scenario: Scenario, directory: Path, progress: Callable[[Progress], None] | None = None
) -> ScenarioFiles:
    """Write a scenario into a directory, which is created where it is missing.

    The three files appear under their names once all are complete; what was there before is
    replaced. The same scenario gives the same bytes.

    Args:
        scenario: What to write.
        directory: Where to.
        progress: Called after each minute, and once at the end.

    Raises:
        OperatorError: The directory cannot be made or written to.
    """
    files = [directory / name for name in (OUTCOMES, RELEASES, TRUTH)]
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with _all_or_nothing(files) as (outcomes_part, releases_part, truth_part):
            outcomes = _write_outcomes(scenario, outcomes_part, progress)
            releases = scenario.release_events()
            releases_part.write_bytes(b"".join(line + b"\n" for line in releases))
            truth = json.dumps(scenario.truth(), indent=2)
            truth_part.write_text(truth + "\n", encoding="utf-8", newline="\n")
    except OSError as error:
        raise OperatorError(f"cannot write the scenario into {directory}: {error}") from error
    return ScenarioFiles(
        directory / OUTCOMES, directory / RELEASES, directory / TRUTH, outcomes, len(releases)
    )


def _write_outcomes(
    scenario: Scenario, path: Path, progress: Callable[[Progress], None] | None
) -> int:
    minutes, written = len(scenario.minutes), 0
    with pa.CompressedOutputStream(pa.OSFile(str(path), "wb"), "zstd") as stream:
        for number, batch in enumerate(scenario.batches(), start=1):
            stream.write(b"".join(line + b"\n" for line in batch.lines))
            written += len(batch.lines)
            if progress is not None:
                progress(Progress(min(number, minutes), minutes, written))
    return written


@contextmanager
def _all_or_nothing(files: list[Path]) -> Iterator[list[Path]]:
    """Give temporary names beside the files: renamed when the block ends, removed if it fails."""
    partial = [path.with_name(path.name + _PARTIAL) for path in files]
    try:
        yield partial
        for part, path in zip(partial, files, strict=True):
            part.replace(path)
    finally:
        for part in partial:
            part.unlink(missing_ok=True)
