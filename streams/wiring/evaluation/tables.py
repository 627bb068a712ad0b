"""The benchmark as Markdown tables."""

import math
from collections.abc import Iterable, Sequence

from detectors.evaluation.experiments import ChangeResult, MethodScore
from detectors.evaluation.goals import Goal, change_goals, nuisance_goals
from detectors.evaluation.scores import Delays, FalseAlarms
from streams.wiring.evaluation.evaluation import Evaluation
from streams.wiring.evaluation.markdown import NONE, goals_text, number, share, table


def render(evaluation: Evaluation) -> str:
    """Give the tables, the goals that are missed first."""
    parts = [_about(evaluation), goals_text(evaluation.goals())]
    if evaluation.changes:
        parts += ["### Delays", _delays(evaluation.changes)]
        parts += ["### Onsets", _onsets(evaluation.changes)]
    if evaluation.nuisances:
        parts += ["### False alarms against the promise", _nuisances(evaluation)]
    if evaluation.fleets:
        parts += ["### Fleet", _fleets(evaluation)]
    if evaluation.costs:
        parts += ["### Cost", _costs(evaluation)]
    return "\n\n".join(parts) + "\n"


def _about(evaluation: Evaluation) -> str:
    size = " `--quick`: far too small to judge by;" if evaluation.quick else ""
    lines = [f"Seed {evaluation.seed};{size} times in minutes."]
    if evaluation.missing:
        install = " ".join(evaluation.missing)
        lines.append(f"Peers not installed, so not measured: {install} (`pip install {install}`).")
    return " ".join(lines)


def _delays(changes: Sequence[ChangeResult]) -> str:
    """Show known and learned baselines of a cell side by side."""
    names = list(dict.fromkeys(change.cell.name for change in changes))
    peers = _columns(changes)
    header = ["cell", "oracle", "opwatch, known", "calibrated", *peers]
    header += ["oracle, learned", "opwatch, learned", "burn rate", "goal"]
    rows = []
    for name in names:
        of_cell = {change.known: change for change in changes if change.cell.name == name}
        rows.append(_delay_row(name, of_cell.get(True), of_cell.get(False), peers))
    return table(header, rows)


def _columns(changes: Iterable[ChangeResult]) -> list[str]:
    named = [score.name for one in changes if one.known for score in one.scores[1:-1]]
    return list(dict.fromkeys(named))


def _delay_row(
    name: str, known: ChangeResult | None, learned: ChangeResult | None, peers: Sequence[str]
) -> list[str]:
    scores = {score.name: score for score in known.scores} if known else {}
    row = [
        name,
        *([_text(known.promised.oracle), _text(known.promised.delays)] if known else 2 * [NONE]),
    ]
    row.append(_text(known.scores[-1].delays) if known else NONE)
    row += [_score(scores.get(peer)) for peer in peers]
    if learned:
        row += [_text(learned.promised.oracle), _text(learned.promised.delays)]
        row.append(_text(learned.scores[-1].delays))
    else:
        row += 3 * [NONE]
    goals = [goal for one in (known, learned) if one for goal in change_goals(one)]
    delay_goals = [goal for goal in goals if goal.subject.endswith(" delay")]
    return [*row, _met(delay_goals)]


def _score(score: MethodScore | None) -> str:
    return _text(score.delays) if score else NONE


def _text(delays: Delays) -> str:
    text = f"{_minutes(delays.median)}/{_minutes(delays.late)}"
    return f"{text} ({delays.missed:.1%} missed)" if delays.missed else text


def _minutes(value: float) -> str:
    return f"{value:.0f}" if math.isfinite(value) else "never"


def _met(goals: Sequence[Goal]) -> str:
    missed = sum(not goal.met for goal in goals)
    return f"**missed** ({missed} of {len(goals)})" if missed else "met"


def _onsets(changes: Sequence[ChangeResult]) -> str:
    rows = [
        (
            change.cell.name,
            "known" if change.known else "learned",
            number(change.cell.excess_failures),
            number(change.onsets.median),
            share(change.onsets.covered),
            number(change.onsets.width),
        )
        for change in changes
    ]
    header = ("cell", "baseline", "excess failures a window", "median error")
    return table((*header, "interval covers", "its width"), rows)


def _nuisances(evaluation: Evaluation) -> str:
    rows = [
        (
            one.cell.name,
            "known" if one.known else "learned",
            *_against(one.settled),
            *_against(one.cold),
            _met(nuisance_goals(one)),
        )
        for one in evaluation.nuisances
    ]
    header = ("cell", "baseline", "settled / promised", "upper bound")
    return table((*header, "cold start / promised", "upper bound", "goal"), rows)


def _against(alarms: FalseAlarms) -> tuple[str, str]:
    if not alarms.promised:
        return NONE, NONE
    return f"{alarms.count} / {alarms.promised:.1f}", f"{alarms.upper:.2f}"


def _fleets(evaluation: Evaluation) -> str:
    rows = [
        (
            one.name,
            f"{one.false_alarms.count} / {one.false_alarms.promised:.0f}",
            f"{one.found} of {one.visible}",
            f"{one.found_at_all} of {one.incidents}",
            _text(one.delays),
            _text(one.oracle),
        )
        for one in evaluation.fleets
    ]
    header = ("method", "false alarms / promised", "visible found", "all found", "delay", "oracle")
    return table(header, rows)


def _costs(evaluation: Evaluation) -> str:
    costs = evaluation.costs
    if costs is None:
        return ""
    rows = [
        (
            f"{step.series:,}",
            f"{step.milliseconds:.1f}",
            f"{step.late_milliseconds:.1f}",
            f"{step.nanoseconds:.0f}",
        )
        for step in costs.steps
    ]
    header = ("series", "ms a window, median", "95 %", "ns a series and update")
    return f"{table(header, rows)}\n\nState: {costs.bytes_per_series:,.0f} bytes a series."
