"""What a replay under some settings came to, and how that compares with the truth or another's."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from streams.domain.time import parse_instant
from streams.replay.request import ReplaySummary

SLACK = 900.0
"""Seconds by which an incident may seem to begin too early and still be the same one."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """What a record says of the cause.

    Attributes:
        release: The likeliest release; None where there is no candidate.
        probability: Its probability, 0 to 1.
        none: Probability that no release did it, 0 to 1.
    """

    release: str | None
    probability: float
    none: float

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> "Ranking":
        """Read it from an incident record."""
        none = float(record["no_release_probability"])
        if not record["candidates"]:
            return cls(None, 0.0, none)
        first = record["candidates"][0]
        return cls(str(first["release"]), float(first["probability"]), none)


@dataclass(frozen=True, slots=True)
class Page:
    """An incident as one replay tells it: when it pages, and what becomes of it.

    Attributes:
        incident: Its id.
        raised: When it pages, in seconds since the epoch.
        onset: When it began, by its last record.
        resolved: When it was over, None while it is not.
        scope: Dimension -> values, by its last record.
        first: The ranking in the page.
        last: The ranking in the last record.
        regions: Affected regions.
        recovered: How many of them have recovered.
    """

    incident: str
    raised: float
    onset: float
    resolved: float | None
    scope: Mapping[str, Sequence[str]]
    first: Ranking
    last: Ranking
    regions: int
    recovered: int

    @classmethod
    def of(cls, first: Mapping[str, Any], last: Mapping[str, Any]) -> "Page":
        """Make it of the first and the last record of an incident."""
        return cls(
            incident=str(first["incident"]),
            raised=parse_instant(first["raised"]),
            onset=parse_instant(last["onset"]),
            resolved=None if last["resolved"] is None else parse_instant(last["resolved"]),
            scope=last["scope"],
            first=Ranking.of(first),
            last=Ranking.of(last),
            regions=len(last["regions"]),
            recovered=sum(one["recovered"] is not None for one in last["regions"]),
        )


@dataclass(frozen=True, slots=True)
class Trial:
    """One replay.

    Attributes:
        name: What the settings are called.
        summary: What was read and found.
        pages: In the order in which they were raised.
        changes: Degradations that were raised, by kind.
    """

    name: str
    summary: ReplaySummary
    pages: tuple[Page, ...]
    changes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Wanted:
    """An incident that there was, or that the replay compared with pages for.

    Attributes:
        name: What it is called.
        onset: In seconds since the epoch.
        end: None while it lasts.
        scope: Dimension -> values.
        culprit: The release that did it; None for none, or where it is not known.
        earliest: Nobody can have paged for it before this, in seconds since the epoch.
    """

    name: str
    onset: float
    end: float | None
    scope: Mapping[str, Sequence[str]]
    culprit: str | None
    earliest: float

    def is_met_by(self, page: Page) -> bool:
        """Tell whether a page is for it: about the same time, and no scope apart from it."""
        ended = page.resolved is not None and page.resolved < self.onset
        over = self.end is not None and page.onset > self.end
        early = page.onset < self.onset - SLACK or page.raised < self.earliest
        apart = any(
            not set(values) & set(page.scope.get(name, values))
            for name, values in self.scope.items()
        )
        return not (ended or over or early or apart)


def wanted_of_truth(truth: Mapping[str, Any]) -> tuple[Wanted, ...]:
    """Give the incidents of a `truth.json` that `opwatch simulate` wrote.

    Raises:
        KeyError: It is none.
        ValueError: A time in it is none.
    """
    return tuple(
        Wanted(
            name=str(one["incident"]),
            onset=parse_instant(one["onset"]),
            end=parse_instant(one["end"]),
            scope=one["scope"],
            culprit=one["culprit"],
            earliest=parse_instant(one["onset"]),
        )
        for one in truth["incidents"]
    )


def wanted_of_trial(trial: Trial) -> tuple[Wanted, ...]:
    """Give what another replay is compared with where the truth is not known."""
    return tuple(
        # The onset is an estimate: somebody may well page before it.
        Wanted(page.incident, page.onset, page.resolved, page.scope, None, page.onset - SLACK)
        for page in trial.pages
    )


@dataclass(frozen=True, slots=True)
class Score:
    """Which page is for what.

    Attributes:
        met: For each wanted incident its first page; None where there is none.
        again: Pages for an incident that has an earlier one.
        false: Pages for nothing that is wanted.
    """

    met: tuple[Page | None, ...]
    again: tuple[Page, ...]
    false: tuple[Page, ...]


def score(pages: Iterable[Page], wanted: Sequence[Wanted]) -> Score:
    """Tell which page is for what; a page is for the incident whose onset is nearest to its own."""
    met: list[Page | None] = [None] * len(wanted)
    again, false = list[Page](), list[Page]()
    for page in pages:
        fitting = [number for number, one in enumerate(wanted) if one.is_met_by(page)]
        if not fitting:
            false.append(page)
            continue
        nearest = min(fitting, key=lambda number: abs(wanted[number].onset - page.onset))
        if met[nearest] is None:
            met[nearest] = page
        else:
            again.append(page)
    return Score(tuple(met), tuple(again), tuple(false))
