"""Plots as figures of Plotly: plain data, with colours named and times on one offset from UTC."""

from collections.abc import Sequence

from streams.replay.report.clock import ReportClock
from streams.replay.report.figure_parts import (
    Json,
    axis_shift,
    colour,
    layout_of,
    milliseconds,
    plain,
    plain_axis,
    ratio_axis,
    time_axis,
)
from streams.replay.report.plots import (
    Dot,
    ExposurePlot,
    HeatPlot,
    Plot,
    PosteriorPlot,
    SuccessPlot,
)
from streams.replay.report.success_figure import success_figure

_LINES = ("--c1", "--c2", "--c3", "--c4", "--c5")
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
_LEAST_DOSE = 50
"""Operations from which on the share that failed at one exposure is worth a point."""


def figure(plot: Plot, clock: ReportClock) -> Json:
    """Give data and layout of a plot.

    Colours are objects such as `{"var": "--bad"}`: the page puts in what its theme says.
    """
    match plot:
        case SuccessPlot():
            return success_figure(plot, clock)
        case HeatPlot():
            return _heat(plot, clock)
        case ExposurePlot():
            return _exposure(plot)
        case PosteriorPlot():
            return _posterior(plot, clock)


def _heat(plot: HeatPlot, clock: ReportClock) -> Json:
    shift = axis_shift(plot.starts, clock)
    middles = [start + plot.width / 2 for start in plot.starts]
    rows = list(zip(plot.failures, plot.trials, strict=True))
    shares = [
        [round(k / n, 4) if n else None for k, n in zip(failures, trials, strict=True)]
        for failures, trials in rows
    ]
    top = max((share for row in shares for share in row if share is not None), default=0.0)
    trace = {
        "type": "heatmap",
        "x": milliseconds(middles, shift),
        "y": list(range(len(plot.regions))),
        "z": shares,
        "text": [
            [f"{k} of {n}" for k, n in zip(failures, trials, strict=True)]
            for failures, trials in rows
        ],
        "customdata": [[plain(region)] * len(plot.starts) for region in plot.regions],
        "zmin": 0,
        "zmax": max(top, 0.01),
        "colorscale": [[0, colour("--heat0")], [0.5, colour("--heat1")], [1, colour("--heat2")]],
        "colorbar": {
            "tickformat": ".0%",
            "orientation": "h",
            "thickness": 8,
            "outlinewidth": 0,
            "len": 0.5,
            "x": 1,
            "xanchor": "right",
            "y": 1,
            "yanchor": "bottom",
            "ypad": 4,
            "nticks": 4,
            "tickangle": 0,
        },
        "hoverongaps": False,
        "hovertemplate": "%{customdata}<br>%{x|%Y-%m-%d %H:%M}<br>%{z:.1%}: %{text} failed"
        "<extra></extra>",
    }
    axis = plain_axis() | {
        "autorange": "reversed",
        "automargin": True,
        "tickvals": list(range(len(plot.regions))),
        "ticktext": [plain(_short(region)) for region in plot.regions],
        "showgrid": False,
        "fixedrange": True,
        "tickfont": {"size": 11},
    }
    layout = layout_of(104 + 18 * len(plot.regions), yaxis=axis)
    layout["margin"]["t"] = 44
    layout["xaxis"] = time_axis(plot.starts, clock) | {"showgrid": False}
    return {"data": [trace], "layout": layout}


def _short(name: str, longest: int = 22) -> str:
    return name if len(name) <= longest else f"{name[: longest - 1]}…"


def _exposure(plot: ExposurePlot) -> Json:
    number = max(len(plot.releases), 1)
    layout = layout_of(70 + 180 * number, annotations=[], hovermode="closest")
    traces: list[Json] = []
    for place, (release, dots) in enumerate(zip(plot.releases, plot.dots, strict=True)):
        tail = "" if place == 0 else str(place + 1)
        top = 1 - place / number
        layout[f"yaxis{tail}"] = ratio_axis("Failed") | {
            "domain": [top - 0.8 / number, top - 0.14 / number],
            "rangemode": "tozero",
        }
        layout["annotations"].append(
            {
                "xref": "paper",
                "yref": "paper",
                "x": 0,
                "y": top - 0.13 / number,
                "xanchor": "left",
                "yanchor": "bottom",
                "text": plain(release),
                "showarrow": False,
            }
        )
        traces += [_dots(dots, f"y{tail}"), _dose(dots, f"y{tail}")]
    layout["xaxis"] = plain_axis() | {
        "tickformat": ".0%",
        "title": {"text": "Share of the region that ran it"},
        "range": [-0.04, 1.04],
        "anchor": f"y{number if number > 1 else ''}",
        "zeroline": False,
    }
    return {"data": traces, "layout": layout}


def _dots(dots: Sequence[Dot], axis: str) -> Json:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [dot.exposure for dot in dots],
        "y": [round(dot.failures / dot.trials, 4) for dot in dots],
        "yaxis": axis,
        "customdata": [[plain(dot.region), dot.failures, dot.trials] for dot in dots],
        "marker": {
            "size": [round(min(3 + dot.trials**0.5 / 2, 16), 1) for dot in dots],
            "color": colour("--c1"),
            "opacity": 0.4,
        },
        "hovertemplate": "%{customdata[0]}<br>%{x:.1%} ran it<br>%{customdata[1]} of "
        "%{customdata[2]} failed<extra></extra>",
    }


def _dose(dots: Sequence[Dot], axis: str) -> Json:
    means = dose(dots)
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "x": [exposure for exposure, _ in means],
        "y": [round(share, 4) for _, share in means],
        "yaxis": axis,
        "line": {"color": colour("--bad"), "width": 1.6},
        "marker": {"color": colour("--bad"), "size": 7, "symbol": "diamond"},
        "hovertemplate": "all at about %{x:.0%}<br>%{y:.2%} failed<extra></extra>",
    }


def dose(dots: Sequence[Dot]) -> list[tuple[float, float]]:
    """Give the share that failed, over all dots, by exposure in steps of a tenth."""
    sums: dict[float, tuple[int, int]] = {}
    for dot in dots:
        step = round(dot.exposure, 1)
        failures, trials = sums.get(step, (0, 0))
        sums[step] = (failures + dot.failures, trials + dot.trials)
    return [
        (step, failures / trials)
        for step, (failures, trials) in sorted(sums.items())
        if trials >= _LEAST_DOSE
    ]


def _posterior(plot: PosteriorPlot, clock: ReportClock) -> Json:
    shift = axis_shift(plot.times, clock)
    traces = []
    for place, (name, course) in enumerate(zip(plot.names, plot.probabilities, strict=True)):
        last = place == len(plot.names) - 1
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": plain(_short(name, 34)),
                "x": milliseconds(plot.times, shift),
                "y": list(course),
                "line": {
                    "shape": "hv",
                    "color": colour("--quiet" if last else _LINES[place]),
                    "dash": "dot" if last else _DASHES[place],
                    "width": 1.8,
                },
                "marker": {"size": 4},
                "hovertemplate": "%{x|%Y-%m-%d %H:%M}<br>%{y:.3%}<extra>%{fullData.name}</extra>",
            }
        )
    layout = layout_of(
        320,
        xaxis=time_axis(plot.times, clock),
        yaxis=ratio_axis("Probability") | {"range": [-0.03, 1.03]},
        showlegend=True,
        legend={"orientation": "h", "y": -0.34, "x": 0},
        hovermode="x",
    )
    layout["margin"]["b"] = 96
    return {"data": traces, "layout": layout}
