"""`report.html`: a replay's findings on one page that needs nothing but a browser."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from streams.config import Settings
from streams.domain.time import parse_instant, window_of
from streams.incident_samples import scope_text
from streams.replay.chart import Mark, chart
from streams.replay.curves import Curve
from streams.replay.windows_table import ArchiveRows

_LEAD_S = 3600
"""How much of the time before an incident its chart shows."""

_MOST_CHANGE_POINTS = 200
"""Rows of the table of change points: beyond, `change_points.jsonl` is the better reader."""

_KINDS = {
    "success_ratio": "success",
    "volume": "volume, of what was expected,",
    "error_code": "operations without {error_code}",
    "duration": "operations not slower than the quantile {quantile}",
}
"""What is a share of what, by kind of change."""

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1d2430; max-width: 60rem; margin: 2rem auto;
padding: 0 1rem } h1, h2 { line-height: 1.2 } h2 { margin-top: 2.5rem; border-top: 1px solid
    #d5dae2; padding-top: 1rem }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1rem } th, td { text-align: left;
padding: .2rem .8rem .2rem 0; vertical-align: top; border-bottom: 1px solid #e7eaf0 } td.n {
    font-variant-numeric: tabular-nums }
svg { width: 100%; height: auto } .plot { fill: none; stroke: #2b6cb0; stroke-width: 1.5 } .grid {
stroke: #e7eaf0 } .bad { stroke: #c53030 } .good { stroke: #2f855a } .marks { stroke-dasharray: 4 3
    } text { font-size: 11px; fill: #5a6472 }
.quiet { color: #5a6472 } ul { margin: .2rem 0; padding-left: 1.2rem }
"""


class Report:
    """Gathers what the page shows while the windows pass by."""

    def __init__(
        self,
        settings: Settings,
        incidents: Sequence[Mapping[str, Any]],
        change_points: Sequence[Mapping[str, Any]],
    ) -> None:
        """Say what the page is about.

        Args:
            settings: For the window length.
            incidents: All incident records, in the order they were written.
            change_points: All change points, in the order they were raised.
        """
        self._seconds = settings.windows.seconds
        self._change_points = change_points
        self._paged: dict[str, str] = {}
        newest: dict[str, Mapping[str, Any]] = {}
        for record in incidents:
            self._paged.setdefault(record["incident"], record["raised"])
            newest[record["incident"]] = record
        self._incidents = list(newest.values())
        self._whole = Curve()
        self._curves = [self._curve(record) for record in self._incidents]

    def add_rows(self, rows: ArchiveRows) -> None:
        """Take whole windows, later than all before."""
        for curve in (self._whole, *self._curves):
            curve.add_rows(rows)

    def render(self) -> str:
        """Give the page."""
        number = len(self._incidents)
        title = f"{number} incident{'' if number == 1 else 's'}" if number else "No incident"
        body = "\n".join(self._body(title))
        return (
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width">'
            f"<title>opwatch replay: {title}</title><style>{_STYLE}</style></head>\n"
            f"<body>\n{body}\n</body></html>\n"
        )

    def _body(self, title: str) -> Iterator[str]:
        yield f"<h1>opwatch replay: {title}</h1>"
        marks = [mark for record in self._incidents for mark in _marks(record)]
        yield "<p>Success ratio of all operations; all times are event times in UTC.</p>"
        yield chart(self._whole, self._seconds, marks)
        for position, (record, curve) in enumerate(
            zip(self._incidents, self._curves, strict=True), start=1
        ):
            yield from self._incident(position, record, curve)
        yield from _change_points(self._change_points)

    def _incident(self, position: int, record: Mapping[str, Any], curve: Curve) -> Iterator[str]:
        yield f"<h2>{position}. {escape(scope_text(record['scope']))}</h2>"
        onset = _with_interval(record["onset"], *record["onset_interval"])
        yield _table(
            [
                (
                    "Incident",
                    f"{record['incident']}, {record['status']}, revision {record['revision']}",
                ),
                ("Onset", onset),
                ("Raised", self._paged[record["incident"]]),
                ("Resolved", record.get("resolved") or "not yet"),
                ("Impact", _impact(record["impact"])),
            ]
        )
        yield chart(curve, self._seconds, _marks(record))
        yield from _ranking(record)
        yield from _errors(record)
        yield from _regions(record)
        yield from _related(record)
        yield from _secondary(record)
        yield from _unaffected(record)

    def _curve(self, record: Mapping[str, Any]) -> Curve:
        begin = parse_instant(record["onset"]) - _LEAD_S
        resolved = record.get("resolved")
        last = window_of(parse_instant(resolved) + _LEAD_S, self._seconds) if resolved else None
        return Curve(record["scope"], window_of(begin, self._seconds), last)


def _marks(record: Mapping[str, Any]) -> list[Mark]:
    marks = [Mark(parse_instant(record["onset"]), "onset", good=False)]
    if record.get("resolved"):
        marks.append(Mark(parse_instant(record["resolved"]), "resolved", good=True))
    return marks


def _with_interval(value: str, low: str, high: str) -> str:
    return f"{value} (90 %: {low} to {high})"


