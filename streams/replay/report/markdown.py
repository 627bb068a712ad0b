"""The report as Markdown: to paste into a ticket or a post-mortem."""

import re
from collections.abc import Iterator, Sequence

from streams.replay.report.clock import ReportClock
from streams.replay.report.document import (
    Block,
    Cards,
    Document,
    Drawing,
    Entry,
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
)

_SPECIAL = re.compile(r"([\\`*_{}\[\]#!|<>~$&])")


def markdown(document: Document, clock: ReportClock) -> str:
    """Give the report as Markdown (GitHub's, for its tables).

    The data behind it is left out: it is in the HTML file, in the JSON file, and in the files that
    the tables name.
    """
    parts = [f"# {escaped(document.title)}", _text(document.lead, clock)]
    for section in document.sections:
        parts += _section(section, clock, 2)
    return "\n\n".join(part for part in parts if part) + "\n"


def escaped(text: str) -> str:
    """Write text so that Markdown shows it as it is, on one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.splitlines()))


def _section(section: Section, clock: ReportClock, level: int) -> Iterator[str]:
    if not section.data:
        yield from _titled(_text(section.title, clock), section.blocks, clock, level)


def _block(block: Block, clock: ReportClock, level: int) -> Iterator[str]:
    match block:
        case Paragraph():
            yield _text(block.text, clock)
        case KeyFigures():
            yield "\n".join(_entry(entry, clock) for entry in block.entries)
        case Table():
            yield _table(block, clock)
        case Drawing():
            yield f"*{escaped(block.plot.title)}.* {escaped(block.plot.alternative)}"
        case Cards():
            for card in block.cards:
                yield from _titled(_text(card.title, clock), card.body, clock, level)
        case Folded():
            yield from _titled(escaped(block.title), block.blocks, clock, level)
        case Section():
            yield from _section(block, clock, level)


def _titled(title: str, blocks: Sequence[Block], clock: ReportClock, level: int) -> Iterator[str]:
    yield f"{'#' * level} {title}"
    for block in blocks:
        yield from _block(block, clock, level + 1)


def _entry(entry: Entry, clock: ReportClock) -> str:
    remark = f" ({_text(entry.remark, clock)})" if entry.remark else ""
    return f"- {escaped(entry.name)}: **{_text(entry.value, clock)}**{remark}"


def _table(table: Table, clock: ReportClock) -> str:
    head = " | ".join(escaped(column.name) for column in table.columns)
    rule = "|".join("-:" if column.number else "-" for column in table.columns)
    rows = [_row(row, clock) for row in table.rows]
    return "\n".join([escaped(table.caption), "", f"| {head} |", f"|{rule}|", *rows])


def _row(row: Row, clock: ReportClock) -> str:
    return f"| {' | '.join(_text(cell, clock) for cell in row.cells)} |"


def _text(text: Sequence[Inline] | Text, clock: ReportClock) -> str:
    return "".join(_part(part, clock) for part in text)


def _part(part: Inline, clock: ReportClock) -> str:
    match part:
        case str():
            return escaped(part)
        case Name() | Figure() | Jump():
            return escaped(part.text)
        case Moment():
            return clock.instant(part.time, part.since)
