"""The benchmark of attribution as an SVG picture: right first over time, and reliability."""

from collections.abc import Sequence
from html import escape
from typing import Final

from detectors.evaluation.attribution.baselines import Baseline
from detectors.evaluation.attribution.goals import LATE
from detectors.evaluation.attribution.results import CaseResult
from detectors.evaluation.attribution.scores import calibration, ranking_score

_SIDE, _GAP, _LEFT, _TOP = 240, 62, 60, 96
_FIRST_TITLE = "Right release first, by minutes after the onset"
_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#222}.t{font-size:15px;font-weight:600}"
    ".g{stroke:#ddd}.d{stroke:#999;stroke-dasharray:4 4}.e{text-anchor:end;fill:#666}"
    ".m{text-anchor:middle;fill:#666}.p{fill:none;stroke-width:2}"
)
_OWN: Final = "opwatch"
_COLOURS: Final = {
    _OWN: "#d1495b",
    Baseline.LATEST_START.value: "#30638e",
    Baseline.DIFFERENCES.value: "#6a994e",
    Baseline.VOTE_AND_VETO.value: "#8d99ae",
}
_SHARES: Final = (0.0, 0.25, 0.5, 0.75, 1.0)

Point = tuple[float, float]


def render(rankings: Sequence[CaseResult]) -> str:
    """Draw a panel for each number of releases, and one of reliability.

    Args:
        rankings: One for each case and minute.
    """
    caused = [one for one in rankings if one.kind.by_release]
    numbers = sorted({one.releases for one in caused})
    cuts = sorted({one.minutes for one in caused})
    width = _LEFT + (len(numbers) + 1) * (_SIDE + _GAP)
    height = _TOP + _SIDE + 50
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
        f"<title>{_FIRST_TITLE}; reliability</title><style>{_STYLE}</style>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<text class="t" x="12" y="22">{_FIRST_TITLE}; reliability of the verdict</text>',
        *_legend(),
    ]
    for index, releases in enumerate(numbers):
        left = _LEFT + index * (_SIDE + _GAP)
        lines += _frame(left, f"K = {releases}", [(_along(cuts, cut), f"{cut}") for cut in cuts])
        lines += _curves(left, [one for one in caused if one.releases == releases], cuts)
    left = _LEFT + len(numbers) * (_SIDE + _GAP)
    lines += _reliability(left, [one for one in rankings if one.minutes == LATE])
    return "\n".join([*lines, "</svg>"]) + "\n"


def _legend() -> list[str]:
    return [
        f'<circle cx="{18 + index * 180}" cy="46" r="4.5" fill="{colour}"/>'
        f'<text x="{27 + index * 180}" y="50">{escape(name)}</text>'
        for index, (name, colour) in enumerate(_COLOURS.items())
    ]


def _along(cuts: Sequence[int], cut: int) -> float:
    """Place a minute by its rank: what matters is the order of magnitude."""
    return (cuts.index(cut) + 0.5) / len(cuts)


def _frame(left: int, title: str, ticks: Sequence[tuple[float, str]]) -> list[str]:
    bottom = _TOP + _SIDE
    lines = [f'<text x="{left}" y="{_TOP - 10}">{escape(title)}</text>']
    for share in _SHARES:
        y = _place(left, (0.0, share))[1]
        lines.append(f'<line class="g" x1="{left}" x2="{left + _SIDE}" y1="{y}" y2="{y}"/>')
        lines.append(f'<text class="e" x="{left - 6}" y="{y + 4}">{share:.0%}</text>')
    for along, words in ticks:
        x = _place(left, (along, 0.0))[0]
        lines.append(f'<text class="m" x="{x}" y="{bottom + 18}">{words}</text>')
    return lines


def _curves(left: int, group: Sequence[CaseResult], cuts: Sequence[int]) -> list[str]:
    curves: dict[str, list[Point]] = {name: [] for name in _COLOURS}
    for cut in cuts:
        score = ranking_score([one for one in group if one.minutes == cut])
        shares = {baseline.value: share for baseline, share in score.baselines.items()}
        for name, share in (shares | {_OWN: score.right_first}).items():
            curves[name].append((_along(cuts, cut), share))
    # This program last, so that nothing hides it where methods agree.
    return [line for name in reversed(curves) for line in _curve(left, curves[name], name)]


def _curve(left: int, points: Sequence[Point], name: str) -> list[str]:
    colour = _COLOURS[name]
    placed = [_place(left, point) for point in points]
    path = " ".join(f"{x},{y}" for x, y in placed)
    marks = [f'<circle cx="{x}" cy="{y}" r="3.2" fill="{colour}"/>' for x, y in placed]
    return [f'<polyline class="p" stroke="{colour}" points="{path}"/>', *marks]


def _reliability(left: int, group: Sequence[CaseResult]) -> list[str]:
    """Draw what held against what was stated; a mark's area grows with its verdicts."""
    ticks = [(share, f"{share:.0%}") for share in _SHARES]
    (x1, y1), (x2, y2) = _place(left, (0.0, 0.0)), _place(left, (1.0, 1.0))
    lines = _frame(left, f"verdicts that held, by probability, +{LATE} min", ticks)
    lines.append(f'<line class="d" x1="{x1}" x2="{x2}" y1="{y1}" y2="{y2}"/>')
    for one in calibration(group).bins:
        x, y = _place(left, (one.stated, one.held))
        radius = round(3.0 + 9.0 * (one.cases / len(group)) ** 0.5, 1)
        lines.append(
            f'<circle cx="{x}" cy="{y}" r="{radius}" fill="{_COLOURS[_OWN]}" fill-opacity="0.7">'
            f"<title>{one.cases} verdicts</title></circle>"
        )
    return lines


def _place(left: int, point: Point) -> Point:
    """Place a point of the unit square into a panel."""
    return round(left + point[0] * _SIDE, 1), round(_TOP + (1.0 - point[1]) * _SIDE, 1)
