"""All queries of a dashboard, of panels, variables and annotations, in one form."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

USUAL_POINTS = 1000
"""Points that Grafana asks for where a panel does not say: about the pixels it has."""

_LISTED = frozenset({"constant", "custom", "interval", "textbox"})
_LABEL_VALUES = re.compile(r"label_values\((?:(?P<selector>.+), *)?(?P<label>\w+)\)")


@dataclass(frozen=True, slots=True)
class BoardQuery:
    """One query.

    Attributes:
        dashboard: Its uid.
        where: `panel "Lag"` or `annotation "Rollouts"`.
        ref: Its refId.
        expr: PromQL, with variables.
        step: The shortest step worth asking for, such as `60s`; empty if none is said.
        points: How many points there are over the whole time range, at most.
        instant: Whether only the end of the time range is asked for.
    """

    dashboard: str
    where: str
    ref: str
    expr: str
    step: str
    points: int
    instant: bool

    def __str__(self) -> str:
        """Say which it is."""
        return f"{self.dashboard}: {self.where}: {self.ref}"


@dataclass(frozen=True, slots=True)
class BoardVariable:
    """One template variable that may stand in queries.

    Attributes:
        dashboard: Uid of its dashboard.
        name: Its name.
        selector: Series whose label gives the values; None if they are listed.
        label: The label.
        values: The values that are listed; none where neither they nor a selector is known.
        everything: What takes its place while all are chosen, as they are at first; None if one
            value is chosen at first.
        descending: Whether the last value comes first.
    """

    dashboard: str
    name: str
    selector: str | None
    label: str
    values: tuple[str, ...]
    everything: str | None
    descending: bool


def panels_of(board: Json) -> list[Json]:
    """Give all panels but headings, those of closed rows too."""
    found: list[Json] = []
    for panel in board.get("panels", []):
        if panel.get("type") == "row":
            found += panel.get("panels", [])
        else:
            found.append(panel)
    return found


def annotations_of(board: Json) -> list[Json]:
    """Give the annotations but the one that Grafana itself puts into every dashboard."""
    listed = board.get("annotations", {}).get("list", [])
    return [one for one in listed if not one.get("builtIn")]


def queries_of(board: Json) -> Iterator[BoardQuery]:
    """Give the queries of panels and annotations, in the order in which they stand."""
    for panel in panels_of(board):
        for target in panel.get("targets", []):
            yield BoardQuery(
                dashboard=board["uid"],
                where=f'panel "{panel.get("title", "")}"',
                ref=target.get("refId", "?"),
                expr=target.get("expr", ""),
                step=target.get("interval") or panel.get("interval") or "",
                points=int(panel.get("maxDataPoints") or USUAL_POINTS),
                instant=bool(target.get("instant")),
            )
    for annotation in annotations_of(board):
        # As Grafana does: what the target says goes before what older dashboards say beside it.
        target = annotation.get("target", {})
        if expr := target.get("expr") or annotation.get("expr"):
            yield BoardQuery(
                dashboard=board["uid"],
                where=f'annotation "{annotation["name"]}"',
                ref=target.get("refId", "?"),
                expr=expr,
                step=target.get("interval") or annotation.get("step", ""),
                points=USUAL_POINTS,
                instant=False,
            )


def variables_of(board: Json) -> Iterator[BoardVariable]:
    """Give the variables that may stand in queries, all but the data source."""
    for one in board.get("templating", {}).get("list", []):
        if one["type"] == "datasource":
            continue
        asked = one.get("query") or ""
        words = asked.get("query", "") if isinstance(asked, dict) else asked
        match = _LABEL_VALUES.fullmatch(words) if one["type"] == "query" else None
        yield BoardVariable(
            dashboard=board["uid"],
            name=one["name"],
            selector=match["selector"] if match else None,
            label=match["label"] if match else "",
            values=tuple(_listed(words)) if one["type"] in _LISTED else (),
            everything=one.get("allValue") if one.get("includeAll") else None,
            descending=one.get("sort", 0) % 2 == 0 and one.get("sort", 0) > 0,
        )


def _listed(words: str) -> Iterator[str]:
    """Give the values of a list as it is typed: `a, b` or `text : value`."""
    for part in words.split(","):
        yield part.rpartition(" : ")[2].strip()
