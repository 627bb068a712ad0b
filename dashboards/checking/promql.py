"""As much of PromQL as it takes to see which metrics a query uses, and how."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
    (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<range>\[[^\]]*\])
    |(?P<number>\d[\w.]*)
    |(?P<word>[a-zA-Z_:][\w:]*)
    |(?P<sign>[^\s\w"'\[\]])
    """,
    re.VERBOSE,
)
_WORDS = frozenset({"and", "or", "unless", "atan2", "bool", "offset", "inf", "nan"})
_LABELS_FOLLOW = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right"})
_VARIABLE = re.compile(r"\$\{(\w+)(?::\w+)?\}|\$(\w+)")


@dataclass(frozen=True, slots=True)
class Selector:
    """A selection of series in a query.

    Attributes:
        metric: Its name.
        text: As it stands there, without a range.
        within: The range in the brackets that follow, if any.
        function: The function that it stands directly inside, if any.
    """

    metric: str
    text: str
    within: str | None
    function: str | None


def selectors(expr: str) -> Iterator[Selector]:
    """Give the selections of series in a query, in order.

    Args:
        expr: PromQL, without variables; parentheses that do not match are passed over.
    """
    tokens = list(_TOKEN.finditer(expr))
    opened: list[str | None] = []
    place = 0
    while place < len(tokens):
        token, word = tokens[place], tokens[place]["word"]
        follows = tokens[place + 1][0] if place + 1 < len(tokens) else ""
        if token[0] == "(":
            opened.append(_called(tokens, place))
        elif token[0] == ")" and opened:
            opened.pop()
        elif word in _LABELS_FOLLOW and follows == "(":
            place = _closing(tokens, place + 1, ")")
        elif word and word.lower() not in _WORDS | _LABELS_FOLLOW and not _calls(tokens, place):
            last = _closing(tokens, place + 1, "}") if follows == "{" else place
            after = tokens[last + 1] if last + 1 < len(tokens) else None
            yield Selector(
                metric=word,
                text=expr[token.start() : tokens[last].end()],
                within=after["range"][1:-1] if after and after["range"] else None,
                function=opened[-1] if opened else None,
            )
            place = last
        place += 1


def variables(text: str) -> frozenset[str]:
    """Give the names of Grafana's variables in a text, without those that it makes itself."""
    names = (match[1] or match[2] for match in _VARIABLE.finditer(text))
    return frozenset(name for name in names if not name.startswith("__"))


def filled(text: str, values: Mapping[str, str]) -> str:
    """Put values into the place of variables, `$name` and `${name}`.

    Args:
        text: A query, a legend, an address.
        values: Variable -> what takes its place; others stay as they are.
    """
    return _VARIABLE.sub(lambda match: values.get(match[1] or match[2], match[0]), text)


def _calls(tokens: list[re.Match[str]], place: int) -> bool:
    """Tell whether a word is called: `rate (`, or an aggregation such as `sum by (a) (`."""
    follows = tokens[place + 1][0] if place + 1 < len(tokens) else ""
    return follows == "(" or follows in {"by", "without"}


def _called(tokens: list[re.Match[str]], place: int) -> str | None:
    """Give the function whose arguments a parenthesis opens."""
    before = tokens[place - 1]["word"] if place else None
    return before if before and before.lower() not in _WORDS else None


def _closing(tokens: list[re.Match[str]], place: int, sign: str) -> int:
    """Give where a list ends that has no lists inside; the last token if it does not."""
    while place + 1 < len(tokens) and tokens[place][0] != sign:
        place += 1
    return place
