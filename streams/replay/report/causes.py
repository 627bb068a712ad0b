"""What caused an incident: the ranking, evidence cards, exoneration cards and what to try next."""

from streams.replay.report.document import (
    Block,
    Card,
    Cards,
    Column,
    Drawing,
    Folded,
    Name,
    Paragraph,
    Row,
    Table,
    Text,
    Tone,
    joined,
    words,
)
from streams.replay.report.drawings import NO_RELEASE
from streams.replay.report.facts import IncidentFacts
from streams.replay.report.records import Candidate
from streams.replay.report.sources import RecordSources
from streams.replay.report.wording import linked, nats, percent, plural, probability

CARDS = 4
"""Candidates that get an evidence card; the first one always, others if they are not cleared."""

LEAST = 0.01
"""Probability from which a candidate gets a card of its own."""

_KINDS = {
    "onset_against_exposure": "Onset against exposure",
    "exposed_but_healthy": "Exposed but healthy",
    "unexposed_but_failing": "Unexposed but failing",
    "dose_response": "Dose and response",
    "other_strata": "Outside the scope",
    "freedom": "Freedom of the fit",
    "prior": "Before the data",
}

_FORMS = {
    "one_region": "something in one region",
    "everything": "everything at once",
    "upstream": "several regions at once, from upstream",
    "spreading": "spreading like a rollout that nobody registered",
    "quiet": "noise",
}


def causes(
    facts: IncidentFacts, sources: RecordSources, exposure: Drawing, posterior: Drawing
) -> list[Block]:
    """Write the section.

    Args:
        facts: The incident.
        sources: Identifiers of the fields of its record.
        exposure: Exposure against failures.
        posterior: The probabilities over time.
    """
    record = facts.last
    blocks: list[Block] = [_ranking(facts, sources)]
    blocks += _none_forms(facts, sources)
    if record.release_pairs:
        blocks.append(_pairs(facts, sources))
    shown = [
        (place, candidate)
        for place, candidate in enumerate(record.candidates)
        if (candidate.evidence or candidate.told_apart)
        and (place == 0 or (candidate.probability >= LEAST and not candidate.cleared))
    ]
    cards = [_card(place, candidate, sources) for place, candidate in shown[:CARDS]]
    if cards:
        blocks.append(Cards(tuple(cards)))
    if record.next_experiment is not None:
        source = sources.id("next_experiment", "statement")
        statement = linked(record.next_experiment.statement, source)
        blocks.append(Paragraph(("What would settle it: ", *statement)))
    if facts.courses:
        blocks.append(exposure)
    blocks.append(posterior)
    return [*blocks, *_cleared(facts, sources)]


def _ranking(facts: IncidentFacts, sources: RecordSources) -> Table:
    record = facts.last
    ranked: list[tuple[float, Row]] = []
    for place, candidate in enumerate(record.candidates):
        path = ("candidates", place)
        tied = joined([Name(name) for name in candidate.tied_with])
        remark: Text = ("cleared",) if candidate.cleared else ()
        if tied:
            remark = (*remark, "; " if remark else "", "cannot be told from ", *tied)
        cells = (
            (Name(candidate.release),),
            (Name(candidate.component or ""),),
            (sources.figure(probability(candidate.probability), *path, "probability"),),
            remark,
        )
        ranked.append((candidate.probability, Row(cells)))
    none = sources.figure(probability(record.no_release_probability), "no_release_probability")
    ranked.append((record.no_release_probability, Row(((NO_RELEASE,), (), (none,), ()))))
    ranked.sort(key=lambda pair: -pair[0])
    columns = (
        Column("Cause"),
        Column("Component"),
        Column("Probability", number=True),
        Column("Remark"),
    )
    caption = f"Ranking of revision {record.revision}; the probabilities sum to 1"
    return Table(caption, columns, tuple(row for _, row in ranked))


def _none_forms(facts: IncidentFacts, sources: RecordSources) -> list[Block]:
    record = facts.last
    forms = sorted(record.no_release_forms.items(), key=lambda pair: (-pair[1], pair[0]))
    if record.no_release_probability < LEAST or not forms:
        return []
    rows = [
        Row(
            (
                (Name(_FORMS.get(name, name)),),
                (sources.figure(probability(value), "no_release_forms", name),),
            )
        )
        for name, value in forms
    ]
    columns = (Column("Form"), Column("Probability", number=True))
    return [Table("No known release: what it would look like", columns, tuple(rows))]


def _pairs(facts: IncidentFacts, sources: RecordSources) -> Table:
    rows = [
        Row(
            (
                joined([Name(name) for name in pair.releases]),
                (
                    sources.figure(
                        probability(pair.probability), "release_pairs", place, "probability"
                    ),
                ),
            )
        )
        for place, pair in enumerate(facts.last.release_pairs)
    ]
    columns = (Column("Two releases together"), Column("Probability", number=True))
    return Table("Pairs: one release would leave failures unexplained", columns, tuple(rows))


def _card(place: int, candidate: Candidate, sources: RecordSources) -> Card:
    path = ("candidates", place)
    own = sources.figure(probability(candidate.probability), *path, "probability")
    body: list[Block] = []
    if candidate.evidence:
        rows = []
        for number, row in enumerate(candidate.evidence):
            weight: Text = ()
            if row.log_likelihood_ratio is not None:
                text = nats(row.log_likelihood_ratio)
                at = (*path, "evidence", number, "log_likelihood_ratio")
                weight = (sources.figure(text, *at),)
            kind = _KINDS.get(row.kind, row.kind)
            seen = linked(row.statement, sources.id(*path, "evidence", number, "statement"))
            rows.append(Row(((Name(kind),), seen, weight)))
        columns = (Column("Evidence"), Column("What was seen"), Column("Nats", number=True))
        caption = "Nats for it, against no known release; they add up"
        body.append(Table(caption, columns, tuple(rows)))
    for number, apart in enumerate(candidate.told_apart):
        mine, other = apart.exposures
        apart_at = (*path, "told_apart", number)
        body.append(
            Paragraph(
                words(
                    "Told from ",
                    Name(apart.release),
                    " best in ",
                    Name(apart.region),
                    " since ",
                    sources.moment(apart.time.timestamp(), *apart_at, "time"),
                    ": exposure ",
                    sources.figure(percent(mine), *apart_at, "exposures", 0),
                    " against ",
                    sources.figure(percent(other), *apart_at, "exposures", 1),
                    ".",
                )
            )
        )
    tone = Tone.BAD if place == 0 else Tone.NEUTRAL
    return Card(words(Name(candidate.release), ": ", own), tone, tuple(body))


def _cleared(facts: IncidentFacts, sources: RecordSources) -> list[Block]:
    cards = []
    for place, candidate in enumerate(facts.last.candidates):
        if candidate.cleared and candidate.exoneration:
            path = ("candidates", place)
            own = sources.figure(probability(candidate.probability), *path, "probability")
            title = words(Name(candidate.release), ": cleared, ", own)
            reason = linked(candidate.exoneration, sources.id(*path, "exoneration"))
            cards.append(Card(title, Tone.GOOD, (Paragraph(reason),)))
    if not cards:
        return []
    number = len(cards)
    folded = f"Exoneration cards: {number} {plural(number, 'release is', 'releases are')} cleared"
    return [Folded(f"i{facts.number}-cleared", folded, (Cards(tuple(cards)),))]
