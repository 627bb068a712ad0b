"""The delays of the benchmark as an SVG picture: a row per cell, a mark per method."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from detectors.evaluation.experiments import ChangeResult
from detectors.evaluation.scores import Delays

_WIDTH, _LEFT, _RIGHT, _TOP, _ROW = 960, 170, 30, 92, 44
_LONGEST = 1440.0
_LEGEND_WIDTH, _LEGEND_COLUMNS = 190, 5
_TITLE = "Minutes from the onset to the alarm: median (mark) and 95 % quantile (line)"
_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#222}.t{font-size:15px;font-weight:600}"
    ".g{stroke:#ddd}.z{fill:#f6f6f6}.a{text-anchor:end}.m{text-anchor:middle;fill:#666}"
)
_COLOURS = {
    "oracle CUSUM": "#111111",
    "opwatch": "#d1495b",
    "opwatch learned": "#edae49",
    "opwatch calibrated": "#8d2738",
    "EWMA": "#8d99ae",
    "FOCuS (changepoint_online)": "#00798c",
    "BOCPD (fast_bocpd)": "#30638e",
    "Page-Hinkley (river)": "#6a994e",
    "burn rate": "#9b5de5",
}


@dataclass(frozen=True, slots=True)
class _Mark:
    """A method in a cell."""

    method: str
    delays: Delays


def render(changes: Sequence[ChangeResult]) -> str:
    """Draw median (mark) and 95 % quantile (end of the line) on a logarithmic axis of minutes.

    Args:
        changes: Change cells; known and learned baselines of a cell share its row.
    """
    names = list(dict.fromkeys(change.cell.name for change in changes))
    height = _TOP + _ROW * len(names) + 40
    marks = {name: _marks([one for one in changes if one.cell.name == name]) for name in names}
    used = {mark.method for row in marks.values() for mark in row}
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">',
        f"<title>{_TITLE}</title><style>{_STYLE}</style>",
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>',
        f'<text class="t" x="12" y="22">{_TITLE}</text>',
        *_legend([method for method in _COLOURS if method in used]),
        *_axis(len(names)),
    ]
    for index, name in enumerate(names):
        lines += _row(index, name, marks[name])
    return "\n".join([*lines, "</svg>"]) + "\n"


def _marks(changes: Sequence[ChangeResult]) -> list[_Mark]:
    marks = []
    for change in changes:
        scores = change.scores if change.known else change.scores[1:]
        marks += [_Mark(score.name, score.delays) for score in scores]
        own = change.promised.name if change.known else f"{change.promised.name} learned"
        marks.append(_Mark(own, change.promised.delays))
    return marks


def _legend(methods: Sequence[str]) -> list[str]:
    lines = []
    for index, method in enumerate(methods):
        x, y = 18 + (index % _LEGEND_COLUMNS) * _LEGEND_WIDTH, 44 + (index // _LEGEND_COLUMNS) * 20
        words = {"opwatch": "opwatch, known baseline", "opwatch learned": "opwatch, learned"}
        lines.append(
            f'<circle cx="{x}" cy="{y - 4}" r="4.5" fill="{_COLOURS[method]}"/>'
            f'<text x="{x + 9}" y="{y}">{escape(words.get(method, method))}</text>'
        )
    return lines


def _axis(rows: int) -> list[str]:
    bottom = _TOP + _ROW * rows
    lines = [
        f'<rect class="z" x="0" y="{_TOP + _ROW * row}" width="{_WIDTH}" height="{_ROW}"/>'
        for row in range(0, rows, 2)
    ]
    for minutes, words in (
        (1, "1"),
        (5, "5"),
        (15, "15"),
        (60, "1 h"),
        (240, "4 h"),
        (1440, "1 day"),
    ):
        x = _x(minutes)
        lines.append(f'<line class="g" x1="{x}" x2="{x}" y1="{_TOP}" y2="{bottom}"/>')
        lines.append(f'<text class="m" x="{x}" y="{bottom + 18}">{words}</text>')
    return lines


def _row(index: int, name: str, marks: Sequence[_Mark]) -> list[str]:
    top = _TOP + _ROW * index
    lines = [f'<text class="a" x="{_LEFT - 14}" y="{top + _ROW / 2 + 4}">{escape(name)}</text>']
    ordered = sorted(marks, key=lambda mark: list(_COLOURS).index(mark.method))
    for place, mark in enumerate(ordered):
        y = round(top + 3 + (_ROW - 6) * (place + 0.5) / len(ordered), 1)
        lines += _drawn(mark, y)
    return lines


def _drawn(mark: _Mark, y: float) -> list[str]:
    """Draw a method; what was missed more often than found has an open mark at the edge."""
    colour, median, late = _COLOURS[mark.method], mark.delays.median, mark.delays.late
    x, end = _x(median), _x(late)
    fill = colour if math.isfinite(median) else "none"
    return [
        f'<line x1="{x}" x2="{end}" y1="{y}" y2="{y}" stroke="{colour}" stroke-width="1.5"/>',
        f'<circle cx="{x}" cy="{y}" r="3.2" fill="{fill}" stroke="{colour}"/>',
    ]


def _x(minutes: float) -> float:
    """Place a delay; never is beyond a day."""
    if not math.isfinite(minutes):
        return _WIDTH - _RIGHT / 2
    share = math.log(max(minutes, 1.0)) / math.log(_LONGEST)
    return round(_LEFT + share * (_WIDTH - _LEFT - _RIGHT), 1)
