"""The report as one HTML file that needs nothing but a browser, and no network."""

import base64
import gzip
import hashlib
import json
from collections.abc import Iterator, Sequence
from functools import cache
from html import escape
from importlib.resources import files

from plotly.offline import get_plotlyjs

from streams.domain.time import format_instant
from streams.replay.report.clock import ReportClock
from streams.replay.report.document import (
    Block,
    Card,
    Cards,
    Document,
    Drawing,
    Figure,
    Folded,
    Inline,
    Jump,
    KeyFigures,
    Moment,
    Name,
    Paragraph,
    Row,
    Section,
    Table,
    Text,
    Tone,
)
from streams.replay.report.figures import figure
from streams.replay.report.paper import paper
from streams.replay.report.wording import linked

_FOOTER = "Written by opwatch from a replay's folder. docs/report.md says how to read it."
_LINKS = "Every number links to the data that it comes from."
_HINT = "Drag to zoom, double-click to reset."
_HIGHEST, _LOWEST = 2, 4
"""Levels of the headings of sections, and of cards."""


def page(document: Document, clock: ReportClock) -> str:
    """Give the page.

    Args:
        document: The report.
        clock: Its time zone.

    Returns:
        HTML whose policy lets it run its own scripts and nothing else, and reach no network.
    """
    drawings = list(_drawings(document.sections))
    script = _resource("page.js")
    packed, plotly = _plotly()
    policy = (
        f"default-src 'none'; script-src {_hash(script)} {plotly}; style-src 'unsafe-inline'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    plots = {drawing.id: figure(drawing.plot, clock) for drawing in drawings}
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            f"<title>{escape(document.title)}</title>",
            f"<style>{_resource('page.css')}</style>",
            "</head>",
            "<body>",
            '<a class="skip" href="#main">Skip to the report</a>',
            f"<header><h1>{escape(document.title)}</h1>",
            f"<p>{_inline(document.lead, clock)} {_LINKS}</p>",
            f"{_contents(document, clock)}</header>",
            '<main id="main">',
            *(_section(section, clock, _HIGHEST) for section in document.sections),
            "</main>",
            f"<footer>{_FOOTER}</footer>",
            f'<script type="application/json" id="plots">{_json(plots)}</script>',
            f'<script type="application/octet-stream" id="plotly">{packed}</script>',
            f"<script>{script}</script>",
            "</body>",
            "</html>",
            "",
        ]
    )


def _contents(document: Document, clock: ReportClock) -> str:
    items = []
    for section in document.sections:
        below = [block for block in section.blocks if isinstance(block, Section)]
        inner = "".join(_entry(one, clock) + "</li>" for one in below)
        items.append(_entry(section, clock) + (f"<ul>{inner}</ul>" if inner else "") + "</li>")
    return f'<nav aria-label="Contents"><ul>{"".join(items)}</ul></nav>'


def _entry(section: Section, clock: ReportClock) -> str:
    return f'<li><a href="#{section.id}">{_inline(section.title, clock)}</a>'


def _section(section: Section, clock: ReportClock, level: int) -> str:
    kind = ' class="data"' if section.data else ""
    head = f'<h{level} id="{section.id}">{_inline(section.title, clock)}</h{level}>'
    body = "\n".join(_block(block, clock, level + 1) for block in section.blocks)
    return f'<section{kind} aria-labelledby="{section.id}">{head}\n{body}</section>'


def _block(block: Block, clock: ReportClock, level: int) -> str:
    match block:
        case Paragraph():
            kind = ' class="lead"' if block.lead else ""
            return f"<p{kind}>{_inline(block.text, clock)}</p>"
        case KeyFigures():
            return _key_figures(block, clock)
        case Table():
            return _table(block, clock)
        case Drawing():
            return _drawing(block, clock)
        case _:
            return _nested(block, clock, level)


def _nested(block: Cards | Folded | Section, clock: ReportClock, level: int) -> str:
    match block:
        case Cards():
            inner = "\n".join(_card(card, clock, min(level, _LOWEST)) for card in block.cards)
            return f'<div class="cards">{inner}</div>'
        case Folded():
            inner = "\n".join(_block(one, clock, level) for one in block.blocks)
            title = escape(block.title)
            return f'<details id="{block.id}"><summary>{title}</summary>\n{inner}</details>'
        case Section():
            return _section(block, clock, level)


