"""The success ratio as a figure of Plotly, with change points and releases in lanes below it."""

from collections.abc import Sequence

from streams.replay.report.clock import ReportClock
from streams.replay.report.figure_parts import (
    Json,
    axis_shift,
    colour,
    layout_of,
    milliseconds,
    plain,
    ratio_axis,
    time_axis,
)
from streams.replay.report.plots import Mark, Sign, SuccessPlot

_LANE = 26
"""Height of a lane below a curve, in pixels."""


def success_figure(plot: SuccessPlot, clock: ReportClock) -> Json:
    """Give data and layout; see `streams.replay.report.figures.figure`."""
    shift = axis_shift(plot.starts, clock)
    lanes = [*(tick.label for tick in plot.ticks), *(band.release for band in plot.bands)]
    height = 260 + _LANE * len(lanes)
    share = _LANE * len(lanes) / height
    traces = [_curve(plot, shift), *_tick_traces(plot, shift), *_band_traces(plot, shift)]
    layout = layout_of(
        height + 76,
        xaxis=time_axis(plot.starts, clock) | {"anchor": "y2" if lanes else "y"},
        yaxis=ratio_axis("Success ratio") | {"domain": [share + 0.04 if lanes else 0, 1]},
        shapes=_lines(plot.marks, shift),
        annotations=_labels(plot.marks, shift) + _lane_names(lanes, len(plot.ticks)),
        hovermode="x",
        bargap=0.5,
    )
    if plot.baseline is not None:
        layout["shapes"].append(_baseline(plot.baseline))
    if lanes:
        layout["yaxis2"] = {
            "domain": [0, share],
            "range": [len(lanes) - 0.35, -0.65],
            "showticklabels": False,
            "showgrid": False,
            "zeroline": False,
            "fixedrange": True,
        }
    return {"data": traces, "layout": layout}


def _curve(plot: SuccessPlot, shift: float) -> Json:
    middles = [start + plot.width / 2 for start in plot.starts]
    pairs = zip(plot.failures, plot.trials, strict=True)
    return {
        "type": "scatter",
        "mode": "lines",
        "x": milliseconds(middles, shift),
        "y": [
            round(1 - failures / trials, 5)
            for failures, trials in zip(plot.failures, plot.trials, strict=True)
        ],
        "customdata": [list(pair) for pair in pairs],
        "line": {"color": colour("--c1"), "width": 1.6},
        "hovertemplate": "%{x|%Y-%m-%d %H:%M}<br>%{y:.2%}: %{customdata[0]} of %{customdata[1]} "
        "failed<extra></extra>",
    }


def _tick_traces(plot: SuccessPlot, shift: float) -> list[Json]:
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "x": milliseconds(ticks.times, shift),
            "y": [lane] * len(ticks.times),
            "yaxis": "y2",
            "text": [f"{number} {ticks.label}" for number in ticks.counts],
            "marker": {
                "color": colour(f"--{ticks.sign.value}"),
                "symbol": "triangle-down" if ticks.sign is Sign.BAD else "triangle-up",
                "size": [min(6 + number, 14) for number in ticks.counts],
            },
            "hovertemplate": "%{x|%Y-%m-%d %H:%M}<br>%{text}<extra></extra>",
        }
        for lane, ticks in enumerate(plot.ticks)
    ]


def _band_traces(plot: SuccessPlot, shift: float) -> list[Json]:
    traces = []
    for lane, band in enumerate(plot.bands, len(plot.ticks)):
        ran = [part for part in band.shares if part[2] > 0]
        traces.append(
            {
                "type": "bar",
                "orientation": "h",
                "base": milliseconds([start for start, _, _ in ran], shift),
                "x": [round((end - start) * 1000) for start, end, _ in ran],
                "y": [lane] * len(ran),
                "width": 0.3,
                "yaxis": "y2",
                "offset": 0.05,
                "customdata": [[plain(band.release), share] for _, _, share in ran],
                "marker": {
                    "color": colour("--c2"),
                    "opacity": [round(0.25 + 0.75 * share, 3) for _, _, share in ran],
                },
                "hovertemplate": "%{customdata[0]}<br>%{customdata[1]:.0%} of the scope ran it"
                "<extra></extra>",
            }
        )
    return traces


def _lane_names(lanes: Sequence[str], ticks: int) -> list[Json]:
    return [
        {
            "xref": "paper",
            "x": 0,
            "xanchor": "left",
            "yref": "y2",
            "y": lane - (0.0 if lane < ticks else 0.3),
            "text": f"change points: {name}" if lane < ticks else plain(name),
            "showarrow": False,
            "font": {"size": 11, "color": colour("--quiet")},
            "bgcolor": colour("--paper"),
        }
        for lane, name in enumerate(lanes)
    ]


def _lines(marks: Sequence[Mark], shift: float) -> list[Json]:
    return [
        {
            "type": "line",
            "xref": "x",
            "yref": "paper",
            "x0": round((mark.time + shift) * 1000),
            "x1": round((mark.time + shift) * 1000),
            "y0": 0,
            "y1": 1,
            "line": {"color": colour(f"--{mark.sign.value}"), "width": 1.2, "dash": "dash"},
        }
        for mark in marks
    ]


def _labels(marks: Sequence[Mark], shift: float) -> list[Json]:
    anchors = ("right", "left")
    return [
        {
            "xref": "x",
            "x": round((mark.time + shift) * 1000),
            "xanchor": anchors[place % 2],
            "yref": "paper",
            "y": 1,
            "yanchor": "bottom",
            "text": mark.label,
            "showarrow": False,
            "font": {"size": 11, "color": colour(f"--{mark.sign.value}")},
        }
        for place, mark in enumerate(marks)
    ]


def _baseline(ratio: float) -> Json:
    return {
        "type": "line",
        "xref": "paper",
        "yref": "y",
        "x0": 0,
        "x1": 1,
        "y0": ratio,
        "y1": ratio,
        "line": {"color": colour("--quiet"), "width": 1, "dash": "dot"},
    }
