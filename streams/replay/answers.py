"""Would it have paged earlier, or at all, or falsely: one sentence for each replay."""

from collections.abc import Mapping, Sequence

from streams.domain.time import format_instant
from streams.replay.trials import Page, Score, Trial, Wanted, score


def answers(trials: Sequence[Trial], wanted: Sequence[Wanted], *, true: bool) -> list[str]:
    """Give the sentences.

    Args:
        trials: The replays; the others are compared with the first.
        wanted: The incidents that there were, or those of the first replay.
        true: Whether they are the truth.
    """
    scores = [score(trial.pages, wanted) for trial in trials]
    if not true:
        first = _pages_of_first(trials[0])
        return [first, *(_compared(one, scores[0], wanted) for one in scores[1:])]
    return [
        _judged(one, wanted, scores[0] if number else None) for number, one in enumerate(scores)
    ]


def _pages_of_first(trial: Trial) -> str:
    if not trial.pages:
        return "Never pages."
    pages = [f"at {clock(page.raised)} for {scope_text(page.scope)}" for page in trial.pages]
    return f"Pages {times(len(pages))}: {'; '.join(pages)}."


def _compared(one: Score, first: Score, wanted: Sequence[Wanted]) -> str:
    """Say it without the truth: against what the first replay does."""
    parts = [
        f"not at all for {scope_text(incident.scope)}"
        if page is None
        else f"pages for {scope_text(page.scope)} {_earlier(page, before)}"
        for incident, page, before in zip(wanted, one.met, first.met, strict=True)
    ]
    parts += _more("again", one.again)
    parts += _more("for what the first does not page for", one.false)
    return _sentence(parts or ["never pages, like the first"])


def _judged(one: Score, wanted: Sequence[Wanted], first: Score | None) -> str:
    """Say it against the truth."""
    parts = []
    for number, (incident, page) in enumerate(zip(wanted, one.met, strict=True)):
        if page is None:
            parts.append(f"never pages for {incident.name} ({scope_text(incident.scope)})")
            continue
        text = f"pages for {incident.name} {minutes(page.raised - incident.onset)} after its onset"
        if first is not None:
            text += f", {_earlier(page, first.met[number])}"
        parts.append(text)
    parts += _more("again", one.again)
    parts += _more("falsely", one.false) or ["not once falsely"]
    return _sentence(parts)


def _earlier(page: Page, before: Page | None) -> str:
    if before is None:
        return "where the first does not page at all"
    late = page.raised - before.raised
    if not late:
        return "at the same time as the first"
    return f"{minutes(abs(late))} {'later' if late > 0 else 'earlier'} than the first"


def _more(how: str, pages: Sequence[Page]) -> list[str]:
    if not pages:
        return []
    at = ", ".join(clock(page.raised) for page in pages)
    return [f"{times(len(pages))} {how} (at {at})"]


def _sentence(parts: Sequence[str]) -> str:
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def clock(instant: float) -> str:
    """Give a time of day with its date, to the minute."""
    return format_instant(instant)[:16].replace("T", " ") + "Z"


def minutes(seconds: float) -> str:
    """Give a length of time in minutes."""
    return f"{seconds / 60:.4g} min"


def times(count: int) -> str:
    """Say how often."""
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def scope_text(scope: Mapping[str, Sequence[str]]) -> str:
    """Give a scope as people write it, long lists cut."""
    parts = []
    for name, values in sorted(scope.items()):
        listed = "/".join(values) if len(values) <= _LISTED else f"{len(values)} values"
        parts.append(f"{name}={listed}")
    return " ".join(parts) or "everything"


_LISTED = 4
