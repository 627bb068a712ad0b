"""One incident's part of a report: eight questions, in the order in which people ask them."""

from streams.replay.report.affected import how_bad, recovery, spared, whom
from streams.replay.report.causes import causes
from streams.replay.report.clock import ReportClock
from streams.replay.report.data_tables import incident_data
from streams.replay.report.document import (
    Block,
    Column,
    Drawing,
    Entry,
    Figure,
    KeyFigures,
    Name,
    Paragraph,
    Row,
    Section,
    Table,
    Text,
    Tone,
    words,
)
from streams.replay.report.drawings import exposure_plot, heat_plot, incident_plot, posterior_plot
from streams.replay.report.facts import IncidentFacts
from streams.replay.report.intervals import count_interval, time_interval
from streams.replay.report.moments import timeline
from streams.replay.report.sources import RecordSources
from streams.replay.report.wording import (
    count,
    duration,
    expected,
    percent,
    plural,
    probability,
    scope_words,
)

TITLE_VALUES = 3
"""Values of a dimension that a title names; "To whom" names all."""

_HEAT_NOTE = "Who was well first stands first; regions that were not affected stand below."
_DOTS_NOTE = (
    "A dot is one region for a while, larger the more operations it had. The red line sums up all "
    "dots of about the same exposure. A cause rises with exposure; a bystander does not."
)

LIKELY = 0.5
"""Probability from which a release is named as the cause."""


def incident_key(facts: IncidentFacts) -> str:
    """Give the identifier of an incident in the report."""
    return f"i{facts.number}"


def incident_part(facts: IncidentFacts, clock: ReportClock, disorder: float) -> Section:
    """Write the part of one incident.

    Args:
        facts: The incident.
        clock: For the sentences about plots.
        disorder: Allowed disorder in seconds.
    """
    key = f"i{facts.number}"
    sources = RecordSources(key, facts.revisions[-1].raw)
    plots = heat_plot(facts, clock), exposure_plot(facts)
    heat = Drawing(f"{key}-plot-heat", plots[0], f"{key}-heat", (_HEAT_NOTE,))
    exposure = Drawing(f"{key}-plot-exposure", plots[1], f"{key}-exposure", (_DOTS_NOTE,))
    posterior = Drawing(f"{key}-plot-posterior", posterior_plot(facts), f"{key}-revisions")
    parts = (
        ("what", "What happened", _what(facts, sources, clock)),
        ("whom", "To whom", [*whom(facts, sources), heat]),
        ("when", "From when to when", _when(facts, sources)),
        ("bad", "How bad", how_bad(facts, sources)),
        ("cause", "What caused it", causes(facts, sources, exposure, posterior)),
        ("recovery", "How it recovered", recovery(facts, sources)),
        ("known", "When we knew, and when we could have known", timeline(facts, sources, disorder)),
        ("spared", "What was not affected", spared(facts, sources)),
    )
    title = words(f"Incident {facts.number}: ", *scope_words(facts.last.scope, TITLE_VALUES))
    sections = [Section(f"{key}-{name}", (title,), tuple(blocks)) for name, title, blocks in parts]
    return Section(key, title, (*sections, incident_data(facts, sources, key, plots)))


def headline(facts: IncidentFacts, sources: RecordSources) -> Text:
    """Say in two sentences what happened and why."""
    record = facts.last
    impact, onset = record.impact, sources.moment(record.onset.timestamp(), "onset")
    when: Text = ("Since ", onset, " operations have been failing")
    if record.resolved is not None:
        since = record.onset.timestamp()
        end = sources.moment(record.resolved.timestamp(), "resolved", since=since)
        when = ("From ", onset, " until ", end, " operations failed")
    return words(
        *when,
        *_in_regions(facts),
        ": ",
        *scope_words(record.scope),
        ". ",
        sources.figure(count(impact.failures), "impact", "failures"),
        " of ",
        sources.figure(count(impact.operations), "impact", "operations"),
        " operations failed; ",
        sources.figure(expected(impact.expected_failures), "impact", "expected_failures"),
        " would have been ordinary. ",
        *cause_words(facts, sources),
    )


def cause_words(facts: IncidentFacts, sources: RecordSources) -> Text:
    """Say in a sentence what most probably caused it."""
    record = facts.last
    none = sources.figure(probability(record.no_release_probability), "no_release_probability")
    if not record.candidates:
        return ("No release is known that could have caused it.",)
    top = record.candidates[0]
    own = sources.figure(probability(top.probability), "candidates", 0, "probability")
    if top.probability >= LIKELY:
        return words("Most probable cause: ", Name(top.release), " (", own, ").")
    if record.no_release_probability >= LIKELY:
        return words("Most probably no known release caused it (", none, ").")
    return words("No single cause is probable; ", Name(top.release), " comes first (", own, ").")


