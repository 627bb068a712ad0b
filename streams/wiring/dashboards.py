"""Dashboards of an installation: written to files, and held against a real Prometheus."""

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dashboards.checking.asking import Question, TimeRange, questions
from dashboards.checking.presence import LIVE_ONLY, OCCASIONAL
from dashboards.checking.promql import filled, selectors, variables
from dashboards.checking.queries_of import (
    BoardQuery,
    BoardVariable,
    Json,
    queries_of,
    variables_of,
)
from dashboards.checking.structure import metrics_by_name, structure_problems
from dashboards.grafana.assembly import render
from dashboards.grafana.catalogue import dashboards
from dashboards.grafana.installation import Installation
from streams.adapters.prometheus_api import PrometheusApi, QueryRefusedError
from streams.config import Settings
from streams.domain.errors import OperatorError
from streams.telemetry import Metric

MOST_TRIED = 20
"""Values of a variable that are tried, such as incidents, before a query counts as empty."""

FEW_POINTS = 60
"""Points in time at which a query about the end of a range is asked when it is silent there."""


@dataclass(slots=True)
class Findings:
    """What a check has found.

    Attributes:
        queries: How many queries have been asked and gave data.
        problems: What is wrong, a line each.
        left_out: Queries that mean nothing in a replay, a line each.
        empty_panels: Panels that have no other queries than those.
        quiet: Queries about what has not happened, a line each.
    """

    queries: int = 0
    problems: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    empty_panels: list[str] = field(default_factory=list)
    quiet: list[str] = field(default_factory=list)


def built(settings: Settings) -> dict[str, Json]:
    """Give the dashboards for some settings, by uid."""
    return dashboards(Installation(settings.ingest.dimensions, settings.windows.length))


def write(settings: Settings, out: Path) -> list[Path]:
    """Write the dashboards into a folder, a file each.

    Raises:
        OperatorError: The folder cannot be written.
    """
    files = {out / f"{uid}.json": render(board) for uid, board in built(settings).items()}
    try:
        out.mkdir(parents=True, exist_ok=True)
        for path, text in files.items():
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OperatorError(f"cannot write dashboards into {out}: {error}") from error
    return list(files)


