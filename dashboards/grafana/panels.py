"""The kinds of panel that the dashboards are made of, with what the SDK leaves out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from grafana_foundation_sdk.builders import (
    common as common_builders,
)
from grafana_foundation_sdk.builders import (
    dashboard as dashboard_builders,
)
from grafana_foundation_sdk.builders import (
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

SOURCE = common.DataSourceRef(type_val="prometheus", uid="${datasource}")
"""The data source that is chosen in the dashboard."""

GREEN, ORANGE, RED = "green", "orange", "red"
BLUE, LIGHT_BLUE, DARK_BLUE = "blue", "super-light-blue", "dark-blue"
GREY, PURPLE = "#8e8e8e", "purple"
"""Green: as it should be. Orange: look at it. Red: customers are hurt, or opwatch cannot see.
Blue: releases. Purple: what would be without the incident. Grey: nothing known."""

PanelBuilder: TypeAlias = Builder[dashboard.Panel]
AnyPanel = TypeVar("AnyPanel", stat.Panel, statetimeline.Panel, table.Panel, timeseries.Panel)
Steps: TypeAlias = Sequence[tuple[float | None, str]]
"""(from this value on, colour), the first from None: from anywhere."""


@dataclass(frozen=True, slots=True)
class Query:
    """One query of a panel.

    Attributes:
        expr: PromQL; variables of Grafana may stand in it.
        legend: Name of the series it gives, with labels as `{{label}}`.
        instant: Whether only the end of the time range is asked for.
    """

    expr: str
    legend: str = ""
    instant: bool = False


@dataclass(frozen=True, slots=True)
class About:
    """What every panel says of itself.

    Attributes:
        title: What it shows, in a few words.
        description: How to read it, in a sentence or two.
        unit: Grafana's id of its unit.
        step: The shortest step worth asking for: the length of a window.
    """

    title: str
    description: str
    unit: str
    step: str


def stat_panel(
    about: About,
    query: Query,
    steps: Steps,
    *,
    text: common.BigValueTextMode = common.BigValueTextMode.VALUE,
    spark: bool = False,
    nothing: str = "no data",
) -> stat.Panel:
    """One large number, or one large word with `text`.

    Args:
        about: Title, description, unit.
        query: One series.
        steps: Colours by value.
        text: Whether the value or the name is written.
        spark: Whether its course is drawn behind it.
        nothing: What is written, in grey, where there is no value.
    """
    panel = _described(stat.Panel(), about, [query], is_table=False)
    return (
        panel.thresholds(thresholds(steps))
        .color_scheme(dashboard_builders.FieldColor().mode(dashboard.FieldColorModeId.THRESHOLDS))
        .color_mode(common.BigValueColorMode.BACKGROUND_SOLID)
        .graph_mode(common.BigValueGraphMode.AREA if spark else common.BigValueGraphMode.NONE)
        .text_mode(text)
        .reduce_options(common_builders.ReduceDataOptions().calcs(["lastNotNull"]))
        .mappings([_words_for_nothing(nothing)])
        .no_value(nothing)
    )


def series_panel(
    about: About,
    queries: Sequence[Query],
    *,
    stacked: bool = False,
    logarithmic: bool = False,
    legend: Sequence[str] = (),
    beside: bool = False,
) -> timeseries.Panel:
    """Lines over time.

    Args:
        about: Title, description, unit.
        queries: What to draw.
        stacked: Whether the lines are areas upon each other.
        logarithmic: Whether the axis is.
        legend: Calculations that the legend shows as a table, such as `lastNotNull`.
        beside: Whether the legend stands beside the graph, the largest first.
    """
    keys = (
        common_builders.VizLegendOptions()
        .show_legend(show_legend=True)
        .placement(common.LegendPlacement.RIGHT if beside else common.LegendPlacement.BOTTOM)
        .display_mode(common.LegendDisplayMode.TABLE if legend else common.LegendDisplayMode.LIST)
        .calcs(list(legend))
    )
    if beside:
        keys = keys.sort_by("Last *").sort_desc(sort_desc=True)
    hover = (
        common_builders.VizTooltipOptions()
        .mode(common.TooltipDisplayMode.MULTI)
        .sort(common.SortOrder.DESCENDING)
    )
    panel = _described(timeseries.Panel(), about, queries, is_table=False)
    panel = panel.legend(keys).tooltip(hover).line_width(1).fill_opacity(70 if stacked else 0)
    panel = panel.show_points(common.VisibilityMode.AUTO)
    if stacked:
        panel = panel.stacking(common_builders.StackingConfig().mode(common.StackingMode.NORMAL))
        panel = panel.min(0)
    if logarithmic:
        scale = common_builders.ScaleDistributionConfig().type(common.ScaleDistribution.LOG)
        panel = panel.scale_distribution(scale.log(10))
    return panel


def states_panel(
    about: About,
    query: Query,
    *,
    states: Mapping[int, tuple[str, str]] | None = None,
    steps: Steps = ((None, GREY),),
) -> statetimeline.Panel:
    """One band a row, coloured by state over time.

    Args:
        about: Title, description, unit.
        query: A series a row.
        states: Value -> (word, colour), for values that stand for words.
        steps: Colours by value, for values that are amounts.
    """
    keys = (
        common_builders.VizLegendOptions()
        .show_legend(show_legend=True)
        .placement(common.LegendPlacement.BOTTOM)
        .display_mode(common.LegendDisplayMode.LIST)
    )
    panel = _described(statetimeline.Panel(), about, [query], is_table=False)
    panel = (
        panel.legend(keys)
        .show_value(common.VisibilityMode.NEVER)
        .merge_values(merge_values=True)
        .row_height(0.8)
        .fill_opacity(80)
        .thresholds(thresholds(steps))
        .color_scheme(dashboard_builders.FieldColor().mode(dashboard.FieldColorModeId.THRESHOLDS))
    )
    return panel.mappings([value_words(states)]) if states else panel


def table_panel(
    about: About,
    queries: Sequence[Query],
    columns: Mapping[str, str],
    hidden: Sequence[str] = (),
) -> table.Panel:
    """Rows of what several instant queries say of the same labels.

    Args:
        about: Title, description, unit.
        queries: One a column of values; rows are joined by the labels they share.
        columns: Field -> heading, in order; labels by their name, values as `Value #A`, `#B`, ...
        hidden: Further fields, which are not shown.
    """
    panel = _described(table.Panel(), about, queries, is_table=True)
    merged = dashboard.DataTransformerConfig(id_val="merge", options={})
    shown = dashboard.DataTransformerConfig(
        id_val="organize",
        options={
            "excludeByName": dict.fromkeys(("Time", *hidden), True),
            "indexByName": {name: place for place, name in enumerate(columns)},
            "renameByName": dict(columns),
        },
    )
    panel = panel.transformations([merged, shown]).cell_height(common.TableCellHeight.SM)
    return panel.cell_options(common.TableAutoCellOptions())


def named(panel: AnyPanel, name: str, **properties: object) -> AnyPanel:
    """Set properties of the field of that name.

    Args:
        panel: Is changed.
        name: The field's name as it is displayed.
        properties: Grafana's ids of field properties; `__` stands for a dot.
    """
    panel.override_by_name(name, _properties(properties))
    return panel


def coloured(panel: AnyPanel, name: str, colour: str, **properties: object) -> AnyPanel:
    """Give the field of that name a colour of its own, and further properties."""
    return named(panel, name, color={"mode": "fixed", "fixedColor": colour}, **properties)


def sorted_by(panel: table.Panel, name: str) -> table.Panel:
    """Sort a table by a column, the largest first."""
    order = common_builders.TableSortByFieldState().display_name(name).desc(desc=True)
    return panel.sort_by([order])


def linked(panel: AnyPanel, title: str, url: str, name: str | None = None) -> AnyPanel:
    """Let a click on a value lead to another dashboard.

    Args:
        panel: Is changed.
        title: What the link says.
        url: Where it leads; see `dashboards.grafana.links`.
        name: The one field that leads there; by default all but the time.
    """
    link: list[dict[str, object]] = [{"title": title, "url": url}]
    if name is not None:
        return named(panel, name, links=link)
    panel.override_by_regexp("^(?!Time$).*", _properties({"links": link}))
    return panel


def thresholds(steps: Steps) -> dashboard_builders.ThresholdsConfig:
    """Give colours by value."""
    return (
        dashboard_builders.ThresholdsConfig()
        .mode(dashboard.ThresholdsMode.ABSOLUTE)
        .steps([dashboard.Threshold(value=value, color=colour) for value, colour in steps])
    )


def value_words(states: Mapping[int, tuple[str, str]]) -> dashboard.ValueMap:
    """Give the words and colours that stand for values."""
    return dashboard.ValueMap(
        {
            str(value): dashboard.ValueMappingResult(text=word, color=colour, index=place)
            for place, (value, (word, colour)) in enumerate(states.items())
        }
    )


def _words_for_nothing(words: str) -> dashboard.SpecialValueMap:
    """Give what stands for no value: it must not have the colour of the lowest one."""
    return dashboard.SpecialValueMap(
        dashboard.DashboardSpecialValueMapOptions(
            match=dashboard.SpecialValueMatch.NULL_AND_NAN,
            result=dashboard.ValueMappingResult(text=words, color=GREY, index=0),
        )
    )


def _described(
    panel: AnyPanel, about: About, queries: Sequence[Query], *, is_table: bool
) -> AnyPanel:
    panel.title(about.title).description(about.description).unit(about.unit).datasource(SOURCE)
    for place, query in enumerate(queries):
        target = prometheus.Dataquery().expr(query.expr).ref_id(chr(ord("A") + place))
        target = target.datasource(SOURCE).interval(about.step)
        target = target.instant() if query.instant else target.range()
        target = target.format(PromQueryFormat.TABLE if is_table else PromQueryFormat.TIME_SERIES)
        panel.with_target(target.legend_format(query.legend) if query.legend else target)
    return panel


def _properties(properties: Mapping[str, object]) -> list[dashboard.DynamicConfigValue]:
    return [
        dashboard.DynamicConfigValue(id_val=name.replace("__", "."), value=value)
        for name, value in properties.items()
    ]
