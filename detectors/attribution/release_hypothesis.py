"""How well one release explains the failures: its exposure, delayed, scaled, in part of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.attribution.cells import Groups, Strata, alike, membership, region_sums
from detectors.attribution.exposure import Step, exposure_matrix, from_level, levels, widened
from detectors.attribution.lags import LagGrid, Lags
from detectors.attribution.likelihood import EFFECTS, GRID, dose_weights, log_integral, log_sum
from detectors.attribution.settings import AttributionSettings
from detectors.attribution.timeline import Timeline
from detectors.attribution.unit_mixture import susceptible

_COMMON_EFFECT = np.log(0.5)
"""All regions show one effect after one delay."""
_COMMON_LAG = np.log(0.25)
"""Each region reacts or does not, and as badly as it likes, after one delay."""
_OWN_LAG = np.log(0.25)
"""Each region also has a delay of its own: stages begin when they begin."""


@dataclass(frozen=True, slots=True, eq=False)
class ReleaseFit:
    """The evidence for a release and its best single explanation.

    Attributes:
        log_likelihood: Log of the likelihood averaged over all explanations, against quiet.
        steps: The release's steps, exposure scaled to its largest.
        groups: bool[A], where it does harm.
        lags: int64[R], bins by which each region's failures follow the steps.
        effects: float64[R], failure probability at the release's largest exposure.
        log_lag_prior: Log prior of the common delay, 0 when regions have their own.
    """

    log_likelihood: float
    steps: tuple[Step, ...]
    groups: NDArray[np.bool_]
    lags: NDArray[np.int64]
    effects: NDArray[np.float64]
    log_lag_prior: float

    def effect_matrix(self, groups: Groups) -> NDArray[np.float64]:
        """Return float64[A, T], the failure probability this explanation adds to each cell."""
        exposure = exposure_matrix(self.steps, self.lags[groups.regions], groups.timeline)
        effect: NDArray[np.float64] = exposure * self.effects[groups.regions][:, None]
        effect[~self.groups] = 0.0
        return effect


@dataclass(frozen=True, slots=True, eq=False)
class _Merged:
    """Groups that one release and all nodes treat alike, put together: A of them.

    Attributes:
        timeline: The T spans.
        regions: intp[A], ascending.
        region_count: R.
        strata: Nodes of the lattice.
        suffix: float64[A, T + 1, G], log likelihood ratios summed to the newest span.
    """

    timeline: Timeline
    regions: NDArray[np.intp]
    region_count: int
    strata: tuple[Strata, ...]
    suffix: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class _Version:
    """One reading of a release: how dose works and where it does harm."""

    log_prior: float
    steps: tuple[Step, ...]
    nodes: tuple[tuple[float, NDArray[np.bool_]], ...]


def explain(
    groups: Groups,
    suffix: NDArray[np.float64],
    steps: Sequence[Step],
    lags: Lags,
    dispersion: float,
    settings: AttributionSettings,
) -> ReleaseFit:
    """Average the likelihood of a release over effect, delay, dose, scope and susceptible share.

    Args:
        groups: The fleet.
        suffix: float64[A, T + 1, G], log likelihood ratios summed to the newest span.
        steps: The release's steps in time order.
        lags: Delays and their prior.
        dispersion: Pearson's phi; log likelihoods are divided by it.
        settings: Priors.

    Returns:
        Its evidence and best single explanation.
    """
    first, classes = alike(
        groups.regions,
        [*(step.groups for step in steps), *(node.groups for node in groups.strata)],
    )
    shape = (first.size, *suffix.shape[1:])
    merged = _Merged(
        timeline=groups.timeline,
        regions=groups.regions[first],
        region_count=groups.region_count,
        strata=tuple(Strata(node.depth, node.groups[first]) for node in groups.strata),
        suffix=(membership(classes, first.size) @ suffix.reshape(classes.size, -1)).reshape(shape),
    )
    own = tuple(Step(step.bin, step.groups[first], step.exposure) for step in steps)
    fits = [
        fit
        for version in _versions(merged, own, settings)
        for fit in _fits(version, merged, lags, dispersion, settings)
    ]
    best = max(fits, key=lambda fit: fit.log_likelihood)
    total = float(log_sum(np.array([fit.log_likelihood for fit in fits])))
    return ReleaseFit(
        total,
        tuple(Step(step.bin, step.groups[classes], step.exposure) for step in best.steps),
        best.groups[classes],
        best.lags,
        best.effects,
        best.log_lag_prior,
    )


def _versions(
    merged: _Merged, steps: Sequence[Step], settings: AttributionSettings
) -> Iterator[_Version]:
    wide = widened(steps, merged.regions)
    narrow = all(np.array_equal(a.groups, b.groups) for a, b in zip(steps, wide, strict=True))
    declared = 1.0 if narrow else settings.declared_weight
    weights = np.array([2.0**-node.depth for node in merged.strata])
    weights /= weights.sum()
    nodes = tuple(
        (float(weight), node.groups) for weight, node in zip(weights, merged.strata, strict=True)
    )
    for dose, shaped in _doses(steps):
        yield _Version(np.log(declared * dose), shaped, nodes)
    if not narrow:
        # Too narrow a declaration matters where the incident is, nowhere else.
        where = merged.strata[min(1, len(merged.strata) - 1)].groups
        yield _Version(np.log(1.0 - declared), _doses(wide)[0][1], ((1.0, where),))


def _doses(steps: Sequence[Step]) -> list[tuple[float, tuple[Step, ...]]]:
    """Readings of partial exposure: in proportion, or all at once from a level on."""
    distinct = levels(steps)
    if not distinct:
        return [(1.0, tuple(steps))]
    if len(distinct) == 1:
        return [(1.0, from_level(steps, distinct[0]))]
    top = distinct[-1]
    linear = tuple(Step(step.bin, step.groups, step.exposure / top) for step in steps)
    return [
        (0.5, linear),
        (0.25, from_level(steps, distinct[0])),
        (0.25, from_level(steps, top)),
    ]


def _fits(
    version: _Version,
    merged: _Merged,
    lags: Lags,
    dispersion: float,
    settings: AttributionSettings,
) -> Iterator[ReleaseFit]:
    """One fit for each node and each way in which regions may differ."""
    touched = np.zeros(merged.regions.size, dtype=np.bool_)
    for step in version.steps:
        touched |= step.groups & (step.exposure > 0.0)
    distinct: dict[bytes, tuple[float, NDArray[np.bool_]]] = {}
    for weight, node in version.nodes:
        inside = node & touched
        known = distinct.get(inside.tobytes(), (0.0, inside))
        distinct[inside.tobytes()] = (known[0] + weight, inside)
    rows = np.flatnonzero(touched)
    grid = _lag_grid(version, touched, merged, lags, dispersion)
    delayed = _delayed(version.steps, touched, merged, grid.bins)
    delayed /= dispersion
    for weight, inside in distinct.values():
        members = inside[rows]
        sums = region_sums(delayed[members], merged.regions[rows[members]], merged.region_count)
        log_prior = version.log_prior + np.log(weight)
        yield from _node_fits(version.steps, inside, sums, log_prior, grid, settings)


def _lag_grid(
    version: _Version,
    touched: NDArray[np.bool_],
    merged: _Merged,
    lags: Lags,
    dispersion: float,
) -> LagGrid:
    """Choose the delays to try, by the best that any region makes of the coarse ones."""
    coarse = lags.coarse
    if coarse.bins.size == lags.fine.bins.size:
        return coarse
    delayed = _delayed(version.steps, touched, merged, coarse.bins)
    best = np.maximum(delayed.max(axis=2, initial=0.0), 0.0).sum(axis=0) / dispersion
    return lags.refined(best)


def _node_fits(
    steps: tuple[Step, ...],
    inside: NDArray[np.bool_],
    sums: NDArray[np.float64],
    log_prior: float,
    lags: LagGrid,
    settings: AttributionSettings,
) -> Iterator[ReleaseFit]:
    """Three fits from float64[R, L, G] log likelihoods of the regions."""
    regions = sums.shape[0]
    own = np.argmax(sums, axis=2)
    common = sums.sum(axis=0)
    each = lags.log_prior + log_integral(common)
    at = int(np.argmax(each))
    evidence = log_prior + _COMMON_EFFECT + float(log_sum(each))
    effect = np.full(regions, EFFECTS[np.argmax(common[at])])
    lag = np.full(regions, lags.bins[at])
    yield ReleaseFit(evidence, steps, inside, lag, effect, float(lags.log_prior[at]))

    marginal = log_integral(sums)
    each = lags.log_prior + susceptible(marginal, settings.susceptible_shares)
    at = int(np.argmax(each))
    evidence = log_prior + _COMMON_LAG + float(log_sum(each))
    effect = np.where(marginal[:, at] > 0.0, EFFECTS[own[:, at]], 0.0)
    lag = np.full(regions, lags.bins[at])
    yield ReleaseFit(evidence, steps, inside, lag, effect, float(lags.log_prior[at]))

    weighed = marginal + lags.log_prior
    delay = np.argmax(weighed, axis=1)
    free = log_sum(weighed, axis=1)
    evidence = log_prior + _OWN_LAG + float(susceptible(free, settings.susceptible_shares))
    effect = np.where(free > 0.0, EFFECTS[own[np.arange(regions), delay]], 0.0)
    yield ReleaseFit(evidence, steps, inside, lags.bins[delay], effect, 0.0)


def _delayed(
    steps: Sequence[Step],
    touched: NDArray[np.bool_],
    merged: _Merged,
    lags: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Log likelihood of each touched group if failures follow the steps by each delay.

    Each change of exposure at bin b from x to x' adds the suffix sum from b + lag on, read at x',
    and takes away the one read at x.

    Returns:
        float64[touched groups, L, G].
    """
    row = np.cumsum(touched) - 1
    total = np.zeros((int(touched.sum()), lags.size, GRID))
    exposure = np.zeros(touched.size)
    for step in steps:
        at = merged.timeline.nearest(step.bin + lags)
        changed = step.groups & touched & (exposure != step.exposure)
        for before in np.unique(exposure[changed]):
            members = np.flatnonzero(changed & (exposure == before))
            sums = merged.suffix[members[:, None], at]
            total[row[members]] += _read(sums, step.exposure) - _read(sums, float(before))
        exposure[changed] = step.exposure
    return total


def _read(sums: NDArray[np.float64], exposure: float) -> NDArray[np.float64] | float:
    """Read log likelihoods at a share of every grid effect."""
    if exposure == 0.0:
        return 0.0
    if exposure == 1.0:
        return sums
    scaled: NDArray[np.float64] = sums @ dose_weights(exposure).T
    return scaled
