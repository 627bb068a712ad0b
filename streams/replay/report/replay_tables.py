"""The data that all incidents of a report share: the whole fleet, change points, release steps."""

from collections.abc import Iterable, Sequence

from streams.replay.report.data_tables import windows_table
from streams.replay.report.document import (
    Block,
    Column,
    Figure,
    Folded,
    Moment,
    Name,
    Paragraph,
    Row,
    Section,
    Table,
    Text,
)
from streams.replay.report.facts import ReportFacts
from streams.replay.report.records import CHANGE_POINTS, RELEASES, RaisedPoint, Step
from streams.replay.report.sources import POINT, STEP, line_id
from streams.replay.report.wording import count, percent, plural

MOST_POINTS = 500
MOST_STEPS = 500
"""Rows of a table beyond which its file is the better reader."""

_KINDS = {
    "success_ratio": "success ratio",
    "volume": "volume, as a share of what was expected",
    "error_code": "operations without {error_code}",
    "duration": "operations not slower than quantile {quantile}",
}


def common_data(facts: ReportFacts) -> Section:
    """Give the data that all incidents share: the whole fleet, change points, release steps."""
    blocks: list[Block] = [
        windows_table(facts.fleet, "fleet-windows", "Success ratio of all operations"),
        _points(_shown_points(facts), len(facts.points)),
    ]
    if facts.steps:
        blocks.append(_steps(_shown_steps(facts), len(facts.steps)))
    return Section("data", ("Data of the whole replay",), tuple(blocks), data=True)


def _shown_points(facts: ReportFacts) -> list[RaisedPoint]:
    """Give the first change points of each incident, and then of all, in their order."""
    chosen = {point.line: point for incident in facts.incidents for point in incident.points[:1]}
    for point in facts.points:
        if len(chosen) >= MOST_POINTS:
            break
        chosen[point.line] = point
    return [chosen[line] for line in sorted(chosen)]


def _shown_steps(facts: ReportFacts) -> list[Step]:
    """Give the steps of the likeliest releases, and then the newest ones, in their order."""
    of_courses = [
        step for incident in facts.incidents for course in incident.courses for step in course.steps
    ]
    chosen = {step.line: step for step in of_courses}
    for step in reversed(facts.steps):
        if len(chosen) >= MOST_STEPS:
            break
        chosen[step.line] = step
    return [step for step in facts.steps if step.line in chosen]


def _points(points: Sequence[RaisedPoint], total: int) -> Folded:
    columns = (
        Column("Raised"),
        Column("Onset"),
        Column("Series"),
        Column("Change"),
        Column("Before", number=True),
        Column("After", number=True),
        Column("Source"),
    )
    rows = [
        Row(
            (
                (Moment(point.record.raised.timestamp()),),
                (Moment(point.record.onset.timestamp()),),
                (Name(", ".join(f"{name}={text}" for name, text in point.record.series.items())),),
                (Name(_change(point)),),
                (percent(point.record.baseline_ratio),),
                (percent(point.record.ratio),),
                (f"{CHANGE_POINTS}, line {point.line}",),
            ),
            line_id(POINT, point.line),
        )
        for point in points
    ]
    title = f"{count(total)} {plural(total, 'change point')}"
    table = Table("Judged changes in single series", columns, tuple(rows))
    return Folded("points", title, (*_rest(len(points), total, CHANGE_POINTS), table))


def _steps(steps: Sequence[Step], total: int) -> Folded:
    columns = (
        Column("Time"),
        Column("Release"),
        Column("Action"),
        Column("Stage"),
        Column("Scope"),
        Column("Exposure", number=True),
        Column("Source"),
    )
    rows = []
    for step in steps:
        event = step.event
        scope = " ".join(f"{name}={'|'.join(values)}" for name, values in event.scope.items())
        cells: tuple[Text, ...] = (
            (Moment(event.time),),
            (Name(event.release),),
            (event.action.value.replace("_", " "),),
            (Name(event.stage or ""),),
            (Name(scope or "everything"),),
            (percent(event.exposure),),
            (f"{RELEASES}, line {step.line}",),
        )
        rows.append(Row(cells, line_id(STEP, step.line)))
    title = f"{count(total)} release {plural(total, 'step')}"
    table = Table("Steps of releases, in time order", columns, tuple(rows))
    return Folded("steps", title, (*_rest(len(steps), total, RELEASES), table))


def _rest(shown: int, total: int, file: str) -> Iterable[Block]:
    if shown < total:
        text = f"{count(shown)} of them are shown; all are in {file}."
        yield Paragraph((text,))


def _change(point: RaisedPoint) -> str:
    record = point.record
    what = _KINDS.get(record.kind, record.kind)
    told = what.replace("{error_code}", record.error_code or "an error code")
    return f"{told.replace('{quantile}', str(record.quantile))}: {record.direction}"


def total_of(facts: ReportFacts) -> tuple[Figure, Figure]:
    """Give the operations of the whole replay, and how many failed."""
    trials, failures = (int(number) for number in facts.fleet.counts[:2].sum(axis=(1, 2)))
    return Figure(count(trials), "fleet-windows"), Figure(count(failures), "fleet-windows")
