"""How numbers, durations and scopes are written."""

import re
from collections.abc import Mapping, Sequence

from streams.replay.report.document import Figure, Inline, Name, Text, joined

_SPACE = "\u00a0"
"""Between a number and its unit, so that no line breaks there."""

_NUMBER = re.compile(r"(?<![\w.:/-])\d[\d,]*(?:\.\d+)?(?:\u00a0?%)?(?![\w:/-]|\.\d)")
"""A number that stands by itself: not in a name such as `agent-2.41`, a date or a time."""

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86_400
_LEAST = 0.0005
"""A probability nearer to 0 or 1 is written as being below or above a tenth of a percent."""


def count(number: float) -> str:
    """Write a count, rounded to whole ones, such as `24,317`."""
    return f"{number:,.0f}"


def expected(number: float) -> str:
    """Write an expected count: one decimal while it is small, such as `7.6`."""
    return f"{number:,.1f}" if abs(number) < 100 else count(number)  # noqa: PLR2004 three digits


def percent(ratio: float) -> str:
    """Write a ratio between 0 and 1, such as `64.78 %`."""
    return f"{100 * ratio:.2f}{_SPACE}%"


def probability(value: float) -> str:
    """Write a probability without claiming a certainty that is only rounded."""
    if 0 < value < _LEAST:
        return f"<{_SPACE}0.1{_SPACE}%"
    if 1 - _LEAST < value < 1:
        return f">{_SPACE}99.9{_SPACE}%"
    return f"{100 * value:.1f}{_SPACE}%"


def nats(value: float) -> str:
    """Write a log likelihood ratio with its sign, such as `+20.3` or `−542.0`."""
    text = f"{value:+,.1f}"
    return "0.0" if text in {"+0.0", "-0.0"} else text.replace("-", "−")


def duration(seconds: float) -> str:
    """Write a duration, such as `6 h 15 min`, `4 min` or `30 s`."""
    rest = round(abs(seconds))
    parts = []
    for unit, name in ((_DAY_S, "d"), (_HOUR_S, "h"), (_MINUTE_S, "min"), (1, "s")):
        number, rest = divmod(rest, unit)
        if number:
            parts.append(f"{number}{_SPACE}{name}")
    return " ".join(parts[:2]) or f"0{_SPACE}min"


def delay(seconds: float) -> str:
    """Write how long after, or before, something was."""
    if not seconds:
        return "at once"
    return f"{duration(seconds)} {'after' if seconds > 0 else 'before'}"


def plural(number: int, one: str, several: str | None = None) -> str:
    """Choose between one and several."""
    return one if number == 1 else several or f"{one}s"


def scope_words(scope: Mapping[str, Sequence[str]], most: int | None = None) -> Text:
    """Write a scope, such as `operation create or start, os windows`.

    Args:
        scope: Dimension -> values.
        most: Values of a dimension to name; None for all.
    """
    if not scope:
        return ("everything",)
    parts: list[Inline] = []
    for place, (name, values) in enumerate(sorted(scope.items())):
        parts += [", " if place else "", Name(name), " "]
        named: list[Inline] = [Name(value) for value in values]
        if most is not None and len(named) > most + 1:
            named[most:] = [f"{len(named) - most} others"]
        parts += joined(named, " or ")
    return tuple(part for part in parts if part != "")


def linked(sentence: str, source: str) -> Text:
    """Let the numbers of a sentence link to where the sentence stands."""
    parts: list[Inline] = []
    end = 0
    for found in _NUMBER.finditer(sentence):
        parts += [Name(sentence[end : found.start()]), Figure(found.group(), source)]
        end = found.end()
    parts.append(Name(sentence[end:]))
    return tuple(part for part in parts if not isinstance(part, Name) or part.text)
