"""`opwatch evaluate`: what it writes, that it is deterministic, and how it fails."""

import dataclasses
import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from detectors.evaluation.experiments import QUICK
from detectors.evaluation.fleet import FleetSize
from streams import cli
from streams.domain.errors import OperatorError
from streams.wiring.evaluation import cost, document, evaluation, files, tasks
from streams.wiring.evaluation.cost import Cost, Costs

TINY = FleetSize(series=20, learning=150, windows=60, incidents=4)


def _exit_status(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Experiments that take a second; in this process only."""
    known = dataclasses.replace(QUICK.known, lead=40, observed=40, control=20, changed=6)
    learned = dataclasses.replace(QUICK.learned, lead=150, control=20, changed=6)
    steady = dataclasses.replace(QUICK.in_control, lead=150, observed=40, control=20)
    sizes = dataclasses.replace(QUICK, known=known, learned=learned, in_control=steady, most=2)
    monkeypatch.setattr(tasks, "QUICK", sizes)
    monkeypatch.setattr(tasks, "QUICK_FLEET", TINY)
    step = Cost(
        series=10_000, judged=10_000, milliseconds=30.0, late_milliseconds=31.0, nanoseconds=3000.0
    )
    measured = Costs(steps=(step,), bytes_per_series=13_000.0)
    monkeypatch.setattr(cost, "measure_all", lambda **_: measured)


@pytest.mark.usefixtures("tiny")
def test_the_command_writes_its_files_and_prints_the_tables(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", "--quick", "--jobs", "1", "--cells", "C n=5, independent n=5,fleet,cost"]
    options = {name: tmp_path / f"figures.{name}" for name in ("json", "table", "plot")}
    for name, path in options.items():
        words += [f"--{name}", str(path)]
    assert _exit_status(*words) == 0
    whole = json.loads(options["json"].read_text())
    assert [one["baseline"] for one in whole["changes"]] == ["known", "learned"]
    assert {one["cell"] for one in whole["nuisances"]} == {"independent n=5"}
    assert [one["method"] for one in whole["fleets"]] == ["opwatch", "burn rate"]
    assert whole["costs"]["steps"][0]["judged"] == 10_000
    slow = [goal for goal in whole["goals"] if goal["cell"] == "10,000 series"]
    assert [goal["met"] for goal in slow] == [False]
    printed = capsys.readouterr().out
    assert printed == options["table"].read_text()
    assert "| 10,000 series | milliseconds a window | 30 | < 20 |" in printed
    ET.fromstring(options["plot"].read_text())  # noqa: S314 - made here
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        path.name for path in options.values()
    )


def test_the_figures_do_not_depend_on_the_number_of_processes() -> None:
    class Silent:
        def advance(self, *_: int) -> None: ...

    def figures(jobs: int) -> str:
        return document.render(evaluation.run(["fleet"], 3, jobs, Silent(), quick=True))

    assert figures(1) == figures(2)


def test_a_table_keeps_the_prose_around_its_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Prose\n\n{files.BEGIN}\nold\n{files.END}\n\nMore.\n")
    files.write_between_marks(page, "new\n")
    assert page.read_text() == f"# Prose\n\n{files.BEGIN}\n\nnew\n\n{files.END}\n\nMore.\n"
    page.write_text(f"{files.END} {files.BEGIN}")
    with pytest.raises(OperatorError, match="in this order"):
        files.write_between_marks(page, "new\n")


def test_what_is_wrong_with_the_command_line_is_said_in_one_line_before_anything_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(tasks, "do", never)
    missing = tmp_path / "missing" / "figures.json"
    same = str(tmp_path / "same")
    for words, complaint in (
        (["--cells", "Z n=5"], "--cells: there is no 'Z n=5'; there are A n=5,"),
        (["--json", str(missing)], f"there is no folder {missing.parent}"),
        (["--json", str(tmp_path)], "cannot be written"),
        (["--json", same, "--plot", same], "must name different files"),
        (["--jobs", "0"], "Invalid value for '--jobs'"),
    ):
        assert _exit_status("evaluate", *words) == cli.THEIR_FAULT
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 1
        assert complaint in lines[0]


@pytest.mark.usefixtures("tiny")
def test_an_interrupt_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: tasks.Task) -> tasks.Result:
        raise KeyboardInterrupt

    monkeypatch.setattr(tasks, "do", interrupted)
    words = ["evaluate", "--quick", "--jobs", "1", "--json", str(tmp_path / "figures.json")]
    assert _exit_status(*words) == cli.INTERRUPTED
    assert list(tmp_path.iterdir()) == []


def test_costs_are_measured_with_all_series_judged() -> None:
    measured = cost.measure(50, 3)
    assert measured.judged == 50
    assert measured.nanoseconds == pytest.approx(measured.milliseconds * 1e6 / 50)
    assert cost.bytes_per_series() > 8 * 1440