def _in_regions(facts: IncidentFacts) -> Text:
    number = len(facts.last.regions)
    if not number or "region" in facts.last.scope:
        return ()
    text = Figure(count(number), f"i{facts.number}-counts")
    return (" in ", text, f" {plural(number, 'region')}")


def _what(facts: IncidentFacts, sources: RecordSources, clock: ReportClock) -> list[Block]:
    record, key = facts.last, f"i{facts.number}"
    impact = record.impact
    ratio = sources.figure(percent(impact.success_ratio), "impact", "success_ratio")
    before = sources.figure(
        percent(impact.baseline_success_ratio), "impact", "baseline_success_ratio"
    )
    entries = [
        Entry("Success ratio", (ratio,), ("instead of ", before), Tone.BAD),
        Entry(
            "Failures beyond the ordinary",
            (sources.figure(count(impact.excess_failures), "impact", "excess_failures"),),
            count_interval(impact.excess_interval, sources, "impact", "excess_interval"),
            Tone.BAD,
        ),
        Entry("Lasted", _length(facts, sources), (f"status {record.status}",), _tone(facts)),
        Entry("Cause", *_cause_entry(facts, sources)),
    ]
    note = (
        "Each point sums up the affected regions. Below the curve: change points as they were "
        "raised, and how much of the scope ran the likeliest releases."
    )
    plot = incident_plot(facts, clock)
    blocks: list[Block] = [
        Paragraph(headline(facts, sources), lead=True),
        KeyFigures(tuple(entries)),
        Drawing(f"{key}-plot-success", plot, f"{key}-windows", (note,)),
    ]
    if record.related:
        blocks.append(_related(facts))
    return blocks


def _cause_entry(facts: IncidentFacts, sources: RecordSources) -> tuple[Text, Text]:
    record = facts.last
    if record.candidates and record.candidates[0].probability >= record.no_release_probability:
        top = record.candidates[0]
        own = sources.figure(probability(top.probability), "candidates", 0, "probability")
        return (Name(top.release),), (own,)
    none = sources.figure(probability(record.no_release_probability), "no_release_probability")
    return ("no known release",), (none,)


def _tone(facts: IncidentFacts) -> Tone:
    return Tone.GOOD if facts.last.resolved is not None else Tone.BAD


def _length(facts: IncidentFacts, sources: RecordSources) -> Text:
    record = facts.last
    if record.resolved is None:
        seconds = (record.raised - record.onset).total_seconds()
        return ("over ", sources.figure(duration(seconds), "raised"))
    seconds = (record.resolved - record.onset).total_seconds()
    return (sources.figure(duration(seconds), "resolved"),)


def _when(facts: IncidentFacts, sources: RecordSources) -> list[Block]:
    record = facts.last
    rows = [
        Row(
            (
                ("Onset",),
                (sources.moment(record.onset.timestamp(), "onset"),),
                time_interval(record.onset_interval, sources, "onset_interval"),
            )
        )
    ]
    last = max(
        enumerate(record.regions),
        key=lambda pair: pair[1].recovered.timestamp() if pair[1].recovered else 0.0,
        default=None,
    )
    if record.resolved is None:
        rows.append(Row((("End",), ("not yet",), ())))
    else:
        interval: Text = ()
        if last is not None:
            path = ("regions", last[0], "recovered_interval")
            interval = time_interval(last[1].recovered_interval, sources, *path)
        end = (sources.moment(record.resolved.timestamp(), "resolved"),)
        rows.append(Row((("End",), end, interval)))
    rows.append(Row((("Duration",), _length(facts, sources), ())))
    columns = (Column("What"), Column("Estimate"), Column("90 % interval"))
    return [Table("By event time: when operations finished", columns, tuple(rows))]


def _related(facts: IncidentFacts) -> Table:
    rows = [
        Row(
            (
                (one.relation.replace("_", " "),),
                (Name(one.incident),),
                (Name(one.statement),),
            )
        )
        for one in facts.last.related
    ]
    columns = (Column("Relation"), Column("Earlier incident"), Column("Why"))
    return Table("Earlier incidents that have to do with it", columns, tuple(rows))
