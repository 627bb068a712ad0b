"""From an observation to a ranking, as the product goes: scope, onset, ranking."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from detectors.arrays import Flags, Floats
from detectors.attribution.exposure import ReleaseExposure
from detectors.attribution.posterior import AttributionSettings, Cells, rank
from detectors.evaluation.attribution.baselines import Baseline, latest_start
from detectors.evaluation.attribution.cases import Case, observe
from detectors.evaluation.attribution.fleet import CARDINALITIES, MINUTES
from detectors.onset import locate
from detectors.scope import ScopeSettings, smallest_scope

_NOTICED: Final = 15
"""Minutes, up to the one in which an incident is noticed, in which its first scope is sought."""
_LOOKBACK: Final = 120
"""Minutes before that one to which an onset may be moved."""
_TURNS: Final = 2
"""How often scope and onset, each of which needs the other, are worked out."""
_HEALING: Final = 10
"""Minutes after a rollback that say nothing: its effect lingers, and the product leaves them out.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Located:
    """Where and since when something fails.

    Attributes:
        scope: Series, shape [S].
        onset: First bin.
    """

    scope: Flags
    onset: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CaseResult:
    """What the ranking and the baselines made of a case at some minute.

    Attributes:
        case: The case.
        minutes: Minutes since the onset.
        probabilities: Posterior probability of each registered release, 0 where nothing was known
            of it; shape [K].
        none_probability: That of none of them.
        ties: Groups of releases that cannot be told apart.
        choices: What each baseline chose.
        scope: Estimated scope, shape [S].
        onset_error: Estimated minus true onset in minutes.
        seconds: Time that the ranking alone took; nan without a clock.
    """

    case: Case
    minutes: int
    probabilities: Floats
    none_probability: float
    ties: tuple[tuple[int, ...], ...]
    choices: Mapping[Baseline, int | None]
    scope: Flags
    onset_error: int
    seconds: float

    @property
    def first(self) -> int:
        """The most probable release."""
        return int(np.argmax(self.probabilities))

    @property
    def verdict(self) -> int | None:
        """The most probable release; None if it is likelier that there is none."""
        return self.first if self.probabilities[self.first] > self.none_probability else None

    def is_right(self, choice: int | None) -> bool:
        """Tell whether a choice is the truth; nothing can tell a clone from the culprit."""
        return choice == self.case.culprit or (choice is not None and choice == self.case.clone)


def evaluate_case(
    case: Case,
    minutes: int,
    settings: AttributionSettings,
    *,
    history: int = MINUTES,
    clock: Callable[[], float] | None = None,
) -> CaseResult:
    """Rank the releases of a case with what is known some minutes after its onset.

    Args:
        case: The case.
        minutes: Minutes since the onset.
        settings: Of the ranking.
        history: Minutes of history that are kept.
        clock: Gives seconds, to time the ranking.
    """
    seen = observe(case, minutes, history)
    located = locate_incident(seen.cells)
    cells = without_healing(seen.cells, seen.releases)
    started = clock() if clock else np.nan
    ranking = rank(cells, seen.releases, located.scope, located.onset, settings)
    seconds = (clock() if clock else np.nan) - started
    probabilities = np.zeros(len(case.releases))
    probabilities[list(seen.indices)] = ranking.probabilities
    chosen = {Baseline.LATEST_START: latest_start(seen.releases, located.onset)}
    return CaseResult(
        case=case,
        minutes=minutes,
        probabilities=probabilities,
        none_probability=ranking.none_probability,
        ties=tuple(tuple(seen.indices[index] for index in tie) for tie in ranking.ties),
        choices={
            baseline: None if choice is None else seen.indices[choice]
            for baseline, choice in chosen.items()
        },
        scope=located.scope,
        onset_error=located.onset + seen.first - case.onset,
        seconds=seconds,
    )


def locate_incident(cells: Cells) -> Located:
    """Find scope and onset of an incident that was noticed in the last minute.

    Args:
        cells: Counts up to that minute.
    """
    bins = cells.trials.shape[1]
    onset = max(bins - _NOTICED, 0)
    for _ in range(_TURNS):
        scope = _scope_since(cells, onset)
        onset = _onset_of(cells, scope, max(bins - _LOOKBACK, 0))
    return Located(_scope_since(cells, onset), onset)


def without_healing(cells: Cells, releases: tuple[ReleaseExposure, ...]) -> Cells:
    """Leave out the minutes after each rollback, in what it touched."""
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


def _scope_since(cells: Cells, onset: int) -> Flags:
    recent = slice(onset, None)
    return smallest_scope(
        cells.trials[:, recent].sum(axis=1),
        cells.failures[:, recent].sum(axis=1),
        cells.expected[:, recent].sum(axis=1),
        cells.codes,
        CARDINALITIES,
        ScopeSettings(),
    ).series


def _onset_of(cells: Cells, scope: Flags, first: int) -> int:
    trials, failures, expected = (
        counts[scope, first:].sum(axis=0, dtype=np.float64)[:, np.newaxis]
        for counts in (cells.trials, cells.failures, cells.expected)
    )
    before = expected.sum(axis=0) / np.maximum(trials.sum(axis=0), 1.0)
    found = locate(
        trials, failures, before, np.zeros(1, np.int64), rising=np.ones(1, dtype=np.bool_)
    )
    return first + int(found.best[0])
