"""A plot of replays: a lane of pages and incidents for each setting, over the success ratio."""

from collections.abc import Sequence
from html import escape

from streams.domain.time import format_instant
from streams.replay.answers import clock, scope_text
from streams.replay.trials import Page, Trial, Wanted

_WIDTH, _LEFT, _RIGHT = 1000, 10, 10
_CURVE, _LANE, _GAP, _AXIS = 160, 34, 18, 24
_POINTS = 1_000
"""Points of the curve, at most: more than there are pixels cannot be seen."""
_TICKS = 6


def lanes(
    trials: Sequence[Trial],
    truth: Sequence[Wanted] | None,
    ratios: Sequence[tuple[float, float]],
) -> str:
    """Draw them as SVG; nothing where there is no window.

    Args:
        trials: A lane for each.
        truth: Another lane; None where it is not known.
        ratios: (seconds since the epoch, success ratio from 0 to 1), in time order.
    """
    if not ratios:
        return ""
    scale = _Scale(ratios[0][0], ratios[-1][0])
    parts = [_curve(ratios, scale)]
    top = _GAP + _CURVE + _GAP
    if truth is not None:
        bars = "".join(_bar(one.onset, one.end, top, scale, _wanted_title(one)) for one in truth)
        parts.append(_lane("what there was", bars, top))
        top += _LANE + _GAP
    for trial in trials:
        drawn = "".join(_page(page, top, scale) for page in trial.pages)
        parts.append(_lane(trial.name, drawn, top))
        top += _LANE + _GAP
    parts.append(_axis(scale, top))
    text = "Success ratio of all operations, and under each setting when incidents page and last."
    return (
        f'<figure><svg viewBox="0 0 {_WIDTH} {top + _AXIS}" role="img" aria-label="{text}">'
        f"{''.join(parts)}</svg><figcaption>{text} A mark is a page, its bar the incident; the "
        "table below has the figures.</figcaption></figure>"
    )


class _Scale:
    """Event time to pixels."""

    def __init__(self, first: float, last: float) -> None:
        self.first, self.last = first, max(last, first + 60.0)

    def x(self, instant: float) -> float:
        share = (instant - self.first) / (self.last - self.first)
        width = _WIDTH - _LEFT - _RIGHT
        return round(_LEFT + min(max(share, 0.0), 1.0) * width, 1)


def _curve(ratios: Sequence[tuple[float, float]], scale: _Scale) -> str:
    each = -(-len(ratios) // _POINTS)
    points = [
        (part[0][0], sum(ratio for _, ratio in part) / len(part))
        for part in (ratios[begin : begin + each] for begin in range(0, len(ratios), each))
    ]
    low = min(ratio for _, ratio in points)
    span = max(1.0 - low, 1e-6)
    path = " ".join(
        f"{scale.x(at)},{round(_GAP + (1.0 - ratio) / span * _CURVE, 1)}" for at, ratio in points
    )
    return (
        f'<text x="{_LEFT}" y="{_GAP - 5}">success ratio: 1 at the top, {low:.3f} at the bottom'
        f'</text><polyline fill="none" stroke="var(--mark)" points="{path}"/>'
    )


def _lane(name: str, content: str, top: int) -> str:
    line = top + _LANE - 6
    return (
        f'<text x="{_LEFT}" y="{top + 8}">{escape(name)}</text>'
        f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{line}" y2="{line}" stroke="var(--line)"/>'
        f"{content}"
    )


def _bar(start: float, end: float | None, top: int, scale: _Scale, title: str) -> str:
    left = scale.x(start)
    width = max(scale.x(scale.last if end is None else end) - left, 2.0)
    return (
        f'<rect x="{left}" y="{top + _LANE - 16}" width="{width:.1f}" height="10" '
        f'fill="var(--bad)" fill-opacity=".35"><title>{escape(title)}</title></rect>'
    )


def _page(page: Page, top: int, scale: _Scale) -> str:
    at = scale.x(page.raised)
    title = f"pages at {clock(page.raised)} for {scope_text(page.scope)}"
    bar = _bar(page.onset, page.resolved, top, scale, title)
    return (
        f'{bar}<circle cx="{at}" cy="{top + _LANE - 11}" r="5" fill="var(--bad)">'
        f"<title>{escape(title)}</title></circle>"
    )


def _wanted_title(one: Wanted) -> str:
    return f"{one.name}, from {clock(one.onset)}, {scope_text(one.scope)}"


def _axis(scale: _Scale, top: int) -> str:
    ticks = []
    for number in range(_TICKS + 1):
        at = scale.first + (scale.last - scale.first) * number / _TICKS
        anchor = "start" if not number else "end" if number == _TICKS else "middle"
        text = format_instant(60.0 * (at // 60.0))[5:16].replace("T", " ")
        ticks.append(f'<text x="{scale.x(at)}" y="{top + 6}" text-anchor="{anchor}">{text}</text>')
    return "".join(ticks)
