"""Grafana's own front end draws every panel from a replay, and a broken one makes the job fail."""

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from dashboard_samples import END as END_OF_SAMPLES
from dashboard_samples import START as START_OF_SAMPLES
from dashboard_samples import open_metrics
from rendered_dashboards import GENERATED, Drawing, Drawn, build, draw, live_only

from streams.adapters import local_servers, promtool
from streams.cli import main
from streams.config import Settings
from streams.domain.time import format_instant
from streams.wiring import backfill

Json = dict[str, Any]

BOARDS = sorted(GENERATED.glob("opwatch-*.json"))
RELEASE = "image-template-migration"
START, END = "2021-10-13T06:10:00Z", "2021-10-13T06:46:00Z"
DRAWN_SHARE = 0.002
"""Of a panel's pixels, those with a colour: a thin line has more, an empty plot has none."""


@pytest.fixture(scope="module")
def drawing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drawing]:
    """An hour before the founding incident and twenty minutes of it, in a Prometheus."""
    build()
    folder = tmp_path_factory.mktemp("replayed")
    events, result = folder / "events", folder / "result"
    assert _opwatch(
        *("simulate", "founding-incident", "--volume", "0.25", "--before", "60", "--after", "0"),
        *("--incident-duration", "20", "--out", str(events)),
    )
    assert _opwatch(
        *("replay", "--outcomes", str(events / "outcomes.jsonl.zst"), "--out", str(result)),
        *("--releases", str(events / "releases.jsonl")),
    )
    with backfill.serve([result], Settings(), 0) as served:
        yield Drawing(served.server.url, START, END, {"release": RELEASE})


def _opwatch(*words: str) -> bool:
    with pytest.raises(SystemExit) as ended:
        main(words)
    return ended.value.code == 0


@pytest.fixture(scope="module")
def drawn(drawing: Drawing, tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    """All dashboards, without the marks on them, which would pass for what they mark."""
    folder = tmp_path_factory.mktemp("boards")
    return draw(drawing, [_written(folder, _without_marks(_read(file))) for file in BOARDS], folder)


def _read(file: Path) -> Json:
    board: Json = json.loads(file.read_text())
    return board


def _written(folder: Path, board: Json) -> Path:
    file = folder / f"{board['uid']}.json"
    file.write_text(json.dumps(board))
    return file


def _without_marks(board: Json) -> Json:
    return {**board, "annotations": {"list": []}}


def test_every_panel_of_every_dashboard_is_drawn(drawn: Drawn) -> None:
    assert (drawn.status, drawn.complaints) == (0, [])
    boards = [_read(file) for file in BOARDS]
    excused = set(live_only(boards))
    panels = dict(drawn.panels())
    assert len(panels) == sum(
        panel["type"] != "row" for board in boards for panel in board["panels"]
    )
    assert {name for name, panel in panels.items() if not panel["values"]} <= excused
    assert {panel["state"] for panel in panels.values()} == {"Done"}
    plots = {
        name: panel["coloured"]
        for name, panel in panels.items()
        if panel["type"] in ("timeseries", "state-timeline") and name not in excused
    }
    assert {name for name, share in plots.items() if share < DRAWN_SHARE} == set()


def test_panels_about_running_workers_are_drawn_where_there_are_workers(tmp_path: Path) -> None:
    build()
    (tmp_path / "metrics.om").write_text(open_metrics(()))
    promtool.create_blocks("promtool", tmp_path / "metrics.om", tmp_path / "data")
    span = format_instant(START_OF_SAMPLES), format_instant(END_OF_SAMPLES)
    with local_servers.prometheus(tmp_path, "global: {}\n") as server:
        board = _without_marks(_read(GENERATED / "opwatch-pipeline.json"))
        watched = Drawing(server.url, *span, {})
        told = draw(watched, [_written(tmp_path, board)], tmp_path, replay=False)
    assert (told.status, told.complaints) == (0, [])
    panels = list(told.boards["opwatch-pipeline"]["panels"])
    assert all(panel["values"] > 0 for panel in panels)
    assert {panel["title"] for panel in panels if panel["coloured"] < DRAWN_SHARE} <= {"Builds"}


def test_variables_have_the_values_of_the_replay(drawn: Drawn) -> None:
    assert drawn.boards["opwatch-incident"]["variables"]["incident"].startswith("20211013T06")
    assert drawn.boards["opwatch-releases"]["variables"]["release"] == RELEASE
    assert drawn.boards["opwatch-series"]["variables"]["region"] == "$__all"


def test_pictures_are_complete_and_small(drawn: Drawn, drawing: Drawing, tmp_path: Path) -> None:
    told = draw(drawing, [GENERATED / "opwatch-incident.json"], tmp_path)
    assert (told.status, told.complaints) == (0, [])
    assert told.boards["opwatch-incident"]["annotations"]["Onsets"] == 1
    picture = (tmp_path / "opwatch-incident.png").read_bytes()
    width, height = (int.from_bytes(picture[place : place + 4]) for place in (16, 20))
    assert width == 1400
    assert height > 1200, "the lower panels are missing"
    assert len(picture) < 300_000
    assert drawn.boards["opwatch-incident"]["annotations"] == {}


def _misspelt(panel: Json) -> None:
    panel["targets"][0]["expr"] = panel["targets"][0]["expr"].replace("opwatch_", "opwotch_")


def _refused(panel: Json) -> None:
    panel["targets"][0]["expr"] += ")"


def _unknown(panel: Json) -> None:
    panel["type"] = "piechart"


BREAKS: dict[str, tuple[Callable[[Json], None], str]] = {
    "a misspelt metric": (_misspelt, 'panel 1 "Open incidents": no data'),
    "a query that is none": (_refused, "bad_data"),
    "a panel nobody knows": (_unknown, "piechart"),
}


@pytest.mark.parametrize(("spoil", "words"), BREAKS.values(), ids=BREAKS)
def test_a_broken_panel_makes_the_job_fail(
    drawing: Drawing, tmp_path: Path, spoil: Callable[[Json], None], words: str
) -> None:
    board = _without_marks(_read(GENERATED / "opwatch-fleet.json"))
    board["panels"] = copy.deepcopy(board["panels"][:1])
    spoil(board["panels"][0])
    told = draw(drawing, [_written(tmp_path, board)], tmp_path)
    assert told.status == 1
    assert any(words in line for line in told.complaints), told.complaints


def test_a_broken_annotation_makes_the_job_fail(drawing: Drawing, tmp_path: Path) -> None:
    board = _read(GENERATED / "opwatch-fleet.json")
    board["panels"] = board["panels"][:1]
    for annotation in board["annotations"]["list"]:
        annotation["target"]["expr"] += ")"
    told = draw(drawing, [_written(tmp_path, board)], tmp_path)
    assert told.status == 1
    assert any("bad_data" in line for line in told.complaints), told.complaints


def test_a_prometheus_that_does_not_answer_is_named_and_no_dashboard_blamed(
    drawing: Drawing, tmp_path: Path
) -> None:
    nobody = replace(drawing, prometheus="http://127.0.0.1:9")
    with pytest.raises(RuntimeError, match=r"^render: the Prometheus at http://127\.0\.0\.1:9 "):
        draw(nobody, BOARDS[:1], tmp_path)
    assert not (tmp_path / "report.json").exists()
