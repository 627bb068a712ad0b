"""The smallest scope that explains a set of failures.

Scan over the lattice of dimensions. A scope names a set of values in some dimensions and none in
the others; it holds the series that match in every named dimension. Its score is

    sum over its series of l_s  -  nats to write its description down.

l_s is the log likelihood ratio of an added failure probability that varies from series to series
around a common one (logistic normal), against the baseline, divided by Pearson's dispersion. It is
additive over series, so with the sets of all other dimensions held fixed the best set of one
dimension holds the values with the largest sums: the linear-time subset scanning property (Neill
2012, JRSS B 74:337). Taking the dimensions in turn climbs to a local optimum; several starts find
the global one wherever an exhaustive search could be run.

The description is priced as a two-part code (Rissanen 1978; asymptotically BIC): a named dimension
of V values costs log(V - 1) for how many values it names and log C(V, k) for which; naming nearly
all is as cheap as naming few. A dimension that does not matter costs nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from detectors.attribution.likelihood import CEILING, FLOOR, LOGITS, cell_log_ratios, log_sum

_SPREAD = 0.8
"""Standard deviation, in logits, of the effect between series: a factor of about two."""
_SWEEPS = 20
"""Bound on climbing; each sweep that changes anything raises the score, five were most seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeSettings:
    """Settings of the scan.

    Attributes:
        dispersion: Pearson's phi of the counts, at least 1; log likelihoods are divided by it.
        starts: Number of single series, the most conspicuous first, from which to climb besides
            the starts from the whole fleet and from single values.
    """

    dispersion: float = 1.0
    starts: int = 3

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            ValueError: A setting is out of its range.
        """
        if not self.dispersion >= 1.0:
            raise ValueError(f"dispersion must be at least 1, not {self.dispersion}")
        if self.starts < 0:
            raise ValueError(f"starts must not be negative, not {self.starts}")


@dataclass(frozen=True, slots=True, eq=False)
class Scope:
    """A description of what fails.

    Attributes:
        values: For each dimension the codes that fail, or None where it does not matter.
        log_likelihood_ratio: Nats by which the scope explains the failures better than the
            baseline, before the price of its description. At most 0 says that nothing fails.
        series: bool[S], the series inside.
    """

    values: tuple[frozenset[int] | None, ...]
    log_likelihood_ratio: float
    series: NDArray[np.bool_]


_Sets = tuple[NDArray[np.bool_], ...]
"""For each dimension bool[V], the values inside."""


def smallest_scope(
    trials: NDArray[np.int64],
    failures: NDArray[np.int64],
    expected: NDArray[np.float64],
    codes: NDArray[np.int64],
    cardinalities: Sequence[int],
    settings: ScopeSettings,
) -> Scope:
    """Find the smallest description of the series that fail.

    Args:
        trials: int64[S], operations since the onset.
        failures: int64[S], failed operations.
        expected: float64[S], failures expected under the baseline.
        codes: int64[S, D], code of each series' value in each dimension.
        cardinalities: Number of values of each dimension, D of them. Values that no series has
            count neither for nor against a description.
        settings: Dispersion and starts.

    Returns:
        The scope of the best score; among equals the one found from the broader start.

    Raises:
        ValueError: The shapes do not agree or a code is out of range.
    """
    _check(trials, failures, expected, codes, cardinalities)
    # Only values that occur can be told from one another, or be named.
    present = [np.unique(codes[:, dimension]) for dimension in range(codes.shape[1])]
    dense = np.stack(
        [np.searchsorted(p, codes[:, d]) for d, p in enumerate(present)], axis=1
    ).reshape(codes.shape)
    ratio = np.clip(expected / np.maximum(trials, 1), FLOOR, CEILING)
    scores = _series_scores(
        trials.astype(np.float64), failures.astype(np.float64), ratio, settings.dispersion
    )
    sizes = [p.size for p in present]
    best_score, best_total = -np.inf, 0.0
    best: _Sets = tuple(np.ones(size, dtype=np.bool_) for size in sizes)
    for column in scores.T:
        for start in _starts(column, dense, sizes, settings.starts):
            sets, score, total = _climb(column, dense, start)
            if score > best_score + 1e-9:
                best_score, best_total, best = score, total, sets
    return Scope(
        values=tuple(
            None if chosen.all() else frozenset(values[chosen].tolist())
            for values, chosen in zip(present, best, strict=True)
        ),
        log_likelihood_ratio=best_total,
        series=_inside(dense, best),
    )


def _check(
    trials: NDArray[np.int64],
    failures: NDArray[np.int64],
    expected: NDArray[np.float64],
    codes: NDArray[np.int64],
    cardinalities: Sequence[int],
) -> None:
    if not trials.shape == failures.shape == expected.shape == codes.shape[:1]:
        raise ValueError(
            f"shapes differ: trials {trials.shape}, failures {failures.shape}, "
            f"expected {expected.shape}, codes {codes.shape}"
        )
    if codes.size == 0 or codes.shape[1] != len(cardinalities):
        raise ValueError(f"codes of shape {codes.shape} for {len(cardinalities)} dimensions")
    if (codes < 0).any() or (codes >= np.asarray(cardinalities)).any():
        raise ValueError(f"a code lies outside the cardinalities {tuple(cardinalities)}")


def _series_scores(
    trials: NDArray[np.float64],
    failures: NDArray[np.float64],
    ratio: NDArray[np.float64],
    dispersion: float,
) -> NDArray[np.float64]:
    """float64[S, C], log likelihood ratio of each series around each of C common effects."""
    grid = cell_log_ratios(trials, failures, ratio) / dispersion
    columns = []
    for centre in LOGITS[2::2]:
        shape = -0.5 * ((LOGITS - centre) / _SPREAD) ** 2
        columns.append(log_sum(grid + shape, axis=1) - float(log_sum(shape)))
    return np.stack(columns, axis=1)


def _starts(
    scores: NDArray[np.float64], codes: NDArray[np.intp], sizes: Sequence[int], series: int
) -> Iterator[_Sets]:
    """The whole fleet, the best value of each dimension alone, the best series alone."""
    yield tuple(np.ones(size, dtype=np.bool_) for size in sizes)
    for dimension, size in enumerate(sizes):
        gains = np.bincount(codes[:, dimension], scores, size)
        yield tuple(
            np.arange(other) == int(np.argmax(gains))
            if index == dimension
            else np.ones(other, np.bool_)
            for index, other in enumerate(sizes)
        )
    for row in np.argsort(-scores, kind="stable")[:series]:
        yield tuple(np.arange(size) == code for size, code in zip(sizes, codes[row], strict=True))


def _climb(
    scores: NDArray[np.float64], codes: NDArray[np.intp], start: _Sets
) -> tuple[_Sets, float, float]:
    """Improve one dimension after the other until none can be.

    Returns:
        The sets, their score, and their log likelihood ratio.
    """
    sets = list(start)
    outside = np.stack([~chosen[codes[:, d]] for d, chosen in enumerate(sets)], axis=1)
    for _ in range(_SWEEPS):
        changed = False
        for dimension in range(len(sets)):
            others = np.delete(outside, dimension, axis=1)
            eligible = ~others.any(axis=1)
            gains = np.bincount(codes[eligible, dimension], scores[eligible], sets[dimension].size)
            chosen = _best_values(gains.astype(np.float64))
            if not np.array_equal(chosen, sets[dimension]):
                changed = True
                sets[dimension] = chosen
                outside[:, dimension] = ~chosen[codes[:, dimension]]
        if not changed:
            break
    total = float(scores[~outside.any(axis=1)].sum())
    price = sum(float(_prices(chosen.size)[chosen.sum() - 1]) for chosen in sets)
    return tuple(sets), total - price, total


def _best_values(gains: NDArray[np.float64]) -> NDArray[np.bool_]:
    """bool[V], the set of values with the largest gain after its price; smallest codes first."""
    order = np.lexsort((np.arange(gains.size), -gains))
    worth = np.cumsum(gains[order]) - _prices(gains.size)
    chosen = np.zeros(gains.size, dtype=np.bool_)
    chosen[order[: int(np.argmax(worth)) + 1]] = True
    return chosen


@lru_cache(maxsize=256)
def _prices(size: int) -> NDArray[np.float64]:
    """float64[V], nats to describe a set of 1, 2, ..., V out of V values."""
    count = np.arange(1, size + 1)
    ways = gammaln(size + 1) - gammaln(count + 1) - gammaln(size - count + 1)
    prices: NDArray[np.float64] = ways + np.log(max(size - 1, 1))
    prices[-1] = 0.0
    prices.setflags(write=False)
    return prices


def _inside(codes: NDArray[np.intp], sets: _Sets) -> NDArray[np.bool_]:
    inside = np.ones(codes.shape[0], dtype=np.bool_)
    for dimension, chosen in enumerate(sets):
        inside &= chosen[codes[:, dimension]]
    return inside
