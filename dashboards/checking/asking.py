"""What to ask a Prometheus so that every query of a dashboard is tried as Grafana would."""

import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dashboards.checking.promql import filled, selectors, variables
from dashboards.checking.queries_of import BoardQuery

_SCRAPES_PER_RATE = 4
"""As Grafana has it: a rate looks at four scrape intervals at least."""
_SHORTEST_S = 15.0
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


@dataclass(frozen=True, slots=True)
class TimeRange:
    """What the time picker says, in seconds since the epoch."""

    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Question:
    """A query with nothing left to fill in.

    Attributes:
        expr: PromQL.
        selectors: The selections of series in it, without their ranges.
        step: Seconds from point to point.
        instant: Whether only the end of the time range is asked for.
    """

    expr: str
    selectors: tuple[str, ...]
    step: int
    instant: bool


def questions(
    query: BoardQuery, choices: Mapping[str, Sequence[str]], span: TimeRange
) -> Iterator[Question]:
    """Give the query for every combination of what may be chosen.

    Args:
        query: Of a dashboard.
        choices: Variable -> values to try, of those at least that the query uses.
        span: The time range.
    """
    shortest = _seconds(query.step) or _SHORTEST_S
    length = span.end - span.start
    step = max(math.ceil(length / query.points), int(shortest))
    times = {
        "__interval": f"{step}s",
        "__rate_interval": f"{int(max(step + shortest, _SCRAPES_PER_RATE * shortest))}s",
        "__range": f"{int(length)}s",
    }
    used = sorted(variables(query.expr))
    for chosen in itertools.product(*(choices[name] for name in used)):
        expr = filled(query.expr, times | dict(zip(used, chosen, strict=True)))
        yield Question(
            expr=expr,
            selectors=tuple(dict.fromkeys(one.text for one in selectors(expr))),
            step=step,
            instant=query.instant,
        )


def _seconds(duration: str) -> float:
    return sum(float(number) * _UNITS[unit] for number, unit in _DURATION.findall(duration))
