"""What the tables of the benchmarks share."""

import math
from collections.abc import Iterable, Sequence

from detectors.evaluation.goals import Goal

NONE = "–"


def goals_text(goals: Sequence[Goal]) -> str:
    """List what is missed; what is met is only counted, for there is a lot of it."""
    missed = [goal for goal in goals if not goal.met]
    head = f"**{len(goals) - len(missed)} of {len(goals)} goals met.**"
    if not missed:
        return head
    rows = [(goal.cell, goal.subject, number(goal.value), goal.bound) for goal in missed]
    return f"{head} Missed:\n\n{table(('cell', 'goal', 'is', 'must be'), rows)}"


def number(value: float) -> str:
    """Give a number with four digits."""
    return f"{value:.4g}" if math.isfinite(value) else "undefined"


def share(value: float, digits: int = 0) -> str:
    """Give a share in per cent.

    Args:
        value: Between 0 and 1.
        digits: How many behind the point.
    """
    return f"{value:.{digits}%}" if math.isfinite(value) else "undefined"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Give a Markdown table."""
    lines = [header, ["-"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
