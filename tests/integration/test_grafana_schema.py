"""The dashboards are what Grafana's own types of dashboards, panels and fields say."""

import copy
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from streams.config import Settings
from streams.wiring import dashboards

FOLDER = Path(__file__).parents[2] / ".cache" / "grafana_schema"
PANELS = ("stat", "state-timeline", "table", "timeseries")

Json = dict[str, Any]


@pytest.fixture(scope="module")
def schema() -> Json:
    """The schema, made from the types of the npm package `@grafana/schema`."""
    assert (FOLDER / "node_modules").is_dir(), f"nothing in {FOLDER}: run `make grafana-schema`"
    done = subprocess.run(
        ["npm", "run", "--silent", "schema"],  # noqa: S607 wherever the system has it
        cwd=FOLDER,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    made: Json = json.loads(done.stdout)
    Draft7Validator.check_schema(made)
    return made


@pytest.fixture(scope="module")
def boards() -> dict[str, Json]:
    return dashboards.built(Settings())


def _problems(schema: Json, board: Json) -> list[str]:
    """Say what Grafana's types refuse; a panel is held against the type that it names."""
    whole = schema["definitions"]["OpwatchDashboard"]
    kinds = whole["properties"]["panels"]["items"]["anyOf"]
    rest = copy.deepcopy(schema)
    rest["definitions"]["OpwatchDashboard"]["properties"]["panels"] = True
    return [
        *_lines(rest, board),
        *(
            line
            for panel in board["panels"]
            for kind in kinds
            if kind["properties"]["type"].get("const") == panel["type"]
            for line in _lines({**kind, "definitions": schema["definitions"]}, panel)
        ),
    ]


def _lines(schema: Json, value: Json) -> Iterator[str]:
    for error in Draft7Validator(schema).iter_errors(value):
        yield f"{'.'.join(map(str, error.absolute_path))}: {error.message}"


def test_every_dashboard_holds_to_grafanas_schema(schema: Json, boards: dict[str, Json]) -> None:
    for board in boards.values():
        assert _problems(schema, board) == []
        Draft7Validator(schema).validate(board)


def test_every_kind_of_panel_that_is_used_has_its_own_types(
    schema: Json, boards: dict[str, Json]
) -> None:
    kinds = schema["definitions"]["OpwatchDashboard"]["properties"]["panels"]["items"]["anyOf"]
    known = {kind["properties"]["type"].get("const") for kind in kinds}
    used = {panel["type"] for board in boards.values() for panel in board["panels"]}
    assert used == {*PANELS, "row"}
    assert used <= known


def _first(board: Json, kind: str) -> Json:
    found: Json = next(panel for panel in board["panels"] if panel["type"] == kind)
    return found


BREAKS: dict[str, tuple[Callable[[Json], object], str]] = {
    "of the dashboard": (lambda b: b.update(refreshes="1m"), "'refreshes' was unexpected"),
    "of a link": (lambda b: b["links"][0].update(type="dashboard"), "'dashboard' is not one of"),
    "of a variable": (lambda b: b["templating"]["list"][0].update(multi="yes"), "'yes' is not of"),
    "of an annotation": (
        lambda b: b["annotations"]["list"][0].pop("iconColor"),
        "'iconColor' is a required property",
    ),
    "of a panel": (lambda b: _first(b, "stat").update(tittle="x"), "'tittle' was unexpected"),
    "of a query": (
        lambda b: _first(b, "stat")["targets"][0].update(format="tables"),
        "'tables' is not one of",
    ),
    "of a stat's options": (
        lambda b: _first(b, "stat")["options"].update(colorMode="backdrop"),
        "'backdrop' is not one of",
    ),
    "of a table's fields": (
        lambda b: _first(b, "table")["fieldConfig"]["defaults"]["custom"].update(wide=1),
        "'wide' was unexpected",
    ),
    "of a state timeline's options": (
        lambda b: _first(b, "state-timeline")["options"].pop("rowHeight"),
        "'rowHeight' is a required property",
    ),
    "of a graph's fields": (
        lambda b: _first(b, "timeseries")["fieldConfig"]["defaults"]["custom"].update(
            fillOpacity="70"
        ),
        "'70' is not of type 'number'",
    ),
    "of a threshold": (
        lambda b: _first(b, "stat")["fieldConfig"]["defaults"]["thresholds"]["steps"][0].pop(
            "value"
        ),
        "'value' is a required property",
    ),
}


@pytest.mark.parametrize("case", BREAKS)
def test_what_grafana_does_not_know_is_refused(
    schema: Json, boards: dict[str, Json], case: str
) -> None:
    change, words = BREAKS[case]
    board = copy.deepcopy(boards["opwatch-incident"])
    change(board)
    problems = _problems(schema, board)
    assert any(words in line for line in problems), problems
