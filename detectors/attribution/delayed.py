"""Log likelihoods of failures that follow a release's steps by a delay, region by region."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from detectors.attribution.cells import Groups, alike
from detectors.attribution.doses import level_index, levels_of, readings
from detectors.attribution.exposure import Step, widened
from detectors.attribution.likelihood import GRID, dose_weights
from detectors.attribution.settings import AttributionSettings
from detectors.attribution.timeline import Timeline


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """One reading of where a release acts: its declared scope, or all of the regions it touches.

    Attributes:
        log_prior: Of this reading.
        steps: The steps, on all groups.
        levels: float64[V], exposures that they take.
        doses: Prior weight and float64[V] doses of each way to read the exposures.
        nodes: Prior weight and bool[A] groups of the nodes in which it may do harm.
    """

    log_prior: float
    steps: tuple[Step, ...]
    levels: NDArray[np.float64]
    doses: tuple[tuple[float, NDArray[np.float64]], ...]
    nodes: tuple[tuple[float, NDArray[np.bool_]], ...]


@dataclass(frozen=True, slots=True, eq=False)
class MergedNode:
    """A node of the lattice, on merged rows.

    Attributes:
        log_weight: Log prior.
        inside: bool[M].
        to_regions: float64[R, M], 1 for its rows in each region: few, so it need not be sparse.
    """

    log_weight: float
    inside: NDArray[np.bool_]
    to_regions: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Merged:
    """The touched groups, those put together that the release and all nodes treat alike: M rows.

    Attributes:
        timeline: The T spans.
        rows: intp[N], the touched groups.
        classes: intp[N], the merged row of each.
        regions: intp[M].
        steps: The steps, on merged rows.
        suffix: float64[M, T + 1, G], tempered log likelihood ratios summed to the newest span.
        nodes: The nodes; those that hold the same rows are one.
    """

    timeline: Timeline
    rows: NDArray[np.intp]
    classes: NDArray[np.intp]
    regions: NDArray[np.intp]
    steps: tuple[Step, ...]
    suffix: NDArray[np.float64]
    nodes: tuple[MergedNode, ...]


def read(
    groups: Groups, steps: Sequence[Step], log_prior: float, settings: AttributionSettings
) -> Iterator[Reading]:
    """Give the readings of a release.

    Args:
        groups: The fleet.
        steps: The release's steps in time order.
        log_prior: Of all readings together.
        settings: Weight of the declared scope.
    """
    levels = levels_of(steps)
    doses = tuple(readings(levels))
    wide = widened(steps, groups.regions)
    narrow = all(np.array_equal(a.groups, b.groups) for a, b in zip(steps, wide, strict=True))
    declared = 1.0 if narrow else settings.declared_weight
    weights = np.array([2.0**-node.depth for node in groups.strata])
    nodes = tuple(
        (float(weight), node.groups)
        for weight, node in zip(weights / weights.sum(), groups.strata, strict=True)
    )
    yield Reading(log_prior + float(np.log(declared)), tuple(steps), levels, doses, nodes)
    if not narrow:
        # Too narrow a declaration matters where the incident is, nowhere else.
        where = groups.strata[min(1, len(groups.strata) - 1)].groups
        share = log_prior + float(np.log(1.0 - declared))
        yield Reading(share, wide, levels, ((1.0, doses[0][1]),), ((1.0, where),))


def merge(reading: Reading, groups: Groups, suffix: NDArray[np.float64]) -> Merged:
    """Put the groups that a release touches together, as far as nothing tells them apart.

    Args:
        reading: Of the release.
        groups: The fleet.
        suffix: float64[A, T + 1, G], tempered log likelihood ratios summed to the newest span.
    """
    touched = np.zeros(groups.regions.size, dtype=np.bool_)
    for step in reading.steps:
        touched |= step.groups & (step.exposure > 0.0)
    touched &= np.logical_or.reduce([node for _, node in reading.nodes])
    rows = np.flatnonzero(touched)
    masks = [
        *(step.groups[rows] for step in reading.steps),
        *(node[rows] for _, node in reading.nodes),
    ]
    first, classes = alike(groups.regions[rows], masks)
    regions = groups.regions[rows][first]
    shape = (first.size, groups.regions.size)
    to_merged = csr_array((np.ones(rows.size), (classes, rows)), shape=shape)
    sums = to_merged @ suffix.reshape(shape[1], int(np.prod(suffix.shape[1:])))
    nodes: dict[bytes, tuple[float, NDArray[np.bool_]]] = {}
    for weight, node in reading.nodes:
        inside = node[rows][first]
        known, _ = nodes.get(inside.tobytes(), (0.0, inside))
        nodes[inside.tobytes()] = (known + weight, inside)
    return Merged(
        timeline=groups.timeline,
        rows=rows,
        classes=classes,
        regions=regions,
        steps=tuple(
            Step(step.bin, step.groups[rows][first], step.exposure) for step in reading.steps
        ),
        suffix=np.asarray(sums).reshape(first.size, *suffix.shape[1:]),
        nodes=tuple(
            MergedNode(
                float(np.log(weight)),
                inside,
                (np.arange(groups.region_count)[:, None] == regions) * inside.astype(np.float64),
            )
            for weight, inside in nodes.values()
        ),
    )


def by_delay(
    merged: Merged, levels: NDArray[np.float64], lags: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Sum the log likelihood of each row while it runs the release at each level, by each delay.

    Each change of exposure at bin b from one level to another adds the suffix sum from b + lag on
    to the one and takes it from the other.

    Args:
        merged: The touched groups.
        levels: float64[V], exposures.
        lags: int64[L], delays in bins.

    Returns:
        float64[V, M, L, G].
    """
    rows = merged.regions.size
    total = np.zeros((levels.size, rows, lags.size, GRID))
    now = np.full(rows, -1)
    for step in merged.steps:
        level = level_index(step.exposure, levels)
        changed = np.flatnonzero(step.groups & (now != level))
        if not changed.size:
            continue
        sums = merged.suffix[changed[:, None], merged.timeline.nearest(step.bin + lags)]
        if level >= 0:
            total[level, changed] += sums
        for before in np.unique(now[changed]):
            if before >= 0:
                left = now[changed] == before
                total[before, changed[left]] -= sums[left]
        now[changed] = level
    return total


def by_region(delayed: NDArray[np.float64], node: MergedNode) -> NDArray[np.float64]:
    """Sum the rows of a node by region: float64[V, R, L, G] from float64[V, M, L, G]."""
    levels, rows, *shape = delayed.shape
    flat = delayed.reshape(levels, rows, int(np.prod(shape)))
    sums: NDArray[np.float64] = node.to_regions @ flat
    return sums.reshape(levels, node.to_regions.shape[0], *shape)


def at_doses(by_level: NDArray[np.float64], doses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Read each level at its share of every effect, float64[V]: float64[R, L, G]."""
    total = np.zeros(by_level.shape[1:])
    for level, dose in zip(by_level, doses.tolist(), strict=True):
        if dose == 1.0:
            total += level
        elif dose > 0.0:
            total += level @ dose_weights(dose).T
    return total
