"""When an incident became known, and when it could have: one line per moment, with its delay."""

from collections.abc import Iterator
from dataclasses import dataclass

from streams.replay.report.document import (
    Block,
    Column,
    Figure,
    Inline,
    Moment,
    Name,
    Paragraph,
    Row,
    Table,
    Text,
    words,
)
from streams.replay.report.facts import IncidentFacts, lowered
from streams.replay.report.records import INCIDENTS, RELEASES, WINDOWS, Revision
from streams.replay.report.sources import POINT, STEP, RecordSources, line_id
from streams.replay.report.wording import (
    count,
    delay,
    duration,
    expected,
    linked,
    plural,
    probability,
)

BELIEVED = (0.5, 0.9, 0.99)
"""Probabilities at whose first crossing the ranking is told."""


@dataclass(frozen=True, slots=True)
class KeyMoment:
    """Something that happened.

    Attributes:
        time: In seconds since the epoch, by event time.
        what: In words.
        source: Identifier of the row behind it.
        origin: File, and line where there is one.
    """

    time: float
    what: Text
    source: str
    origin: str


def timeline(facts: IncidentFacts, sources: RecordSources, disorder: float) -> list[Block]:
    """Write the section.

    Args:
        facts: The incident.
        sources: Identifiers of the fields of its record.
        disorder: Allowed disorder in seconds.
    """
    onset = facts.last.onset.timestamp()
    rows = [
        Row(
            (
                (Moment(moment.time, moment.source),),
                moment.what,
                (Figure(delay(moment.time - onset), moment.source),),
                (moment.origin,),
            )
        )
        for moment in key_moments(facts, sources)
    ]
    columns = (Column("When"), Column("What"), Column("From the onset"), Column("Source"))
    caption = "By event time; the onset is the estimate of the record that holds"
    note = (
        "All of it by event time. By the clock on the wall everything was known later by the "
        f"allowed disorder ({duration(disorder)}) and by how long outcomes travelled."
    )
    return [
        Paragraph(tuple(_summary(facts, sources))),
        Table(caption, columns, tuple(rows)),
        Paragraph((note,)),
    ]


def key_moments(facts: IncidentFacts, sources: RecordSources) -> list[KeyMoment]:
    """Give what happened, in the order of time."""
    moments = [
        *_rollout(facts),
        *_detection(facts, sources),
        *_beliefs(facts),
        *_end(facts, sources),
    ]
    return sorted(moments, key=lambda moment: moment.time)


def _summary(facts: IncidentFacts, sources: RecordSources) -> Iterator[Inline]:
    key, onset = f"i{facts.number}", facts.last.onset.timestamp()
    paged = facts.page.raised.timestamp()
    yield "The page went out at "
    yield Moment(paged, line_id(key, facts.revisions[0].line))
    yield ", "
    yield Figure(delay(paged - onset), sources.id("onset"))
    yield " the onset" if paged != onset else " with the onset"
    if facts.earliest is None:
        yield "."
        return
    yield ". Someone who had known where to look could have known at "
    yield Moment(facts.earliest.time, f"{key}-earliest-row", since=paged)
    yield ", "
    yield Figure(duration(paged - facts.earliest.time), f"{key}-earliest-row")
    yield " earlier." if paged >= facts.earliest.time else " later."


def _rollout(facts: IncidentFacts) -> Iterator[KeyMoment]:
    """Give the likeliest release's last step before the onset, and its first way back."""
    if not facts.courses:
        return
    course, onset = facts.courses[0], facts.last.onset_interval
    latest = (onset[1] if onset else facts.last.onset).timestamp()
    before = [step for step in course.steps if step.event.time <= latest]
    steps = [("last step before the onset", before[-1])] if before else []
    back = lowered(course)
    if back is not None:
        steps.append(("taken back, for the first time", back))
    for what, step in steps:
        text = words(Name(course.release), f": {what}", *_stage(step.event.stage))
        origin = f"{RELEASES}, line {step.line}"
        yield KeyMoment(step.event.time, text, line_id(STEP, step.line), origin)


def _stage(stage: str | None) -> Text:
    return (" (", Name(stage), ")") if stage else ()


def _detection(facts: IncidentFacts, sources: RecordSources) -> Iterator[KeyMoment]:
    key, record = f"i{facts.number}", facts.last
    last = f"{INCIDENTS}, line {facts.revisions[-1].line}"
    yield KeyMoment(record.onset.timestamp(), ("Onset",), sources.id("onset"), last)
    earliest = facts.earliest
    if earliest is not None:
        sentence = (
            "Earliest evidence, in hindsight: since the onset "
            f"{count(earliest.failures)} of {count(earliest.operations)} operations had failed, "
            f"{expected(earliest.expected)} were expected; by chance less often than once in a "
            "million"
        )
        text = linked(sentence, f"{key}-earliest-row")
        yield KeyMoment(earliest.time, text, f"{key}-earliest-row", WINDOWS)
    degraded = [point for point in facts.points if point.record.direction == "degraded"]
    if degraded:
        first = min(degraded, key=lambda point: (point.record.raised, point.line))
        series = ", ".join(f"{name}={value}" for name, value in first.record.series.items())
        text = words("First change point in the scope raised: ", Name(series))
        origin = f"change_points.jsonl, line {first.line}"
        yield KeyMoment(first.record.raised.timestamp(), text, line_id(POINT, first.line), origin)
    page = facts.revisions[0]
    regions = len(page.record.regions)
    where = f", in {regions} {plural(regions, 'region')}" if regions else ""
    sentence = f"Page: the incident was raised{where}"
    yield _revised(page, linked(sentence, line_id(key, page.line)), key)


def _beliefs(facts: IncidentFacts) -> Iterator[KeyMoment]:
    """Give the first revision in which the release that came first in the end was so probable."""
    if not facts.last.candidates:
        return
    name = facts.last.candidates[0].release
    crossed: dict[int, tuple[Revision, float]] = {}
    for least in BELIEVED:
        for revision in facts.revisions:
            if _probability(revision, name) >= least:
                crossed[revision.line] = (revision, least)
                break
    for revision, least in crossed.values():
        value = probability(_probability(revision, name))
        source = line_id(f"i{facts.number}", revision.line)
        text = words(
            Name(name), " at ", Figure(value, source), f": for the first time {least:.0%} or more"
        )
        yield _revised(revision, text, f"i{facts.number}")


def _probability(revision: Revision, release: str) -> float:
    ranked = revision.record.candidates
    return next((one.probability for one in ranked if one.release == release), 0.0)


def _end(facts: IncidentFacts, sources: RecordSources) -> Iterator[KeyMoment]:
    key, record = f"i{facts.number}", facts.last
    origin = f"{INCIDENTS}, line {facts.revisions[-1].line}"
    well = [
        (one.recovered.timestamp(), place, one.region)
        for place, one in enumerate(record.regions)
        if one.recovered is not None
    ]
    if well:
        time, place, region = min(well)
        text = words("First region recovered: ", Name(region))
        yield KeyMoment(time, text, sources.id("regions", place, "recovered"), origin)
    if record.resolved is not None:
        text = words("Resolved: the last region had recovered")
        yield KeyMoment(record.resolved.timestamp(), text, sources.id("resolved"), origin)
        told = next(one for one in facts.revisions if one.record.resolved is not None)
        yield _revised(told, words("Known to be resolved"), key)


def _revised(revision: Revision, what: Text, key: str) -> KeyMoment:
    return KeyMoment(
        revision.record.raised.timestamp(),
        what,
        line_id(key, revision.line),
        f"{INCIDENTS}, line {revision.line}",
    )
