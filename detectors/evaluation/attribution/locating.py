"""Where and since when an incident happens, found in the counts alone, as the product does."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from detectors.arrays import Flags
from detectors.attribution.posterior import Cells
from detectors.onset import locate
from detectors.scope import Scope, ScopeSettings, smallest_scope

_NOTICED: Final = (15, 30, 60)
"""Minutes, up to the one in which an incident is noticed, in which its first scope is sought. The
detectors look back as far as it takes, so the stretch that stands out most is taken."""
_LOOKBACK: Final = 75
"""Minutes before that one to which an onset may be moved: an hour before the first scope."""
_TURNS: Final = 2
"""How often scope and onset, each of which needs the other, are worked out."""


@dataclass(frozen=True, slots=True, eq=False)
class Located:
    """Where and since when something fails.

    Attributes:
        scope: Series, shape [S].
        onset: First bin.
    """

    scope: Flags
    onset: int


def locate_incident(cells: Cells) -> Located:
    """Find scope and onset of an incident that was noticed in the last minute.

    Args:
        cells: Counts up to that minute.
    """
    bins = cells.trials.shape[1]
    starts = [max(bins - minutes, 0) for minutes in _NOTICED]
    onset = max(starts, key=lambda start: _scope_since(cells, start).log_likelihood_ratio)
    for _ in range(_TURNS):
        scope = _scope_since(cells, onset).series
        moved = _onset_of(cells, scope, max(bins - _LOOKBACK, 0))
        if moved == onset:
            return Located(scope, onset)
        onset = moved
    return Located(_scope_since(cells, onset).series, onset)


def jaccard(one: Flags, other: Flags) -> float:
    """Give the share of the series in either set that are in both, 1 if both are empty."""
    either = int(np.count_nonzero(one | other))
    return int(np.count_nonzero(one & other)) / either if either else 1.0


def _scope_since(cells: Cells, onset: int) -> Scope:
    recent = slice(onset, None)
    return smallest_scope(
        cells.trials[:, recent].sum(axis=1),
        cells.failures[:, recent].sum(axis=1),
        cells.expected[:, recent].sum(axis=1),
        cells.codes,
        (cells.codes.max(axis=0) + 1).tolist(),
        ScopeSettings(),
    )


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