def read(files: Sequence[Path]) -> dict[str, Json]:
    """Read dashboards from files, by uid.

    Raises:
        OperatorError: A file is missing, or is no dashboard of Grafana.
    """
    boards: dict[str, Json] = {}
    for path in files:
        try:
            board = json.loads(path.read_text(encoding="utf-8"))
            boards[str(board["uid"])] = board
        except OSError as error:
            raise OperatorError(f"cannot read {path}: {error}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise OperatorError(f"{path} is no dashboard's JSON with a uid: {error}") from error
    return boards


def structure(boards: Mapping[str, Json], known: Mapping[str, Json]) -> list[str]:
    """Say what is wrong with dashboards in themselves, a line each.

    Args:
        boards: Those that are checked.
        known: Further ones that their links may lead to.
    """
    lines = structure_problems({**known, **boards})
    return [line for line in lines if line.partition(":")[0] in boards]


def ask(
    prometheus: str, boards: Mapping[str, Json], start: float, end: float, *, replay: bool
) -> Findings:
    """Ask every query of panels, variables and annotations, as Grafana would.

    Args:
        prometheus: Address of the Prometheus.
        boards: Uid -> dashboard.
        start: Start of the time range that is shown, in seconds since the epoch.
        end: Its end.
        replay: Whether it holds a replay, which has no metrics about the running of opwatch.

    Raises:
        OperatorError: The address is none.
        OutsideSystemError: The Prometheus does not answer.
    """
    asker = _Asker(PrometheusApi(prometheus), TimeRange(start, end), replay=replay)
    for board in boards.values():
        asker.ask(board)
    return asker.findings


class _Asker:
    def __init__(self, api: PrometheusApi, span: TimeRange, *, replay: bool) -> None:
        self.findings = Findings()
        self._api = api
        self._span = span
        self._replay = replay
        self._names = metrics_by_name()
        self._present: dict[str, bool] = {}
        self._told: frozenset[str] = frozenset()

    def ask(self, board: Json) -> None:
        """Ask all queries of a dashboard."""
        listed = {one.name: one for one in variables_of(board)}
        choices = {name: values for name, one in listed.items() if (values := self._values(one))}
        # What is wrong with a variable is told once, not for each of the queries.
        self._told = (
            frozenset(name for name, one in listed.items() if one.selector) - choices.keys()
        )
        fixed = [name for name, one in listed.items() if one.selector is None]
        shown = {query.where: False for query in queries_of(board)}
        for query in queries_of(board):
            used = variables(query.expr)
            if self._replay and (reason := self._reason(query, LIVE_ONLY)):
                self.findings.left_out.append(f"{query}: {reason}")
                continue
            shown[query.where] = True
            if missing := sorted(used - choices.keys() - self._told):
                names = ", ".join(missing)
                self.findings.problems.append(f"{query}: not asked: no values for {names}")
            elif used <= choices.keys():
                chosen = {name: choices[name] for name in used}
                self._try(query, list(_fixed(chosen, [name for name in fixed if name in used])))
        self.findings.empty_panels += [
            f"{board['uid']}: {where}" for where, anything in shown.items() if not anything
        ]

    def _values(self, variable: BoardVariable) -> Sequence[str]:
        """Give the values of a variable that are tried, in Grafana's order."""
        if variable.selector is None:
            return variable.values
        where = f'{variable.dashboard}: variable "{variable.name}"'
        try:
            found = self._api.label_values(
                variable.label, variable.selector, self._span.start, self._span.end
            )
        except QueryRefusedError as error:
            self.findings.problems.append(f"{where}: refused: {error}: {variable.selector}")
            return ()
        if not found:
            self.findings.problems.append(
                f"{where}: no values: {variable.label} of {variable.selector}"
            )
            return ()
        self.findings.queries += 1
        if variable.everything is not None:
            return (variable.everything,)
        return sorted(found, reverse=variable.descending)[:MOST_TRIED]

    def _try(self, query: BoardQuery, combinations: Sequence[Mapping[str, Sequence[str]]]) -> None:
        """Ask a query for each of the combinations; each has to give data for one of its values."""
        for choices in combinations:
            asked = list(questions(query, choices, self._span))
            try:
                answered = next((one for one in asked if self._answers(one)), None)
                missing = answered and next(
                    (text for text in answered.selectors if not self._is_there(text)), None
                )
            except QueryRefusedError as error:
                self.findings.problems.append(f"{query}: refused: {error}: {asked[0].expr}")
                return
            if answered is None and (reason := self._reason(query, OCCASIONAL)):
                self.findings.quiet.append(f"{query}: {reason}")
                return
            if answered is None:
                self.findings.problems.append(f"{query}: no data: {asked[0].expr}")
                return
            if missing:
                self.findings.problems.append(
                    f"{query}: nothing is selected by {missing}: {answered.expr}"
                )
                return
        self.findings.queries += 1

    def _answers(self, question: Question) -> bool:
        span = self._span
        if not question.instant:
            return bool(self._api.query_range(question.expr, span.start, span.end, question.step))
        # What is over at the end of the range has been there before it.
        few = max(int((span.end - span.start) / FEW_POINTS), question.step)
        return bool(self._api.query(question.expr, span.end)) or bool(
            self._api.query_range(question.expr, span.start, span.end, few)
        )

    def _is_there(self, selector: str) -> bool:
        """Tell whether a selector finds series: one part of a query may hide an empty one."""
        if self._names.get(selector.partition("{")[0]) in OCCASIONAL:
            return True
        if selector not in self._present:
            length = int(self._span.end - self._span.start)
            expr = f"count(last_over_time({selector}[{length}s]))"
            self._present[selector] = bool(self._api.query(expr, self._span.end))
        return self._present[selector]

    def _reason(self, query: BoardQuery, among: Mapping[Metric, str]) -> str | None:
        """Give why a query may be empty, if one of its metrics is among those."""
        plain = filled(query.expr, dict.fromkeys(variables(query.expr), "x"))
        metrics = (self._names.get(one.metric) for one in selectors(plain))
        return next((among[one] for one in metrics if one is not None and one in among), None)


def _fixed(
    choices: Mapping[str, Sequence[str]], names: Sequence[str]
) -> Iterator[Mapping[str, Sequence[str]]]:
    """Give the choices once for every combination of the values of some variables."""
    for values in itertools.product(*(choices[name] for name in names)):
        yield {**choices, **{name: (value,) for name, value in zip(names, values, strict=True)}}
