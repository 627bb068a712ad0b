"""What the figures have to be, and whether they are: failing goals are part of the result."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from detectors.evaluation.experiments import ChangeResult, MethodScore, NuisanceResult
from detectors.evaluation.fleet import FleetResult
from detectors.evaluation.scores import Delays, FalseAlarms

MEDIAN_FACTOR: Final = 1.4
LATE_FACTOR: Final = 1.3
ALLOWANCE: Final = 2.0
"""Windows that a delay may be longer than the oracle's, whatever the factor."""
MOST_FALSE_ALARMS: Final = 1.5
"""Upper confidence bound of realised over promised false alarms."""
PEER_FACTOR: Final = 1.1
LEAST_FOUND: Final = 0.95
TELLING_EXCESS: Final = 10.0
"""Excess failures in one window from which on the onset has to be exact."""
COVERAGE: Final = (0.85, 0.95)


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """One figure with what it has to be.

    Attributes:
        subject: Which figure.
        cell: Where.
        value: The figure.
        bound: What it has to be, in words.
        met: Whether it is; a figure that is undefined misses its goal.
    """

    subject: str
    cell: str
    value: float
    bound: str
    met: bool


def label(cell: str, *, known: bool) -> str:
    """Name a cell with its kind of baseline."""
    return f"{cell}, {'known' if known else 'learned'}"


def change_goals(result: ChangeResult) -> list[Goal]:
    """Judge one change cell: delays against the oracle, peers, onsets."""
    cell, own = label(result.cell.name, known=result.known), result.promised
    goals = [
        _delay_goal("median delay", cell, own.delays.median, own.oracle.median, MEDIAN_FACTOR),
        _delay_goal("95 % delay", cell, own.delays.late, own.oracle.late, LATE_FACTOR),
    ]
    if result.cell.ramp_windows == 1:
        goals += _onset_goals(result, cell)
    if result.known:
        goals += _peer_goals(result, cell)
    return goals


def _delay_goal(subject: str, cell: str, value: float, floor: float, factor: float) -> Goal:
    """Compare with the oracle; two infinite delays are equal and meet the goal."""
    bound = max(factor * floor, floor + ALLOWANCE)
    return Goal(
        subject=subject,
        cell=cell,
        value=value,
        bound=f"<= {bound:.1f} (oracle {floor:g})",
        met=value <= bound,
    )


def _onset_goals(result: ChangeResult, cell: str) -> list[Goal]:
    """Judge error and interval; an interval of one window cannot be narrowed to cover less."""
    low, high = COVERAGE
    high = 1.0 if result.onsets.width == 1.0 else high
    covered, error = result.onsets.covered, result.onsets.median
    goals = [
        Goal(
            subject="coverage of the onset's interval",
            cell=cell,
            value=covered,
            bound=f"{low:g} to {high:g}",
            met=low <= covered <= high,
        )
    ]
    if result.cell.excess_failures > TELLING_EXCESS:
        goals.append(
            Goal(
                subject="median error of the onset",
                cell=cell,
                value=error,
                bound="0",
                met=not error,
            )
        )
    return goals


def _peer_goals(result: ChangeResult, cell: str) -> list[Goal]:
    """Compare mean delays at equal false alarms, on the series that the peer had, too.

    Means, because medians of a few windows cannot differ by 10 %; a miss counts as the horizon.
    """
    own = result.scores[-1]
    goals = []
    for peer in result.scores[1:-1]:
        factor = 1.0 if result.cell.nuisance.rho else PEER_FACTOR
        bound = factor * mean_delay(peer.delays, result.cell.horizon)
        same = Delays(found=own.delays.found[: peer.delays.found.size])
        value = mean_delay(same, result.cell.horizon)
        goals.append(
            Goal(
                subject=f"mean delay, calibrated, against {peer.name}",
                cell=cell,
                value=value,
                bound=f"<= {bound:.2f}",
                met=value <= bound,
            )
        )
    return goals


def mean_delay(delays: Delays, horizon: int) -> float:
    """Give the mean delay with every miss counted as the horizon; nan without changes."""
    return float(np.minimum(delays.found, horizon).mean()) if delays.found.size else math.nan


def nuisance_goals(result: NuisanceResult) -> list[Goal]:
    """Judge one nuisance cell: the promise, settled and from a cold start."""
    cell = label(result.cell.name, known=result.known)
    goals = [_promise_goal("false alarms, settled", cell, result.settled)]
    if result.cold.promised:
        goals.append(_promise_goal("false alarms, from a cold start", cell, result.cold))
    return goals


def _promise_goal(subject: str, cell: str, alarms: FalseAlarms) -> Goal:
    return Goal(
        subject=f"{subject}: upper bound over promise",
        cell=cell,
        value=alarms.upper,
        bound=f"< {MOST_FALSE_ALARMS:g}",
        met=alarms.upper < MOST_FALSE_ALARMS,
    )


def fleet_goals(result: FleetResult) -> list[Goal]:
    """Judge the fleet: the promise, and the share found of what could be found."""
    share = result.found / result.visible if result.visible else math.nan
    return [
        Goal(
            subject="false alarms",
            cell="fleet",
            value=float(result.false_alarms.count),
            bound=f"<= {result.false_alarms.promised:.0f}",
            met=result.false_alarms.count <= result.false_alarms.promised,
        ),
        Goal(
            subject="visible incidents found in time",
            cell="fleet",
            value=share,
            bound=f">= {LEAST_FOUND:g}",
            met=share >= LEAST_FOUND,
        ),
    ]


def calibrated_score(result: ChangeResult) -> MethodScore | None:
    """Give this program calibrated, which only cells with known baselines have."""
    return result.scores[-1] if result.known else None


def all_goals(
    changes: Sequence[ChangeResult],
    nuisances: Sequence[NuisanceResult],
    fleets: Sequence[FleetResult],
) -> list[Goal]:
    """Judge everything but costs; of the fleets the first, which is this program's.

    Args:
        changes: Change cells.
        nuisances: Nuisance cells.
        fleets: Methods on the fleet.
    """
    goals = [goal for change in changes for goal in change_goals(change)]
    goals += [goal for nuisance in nuisances for goal in nuisance_goals(nuisance)]
    return goals + [goal for fleet in fleets[:1] for goal in fleet_goals(fleet)]
