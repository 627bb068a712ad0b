"""The data of one ranking, and its reduction to groups of series that every hypothesis shares."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from detectors.attribution.exposure import ReleaseExposure
from detectors.attribution.timeline import Timeline

_MOST_GROUPS = 600
"""More groups than this are put together: every release costs time and memory in each of them."""


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """All series of the fleet over W bins of equal length.

    A cell without trials counts for nothing, so a caller leaves out what a mitigation has already
    healed by setting its trials, failures and expectation to zero.

    Attributes:
        trials: int64[S, W], operations; the last bin is the newest.
        failures: int64[S, W], failed operations.
        expected: float64[S, W], failures expected under the baseline.
        codes: int64[S, D], code of each series' value in each dimension.
        region_dimension: Index into D of the region, the unit in which releases are staged.
    """

    trials: NDArray[np.int64]
    failures: NDArray[np.int64]
    expected: NDArray[np.float64]
    codes: NDArray[np.int64]
    region_dimension: int

    def __post_init__(self) -> None:
        """Check that the arrays agree.

        Raises:
            ValueError: Shapes differ, or the region is not one of the dimensions.
        """
        series, bins = self.trials.shape
        if bins < 1 or series < 1:
            raise ValueError(f"cells need a series and a bin, not shape {self.trials.shape}")
        if not self.trials.shape == self.failures.shape == self.expected.shape:
            raise ValueError(
                f"shapes differ: trials {self.trials.shape}, failures {self.failures.shape}, "
                f"expected {self.expected.shape}"
            )
        if self.codes.ndim != 2 or self.codes.shape[0] != series:  # noqa: PLR2004 - a matrix
            raise ValueError(f"codes of shape {self.codes.shape} do not fit {series} series")
        if not 0 <= self.region_dimension < self.codes.shape[1]:
            raise ValueError(f"no dimension {self.region_dimension} in {self.codes.shape[1]}")


@dataclass(frozen=True, slots=True, eq=False)
class Strata:
    """A node of the dimension lattice below the regions.

    Attributes:
        depth: Number of dimensions it restricts; the prior is 2 ** -depth.
        groups: bool[A], the groups inside.
    """

    depth: int
    groups: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """Series collapsed into groups that no hypothesis tells apart.

    The model p = p0 + (1 - p0) e is linear, so summed trials, failures and expectations of series
    with equal exposure follow the same model: collapsing keeps the hypotheses exact. Only the
    differences of the baseline inside a group are given up, by all hypotheses alike.

    Attributes:
        timeline: The T spans of time.
        trials: float64[A, T]; groups of one region are neighbours.
        failures: float64[A, T].
        expected: float64[A, T].
        regions: intp[A], the region of each group, 0 to R - 1 without gaps.
        members: intp[S], the group of each series.
        weights: float64[S], operations of each series.
        in_scope: bool[A], whether the group lies in the strata of the incident's scope, in
            whichever region: healthy regions of these strata are evidence too.
        strata: Nodes of the lattice, the whole fleet first, the incident's strata second if they
            are narrower.
    """

    timeline: Timeline
    trials: NDArray[np.float64]
    failures: NDArray[np.float64]
    expected: NDArray[np.float64]
    regions: NDArray[np.intp]
    members: NDArray[np.intp]
    weights: NDArray[np.float64]
    in_scope: NDArray[np.bool_]
    strata: tuple[Strata, ...]

    @property
    def spans(self) -> int:
        """Number of spans of time, T."""
        return int(self.trials.shape[1])

    @property
    def region_count(self) -> int:
        """Number of regions, R."""
        return int(self.regions[-1]) + 1


def collapse(
    cells: Cells,
    releases: Sequence[ReleaseExposure],
    scope_series: NDArray[np.bool_],
    onset: int,
    timeline: Timeline,
) -> Groups:
    """Collapse series with the same region, strata, scope and exposures, and bins to spans.

    Where that leaves too many groups, releases that stepped long before or after the onset are
    left out of account: where such a release touches part of a group, it touches the whole of it
    with a part of its exposure, which is right on average.

    Args:
        cells: The fleet.
        releases: The candidates.
        scope_series: bool[S], the incident's scope.
        onset: First bin of the incident.
        timeline: The spans of time.

    Returns:
        The groups, ordered by region.
    """
    nodes = _nodes(cells, scope_series)
    _, regions = np.unique(cells.codes[:, cells.region_dimension], return_inverse=True)
    representatives, members = _classes(regions, [mask for _, mask in nodes], releases, onset)
    sums = membership(members, representatives.size)

    def pooled(counts: NDArray[np.int64] | NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(sums @ timeline.sums(counts).astype(np.float64))

    return Groups(
        timeline=timeline,
        trials=pooled(cells.trials),
        failures=pooled(cells.failures),
        expected=pooled(cells.expected),
        regions=regions[representatives].astype(np.intp),
        members=members,
        weights=cells.trials.sum(axis=1).astype(np.float64),
        in_scope=nodes[min(1, len(nodes) - 1)][1][representatives],
        strata=tuple(Strata(depth, mask[representatives]) for depth, mask in nodes),
    )


def _classes(
    regions: NDArray[np.intp],
    nodes: Sequence[NDArray[np.bool_]],
    releases: Sequence[ReleaseExposure],
    onset: int,
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Tell series apart by region, nodes and the releases near the onset, as far as there is room.

    Returns:
        As `alike`.
    """

    def distance(release: ReleaseExposure) -> tuple[float, bytes]:
        nearest = min((abs(step.bin - onset) for step in release.steps), default=np.inf)
        return nearest, release.declared.tobytes()

    near = sorted(releases, key=distance)
    count = len(near)
    while True:
        masks = list(nodes)
        for release in near[:count]:
            masks += [release.declared, *(step.series for step in release.steps)]
        found = alike(regions, masks)
        if not count or found[0].size <= _MOST_GROUPS:
            return found
        count = count // 2


