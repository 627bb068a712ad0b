"""From a case to a ranking, as the product goes: scope, onset, ranking."""

import math
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from detectors.attribution.exposure import ReleaseExposure
from detectors.attribution.posterior import AttributionSettings, Cells, rank
from detectors.evaluation.attribution.baselines import Evidence, choices
from detectors.evaluation.attribution.cases import Case, observe
from detectors.evaluation.attribution.locating import jaccard, locate_incident
from detectors.evaluation.attribution.results import CaseResult

HISTORY: Final = 360
"""Minutes that the product keeps unless told otherwise."""
_HEALING: Final = 10
"""Minutes after a rollback that say nothing: its effect lingers, so the product drops them."""


def evaluate_case(
    case: Case,
    minutes: int,
    settings: AttributionSettings,
    *,
    history: int = HISTORY,
    clock: Callable[[], float] | None = None,
) -> CaseResult:
    """Rank the releases of a case with what is known some minutes after its onset.

    Of the truth the ranking is told nothing but that an incident was noticed in the last minute.

    Args:
        case: The case.
        minutes: Minutes since the onset.
        settings: Of the ranking; bins are minutes.
        history: Minutes of history that are kept.
        clock: Gives seconds, to time the ranking.
    """
    seen = observe(case, minutes, history)
    located = locate_incident(seen.cells)
    cells = without_healing(seen.cells, seen.releases)
    started = clock() if clock else math.nan
    ranking = rank(cells, seen.releases, located.scope, located.onset, settings)
    seconds = clock() - started if clock else math.nan
    probabilities = np.zeros(len(case.releases))
    probabilities[list(seen.indices)] = ranking.probabilities
    chosen = choices(Evidence(seen.cells, seen.releases, located))
    return CaseResult(
        kind=case.kind,
        noise=case.noise,
        culprit=case.culprit,
        clone=case.clone,
        minutes=minutes,
        operations=int(seen.cells.trials.sum()),
        bins=seen.cells.trials.shape[1],
        probabilities=probabilities,
        none_probability=ranking.none_probability,
        ties=tuple(tuple(seen.indices[index] for index in tie) for tie in ranking.ties),
        choices={
            baseline: None if choice is None else seen.indices[choice]
            for baseline, choice in chosen.items()
        },
        overlap=jaccard(located.scope, case.scope(minutes)),
        onset_error=located.onset + seen.first - case.onset,
        seconds=seconds,
    )


def without_healing(cells: Cells, releases: Sequence[ReleaseExposure]) -> Cells:
    """Leave out the minutes after each rollback, in what it touched.

    Args:
        cells: Counts.
        releases: The known releases.
    """
    trials, failures, expected = cells.trials.copy(), cells.failures.copy(), cells.expected.copy()
    for release in releases:
        level = np.zeros(len(cells.codes))
        for step in release.steps:
            lowered = step.series & (level > step.exposure)
            healing = slice(max(int(step.bin), 0), max(int(step.bin) + _HEALING, 0))
            for counts in (trials, failures, expected):
                counts[lowered, healing] = 0
            level[step.series] = step.exposure
    return Cells(trials, failures, expected, cells.codes, cells.region_dimension)
