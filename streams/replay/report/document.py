"""The report as a document: what HTML and Markdown are both written from."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from streams.replay.report.plots import Plot


@dataclass(frozen=True, slots=True)
class Name:
    """A name from outside: of a release, a region, an error code; written as it is, whatever it is.

    Attributes:
        text: The name.
    """

    text: str


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that links to what it comes from.

    Attributes:
        text: As it is written.
        source: Identifier of the row it comes from.
    """

    text: str
    source: str


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant that links to what it comes from.

    Attributes:
        time: Seconds since the epoch.
        source: Identifier of the row it comes from; empty where it stands in that row itself.
        since: An instant told just before; on the same day the time of day is enough.
    """

    time: float
    source: str = ""
    since: float | None = None


@dataclass(frozen=True, slots=True)
class Jump:
    """A link to another place of the report."""

    text: str
    target: str


Inline: TypeAlias = str | Name | Figure | Moment | Jump
Text: TypeAlias = tuple[Inline, ...]


class Tone(enum.Enum):
    """What a reader should feel about something."""

    NEUTRAL = "neutral"
    BAD = "bad"
    GOOD = "good"


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text; `lead` is the one to read if only one is read."""

    text: Text
    lead: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One key figure: its name, its value, and a remark."""

    name: str
    value: Text
    remark: Text = ()
    tone: Tone = Tone.NEUTRAL


@dataclass(frozen=True, slots=True)
class KeyFigures:
    """A few figures to see at a glance."""

    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; `number` says that it holds numbers."""

    name: str
    number: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table; its first cell names it. `id` is empty where nothing links to it."""

    cells: tuple[Text, ...]
    id: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a caption."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """A piece of paper to hand to somebody: a title, a tone, and what stands on it."""

    title: Text
    tone: Tone
    body: tuple["Block", ...]


@dataclass(frozen=True, slots=True)
class Cards:
    """Cards, side by side where there is room."""

    cards: tuple[Card, ...]


@dataclass(frozen=True, slots=True)
class Drawing:
    """A plot; `source` is the identifier of the data behind it, `note` says how to read it."""

    id: str
    plot: Plot
    source: str
    note: Text = ()


@dataclass(frozen=True, slots=True)
class Folded:
    """Data that is there for whoever wants it, out of the way of everybody else."""

    id: str
    title: str
    blocks: tuple["Block", ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A part with a heading; parts of it have headings one level below.

    Attributes:
        id: Its identifier.
        title: Its heading.
        blocks: What stands in it.
        data: Whether it is the data behind the rest: not for paper, and not for Markdown.
    """

    id: str
    title: Text
    blocks: tuple["Block", ...]
    data: bool = False


Block: TypeAlias = Paragraph | KeyFigures | Table | Cards | Drawing | Folded | Section


@dataclass(frozen=True, slots=True)
class Document:
    """A whole report.

    Attributes:
        title: The one line that names it.
        lead: What it is about, and in which time zone it tells times.
        sections: Its parts.
    """

    title: str
    lead: Text
    sections: tuple[Section, ...]


def words(*parts: Inline) -> Text:
    """Put inline parts together."""
    return parts


def joined(items: Sequence[Inline], last: str = " and ") -> Text:
    """Join items with commas, and a word before the last one."""
    found: list[Inline] = []
    for place, item in enumerate(items):
        if place:
            found.append(last if place == len(items) - 1 else ", ")
        found.append(item)
    return tuple(found)
