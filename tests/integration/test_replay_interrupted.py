"""Ctrl-C and SIGTERM: a real signal to a real process that replays leaves nothing half-written."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from streams.adapters.scenario_files import ScenarioFiles, write_scenario
from streams.scenarios.catalogue import build

PATIENCE_SECONDS = 60.0


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> ScenarioFiles:
    """Two hours that take some seconds to replay."""
    small = build("quiet-day", seed=1, volume=700, after=timedelta(minutes=120))
    return write_scenario(small, tmp_path_factory.mktemp("scenario"))


def interrupted(words: list[str], folder: Path, number: signal.Signals) -> tuple[int, str]:
    """Start a command, send a signal once it has begun to write, and give how it ended."""
    command = [sys.executable, "-m", "streams.cli", *words]
    process = subprocess.Popen(  # noqa: S603 our own command
        command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, env={**os.environ}
    )
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not any(_written(folder)):
        assert process.poll() is None, "it ended before it could be stopped"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(number)
    _, complaint = process.communicate(timeout=PATIENCE_SECONDS)
    return process.returncode, complaint.decode()


def _written(folder: Path) -> Iterator[Path]:
    return (path for path in folder.glob(".out.partial-*/**/*") if path.is_file())


@pytest.mark.parametrize(
    ("more", "number"),
    [
        (["replay"], signal.SIGINT),
        (["replay"], signal.SIGTERM),
        (["replay", "what-if", "--set", "log.level=error"], signal.SIGINT),
    ],
)
def test_a_command_that_is_told_to_end_leaves_nothing_behind(
    scenario: ScenarioFiles, tmp_path: Path, more: list[str], number: signal.Signals
) -> None:
    words = [*more, "--outcomes", str(scenario.outcomes_path), "--out", str(tmp_path / "out")]
    status, complaint = interrupted(words, tmp_path, number)
    assert status == 130
    assert complaint.splitlines()[-1] == "opwatch: interrupted"
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_leaves_an_earlier_result_as_it_was(scenario: ScenarioFiles, tmp_path: Path) -> None:
    earlier = tmp_path / "out" / "incidents.jsonl"
    earlier.parent.mkdir()
    earlier.write_text("earlier\n")
    words = ["replay", "--outcomes", str(scenario.outcomes_path), "--out", str(earlier.parent)]
    assert interrupted(words, tmp_path, signal.SIGINT)[0] == 130
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert [path.name for path in earlier.parent.iterdir()] == ["incidents.jsonl"]
    assert earlier.read_text() == "earlier\n"
