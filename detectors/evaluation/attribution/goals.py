"""What the figures have to be, and whether they are: failing goals are part of the result."""

from collections.abc import Iterator, Sequence
from typing import Final

from detectors.evaluation.attribution.cases import RELEASES
from detectors.evaluation.attribution.localisation import LocalisationResult
from detectors.evaluation.attribution.results import CaseResult
from detectors.evaluation.attribution.scores import (
    calibration,
    clones_tied,
    false_blame,
    localisation_score,
    ranking_score,
)
from detectors.evaluation.goals import Goal

RIGHT_FIRST: Final = {12: 0.97, 30: 0.93}
"""Least share with the right release first after an hour, by the number of releases."""
EARLY, LATE = 15, 60
"""Minutes after the onset at which goals are judged."""
MOST_FALSE_BLAME: Final = 0.02
MOST_CALIBRATION_ERROR: Final = 0.03
LEAST_EXACT: Final = 0.90
LEAST_OVERLAP: Final = 0.95
MOST_SECONDS: Final = 0.5


def ranking_goals(results: Sequence[CaseResult]) -> list[Goal]:
    """Judge the rankings, as far as there are any to be judged.

    Args:
        results: Of all cases and minutes.
    """
    goals = [*_first_goals(results), *_lead_goals(results)]
    for minutes in (EARLY, LATE):
        at = [result for result in results if result.minutes == minutes]
        blame = false_blame(at)
        if blame.cases:
            goals.append(_at_most("false blame", f"+{minutes} min", blame.rate, MOST_FALSE_BLAME))
    late = [result for result in results if result.minutes == LATE]
    if late:
        error = calibration(late).error
        goals.append(
            _at_most("expected calibration error", f"+{LATE} min", error, MOST_CALIBRATION_ERROR)
        )
    tied, clones = clones_tied(late)
    if clones:
        goals.append(_at_least("clones reported as ties", f"+{LATE} min", tied / clones, 1.0))
    return goals


def localisation_goals(results: Sequence[LocalisationResult]) -> list[Goal]:
    """Judge the search for scopes, over all kinds of fleets; nothing without incidents."""
    if not results:
        return []
    own = localisation_score([result.own for result in results])
    scan = localisation_score([result.scan for result in results])
    return [
        _at_least("exact scope", "localisation", own.exact, LEAST_EXACT),
        _at_least("mean Jaccard index", "localisation", own.overlap, LEAST_OVERLAP),
        _ahead("exact scope, ahead of the Poisson scan", "localisation", own.exact, scan.exact),
        _ahead(
            "mean Jaccard index, ahead of the Poisson scan",
            "localisation",
            own.overlap,
            scan.overlap,
        ),
    ]


def cost_goal(seconds: float) -> Goal:
    """Judge the median time of a large ranking."""
    return _at_most("seconds a ranking", "10,000 series, K = 30", seconds, MOST_SECONDS)


def _first_goals(results: Sequence[CaseResult]) -> Iterator[Goal]:
    for releases, least in RIGHT_FIRST.items():
        score = ranking_score(_at(results, releases, LATE))
        if score.cases:
            cell = f"K = {releases}, +{LATE} min"
            yield _at_least("right release first", cell, score.right_first, least)


def _lead_goals(results: Sequence[CaseResult]) -> Iterator[Goal]:
    for releases in RELEASES:
        score = ranking_score(_at(results, releases, EARLY))
        if score.cases:
            baseline = max(score.baselines, key=lambda one: score.baselines[one])
            yield _ahead(
                f"right release first, ahead of {baseline.value}",
                f"K = {releases}, +{EARLY} min",
                score.right_first,
                score.baselines[baseline],
            )


def _at(results: Sequence[CaseResult], releases: int, minutes: int) -> list[CaseResult]:
    return [one for one in results if one.releases == releases and one.minutes == minutes]


def _at_least(subject: str, cell: str, value: float, least: float) -> Goal:
    met = value >= least
    return Goal(subject=subject, cell=cell, value=value, bound=f">= {least:g}", met=met)


def _at_most(subject: str, cell: str, value: float, most: float) -> Goal:
    met = value <= most
    return Goal(subject=subject, cell=cell, value=value, bound=f"<= {most:g}", met=met)


def _ahead(subject: str, cell: str, value: float, other: float) -> Goal:
    met = value > other
    return Goal(subject=subject, cell=cell, value=value, bound=f"> {other:.3f}", met=met)
