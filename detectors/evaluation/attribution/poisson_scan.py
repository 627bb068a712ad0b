"""A plain Poisson scan over the lattice of dimensions: what localisation has to beat."""

from collections.abc import Iterator
from itertools import combinations
from typing import Final

import numpy as np

from detectors.arrays import Flags, Floats, Integers

_LEAST_RATIO: Final = 10.0
"""Nats from which a node is taken, about what it costs to look at thousands of them."""
_LEAST_SHARE: Final = 0.05
"""Share of the first node's nats that a further one needs: overdispersion earns nats as well."""


def poisson_scan(failures: Integers, expected: Floats, codes: Integers) -> Flags:
    """Find the series that fail as a union of nodes, greedily.

    Statistic: C log(C / E) - (C - E), with C the failures and E the failures expected of a node,
    where C > E: the log likelihood ratio of a higher Poisson rate (Kulldorff, Communications in
    Statistics 26, 1997; expectation-based: Neill, Int. J. Forecasting 25, 2009). A node gives some
    dimensions one value each and leaves the others free; all nodes are looked at. The best one is
    taken, its series are set aside, and the rest is scanned again, until nothing is left that
    counts.

    Args:
        failures: Failed operations of each series, shape [S].
        expected: Failures expected, shape [S].
        codes: Code of each series' value in each dimension, shape [S, D].

    Returns:
        Shape [S]; nothing where no node counts.
    """
    lattice = list(_lattice(codes))
    found = np.zeros(len(codes), dtype=np.bool_)
    least = _LEAST_RATIO
    while True:
        ratio, series = _best_node(lattice, np.where(found, 0, failures), expected * ~found)
        if ratio < least:
            return found
        found |= series
        least = max(least, _LEAST_SHARE * ratio)


def _lattice(codes: Integers) -> Iterator[Integers]:
    """Give the node of each series for each set of dimensions that a node may name, shape [S]."""
    dimensions = codes.shape[1]
    for named in range(dimensions + 1):
        for chosen in combinations(range(dimensions), named):
            key = np.zeros(len(codes), dtype=np.int64)
            for dimension in chosen:
                key = key * (int(codes[:, dimension].max()) + 1) + codes[:, dimension]
            yield np.unique(key, return_inverse=True)[1]


def _best_node(
    lattice: list[Integers], failures: Integers, expected: Floats
) -> tuple[float, Flags]:
    """Give the best node's ratio and its series, the broadest among equals."""
    best, series = 0.0, np.zeros(failures.size, dtype=np.bool_)
    for nodes in lattice:
        count, mean = np.bincount(nodes, failures), np.bincount(nodes, expected)
        more = count > mean
        ratio = np.zeros(count.size)
        # A node may hold failures where none were expected; a millionth keeps the ratio finite.
        mean = np.maximum(mean, 1e-6)
        ratio[more] = (count * np.log(np.maximum(count, 1e-6) / mean) - (count - mean))[more]
        top = int(np.argmax(ratio))
        if ratio[top] > best:
            best, series = float(ratio[top]), nodes == top
    return best, series
