"""Plots as SVG: what is printed, and what is seen where no script runs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from streams.domain.time import format_instant
from streams.replay.report.clock import ReportClock
from streams.replay.report.figures import dose
from streams.replay.report.plots import (
    ExposurePlot,
    HeatPlot,
    Plot,
    PosteriorPlot,
    SuccessPlot,
)
from streams.replay.report.wording import percent

_WIDTH = 900
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 12, 20, 34
_CURVE, _LANE, _ROW = 220, 28, 13
_STEPS_S = (60, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800)
_MOST_TICKS = 10
_STEPS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25)
_MOST_RATIOS = 5
_WHOLE = 0.01
"""Steps between ratios from which on whole percents are told."""

_SHADES = 9
"""Classes of a cell's colour, from none to the largest share of failures."""


@dataclass(frozen=True, slots=True)
class _Axes:
    """Where things are: x from `begin` to `end`, y from `low` (at the bottom) to `high`."""

    begin: float
    end: float
    low: float
    high: float
    top: float
    height: float
    left: float = _LEFT

    def x(self, value: float) -> float:
        share = (value - self.begin) / ((self.end - self.begin) or 1)
        return round(self.left + share * (_WIDTH - self.left - _RIGHT), 1)

    def y(self, value: float) -> float:
        share = (self.high - value) / ((self.high - self.low) or 1)
        return round(self.top + share * self.height, 1)


def paper(plot: Plot, clock: ReportClock) -> str:
    """Draw a plot as an SVG element, with its title and what it says in a sentence."""
    match plot:
        case SuccessPlot():
            height, lines = _success(plot, clock)
        case HeatPlot():
            height, lines = _heat(plot, clock)
        case ExposurePlot():
            height, lines = _exposure(plot)
        case PosteriorPlot():
            height, lines = _posterior(plot, clock)
    label = escape(f"{plot.title}. {plot.alternative}")
    return "\n".join(
        [
            f'<svg class="paper" viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{label}">',
            *lines,
            "</svg>",
        ]
    )


def _success(plot: SuccessPlot, clock: ReportClock) -> tuple[int, list[str]]:
    lanes = len(plot.ticks) + len(plot.bands)
    height = _TOP + _CURVE + _BOTTOM + _LANE * lanes
    if not plot.starts:
        return _BOTTOM, [_text(_LEFT, _TOP, "No operations.")]
    ratios = [1 - k / n for k, n in zip(plot.failures, plot.trials, strict=True)]
    # A flat line must not touch the frame, nor a dip of a tenth of a percent fill it.
    low = max(0.0, min(ratios) - 0.1 * (1 - min(ratios)) - 0.002)
    axes = _Axes(plot.starts[0], plot.starts[-1] + plot.width, low, 1.0, _TOP, _CURVE)
    floor = _TOP + _CURVE + _LANE * lanes
    lines = [*_ratios(axes), *_times(axes, clock, floor)]
    if plot.baseline is not None:
        lines.append(_line("baseline", _LEFT, _WIDTH - _RIGHT, axes.y(plot.baseline)))
    middles = [start + plot.width / 2 for start in plot.starts]
    points = " ".join(f"{axes.x(t)},{axes.y(r)}" for t, r in zip(middles, ratios, strict=True))
    lines.append(f'<polyline class="curve s1" points="{points}"/>')
    for place, mark in enumerate(plot.marks):
        if axes.begin <= mark.time <= axes.end:
            x, kind = axes.x(mark.time), mark.sign.value
            anchor = "end" if place % 2 == 0 and x > 2 * _LEFT else "start"
            lines.append(f'<path class="mark {kind}" d="M{x} {_TOP}V{floor}"/>')
            lines.append(_text(x, _TOP - 6, mark.label, anchor))
    for lane, ticks in enumerate(plot.ticks):
        y = _TOP + _CURVE + _LANE * lane + 26
        lines.append(_text(_LEFT + 2, y - 13, f"change points: {ticks.label}"))
        lines += [
            f'<path class="tick {ticks.sign.value}" d="M{axes.x(time)} {y - 9}v8"/>'
            for time in ticks.times
            if axes.begin <= time <= axes.end
        ]
    for lane, band in enumerate(plot.bands, len(plot.ticks)):
        y = _TOP + _CURVE + _LANE * lane + 17
        for start, end, share in band.shares:
            if share > 0:
                x, right = axes.x(start), axes.x(end)
                lines.append(
                    f'<rect class="band" x="{x}" y="{y}" width="{round(right - x, 1)}" height="8" '
                    f'fill-opacity="{round(0.25 + 0.75 * share, 2)}"/>'
                )
        lines.append(_text(_LEFT + 2, y - 4, band.release))
    return height, lines


def _heat(plot: HeatPlot, clock: ReportClock) -> tuple[int, list[str]]:
    if not plot.regions:
        return _BOTTOM, [_text(_LEFT, _TOP, "No operations.")]
    floor = _TOP + _ROW * len(plot.regions)
    begin, end = plot.starts[0], plot.starts[-1] + plot.width
    axes = _Axes(begin, end, 0, 1, _TOP, floor - _TOP, left=150)
    shares = [
        [k / n if n else None for k, n in zip(failures, trials, strict=True)]
        for failures, trials in zip(plot.failures, plot.trials, strict=True)
    ]
    top = max((share for row in shares for share in row if share is not None), default=0.0) or 1.0
    lines = _times(axes, clock, floor)
    for place, (region, row) in enumerate(zip(plot.regions, shares, strict=True)):
        y = _TOP + _ROW * place
        lines.append(_text(144, y + 10, region, "end"))
        for first, last, shade in _runs([share and round(_SHADES * share / top) for share in row]):
            x = axes.x(plot.starts[first])
            width = round(axes.x(plot.starts[last] + plot.width) - x, 1)
            lines.append(
                f'<rect class="h{shade}" x="{x}" y="{y}" width="{width}" height="{_ROW - 1}"/>'
            )
    lines.append(_text(_WIDTH - _RIGHT, _TOP - 6, f"darkest: {percent(top)} failed", "end"))
    return floor + _BOTTOM, lines


