"""The data behind a report: tables that its numbers link to, each naming file and line."""

from streams.replay.report.counts import RegionWindows
from streams.replay.report.document import (
    Block,
    Column,
    Folded,
    Moment,
    Name,
    Row,
    Section,
    Table,
    Text,
)
from streams.replay.report.drawings import CURVE_POINTS, NO_RELEASE
from streams.replay.report.facts import IncidentFacts
from streams.replay.report.plots import ExposurePlot, HeatPlot
from streams.replay.report.records import (
    INCIDENTS,
    RELEASES,
    WINDOWS,
)
from streams.replay.report.sources import RecordSources, line_id
from streams.replay.report.wording import count, duration, expected, percent, probability


def incident_data(
    facts: IncidentFacts, sources: RecordSources, key: str, plots: tuple[HeatPlot, ExposurePlot]
) -> Section:
    """Give all data behind one incident's part.

    Args:
        facts: The incident.
        sources: Identifiers of the fields of its record.
        key: Its identifier in the report.
        plots: The plots whose data is shown as a table, too.
    """
    heat, exposure = plots
    blocks: list[Block] = [
        _fields(facts, sources, key),
        _revisions(facts, key),
        _region_counts(facts, key),
    ]
    if facts.earliest is not None:
        blocks.append(_earliest(facts, key))
    blocks += [
        windows_table(facts.affected, f"{key}-windows", "Success ratio in the incident's scope"),
        _heat(heat, f"{key}-heat"),
        _exposure(exposure, f"{key}-exposure"),
    ]
    return Section(f"{key}-data", ("Data",), tuple(blocks), data=True)


def windows_table(counts: RegionWindows, name: str, what: str) -> Folded:
    """Give the counts behind a curve."""
    binned = counts.binned(CURVE_POINTS)
    trials, failures, late, _ = binned.counts.sum(axis=1)
    rows = [
        Row(
            (
                (Moment(start),),
                (count(operations),),
                (count(failed),),
                (percent(1 - failed / operations),),
                (count(tardy),),
            )
        )
        for start, operations, failed, tardy in zip(
            binned.starts().tolist(), trials.tolist(), failures.tolist(), late.tolist(), strict=True
        )
        if operations
    ]
    columns = (
        Column("From"),
        Column("Operations", number=True),
        Column("Failed", number=True),
        Column("Success ratio", number=True),
        Column("Came late", number=True),
    )
    caption = f"{what}: {duration(binned.seconds)} a row, from {WINDOWS}, late operations included"
    return Folded(name, f"{what}, window by window", (Table(caption, columns, tuple(rows)),))


def _fields(facts: IncidentFacts, sources: RecordSources, key: str) -> Folded:
    line = facts.revisions[-1].line
    rows = [
        Row(((Name("/".join(map(str, path))),), (Name(_value(value)),)), sources.id(*path))
        for path, value in sources.fields
    ]
    caption = f"{INCIDENTS}, line {line}: revision {facts.last.revision}, field by field"
    table = Table(caption, (Column("Field"), Column("Value")), tuple(rows))
    return Folded(f"{key}-record", "The incident record that holds", (table,))


def _revisions(facts: IncidentFacts, key: str) -> Folded:
    rows = []
    for revision in facts.revisions:
        record = revision.record
        top = record.candidates[0] if record.candidates else None
        recovered = sum(region.recovered is not None for region in record.regions)
        rows.append(
            Row(
                (
                    (Moment(record.raised.timestamp()),),
                    (str(record.revision),),
                    (record.status,),
                    (count(len(record.regions)),),
                    (count(recovered),),
                    (Name(top.release),) if top else ("none",),
                    (probability(top.probability) if top else "",),
                    (probability(record.no_release_probability),),
                    (f"{INCIDENTS}, line {revision.line}",),
                ),
                line_id(key, revision.line),
            )
        )
    columns = (
        Column("Written"),
        Column("Revision", number=True),
        Column("Status"),
        Column("Regions", number=True),
        Column("Recovered", number=True),
        Column("First cause"),
        Column("Its probability", number=True),
        Column(NO_RELEASE.capitalize(), number=True),
        Column("Source"),
    )
    table = Table("What was known when: every revision of the record", columns, tuple(rows))
    return Folded(f"{key}-revisions", "All revisions", (table,))


