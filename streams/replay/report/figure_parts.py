"""What figures of Plotly have in common: axes, layout, colours by name, names shown as they are."""

from collections.abc import Sequence
from html import escape
from typing import Any, TypeAlias

from streams.replay.report.clock import ReportClock

Json: TypeAlias = dict[str, Any]


def colour(name: str) -> Json:
    """Name a colour of the page."""
    return {"var": name}


def plain(text: str) -> str:
    """Write a name from outside so that Plotly, which knows some markup, shows it as it is."""
    # Between dollars Plotly would look for mathematics.
    return escape(text, quote=False).replace("$", "&#36;")


def milliseconds(times: Sequence[float], shift: float) -> list[int]:
    """Give instants as an axis counts them: milliseconds, moved by an offset in seconds."""
    return [round((time + shift) * 1000) for time in times]


def axis_shift(times: Sequence[float], clock: ReportClock) -> float:
    """Give the offset from UTC at the first instant, in seconds; the whole axis keeps to it."""
    return clock.shift(times[0]) if times else 0.0


def time_axis(times: Sequence[float], clock: ReportClock) -> Json:
    """Give an axis of local times, which names its offset."""
    axis = plain_axis()
    return axis | {
        "type": "date",
        "tickangle": 0,
        "title": {"text": clock.axis(times[0]) if times else "", "standoff": 22},
    }


def plain_axis() -> Json:
    """Give an axis with the lines of the page."""
    return {
        "gridcolor": colour("--line"),
        "linecolor": colour("--line"),
        "zeroline": False,
        "fixedrange": False,
    }


def ratio_axis(title: str) -> Json:
    """Give an axis of ratios."""
    return plain_axis() | {"tickformat": ".0%", "title": {"text": title}, "fixedrange": True}


def layout_of(height: int, **more: object) -> Json:
    """Give a layout without background, legend or surplus margin."""
    return {
        "height": height,
        "margin": {"l": 58, "r": 12, "t": 30, "b": 58},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "system-ui, sans-serif", "size": 12, "color": colour("--quiet")},
        "hoverlabel": {"align": "left"},
        "showlegend": False,
        **more,
    }
