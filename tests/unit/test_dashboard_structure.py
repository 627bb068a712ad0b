"""The dashboards are in order in themselves, and what is not in order is seen."""

import copy
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from dashboards.checking.queries_of import queries_of, variables_of
from dashboards.checking.structure import structure_problems
from dashboards.grafana.catalogue import dashboards
from dashboards.grafana.installation import Installation

USUAL = Installation(("region", "os", "vm_type", "operation"), timedelta(minutes=1))

Json = dict[str, Any]


@pytest.fixture(scope="module")
def usual() -> dict[str, Json]:
    return dashboards(USUAL)


def _text(boards: dict[str, Json]) -> str:
    return str(list(boards.values()))


@pytest.mark.parametrize(
    "dimensions",
    [
        USUAL.dimensions,
        ("region",),
        ("cell", "region"),
        ("operation", "cluster.name", "region", "release", "incident", "rows", "job"),
    ],
)
def test_the_dashboards_of_any_dimensions_are_in_order(dimensions: tuple[str, ...]) -> None:
    assert structure_problems(dashboards(Installation(dimensions, timedelta(minutes=5)))) == []


def test_no_dimension_but_the_region_is_taken_for_granted() -> None:
    text = _text(dashboards(Installation(("cell", "region"), timedelta(minutes=1))))
    for usual_label in ("vm_type", "'os", "os=~", "operation=~"):
        assert usual_label not in text
    assert 'cell=~"${cell}"' in text


def test_a_dimension_that_is_called_like_a_variable_gets_a_variable_of_another_name() -> None:
    text = _text(dashboards(Installation(("region", "release"), timedelta(minutes=1))))
    assert 'release=~"${dimension_release}"' in text
    assert "var-dimension_release=${__field.labels.release:percentencode}" in text


def test_no_query_looks_closer_than_a_window() -> None:
    boards = dashboards(Installation(USUAL.dimensions, timedelta(minutes=10)))
    steps = {
        target["interval"]
        for board in boards.values()
        for panel in board["panels"]
        for target in panel.get("targets", [])
    }
    assert steps == {"600s"}


def test_every_dashboard_leads_to_all_the_others(usual: dict[str, Json]) -> None:
    for uid, board in usual.items():
        targets = {link["url"].removeprefix("/d/") for link in board["links"]}
        assert targets == usual.keys() - {uid}
        assert all(link["keepTime"] and link["includeVars"] for link in board["links"])


def _panel(board: Json, title: str) -> Json:
    found: Json = next(panel for panel in board["panels"] if panel["title"] == title)
    return found


def _break_expr(board: Json, old: str, new: str) -> None:
    target = _panel(board, "Records read")["targets"][0]
    assert old in target["expr"]
    target["expr"] = target["expr"].replace(old, new)


BREAKS: dict[str, tuple[Callable[[Json], object], str]] = {
    "no title": (lambda b: b.update(title=""), "has no title"),
    "no tags": (lambda b: b.update(tags=[]), "has no tags"),
    "editable": (lambda b: b.update(editable=True), "can be edited"),
    "UTC": (lambda b: b.update(timezone="utc"), "time zone"),
    "an id": (lambda b: b.update(id=7), "has an id"),
    "no annotations": (lambda b: b["annotations"].update(list=[]), "has no annotations"),
    "an id twice": (lambda b: b["panels"][1].update(id=1), "panel id 1 stands there 2 times"),
    "no id": (lambda b: b["panels"][1].pop("id"), "panel id is missing"),
    "one over another": (
        lambda b: b["panels"][1]["gridPos"].update(x=0),
        'panel "Lag" lies over panel "Watermark trails by"',
    ),
    "a title twice": (
        lambda b: _panel(b, "Lag by topic").update(title="Lag"),
        "panel title 'Lag' stands there 2 times",
    ),
    "no description": (
        lambda b: _panel(b, "Snapshot age").update(description=""),
        'panel "Snapshot age" has no title or no description',
    ),
    "no unit": (
        lambda b: _panel(b, "Snapshot age")["fieldConfig"]["defaults"].update(unit="seconds"),
        "has no unit that Grafana knows: 'seconds'",
    ),
    "nothing asked": (lambda b: _panel(b, "Snapshot age").update(targets=[]), "asks nothing"),
    "a refId twice": (
        lambda b: _panel(b, "Cost of /metrics")["targets"][1].update(refId="A"),
        "refId 'A' stands there 2 times",
    ),
    "a data source by name": (
        lambda b: _panel(b, "Snapshot age")["targets"][0].update(datasource={"uid": "prom-1"}),
        "asks 'prom-1', not the data source that is chosen",
    ),
    "an annotation's data source": (
        lambda b: b["annotations"]["list"][0].update(datasource={"uid": "prom-1"}),
        "asks 'prom-1'",
    ),
    "no data source to choose": (
        lambda b: b["templating"].update(list=[]),
        "needs exactly one variable for the data source",
    ),
    "a metric that there is not": (
        lambda b: _break_expr(b, "records_read", "record_read"),
        'panel "Records read": A: no metric of the catalogue is called opwatch_record_read_total',
    ),
    "a variable that there is not": (
        lambda b: _break_expr(b, "_total", '_total{topic="$topic"}'),
        "there is no variable 'topic'",
    ),
    "a counter as it is": (lambda b: _break_expr(b, "rate(", "max_over_time("), "is a counter"),
    "a rate over a fixed time": (
        lambda b: _break_expr(b, "$__rate_interval", "5m"),
        "a rate over 5m, not over $__rate_interval",
    ),
    "no metric": (
        lambda b: _panel(b, "Records read")["targets"][0].update(expr="vector(1)"),
        "selects no metric: vector(1)",
    ),
    "a link to nowhere": (
        lambda b: b["links"][0].update(url="/d/opwatch-flet"),
        "a link leads to a dashboard that there is not: /d/opwatch-flet",
    ),
    "a link outside": (
        lambda b: b["links"][0].update(url="http://elsewhere.example/"),
        "a link leads out of the dashboards",
    ),
}


