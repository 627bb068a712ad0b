"""A table of replays side by side: Markdown, JSON, and HTML with a plot."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import msgspec

from streams.domain.time import format_instant
from streams.replay.answers import answers, clock, minutes, scope_text
from streams.replay.lanes import lanes
from streams.replay.trials import Page, Ranking, Score, Trial, Wanted, score, wanted_of_trial

VERSION = 1
"""Of the JSON: raised whenever a field changes its meaning."""

_HEAD = (
    "setting",
    "pages",
    "for",
    "delay",
    "first ranking",
    "last ranking",
    "over",
    "recovered",
)


@dataclass(frozen=True, slots=True)
class SideBySide:
    """Replays of the same past.

    Attributes:
        trials: One for each setting; the others are compared with the first.
        truth: The incidents that there were; None where that is not known.
        ratios: (start of a window in seconds since the epoch, success ratio of all series, 0 to 1).
    """

    trials: tuple[Trial, ...]
    truth: Sequence[Wanted] | None
    ratios: tuple[tuple[float, float], ...]

    @property
    def wanted(self) -> Sequence[Wanted]:
        """Give what all are held against: the truth, or what the first pages for."""
        return wanted_of_trial(self.trials[0]) if self.truth is None else self.truth

    @property
    def answers(self) -> list[str]:
        """Give a sentence for each replay."""
        return answers(self.trials, self.wanted, true=self.truth is not None)

    @property
    def scores(self) -> list[Score]:
        """Give which page is for what, for each replay."""
        return [score(trial.pages, self.wanted) for trial in self.trials]


def as_markdown(found: SideBySide) -> str:
    """Give it as Markdown."""
    lines = ["# What if", ""]
    for trial, answer in zip(found.trials, found.answers, strict=True):
        lines.append(f"- **{trial.name}**: {answer}")
    lines += ["", f"| {' | '.join(_HEAD)} |", "|-" * len(_HEAD) + "|"]
    lines += [f"| {' | '.join(_escaped(cell) for cell in row)} |" for row in _rows(found)]
    head = ("setting", *_COUNTS)
    lines += ["", f"| {' | '.join(head)} |", "|-" * len(head) + "|"]
    lines += [f"| {' | '.join(map(_escaped, row))} |" for row in _counts(found)]
    return "\n".join(lines) + "\n"


def as_json(found: SideBySide) -> bytes:
    """Give it as JSON."""
    wanted = [
        {
            "incident": one.name,
            "onset": format_instant(one.onset),
            "end": None if one.end is None else format_instant(one.end),
            "scope": one.scope,
            "culprit": one.culprit,
        }
        for one in found.truth or ()
    ]
    settings = [
        {
            "setting": trial.name,
            "answer": answer,
            "change_points": trial.summary.change_points,
            "degradations": trial.changes,
            "missed": [
                one.name for one, page in zip(found.wanted, scored.met, strict=True) if page is None
            ],
            "pages": [_page(page, found.wanted, scored) for page in trial.pages],
        }
        for trial, answer, scored in zip(found.trials, found.answers, found.scores, strict=True)
    ]
    whole = {
        "version": VERSION,
        "truth": None if found.truth is None else wanted,
        "settings": settings,
    }
    return msgspec.json.format(msgspec.json.encode(whole), indent=1) + b"\n"


def as_html(found: SideBySide) -> str:
    """Give it as one page of HTML that needs nothing else."""
    sentences = "".join(
        f"<li><strong>{escape(trial.name)}</strong>: {escape(answer)}</li>"
        for trial, answer in zip(found.trials, found.answers, strict=True)
    )
    return _PAGE.format(
        sentences=sentences,
        plot=lanes(found.trials, found.truth, found.ratios),
        pages=_table(_HEAD, _rows(found), "Pages"),
        counts=_table(("setting", *_COUNTS), _counts(found), "Everything that was found"),
    )


_COUNTS = ("events", "windows", "change points", "degradations by kind", "incidents", "false pages")


def _rows(found: SideBySide) -> list[tuple[str, ...]]:
    """Give a row for each page, and one for each incident that has none."""
    rows = []
    for trial, scored in zip(found.trials, found.scores, strict=True):
        rows += [
            (trial.name, clock(page.raised), *_of_page(page, found, scored)) for page in trial.pages
        ]
        for wanted, met in zip(found.wanted, scored.met, strict=True):
            if met is None:
                blank = [""] * (len(_HEAD) - 3)
                rows.append((trial.name, "never", scope_text(wanted.scope), *blank))
    return rows


def _of_page(page: Page, found: SideBySide, scored: Score) -> tuple[str, ...]:
    return (
        scope_text(page.scope),
        _delay(page, found, scored),
        _ranking(page.first),
        _ranking(page.last),
        "not yet" if page.resolved is None else clock(page.resolved),
        f"{page.recovered} of {page.regions} regions",
    )


def _delay(page: Page, found: SideBySide, scored: Score) -> str:
    """Say how long after the true onset it pages, or that there was nothing to page for."""
    if page in scored.false:
        return "new" if found.truth is None else "false"
    if page in scored.again:
        return "again"
    if found.truth is None:
        return ""
    return minutes(page.raised - found.truth[scored.met.index(page)].onset)


def _ranking(ranking: Ranking) -> str:
    none = f"none {ranking.none:.2f}"
    if ranking.release is None:
        return none
    return f"{ranking.release} {ranking.probability:.2f}, {none}"


def _counts(found: SideBySide) -> list[tuple[str, ...]]:
    return [
        (
            trial.name,
            str(trial.summary.events),
            str(trial.summary.windows),
            str(trial.summary.change_points),
            ", ".join(f"{kind} {count}" for kind, count in trial.changes.items()),
            str(len(trial.pages)),
            "not known" if found.truth is None else str(len(scored.false)),
        )
        for trial, scored in zip(found.trials, found.scores, strict=True)
    ]


def _page(page: Page, wanted: Sequence[Wanted], scored: Score) -> dict[str, object]:
    met = wanted[scored.met.index(page)] if page in scored.met else None
    return {
        "incident": page.incident,
        "raised": format_instant(page.raised),
        "onset": format_instant(page.onset),
        "resolved": None if page.resolved is None else format_instant(page.resolved),
        "scope": page.scope,
        "for": None if met is None else met.name,
        "again": page in scored.again,
        "delay_seconds": None if met is None else page.raised - met.onset,
        "first_ranking": _plain(page.first),
        "last_ranking": _plain(page.last),
        "regions": page.regions,
        "regions_recovered": page.recovered,
    }


def _plain(ranking: Ranking) -> dict[str, object]:
    return {
        "release": ranking.release,
        "probability": ranking.probability,
        "no_release_probability": ranking.none,
    }


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|")


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], caption: str) -> str:
    titles = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return (
        f'<div class="wide"><table><caption>{caption}</caption>'
        f"<thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table></div>"
    )


_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>opwatch: what if</title>
<style>
:root {{ color-scheme: light dark; --ink: #1f2430; --paper: #fff; --soft: #5b6472; --line: #d5d9e0;
  --bad: #b3261e; --good: #1b6e3c; --mark: #1f5fbf; }}
@media (prefers-color-scheme: dark) {{ :root {{ --ink: #e6e8ec; --paper: #16181d; --soft: #a5adba;
  --line: #3a404b; --bad: #ff8a80; --good: #7bd8a0; --mark: #8ab4f8; }} }}
body {{ font: 1rem/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 75rem; margin: 2rem auto; padding: 0 1rem; }}
table {{ border-collapse: collapse; width: 100%; }}
caption {{ text-align: left; font-weight: 600; padding: .5rem 0; }}
th, td {{ text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0;
  border-bottom: 1px solid var(--line); }}
.wide {{ overflow-x: auto; }}
figure {{ margin: 1rem 0; }}
svg {{ width: 100%; height: auto; font: 12px system-ui, sans-serif; }}
svg text {{ fill: var(--ink); }}
</style>
</head>
<body>
<main>
<h1>What if</h1>
<p>The same past under several settings; the others are compared with the first. Times are UTC.</p>
<ul>{sentences}</ul>
{plot}
{pages}
{counts}
</main>
</body>
</html>
"""
