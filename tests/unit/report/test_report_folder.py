"""The report made anew from a folder: the same bytes, and clear words when it cannot be."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from small_reports import (
    DIMENSIONS,
    SETTINGS,
    STEPS,
    change_point,
    course_of_records,
    fleet_rows,
    small_report,
)

from streams.cli import main
from streams.domain.errors import OperatorError, OutsideSystemError
from streams.domain.releases import ReleaseAction, ReleaseEvent
from streams.formats.release_json import decode_release
from streams.replay.outputs import ReplayOutputs
from streams.replay.report import ReportFormat, rendered, report_clock
from streams.replay.report.folder import ReportRequest, write_report
from streams.replay.windows_table import to_arrow


@dataclass
class Heard:
    """Remembers how far a report said it was."""

    steps: list[tuple[int, int, int, int]] = field(default_factory=list)

    def advance(self, done_bytes: int, total_bytes: int, events: int, windows: int) -> None:
        self.steps.append((done_bytes, total_bytes, events, windows))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What a replay leaves, without its reports."""
    out = tmp_path / "result"
    out.mkdir()
    lines = {
        "incidents.jsonl": course_of_records(),
        "change_points.jsonl": [change_point()],
        "releases.jsonl": [event.record() for event in STEPS],
    }
    for name, records in lines.items():
        (out / name).write_text("".join(json.dumps(record) + "\n" for record in records))
    pq.write_table(to_arrow(fleet_rows(), 60), out / "windows.parquet")
    return out


def write(folder: Path, form: ReportFormat, zone: str = "UTC", out: Path | None = None) -> Path:
    return write_report(SETTINGS, ReportRequest(folder, form, zone, out), Heard())


@pytest.mark.parametrize("form", list(ReportFormat))
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
def test_a_report_made_anew_has_the_bytes_of_the_first_one(
    folder: Path, form: ReportFormat, zone: str
) -> None:
    first = rendered(small_report(course_of_records(), [change_point()]), form, report_clock(zone))
    written = write(folder, form, zone)
    assert written == folder / form.file
    assert written.read_text("utf-8") == first


def test_progress_is_told_by_bytes_and_operations(folder: Path) -> None:
    heard = Heard()
    write_report(SETTINGS, ReportRequest(folder, ReportFormat.JSON, "UTC", None), heard)
    size = (folder / "windows.parquet").stat().st_size
    assert heard.steps[-1] == (size, size, int(fleet_rows().cells.trials.sum()), 0)


def test_a_folder_without_releases_has_a_report_too(folder: Path) -> None:
    (folder / "releases.jsonl").unlink()
    report = json.loads(write(folder, ReportFormat.JSON).read_text())
    assert report["release_steps"] == 0


def test_a_folder_that_no_replay_wrote_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match=r"has no incidents\.jsonl: give a folder that"):
        write(tmp_path, ReportFormat.HTML)


def test_a_damaged_line_is_named(folder: Path) -> None:
    with (folder / "incidents.jsonl").open("a") as file:
        file.write("{half\n")
    with pytest.raises(OperatorError, match=r"incidents.jsonl, line 4: .*; replay again"):
        write(folder, ReportFormat.HTML)


def test_a_report_that_cannot_be_written_leaves_nothing(folder: Path) -> None:
    with pytest.raises(OperatorError, match="cannot write"):
        write(folder, ReportFormat.JSON, out=folder / "missing" / "report.json")
    (folder / "taken").mkdir()
    with pytest.raises(OperatorError, match="cannot write"):
        write(folder, ReportFormat.JSON, out=folder / "taken")
    assert not list(folder.rglob("*.partial-*"))


def test_a_full_disk_is_not_the_operators_fault(folder: Path) -> None:
    with pytest.raises(OutsideSystemError, match="cannot write /dev/full"):
        write(folder, ReportFormat.JSON, out=Path("/dev/full"))


def command(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["report", *words])
    return int(ended.value.code or 0)


def test_the_command_writes_the_form_asked_for(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "opwatch.toml"
    config.write_text(f"[ingest]\ndimensions = {json.dumps(DIMENSIONS)}\n")
    out = tmp_path / "mine.md"
    words = ("--format", "markdown", "--timezone", "Europe/Berlin", "--out", str(out))
    assert command(str(folder), *words, "--config", str(config)) == 0
    assert capsys.readouterr().out == f"wrote {out}\n"
    assert "Europe/Berlin (UTC+02:00)" in out.read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--format", "pdf"), "--format pdf: there is no such format; there are html, markdown,"),
        (("--timezone", "Mars"), "--timezone 'Mars': there is no such time zone"),
        ((), "column 'vm_type' is missing"),
    ],
)
def test_what_is_wrong_is_one_line_and_status_2(
    folder: Path, words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(str(folder), *words) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert len(captured.err.strip().splitlines()) == 1


def test_the_release_log_of_a_replay_reads_as_it_was_written(tmp_path: Path) -> None:
    everything = ReleaseEvent(
        id="r/1",
        time=1634106420.25,
        release="r",
        action=ReleaseAction.ROLLED_BACK,
        scope={"os": ("linux",), "region": ("eu", "us")},
        exposure=0.125,
        component="c",
        version="1",
        stage="canary",
        url="https://releases.example/r",
        off_system=True,
    )
    with ReplayOutputs(tmp_path / "out", SETTINGS) as outputs:
        outputs.add_releases([everything, *STEPS])
        outputs.finish()
    lines = (tmp_path / "out" / "releases.jsonl").read_bytes().splitlines()
    assert [decode_release(line) for line in lines] == [everything, *STEPS]
