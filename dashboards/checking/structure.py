"""What can be seen wrong with a dashboard without asking anybody.

The rules of Grafana's dashboard-linter that have a meaning here are among them. Four have none:
that there are variables `job` and `instance` and that every query uses them. All names begin with
`opwatch_`, whoever scrapes them; the metrics of a replay have neither label; and what is shown
belongs to the fleet, not to one of the workers.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from grafana_foundation_sdk.models import units

from dashboards.checking.promql import Selector, filled, selectors, variables
from dashboards.checking.queries_of import Json, annotations_of, panels_of, queries_of
from streams.telemetry import CATALOGUE, Kind, Metric

_NOWHERE = {"x": 0, "y": 0, "w": 0, "h": 0}
_DATASOURCE = "${datasource}"
_ON_TIME_RANGE = 2
_READS_COUNTERS = frozenset({"rate", "increase", "irate", "resets", "timestamp"})
_UNITS = frozenset(value for name, value in vars(units).items() if name[:1].isupper())
_HISTOGRAM = ("_bucket", "_sum", "_count")
_ADDRESS = re.compile(r"/d/([\w-]+)([^\s]*)")
_VARIABLE_SET = re.compile(r"[?&]var-([\w-]+)=")


def structure_problems(boards: Mapping[str, Json]) -> list[str]:
    """Say what is wrong, a line each.

    Args:
        boards: Uid -> dashboard; links may lead to these and to no others.
    """
    taken = {uid: {one["name"] for one in _variables(board)} for uid, board in boards.items()}
    return [
        f"{uid}: {problem}"
        for uid, board in boards.items()
        for check in (_board, _panels, _template, _queries)
        for problem in check(board)
    ] + [f"{uid}: {problem}" for uid, board in boards.items() for problem in _links(board, taken)]


def metrics_by_name(catalogue: Sequence[Metric] = CATALOGUE) -> dict[str, Metric]:
    """Give the metric of every name that a query may use, with the parts of histograms."""
    names = {one.name: one for one in catalogue if one.kind is not Kind.HISTOGRAM}
    for one in catalogue:
        if one.kind is Kind.HISTOGRAM:
            names |= {f"{one.name}{suffix}": one for suffix in _HISTOGRAM}
    return names


def _board(board: Json) -> Iterator[str]:
    for field in ("title", "description", "tags", "schemaVersion", "refresh", "time"):
        if not board.get(field):
            yield f"has no {field}"
    if board.get("timezone") != "browser":
        yield "does not show times in the reader's time zone"
    if board.get("editable") is not False:
        yield "can be edited, though a file is its source"
    if board.get("id") is not None:
        yield "has an id, which belongs to one Grafana only"
    if not annotations_of(board):
        yield "has no annotations"
    yield from _repeated("panel id", (panel.get("id") for panel in board.get("panels", [])))
    yield from _overlaps(board)


def _overlaps(board: Json) -> Iterator[str]:
    taken: dict[tuple[int, int], str] = {}
    for panel in board.get("panels", []):
        place, title = panel.get("gridPos", _NOWHERE), panel.get("title", "")
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                if (other := taken.setdefault((x, y), title)) is not title:
                    yield f'panel "{title}" lies over panel "{other}"'
                    return


def _panels(board: Json) -> Iterator[str]:
    yield from _repeated("panel title", (panel.get("title") for panel in panels_of(board)))
    for panel in panels_of(board):
        name = f'panel "{panel.get("title", "")}"'
        if not panel.get("title") or not panel.get("description"):
            yield f"{name} has no title or no description"
        unit = panel.get("fieldConfig", {}).get("defaults", {}).get("unit")
        if unit not in _UNITS:
            yield f"{name} has no unit that Grafana knows: {unit!r}"
        if not panel.get("targets"):
            yield f"{name} asks nothing"
        refs = [target.get("refId") for target in panel.get("targets", [])]
        for problem in _repeated("refId", refs):
            yield f"{name}: {problem}"
        for source in (panel, *panel.get("targets", [])):
            yield from _sources(name, source)


def _template(board: Json) -> Iterator[str]:
    sources = [one for one in _variables(board) if one["type"] == "datasource"]
    if [(one["name"], one.get("label")) for one in sources] != [("datasource", "Data source")]:
        yield 'needs exactly one variable for the data source: "datasource", "Data source"'
    yield from _repeated("variable", (one["name"] for one in _variables(board)))
    for one in _variables(board):
        if one["type"] == "query":
            name = f'variable "{one["name"]}"'
            if one.get("refresh") != _ON_TIME_RANGE:
                yield f"{name} is not filled anew when the time range changes"
            yield from _sources(name, one)
    for annotation in annotations_of(board):
        yield from _sources(f'annotation "{annotation["name"]}"', annotation)


def _queries(board: Json) -> Iterator[str]:
    known = metrics_by_name()
    defined = {one["name"] for one in _variables(board)}
    for query in queries_of(board):
        place = f"{query.where}: {query.ref}"
        for name in sorted(variables(query.expr) - defined):
            yield f"{place}: there is no variable {name!r}"
        found = list(selectors(filled(query.expr, dict.fromkeys(variables(query.expr), "x"))))
        if not found:
            yield f"{place} selects no metric: {query.expr}"
        for selector in found:
            if selector.metric not in known:
                yield f"{place}: no metric of the catalogue is called {selector.metric}"
            else:
                for problem in _misused(selector, known[selector.metric]):
                    yield f"{place}: {problem}"


def _misused(selector: Selector, metric: Metric) -> Iterator[str]:
    if metric.kind in {Kind.COUNTER, Kind.HISTOGRAM} and selector.function not in _READS_COUNTERS:
        yield f"{selector.metric} is a counter, and read without rate or increase"
    if selector.function in {"rate", "irate"} and selector.within != "$__rate_interval":
        yield f"{selector.metric}: a rate over {selector.within}, not over $__rate_interval"


def _links(board: Json, taken: Mapping[str, set[str]]) -> Iterator[str]:
    for address in _addresses(board):
        match = _ADDRESS.match(address)
        if match is None:
            yield f"a link leads out of the dashboards: {address}"
        elif match[1] not in taken:
            yield f"a link leads to a dashboard that there is not: {address}"
        else:
            for name in sorted(set(_VARIABLE_SET.findall(match[2])) - taken[match[1]]):
                yield f"a link sets {name!r}, which {match[1]} does not have: {address}"


def _addresses(board: Json) -> Iterator[str]:
    """Give the addresses of all links: of the dashboard, of panels, of values."""
    yield from (link["url"] for link in board.get("links", []) if link.get("url"))
    for panel in panels_of(board):
        yield from (link["url"] for link in panel.get("links", []) if link.get("url"))
        fields = panel.get("fieldConfig", {})
        yield from (link["url"] for link in fields.get("defaults", {}).get("links", []))
        for override in fields.get("overrides", []):
            for one in override["properties"]:
                if one["id"] == "links":
                    yield from (link["url"] for link in one["value"])


def _sources(name: str, holder: Json) -> Iterator[str]:
    source = holder.get("datasource")
    uid = source.get("uid") if isinstance(source, dict) else source
    if uid != _DATASOURCE:
        yield f"{name} asks {uid!r}, not the data source that is chosen"


def _variables(board: Json) -> list[Json]:
    listed: list[Json] = board.get("templating", {}).get("list", [])
    return listed


def _repeated(what: str, values: Iterator[Any] | Sequence[Any]) -> Iterator[str]:
    for value, count in Counter(values).items():
        if count > 1:
            yield f"{what} {value!r} stands there {count} times"
        if value is None:
            yield f"{what} is missing"
