"""Whom an incident affected, how bad it was, how it recovered, and whom it spared."""

from collections.abc import Iterator

from streams.replay.report.document import (
    Block,
    Column,
    Figure,
    Inline,
    Jump,
    Name,
    Paragraph,
    Row,
    Table,
    Text,
    joined,
    words,
)
from streams.replay.report.facts import IncidentFacts
from streams.replay.report.intervals import count_interval, time_interval
from streams.replay.report.records import Region
from streams.replay.report.sources import RecordSources
from streams.replay.report.wording import count, duration, expected, percent, plural, scope_words

_STATUS = {"affected": "affected", "recovered": "recovered", "no_traffic": "no traffic"}


def whom(facts: IncidentFacts, sources: RecordSources) -> list[Block]:
    """Say whom it affected: the scope, and the errors that users saw."""
    record = facts.last
    rows = [
        Row(((Name(name),), joined([Name(value) for value in values])))
        for name, values in sorted(record.scope.items())
    ]
    if "region" not in record.scope and record.regions:
        named = joined([Name(region.region) for region in record.regions])
        rows.append(Row((("region",), named)))
    what = "The smallest description of what failed; a dimension that is absent does not matter"
    blocks: list[Block] = [Table(what, (Column("Dimension"), Column("Values")), tuple(rows))]
    if record.errors:
        blocks.append(_errors(facts, sources))
    return blocks


def _errors(facts: IncidentFacts, sources: RecordSources) -> Table:
    rows = []
    for place, error in enumerate(facts.last.errors):
        share: Text = ()
        if error.share is not None:
            share = (sources.figure(percent(error.share), "errors", place, "share"),)
        failures = sources.figure(count(error.failures), "errors", place, "failures")
        rows.append(Row(((Name(error.error_code),), (failures,), share)))
    columns = (
        Column("Error code"),
        Column("Failures", number=True),
        Column("Of all failures", number=True),
    )
    return Table("Error codes that rose: what users saw", columns, tuple(rows))


def how_bad(facts: IncidentFacts, sources: RecordSources) -> list[Block]:
    """Say how many operations failed that would have succeeded, in all and by region."""
    record, key = facts.last, f"i{facts.number}"
    impact = record.impact
    share = percent(max(impact.excess_failures, 0) / max(impact.operations, 1))
    sentence = words(
        sources.figure(count(impact.excess_failures), "impact", "excess_failures"),
        " operations failed that would have succeeded",
        *_bracketed(count_interval(impact.excess_interval, sources, "impact", "excess_interval")),
        ": ",
        sources.figure(share, "impact", "operations"),
        " of all operations in the scope. The interval says what chance leaves open about the "
        "ordinary failures; an error of the baseline is not in it.",
    )
    blocks: list[Block] = [Paragraph(sentence)]
    if record.regions:
        rows = [
            _region_impact(place, region, sources, key)
            for place, region in enumerate(record.regions)
        ]
        columns = (
            Column("Region"),
            Column("Operations", number=True),
            Column("Failed", number=True),
            Column("Ordinary", number=True),
            Column("Beyond that", number=True),
            Column("90 % interval", number=True),
        )
        order = sorted(rows, key=lambda pair: (-pair[0], str(pair[1].cells[0])))
        blocks.append(Table("By region, worst first", columns, tuple(row for _, row in order)))
    return blocks


def _bracketed(text: Text) -> Text:
    return (" (", *text, ")") if text else ()


def _region_impact(
    place: int, region: Region, sources: RecordSources, key: str
) -> tuple[float, Row]:
    def figure(value: float | None, name: str) -> Text:
        if value is None:
            return ()
        text = expected(value) if name == "expected_failures" else count(value)
        counted = name in {"operations", "failures"}
        source = f"{key}-c{place}" if counted else sources.id("regions", place, name)
        return (Figure(text, source),)

    row = Row(
        (
            (Name(region.region),),
            figure(region.operations, "operations"),
            figure(region.failures, "failures"),
            figure(region.expected_failures, "expected_failures"),
            figure(region.excess_failures, "excess_failures"),
            count_interval(region.excess_interval, sources, "regions", place, "excess_interval")[
                1:
            ],
        )
    )
    return region.excess_failures or 0.0, row


def recovery(facts: IncidentFacts, sources: RecordSources) -> list[Block]:
    """Say which region was well again when."""
    record = facts.last
    if not record.regions:
        return [Paragraph(("The record names no regions.",))]
    well = [region for region in record.regions if region.recovered]
    order = sorted(
        enumerate(record.regions),
        key=lambda pair: (
            pair[1].recovered is None,
            pair[1].recovered.timestamp() if pair[1].recovered else 0.0,
            pair[1].region,
        ),
    )
    rows = [_region_recovery(place, region, sources) for place, region in order]
    columns = (
        Column("Region"),
        Column("Status"),
        Column("Onset"),
        Column("Recovered"),
        Column("90 % interval"),
        Column("After", number=True),
        Column("Relapses", number=True),
    )
    counts = f"i{facts.number}-counts"
    number = len(record.regions)
    sentence = words(
        Figure(count(len(well)), counts),
        " of ",
        Figure(count(number), counts),
        f" {plural(number, 'region has', 'regions have')} recovered.",
        *_first_and_last(order, sources),
        *_relapses(record.regions, counts),
    )
    return [
        Paragraph(sentence),
        Table("Region by region, in the order of recovery", columns, tuple(rows)),
    ]