def _runs(shades: Sequence[float | None]) -> list[tuple[int, int, int]]:
    """Give stretches of one shade as first place, last place and shade; gaps are left out."""
    found: list[tuple[int, int, int]] = []
    for place, shade in enumerate(shades):
        if shade is None:
            continue
        if found and found[-1][1] == place - 1 and found[-1][2] == shade:
            found[-1] = (found[-1][0], place, int(shade))
        else:
            found.append((place, place, int(shade)))
    return found


def _exposure(plot: ExposurePlot) -> tuple[int, list[str]]:
    lines: list[str] = []
    each = 170
    for place, (release, dots) in enumerate(zip(plot.releases, plot.dots, strict=True)):
        top = _TOP + place * each
        high = max((dot.failures / dot.trials for dot in dots), default=1.0) or 1.0
        axes = _Axes(0, 1, 0, high, top, each - 56)
        lines.append(_text(_LEFT, top - 6, release))
        lines += _ratios(axes)
        lines += [
            _text(axes.x(step / 4), top + each - 40, f"{step / 4:.0%}", "middle")
            for step in range(5)
        ]
        lines += [
            f'<circle class="dot" cx="{axes.x(dot.exposure)}" '
            f'cy="{axes.y(dot.failures / dot.trials)}" '
            f'r="{round(min(1.5 + dot.trials**0.5 / 4, 8), 1)}"/>'
            for dot in dots
        ]
        points = " ".join(f"{axes.x(x)},{axes.y(y)}" for x, y in dose(dots))
        lines.append(f'<polyline class="curve bad" points="{points}"/>')
    height = _TOP + each * len(plot.releases)
    lines.append(_text(_WIDTH / 2, height - 6, "share of the region that ran it", "middle"))
    return height, lines


def _posterior(plot: PosteriorPlot, clock: ReportClock) -> tuple[int, list[str]]:
    begin, end = plot.times[0], plot.times[-1]
    axes = _Axes(begin, end if end > begin else begin + 60, 0, 1, _TOP, 160)
    floor = _TOP + 160
    lines = [*_ratios(axes), *_times(axes, clock, floor)]
    for place, (name, course) in enumerate(zip(plot.names, plot.probabilities, strict=True)):
        last = place == len(plot.names) - 1
        kind = "s0" if last else f"s{place + 1}"
        path = [f"M{axes.x(begin)} {axes.y(course[0])}"]
        for time, value in zip(plot.times[1:], course[1:], strict=True):
            path.append(f"H{axes.x(time)}V{axes.y(value)}")
        lines.append(f'<path class="curve {kind}" d="{"".join(path)}"/>')
        y = floor + 50 + 16 * place
        lines.append(f'<path class="curve {kind}" d="M{_LEFT} {y - 4}h30"/>')
        lines.append(_text(_LEFT + 38, y, name))
    return floor + 50 + 16 * len(plot.names), lines


def _ratios(axes: _Axes) -> list[str]:
    """Draw ticks at round ratios."""
    span = axes.high - axes.low
    step = next((one for one in _STEPS if span / one <= _MOST_RATIOS), 1.0)
    lines = []
    for number in range(math.ceil(axes.low / step - 1e-9), math.floor(axes.high / step + 1e-9) + 1):
        y = axes.y(number * step)
        text = f"{100 * number * step:.1f}%" if step < _WHOLE else f"{100 * number * step:.0f}%"
        lines.append(_line("grid", axes.left, _WIDTH - _RIGHT, y))
        lines.append(_text(axes.left - 6, y + 4, text, "end"))
    return lines


def _times(axes: _Axes, clock: ReportClock, floor: float) -> list[str]:
    """Draw ticks at round times of the offset at the beginning, and name the days."""
    shift = clock.shift(axes.begin)
    span = axes.end - axes.begin
    step = next((one for one in _STEPS_S if span / one <= _MOST_TICKS), 604_800)
    first = -(-(axes.begin + shift) // step) * step - shift
    lines = []
    day = ""
    number = 0
    while (time := first + number * step) <= axes.end:
        number += 1
        local = format_instant(time + shift)
        label = local[11:16] if local[:10] == day else f"{local[5:10]} {local[11:16]}"
        day = local[:10]
        x = axes.x(time)
        lines.append(f'<path class="grid" d="M{x} {axes.top}V{floor}"/>')
        lines.append(_text(x, floor + 14, label, "middle"))
    lines.append(_text(_WIDTH - _RIGHT, floor + 30, clock.axis(axes.begin), "end"))
    return lines


def _line(kind: str, left: float, right: float, y: float) -> str:
    return f'<path class="{kind}" d="M{left} {y}H{right}"/>'


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x}" y="{round(y, 1)}" text-anchor="{anchor}">{escape(text)}</text>'