def _impact(impact: Mapping[str, Any]) -> str:
    return (
        f"{impact['failures']} of {impact['operations']} operations failed, "
        f"{impact['excess_failures']:.0f} more than "
        f"the {impact['expected_failures']:.0f} expected; "
        f"success {impact['success_ratio']:.2%} instead of {impact['baseline_success_ratio']:.2%}"
    )


def _ranking(record: Mapping[str, Any]) -> Iterator[str]:
    ranked = [
        (float(one["probability"]), escape(one["release"]), _candidate_note(one))
        for one in record["candidates"]
    ]
    ranked.append((float(record["no_release_probability"]), "<em>no known release</em>", ""))
    ranked.sort(key=lambda row: -row[0])
    yield "<table><tr><th>Cause</th><th>Probability</th><th>Evidence</th></tr>"
    for probability, name, note in ranked:
        yield f'<tr><td>{name}</td><td class="n">{probability:.3f}</td><td>{note}</td></tr>'
    yield "</table>"


def _candidate_note(candidate: Mapping[str, Any]) -> str:
    statements = [str(one["statement"]) for one in candidate.get("evidence", ())]
    if candidate.get("tied_with"):
        statements.append(f"cannot be told from {', '.join(candidate['tied_with'])}")
    items = "".join(f"<li>{escape(statement)}</li>" for statement in statements)
    return f"<ul>{items}</ul>" if items else ""


def _errors(record: Mapping[str, Any]) -> Iterator[str]:
    if record.get("errors"):
        yield "<table><tr><th>Error code that rose</th><th>Failures</th></tr>"
        for one in record["errors"]:
            code, failures = escape(one["error_code"]), one["failures"]
            yield f'<tr><td>{code}</td><td class="n">{failures}</td></tr>'
        yield "</table>"


def _regions(record: Mapping[str, Any]) -> Iterator[str]:
    if record.get("regions"):
        head = ("Region", "Status", "Onset", "Recovered", "Failed", "Excess failures", "Relapses")
        yield _grid(head, [_region(one) for one in record["regions"]])


def _region(one: Mapping[str, Any]) -> tuple[str, ...]:
    recovered, interval = one.get("recovered") or "not yet", one.get("recovered_interval")
    if interval:
        recovered = _with_interval(recovered, *interval)
    low, high = one["excess_interval"]
    return (
        one["region"],
        one["status"].replace("_", " "),
        one["onset"],
        recovered,
        f"{one['failures']} of {one['operations']}",
        f"{one['excess_failures']:.0f} (90 %: {low} to {high})",
        str(one["relapses"]),
    )


def _related(record: Mapping[str, Any]) -> Iterator[str]:
    if record.get("related"):
        rows = [
            (one["relation"].replace("_", " "), one["incident"], one["statement"])
            for one in record["related"]
        ]
        yield _grid(("Relation", "Earlier incident", "Why"), rows)


def _secondary(record: Mapping[str, Any]) -> Iterator[str]:
    if record.get("secondary"):
        rows = [
            (
                scope_text(one["scope"]),
                ", ".join(one["regions"]),
                one["onset"],
                one["resolved"] or "not yet",
                _impact(one["impact"]),
            )
            for one in record["secondary"]
        ]
        yield _grid(("Secondary impact", "Regions", "Onset", "Resolved", "Impact"), rows)


def _unaffected(record: Mapping[str, Any]) -> Iterator[str]:
    rows = [
        (dimension, one["value"], verdict, f"{one['failures']} of {one['operations']}")
        for verdict, key in (("healthy", "unaffected"), ("too little traffic to tell", "unknown"))
        for dimension, values in record.get(key, {}).items()
        for one in values
    ]
    if rows:
        yield _grid(("Not affected", "Value", "Verdict", "Failed meanwhile"), rows)


def _change_points(records: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield f"<h2>{len(records)} change points</h2>"
    if len(records) > _MOST_CHANGE_POINTS:
        rest = f"The first {_MOST_CHANGE_POINTS}; the rest is in change_points.jsonl."
        yield f'<p class="quiet">{rest}</p>'
    if records:
        yield "<table><tr><th>Onset</th><th>Raised</th><th>Series</th><th>Change</th></tr>"
        for one in records[:_MOST_CHANGE_POINTS]:
            series = ", ".join(f"{name}={value}" for name, value in one["series"].items())
            what = _KINDS[one["kind"]].format(**one)
            change = f"{what} {one['direction']}: {one['baseline_ratio']:.2%} to {one['ratio']:.2%}"
            cells = "".join(
                f"<td>{escape(text)}</td>" for text in (one["onset"], one["raised"], series, change)
            )
            yield f"<tr>{cells}</tr>"
        yield "</table>"


def _table(rows: Sequence[tuple[str, str]]) -> str:
    lines = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>" for name, text in rows
    )
    return f"<table>{lines}</table>"


def _grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    names = "".join(f"<th>{escape(name)}</th>" for name in head)
    lines = "".join(
        f"<tr>{''.join(f'<td>{escape(text)}</td>' for text in row)}</tr>" for row in rows
    )
    return f"<table><tr>{names}</tr>{lines}</table>"
