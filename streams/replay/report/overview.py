"""The whole report: an overview, a part per incident, and the data; or that nothing happened."""

from streams.replay.report.clock import ReportClock
from streams.replay.report.counts import span_of
from streams.replay.report.document import (
    Block,
    Column,
    Document,
    Drawing,
    Entry,
    Figure,
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
    words,
)
from streams.replay.report.drawings import fleet_plot
from streams.replay.report.facts import IncidentFacts, ReportFacts
from streams.replay.report.incident_part import (
    TITLE_VALUES,
    cause_words,
    incident_key,
    incident_part,
)
from streams.replay.report.replay_tables import common_data, total_of
from streams.replay.report.sources import RecordSources, line_id
from streams.replay.report.wording import count, duration, percent, plural, scope_words


def document_of(facts: ReportFacts, clock: ReportClock) -> Document:
    """Write the report.

    Args:
        facts: What it says.
        clock: The time zone in which it says it.
    """
    number = len(facts.incidents)
    title = f"{number} {plural(number, 'incident')}" if number else "No incident"
    parts = [incident_part(incident, clock, facts.disorder) for incident in facts.incidents]
    # A single incident needs no overview: what the rest of the fleet did can wait.
    sections = [*parts, _fleet(facts, clock)] if number == 1 else [_overview(facts, clock), *parts]
    return Document(
        title=f"opwatch report: {title}",
        lead=_lead(facts, clock),
        sections=(*sections, common_data(facts)),
    )


def _lead(facts: ReportFacts, clock: ReportClock) -> Text:
    begin, end = span_of(facts.fleet)
    if begin == end:
        return ("The replay has no operations.",)
    trials, failures = total_of(facts)
    return words(
        "Operations from ",
        Moment(begin, "fleet-windows"),
        " to ",
        Moment(end, "fleet-windows", since=begin),
        ": ",
        trials,
        " in ",
        Figure(count(len(facts.fleet.regions)), "fleet-windows"),
        f" {plural(len(facts.fleet.regions), 'region')}, of which ",
        failures,
        f" failed. All times are event times in {clock.naming(begin)}.",
    )


def _overview(facts: ReportFacts, clock: ReportClock) -> Section:
    blocks = [_table(facts)] if facts.incidents else _nothing(facts)
    return Section("overview", ("Overview",), (*blocks, *_fleet(facts, clock).blocks))


def _fleet(facts: ReportFacts, clock: ReportClock) -> Section:
    plot = Drawing("plot-fleet", fleet_plot(facts, clock), "fleet-windows")
    return Section("fleet", ("The whole fleet meanwhile",), (plot,))


def _table(facts: ReportFacts) -> Table:
    columns = (
        Column("Incident"),
        Column("Where"),
        Column("Onset"),
        Column("Page"),
        Column("Resolved"),
        Column("Failures beyond the ordinary", number=True),
        Column("Cause"),
    )
    caption = "All incidents, in the order of their pages"
    return Table(caption, columns, tuple(_row(incident) for incident in facts.incidents))


def _row(facts: IncidentFacts) -> Row:
    key, record = incident_key(facts), facts.last
    sources = RecordSources(key, facts.revisions[-1].raw)
    end: Text = (record.status,)
    if record.resolved is not None:
        end = (sources.moment(record.resolved.timestamp(), "resolved"),)
    page = Moment(facts.page.raised.timestamp(), line_id(key, facts.revisions[0].line))
    excess = sources.figure(count(record.impact.excess_failures), "impact", "excess_failures")
    cells = (
        (Jump(str(facts.number), key), " ", Name(record.incident)),
        scope_words(record.scope, TITLE_VALUES),
        (sources.moment(record.onset.timestamp(), "onset"),),
        (page,),
        end,
        (excess,),
        cause_words(facts, sources),
    )
    return Row(cells)


def _nothing(facts: ReportFacts) -> list[Block]:
    trials, failures = (int(number) for number in facts.fleet.counts[:2].sum(axis=(1, 2)))
    begin, end = span_of(facts.fleet)
    text = (
        "Nothing was found that would have been worth a page: no part of the fleet failed more "
        "than it had before, as far as its traffic lets one tell."
    )
    ratio = percent(1 - failures / trials) if trials else "none"
    points = len(facts.points)
    remark = "single series that changed, none of them an incident"
    return [
        Paragraph((text,), lead=True),
        KeyFigures(
            (
                Entry("Success ratio", (Figure(ratio, "fleet-windows"),), (), Tone.GOOD),
                Entry("Watched for", (Figure(duration(end - begin), "fleet-windows"),)),
                Entry("Change points", (Figure(count(points), "points"),), (remark,)),
            )
        ),
    ]
