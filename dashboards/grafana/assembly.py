"""From panels to the JSON of a dashboard: places, ids, and what the SDK leaves out."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard

from dashboards.grafana.links import TAG, TITLES, Uid, navigation
from dashboards.grafana.panels import PanelBuilder
from dashboards.grafana.variables import VariableBuilder

Json: TypeAlias = dict[str, Any]

COLUMNS = 24
"""Width of Grafana's grid."""


@dataclass(frozen=True, slots=True)
class Row:
    """Panels side by side.

    Attributes:
        height: In units of the grid.
        panels: (panel, width), from left to right.
        heading: What stands above them; nothing if empty.
    """

    height: int
    panels: tuple[tuple[PanelBuilder, int], ...]
    heading: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """A dashboard before it is laid out.

    Attributes:
        uid: Its address.
        description: What it answers.
        rows: From top to bottom.
        variables: What can be chosen.
        annotations: What is drawn over its graphs.
        since: Start of the time range at first, such as `now-6h`.
    """

    uid: Uid
    description: str
    rows: tuple[Row, ...]
    variables: Sequence[VariableBuilder]
    annotations: Sequence[builders.AnnotationQuery]
    since: str


def assemble(plan: Plan) -> Json:
    """Lay out a dashboard.

    Returns:
        Its JSON, as plain values.
    """
    board = (
        builders.Dashboard(f"opwatch / {TITLES[plan.uid]}")
        .uid(plan.uid.value)
        .description(plan.description)
        .tags([TAG])
        .timezone("browser")
        .readonly()
        .tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
        .time(plan.since, "now")
        .refresh("30s")
        .links(list(navigation(plan.uid)))
        .variables(list(plan.variables))
        .annotations(list(plan.annotations))
    ).build()
    plain: Json = json.loads(json.dumps(board, cls=JSONEncoder))
    panels = list(_placed(plan.rows))
    plain["panels"] = [panel | {"id": number} for number, panel in enumerate(panels, start=1)]
    for link in plain["links"]:
        del link["placement"]  # it would hide the link in a menu
    for annotation in plain["annotations"]["list"]:
        del annotation["placement"]
    for variable in plain["templating"]["list"]:
        for name in ("auto", "auto_count", "auto_min"):  # of intervals, which there are none
            del variable[name]
    return plain


def render(board: Json) -> str:
    """Write a dashboard's JSON so that equal dashboards are equal bytes, and a change few lines."""
    return json.dumps(board, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _placed(rows: Sequence[Row]) -> Iterator[Json]:
    """Give all panels in order, each with its place on the grid.

    Raises:
        ValueError: A row is wider than the grid: our mistake.
    """
    top = 0
    for row in rows:
        if row.heading:
            yield _heading(row.heading, top)
            top += 1
        left = 0
        for builder, width in row.panels:
            panel = _plain(builder)
            panel["gridPos"] = {"x": left, "y": top, "w": width, "h": row.height}
            left += width
            yield panel
        if left > COLUMNS:
            raise ValueError(f"the row of {row.panels} is {left} wide")
        top += row.height


def _heading(title: str, top: int) -> Json:
    place = {"x": 0, "y": top, "w": COLUMNS, "h": 1}
    return {"type": "row", "title": title, "collapsed": False, "panels": [], "gridPos": place}


def _plain(builder: PanelBuilder) -> Json:
    panel: Json = json.loads(json.dumps(builder.build(), cls=JSONEncoder))
    del panel["repeatDirection"]  # nothing is repeated
    panel["options"].pop("footer", None)  # of tables; Grafana has moved it to the columns
    steps = panel["fieldConfig"]["defaults"].get("thresholds", {}).get("steps", ())
    for step in steps:
        step.setdefault("value", None)  # Grafana takes null for minus infinity, nothing for nothing
    return panel
