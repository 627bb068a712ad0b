"""A curve as inline SVG."""

from collections.abc import Sequence
from dataclasses import dataclass

from streams.domain.time import format_instant
from streams.replay.curves import Curve

_WIDTH, _HEIGHT = 900, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 50, 10, 14, 30
_MOST_POINTS = 800
_STEPS = 4


@dataclass(frozen=True, slots=True)
class Mark:
    """An instant worth a line.

    Attributes:
        time: Seconds since the epoch.
        label: What happened.
        good: Whether it is good news.
    """

    time: float
    label: str
    good: bool


@dataclass(frozen=True, slots=True)
class _Frame:
    """What the axes span: instants in seconds since the epoch, ratios from 0 to 1."""

    begin: float
    end: float
    lowest: float

    def x(self, time: float) -> float:
        share = (time - self.begin) / (self.end - self.begin)
        return round(_LEFT + share * (_WIDTH - _LEFT - _RIGHT), 1)

    def y(self, ratio: float) -> float:
        share = (1 - ratio) / (1 - self.lowest)
        return round(_TOP + share * (_HEIGHT - _TOP - _BOTTOM), 1)


def chart(curve: Curve, window_seconds: int, marks: Sequence[Mark]) -> str:
    """Draw a success ratio over time.

    Args:
        curve: The totals.
        window_seconds: Length of the windows.
        marks: Instants to mark; those outside the curve are left out.

    Returns:
        An SVG element, or a paragraph where there is nothing to draw.
    """
    windows, ratios = curve.points(_MOST_POINTS)
    if not len(windows):
        return '<p class="quiet">No operations.</p>'
    times = ((windows + 0.5) * window_seconds).tolist()
    # A flat line must not touch the frame, nor a dip of a tenth of a percent fill it.
    lowest = max(0.0, float(ratios.min()) - 0.1 * (1 - float(ratios.min())) - 0.002)
    frame = _Frame(times[0] - window_seconds / 2, times[-1] + window_seconds / 2, lowest)
    points = " ".join(
        f"{frame.x(time)},{frame.y(ratio)}"
        for time, ratio in zip(times, ratios.tolist(), strict=True)
    )
    return "\n".join(
        [
            f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="Success ratio">',
            *_axes(frame),
            f'<polyline class="plot" points="{points}"/>',
            *(_mark(frame, mark) for mark in marks if frame.begin <= mark.time <= frame.end),
            "</svg>",
        ]
    )


def _axes(frame: _Frame) -> list[str]:
    lines = []
    for step in range(_STEPS + 1):
        ratio = frame.lowest + (1 - frame.lowest) * step / _STEPS
        y = frame.y(ratio)
        lines.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y}" y2="{y}"/>')
        lines.append(f'<text x="{_LEFT - 6}" y="{y + 4}" text-anchor="end">{ratio:.1%}</text>')
    span = frame.end - frame.begin
    ticks = [frame.begin + span * step / _STEPS for step in range(_STEPS + 1)]
    anchors = ["start", *["middle"] * (_STEPS - 1), "end"]
    days = len({format_instant(tick)[:10] for tick in ticks}) > 1
    for tick, anchor in zip(ticks, anchors, strict=True):
        text = format_instant(tick)[5 if days else 11 : 16].replace("T", " ")
        lines.append(
            f'<text x="{frame.x(tick)}" y="{_HEIGHT - 10}" text-anchor="{anchor}">{text}</text>'
        )
    return lines


def _mark(frame: _Frame, mark: Mark) -> str:
    x, kind = frame.x(mark.time), "good" if mark.good else "bad"
    line = f'<line class="marks {kind}" x1="{x}" x2="{x}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}"/>'
    return f'{line}<text x="{x + 3}" y="{_TOP - 3}">{mark.label}</text>'