def _first_and_last(order: list[tuple[int, Region]], sources: RecordSources) -> Iterator[Inline]:
    well = [(place, region) for place, region in order if region.recovered]
    if not well:
        return
    told = [(" First ", well[0]), ("; last ", well[-1])] if well[1:] else [(" It was ", well[0])]
    for name, (place, region) in told:
        recovered = region.recovered.timestamp() if region.recovered else 0.0
        yield from (name, Name(region.region), " at ")
        yield sources.moment(recovered, "regions", place, "recovered")
    yield "."


def _relapses(regions: tuple[Region, ...], source: str) -> Iterator[Inline]:
    number = sum(region.relapses for region in regions)
    if number:
        yield " "
        yield Figure(count(number), source)
        yield (
            f" {plural(number, 'recovery was', 'recoveries were')} taken back; the counts of those "
            "regions include the healthy time between."
        )


def _region_recovery(place: int, region: Region, sources: RecordSources) -> Row:
    path = ("regions", place)
    recovered: Text = ("not yet",)
    after: Text = ()
    if region.recovered is not None:
        recovered = (sources.moment(region.recovered.timestamp(), *path, "recovered"),)
        seconds = (region.recovered - region.onset).total_seconds()
        after = (sources.figure(duration(seconds), *path, "recovered"),)
    relapses: Text = ("0",)
    if region.relapses:
        relapses = (sources.figure(str(region.relapses), *path, "relapses"),)
    cells = (
        (Name(region.region),),
        (_STATUS.get(region.status, region.status),),
        (sources.moment(region.onset.timestamp(), *path, "onset"),),
        recovered,
        time_interval(region.recovered_interval, sources, *path, "recovered_interval"),
        after,
        relapses,
    )
    return Row(cells)


def spared(facts: IncidentFacts, sources: RecordSources) -> list[Block]:
    """Say what was healthy, what nobody can tell of, and what failed a little, too."""
    record = facts.last
    rows = []
    groups = (
        ("unaffected", "healthy", record.unaffected),
        ("unknown", "too little traffic to tell", record.unknown),
    )
    for field, verdict, dimensions in groups:
        for name, values in dimensions.items():
            for place, one in enumerate(values):
                path = (field, name, place)
                cells = (
                    (Name(one.value),),
                    (Name(name),),
                    (verdict,),
                    (sources.figure(count(one.operations), *path, "operations"),),
                    (sources.figure(count(one.failures), *path, "failures"),),
                )
                rows.append(Row(cells))
    columns = (
        Column("Value"),
        Column("Dimension"),
        Column("Verdict"),
        Column("Operations meanwhile", number=True),
        Column("Failed", number=True),
    )
    blocks: list[Block] = []
    if rows:
        blocks.append(Table("Beside the scope, while it failed", columns, tuple(rows)))
    else:
        blocks.append(Paragraph(("Nothing beside the scope can be called surely healthy.",)))
    cleared = sum(candidate.cleared for candidate in record.candidates)
    if cleared:
        text = f"{cleared} {plural(cleared, 'release')}"
        target = f"i{facts.number}-cleared"
        blocks.append(
            Paragraph(
                (
                    "Not the cause: ",
                    Jump(text, target),
                    f" that {plural(cleared, 'is', 'are')} cleared.",
                )
            )
        )
    if record.secondary:
        blocks.append(_secondary(facts, sources))
    return blocks


def _secondary(facts: IncidentFacts, sources: RecordSources) -> Table:
    rows = []
    for place, one in enumerate(facts.last.secondary):
        path = ("secondary", place)
        end: Text = ("not yet",)
        if one.resolved is not None:
            end = (sources.moment(one.resolved.timestamp(), *path, "resolved"),)
        failed = (
            sources.figure(count(one.impact.failures), *path, "impact", "failures"),
            " of ",
            sources.figure(count(one.impact.operations), *path, "impact", "operations"),
        )
        onset = (sources.moment(one.onset.timestamp(), *path, "onset"),)
        rows.append(
            Row((scope_words(one.scope), joined(list(map(Name, one.regions))), onset, end, failed))
        )
    columns = (
        Column("Where else, and weaker"),
        Column("Regions"),
        Column("Onset"),
        Column("End"),
        Column("Failed", number=True),
    )
    caption = "Secondary impact: came with the incident, and did not page"
    return Table(caption, columns, tuple(rows))