@pytest.mark.parametrize("case", BREAKS)
def test_what_is_not_in_order_is_seen(usual: dict[str, Json], case: str) -> None:
    change, words = BREAKS[case]
    boards = copy.deepcopy(usual)
    change(boards["opwatch-pipeline"])
    problems = structure_problems(boards)
    assert problems
    assert all(line.startswith("opwatch-pipeline: ") for line in problems)
    assert any(words in line for line in problems), problems


def test_a_link_that_sets_what_its_target_does_not_have_is_seen(usual: dict[str, Json]) -> None:
    boards = copy.deepcopy(usual)
    del boards["opwatch-series"]["templating"]["list"][1]
    problems = structure_problems(boards)
    assert any(line.startswith("opwatch-fleet: a link sets 'region'") for line in problems)


def test_a_variable_that_keeps_to_its_first_time_range_is_seen(usual: dict[str, Json]) -> None:
    boards = copy.deepcopy(usual)
    boards["opwatch-incident"]["templating"]["list"][1]["refresh"] = 1
    assert structure_problems(boards) == [
        'opwatch-incident: variable "incident" is not filled anew when the time range changes'
    ]


def test_panels_of_a_closed_row_are_checked_too(usual: dict[str, Json]) -> None:
    boards = copy.deepcopy(usual)
    panels = boards["opwatch-pipeline"]["panels"]
    row = next(panel for panel in panels if panel["type"] == "row")
    hidden = _panel(boards["opwatch-pipeline"], "Snapshot age")
    panels.remove(hidden)
    row["panels"].append(hidden)
    assert structure_problems(boards) == []
    hidden["targets"][0]["expr"] = "opwatch_nothing"
    (problem,) = structure_problems(boards)
    assert 'panel "Snapshot age": A: no metric of the catalogue is called' in problem


def test_what_grafana_adds_when_it_saves_is_no_mistake(usual: dict[str, Json]) -> None:
    boards = copy.deepcopy(usual)
    boards["opwatch-fleet"]["annotations"]["list"].append(
        {"builtIn": 1, "datasource": {"uid": "-- Grafana --"}, "name": "Annotations & Alerts"}
    )
    assert structure_problems(boards) == []


def test_an_annotation_asks_what_its_target_says(usual: dict[str, Json]) -> None:
    for board in usual.values():
        for one in board["annotations"]["list"]:
            assert (one["expr"], one["step"]) == (one["target"]["expr"], one["target"]["interval"])
    old = {"uid": "mine", "annotations": {"list": [{"name": "a", "expr": "b", "step": "1m"}]}}
    new = {"uid": "mine", "annotations": {"list": [{"name": "a", "target": {"expr": "c"}}]}}
    found = [(one.expr, one.step) for board in (old, new) for one in queries_of(board)]
    assert found == [("b", "1m"), ("c", "")]


def test_variables_that_are_typed_have_the_values_that_are_typed() -> None:
    listed = [
        {"type": "datasource", "name": "datasource", "query": "prometheus"},
        {"type": "custom", "name": "a", "query": "one, Two : two,three"},
        {"type": "interval", "name": "b", "query": "1m,10m"},
        {"type": "textbox", "name": "c", "query": "x"},
        {"type": "query", "name": "d", "query": 'label_values(up{a="b"}, instance)'},
        {"type": "query", "name": "e", "query": {"query": "query_result(up)"}},
    ]
    board = {"uid": "mine", "templating": {"list": listed}}
    found = {one.name: (one.selector, one.label, one.values) for one in variables_of(board)}
    assert found == {
        "a": (None, "", ("one", "two", "three")),
        "b": (None, "", ("1m", "10m")),
        "c": (None, "", ("x",)),
        "d": ('up{a="b"}', "instance", ()),
        "e": (None, "", ()),
    }