def alike(
    regions: NDArray[np.intp], masks: Sequence[NDArray[np.bool_]]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Put rows of the same region and the same masks together.

    Args:
        regions: intp[N], the region of each row.
        masks: bool[N] each.

    Returns:
        intp[A], the first row of each class, classes ordered by region, and intp[N], the class of
        each row.
    """
    packed = np.packbits(np.stack(masks, axis=1), axis=1)
    # Big-endian bytes compare like numbers: the region in front keeps its classes together.
    leading = regions.astype(">u4")[:, None].view(np.uint8)
    keys = np.ascontiguousarray(np.concatenate((leading, packed), axis=1))
    rows = keys.view(np.dtype((np.void, keys.shape[1])))[:, 0]
    _, first, classes = np.unique(rows, return_index=True, return_inverse=True)
    return first, classes


def membership(classes: NDArray[np.intp], count: int) -> csr_array:
    """Return the matrix [count, N] that sums N rows into their classes."""
    rows = classes.size
    return csr_array((np.ones(rows), (classes, np.arange(rows))), shape=(count, rows))


def region_sums(
    values: NDArray[np.float64], regions: NDArray[np.intp], count: int
) -> NDArray[np.float64]:
    """Sum the rows of each region.

    Args:
        values: float64[A, ...].
        regions: intp[A].
        count: Number of regions, R.

    Returns:
        float64[R, ...], zero for regions without rows.
    """
    flat = values.reshape(regions.size, int(np.prod(values.shape[1:])))
    return np.asarray(membership(regions, count) @ flat).reshape(count, *values.shape[1:])


def _nodes(cells: Cells, scope_series: NDArray[np.bool_]) -> list[tuple[int, NDArray[np.bool_]]]:
    """Whole fleet, the incident's strata, and each of their restrictions alone.

    Regions, and dimensions nested in them such as clusters, are left out on purpose: a node without
    the healthy regions would acquit a release of them for the price of the node.
    """
    whole = np.ones(cells.codes.shape[0], dtype=np.bool_)
    nodes = [(0, whole)]
    if not scope_series.any():
        return nodes
    regions = cells.codes[:, cells.region_dimension]
    single = []
    for dimension in range(cells.codes.shape[1]):
        column = cells.codes[:, dimension]
        inside = np.isin(column, column[scope_series])
        if not inside.all() and not _within_regions(column, regions):
            single.append(inside)
    if single:
        nodes.append((len(single), np.logical_and.reduce(single)))
    if len(single) > 1:
        nodes.extend((1, mask) for mask in single)
    return nodes


def _within_regions(column: NDArray[np.int64], regions: NDArray[np.int64]) -> bool:
    """Whether every value belongs to one region, in a fleet that has several."""
    values = np.unique(column).size
    pairs = np.unique(np.stack((column, regions), axis=1), axis=0).shape[0]
    return pairs == values and np.unique(regions).size > 1
