"""`opwatch evaluate attribution`: what it writes, that it is deterministic, and how it fails."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from detectors.evaluation.attribution.experiments import FULL, Sizes
from detectors.evaluation.attribution.kinds import Kind
from streams import cli
from streams.wiring.evaluation.attribution import cost, document, evaluation, tasks

TINY = Sizes(caused=1, innocent=1, localised=2, releases=(2,), cuts=(15, 60))


class Silent:
    def advance(self, *_: int) -> None: ...


def exit_status(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Experiments that take a second; in this process only."""
    monkeypatch.setattr(tasks, "QUICK", TINY)
    monkeypatch.setattr(cost, "seconds_of_large_ranking", lambda **_: 0.75)


@pytest.mark.usefixtures("tiny")
def test_the_command_writes_its_files_and_prints_the_tables(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parts = "clone, upstream,localisation,cost"
    words = ["evaluate", "attribution", "--quick", "--jobs", "1", "--seed", "3", "--parts", parts]
    options = {name: tmp_path / f"figures.{name}" for name in ("json", "table", "plot")}
    for name, path in options.items():
        words += [f"--{name}", str(path)]
    assert exit_status(*words) == 0
    whole = json.loads(options["json"].read_text())
    assert [(one["kind"], one["minutes"]) for one in whole["rankings"]] == [
        ("clone", 15),
        ("clone", 60),
        ("upstream", 15),
        ("upstream", 60),
    ]
    assert whole["rankings"][1]["clones_tied"] == 1
    assert len(whole["localisation"]) == len(whole["calibration"]) + 2
    slow = [goal for goal in whole["goals"] if goal["subject"] == "seconds a ranking"]
    assert [goal["met"] for goal in slow] == [False]
    printed = capsys.readouterr().out
    assert printed == options["table"].read_text()
    assert "| 10,000 series, K = 30 | seconds a ranking | 0.75 | <= 0.5 |" in printed
    ET.fromstring(options["plot"].read_text())  # noqa: S314 - made here


def test_the_figures_do_not_depend_on_the_number_of_processes() -> None:
    def figures(jobs: int) -> str:
        parts = ["localisation"]
        whole = json.loads(document.render(evaluation.run(parts, 3, jobs, Silent(), quick=True)))
        for fleet in whole["localisation"]:
            for method in ("opwatch", "poisson_scan"):
                del fleet[method]["seconds_median"]
        return json.dumps(whole)

    assert figures(1) == figures(2)


def test_what_is_wrong_with_the_command_line_is_said_in_one_line_before_anything_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(evaluation, "do", never)
    same = str(tmp_path / "same")
    for words, complaint in (
        (["--parts", "earthquake"], "--parts: there is no 'earthquake'; there are shared order,"),
        (["--json", str(tmp_path)], "cannot be written"),
        (["--json", same, "--plot", same], "must name different files"),
        (["--jobs", "0"], "Invalid value for '--jobs'"),
    ):
        assert exit_status("evaluate", "attribution", *words) == cli.THEIR_FAULT
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 1
        assert complaint in lines[0]


def test_every_part_is_a_task_and_the_whole_run_has_enough_incidents() -> None:
    todo = tasks.tasks(tasks.chosen_names(None), 1, quick=False)
    assert len(todo) == len(set(todo)) == 14 * 3 + 4
    innocent = [kind for kind in Kind if not kind.by_release]
    assert FULL.innocent * len(innocent) * len(FULL.releases) >= 500