def _region_counts(facts: IncidentFacts, key: str) -> Folded:
    rows = []
    for place, one in enumerate(facts.regions):
        recorded = (one.region.operations, one.region.failures)
        known = None not in recorded
        agrees = recorded == (one.operations, one.failures)
        rows.append(
            Row(
                (
                    (Name(one.region.region),),
                    (count(one.region.operations or 0) if known else "",),
                    (count(one.region.failures or 0) if known else "",),
                    (count(one.operations),),
                    (count(one.failures),),
                    (count(one.late),),
                    (("equal" if agrees else "differ") if known else "",),
                ),
                f"{key}-c{place}",
            )
        )
    columns = (
        Column("Region"),
        Column("Operations, record", number=True),
        Column("Failed, record", number=True),
        Column("Operations, windows", number=True),
        Column("Failed, windows", number=True),
        Column("Came late", number=True),
        Column("Both"),
    )
    caption = (
        f"Counted anew from {WINDOWS}, from each region's onset to its recovery; "
        "what came late is in neither count"
    )
    table = Table(caption, columns, tuple(rows))
    return Folded(f"{key}-counts", "Counts by region, and where they come from", (table,))


def _earliest(facts: IncidentFacts, key: str) -> Folded:
    earliest = facts.earliest
    cells: tuple[Text, ...] = ()
    if earliest is not None:
        cells = (
            (Moment(facts.last.onset.timestamp()),),
            (Moment(earliest.time),),
            (count(earliest.operations),),
            (count(earliest.failures),),
            (expected(earliest.expected),),
        )
    columns = (
        Column("From"),
        Column("To"),
        Column("Operations", number=True),
        Column("Failed", number=True),
        Column("Expected to fail", number=True),
    )
    caption = f"In the scope and regions of the incident, from {WINDOWS}"
    table = Table(caption, columns, (Row(cells, f"{key}-earliest-row"),))
    return Folded(f"{key}-earliest", "Earliest evidence in hindsight", (table,))


def _heat(plot: HeatPlot, name: str) -> Folded:
    columns = (Column("From"), *(Column(region, number=True) for region in plot.regions))
    rows = [
        Row(
            (
                (Moment(start),),
                *(
                    (f"{failures[place]} of {trials[place]}" if trials[place] else "",)
                    for trials, failures in zip(plot.trials, plot.failures, strict=True)
                ),
            )
        )
        for place, start in enumerate(plot.starts)
    ]
    caption = f"Failed operations by region: {duration(plot.width)} a row, from {WINDOWS}"
    return Folded(name, "Failures by region and time", (Table(caption, columns, tuple(rows)),))


def _exposure(plot: ExposurePlot, name: str) -> Folded:
    columns = (
        Column("Release"),
        Column("Exposure"),
        Column("Operations", number=True),
        Column("Failed", number=True),
        Column("Share failed", number=True),
    )
    rows = []
    for release, dots in zip(plot.releases, plot.dots, strict=True):
        for exposure in sorted({dot.exposure for dot in dots}):
            trials = sum(dot.trials for dot in dots if dot.exposure == exposure)
            failures = sum(dot.failures for dot in dots if dot.exposure == exposure)
            numbers = (count(trials), count(failures), percent(failures / trials))
            texts = tuple((number,) for number in numbers)
            rows.append(Row(((Name(release),), (percent(exposure),), *texts)))
    caption = (
        f"Operations of the scope by how much of them ran a release, from {WINDOWS} and {RELEASES}"
    )
    return Folded(name, "Exposure against failures", (Table(caption, columns, tuple(rows)),))


def _value(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