def _key_figures(block: KeyFigures, clock: ReportClock) -> str:
    entries = []
    for entry in block.entries:
        remark = f'<dd class="r">{_inline(entry.remark, clock)}</dd>' if entry.remark else ""
        entries.append(
            f'<div class="{entry.tone.value}"><dt>{escape(entry.name)}</dt>'
            f'<dd class="v">{_inline(entry.value, clock)}</dd>{remark}</div>'
        )
    return f'<dl class="key">{"".join(entries)}</dl>'


def _table(table: Table, clock: ReportClock) -> str:
    numbers = [column.number for column in table.columns]
    head = "".join(
        f'<th scope="col"{" class=num" if column.number else ""}>{escape(column.name)}</th>'
        for column in table.columns
    )
    rows = "\n".join(_row(row, numbers, clock) for row in table.rows)
    label = escape(table.caption)
    # A region that scrolls must be reachable by the keyboard, and then it needs a name.
    return (
        f'<div class="scroll" role="group" tabindex="0" aria-label="{label}"><table>'
        f"<caption>{label}</caption><thead><tr>{head}</tr></thead>\n"
        f"<tbody>\n{rows}\n</tbody></table></div>"
    )


def _row(row: Row, numbers: Sequence[bool], clock: ReportClock) -> str:
    cells = []
    for place, (cell, number) in enumerate(zip(row.cells, numbers, strict=True)):
        kind = " class=num" if number else ""
        text = _inline(cell, clock)
        cells.append(
            f'<th scope="row"{kind}>{text}</th>' if place == 0 else f"<td{kind}>{text}</td>"
        )
    own = f' id="{row.id}"' if row.id else ""
    return f"<tr{own}>{''.join(cells)}</tr>"


def _card(card: Card, clock: ReportClock, level: int) -> str:
    tone = f" {card.tone.value}" if card.tone is not Tone.NEUTRAL else ""
    inner = "\n".join(_block(block, clock, level + 1) for block in card.body)
    title = _inline(card.title, clock)
    return f'<article class="card{tone}"><h{level}>{title}</h{level}>\n{inner}</article>'


def _drawing(drawing: Drawing, clock: ReportClock) -> str:
    plot = drawing.plot
    title = escape(plot.title)
    note = f'<p class="quiet">{_inline(drawing.note, clock)}</p>' if drawing.note else ""
    buttons = "".join(
        f'<button type="button" data-zoom="{how}" aria-label="{name}: {title}">{name}</button>'
        for how, name in (("in", "Zoom in"), ("out", "Zoom out"), ("reset", "Reset"))
    )
    return (
        f'<figure id="{drawing.id}"><figcaption>{title}</figcaption>\n'
        f'<p class="quiet">{_inline(linked(plot.alternative, drawing.source), clock)} '
        f'<a class="more" href="#{drawing.source}">Data as a table</a></p>{note}\n'
        f'<div class="tools" hidden>{buttons}<span>{_HINT}</span></div>\n'
        f'<div class="live" hidden></div>\n{paper(plot, clock)}</figure>'
    )


def _inline(text: Text, clock: ReportClock) -> str:
    return "".join(_part(part, clock) for part in text)


def _part(part: Inline, clock: ReportClock) -> str:
    match part:
        case str():
            return escape(part)
        case Name():
            return f"<bdi>{escape(part.text)}</bdi>"
        case Figure():
            return f'<a class="n" href="#{part.source}">{escape(part.text)}</a>'
        case Jump():
            return f'<a href="#{part.target}">{escape(part.text)}</a>'
        case Moment():
            shown = clock.instant(part.time, part.since)
            told = f'<time datetime="{format_instant(part.time)}">{shown}</time>'
            return f'<a class="n" href="#{part.source}">{told}</a>' if part.source else told


def _drawings(blocks: Sequence[Block]) -> Iterator[Drawing]:
    for block in blocks:
        if isinstance(block, Drawing):
            yield block
        elif isinstance(block, Section | Folded):
            yield from _drawings(block.blocks)


def _json(value: object) -> str:
    """Write JSON that is safe inside a script element: nothing in it can end the element."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c")


def _hash(script: str) -> str:
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


@cache
def _plotly() -> tuple[str, str]:
    """Give Plotly's script, packed, and what the policy knows it by."""
    script = get_plotlyjs()
    packed = gzip.compress(script.encode(), compresslevel=6, mtime=0)
    return base64.b64encode(packed).decode(), _hash(script)


def _resource(name: str) -> str:
    return files("streams.replay.report").joinpath(name).read_text("utf-8")
