"""How well one release explains the failures: its exposure, delayed, scaled, in part of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from detectors.attribution.cells import Groups
from detectors.attribution.delayed import (
    Merged,
    MergedNode,
    Reading,
    at_doses,
    by_delay,
    by_region,
    merge,
    read,
)
from detectors.attribution.doses import level_index, levels_of
from detectors.attribution.exposure import Step
from detectors.attribution.lags import LagGrid, Lags
from detectors.attribution.likelihood import log_sum
from detectors.attribution.release_fits import ReleaseFit, fits_of
from detectors.attribution.settings import AttributionSettings
from detectors.attribution.unfolding import Unfolding, unfolded_steps, unfoldings

_NEGLIGIBLE = 7.0
"""Nats below another explanation from which one is not worked out: a share of 1e-3."""


@dataclass(frozen=True, slots=True, eq=False)
class _Trial:
    """One node and one way to read the doses, before it is worked out.

    Attributes:
        bound: The most its log likelihood can be, with its prior; from the coarse delays.
        log_prior: Its prior.
        node: The node.
        doses: float64[V].
    """

    bound: float
    log_prior: float
    node: MergedNode
    doses: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class _Prepared:
    """One reading of the release, tried on the coarse delays.

    Attributes:
        reading: The reading.
        merged: What it touches.
        coarse: The coarse delays.
        delayed: float64[V, M, C, G], by coarse delay.
        scores: float64[C], the best that regions make of each coarse delay.
        trials: Its nodes and doses.
    """

    reading: Reading
    merged: Merged
    coarse: LagGrid
    delayed: NDArray[np.float64]
    scores: NDArray[np.float64]
    trials: tuple[_Trial, ...]


def explain(
    groups: Groups,
    suffix: NDArray[np.float64],
    steps: Sequence[Sequence[Step]],
    lags: Lags,
    floor: float,
    settings: AttributionSettings,
) -> list[ReleaseFit]:
    """Average the likelihood of releases over effect, delay, dose, scope and susceptible share.

    Args:
        groups: The fleet.
        suffix: float64[A, T + 1, G], tempered log likelihood ratios summed to the newest span.
        steps: Steps of each of the K releases in time order.
        lags: Delays and their prior.
        floor: Log likelihood of another hypothesis with effects that are there at once. Releases
            that cannot come near it, or near a better release, are told by their most promising
            explanation alone.
        settings: Priors.

    Returns:
        The evidence and best single explanation of each.
    """
    looks = [_look(groups, suffix, each, lags, settings) for each in steps]
    fits = [fit for fit, _ in looks]
    for index in sorted(range(len(looks)), key=lambda index: -looks[index][1]):
        if looks[index][1] < floor - _NEGLIGIBLE:
            break
        fits[index], at_once = _whole(groups, suffix, steps[index], lags, settings)
        floor = max(floor, at_once)
    return fits


def _look(
    groups: Groups,
    suffix: NDArray[np.float64],
    steps: Sequence[Step],
    lags: Lags,
    settings: AttributionSettings,
) -> tuple[ReleaseFit, float]:
    """The most promising explanation of a release, and the most that any can reach."""
    best = _most_promising(_at_once(groups, suffix, steps, lags, settings))
    fits = list(_fits(best, best.trials[0], groups, best.coarse, best.delayed, settings))
    return _average(fits), best.trials[0].bound


def _whole(
    groups: Groups,
    suffix: NDArray[np.float64],
    steps: Sequence[Step],
    lags: Lags,
    settings: AttributionSettings,
) -> tuple[ReleaseFit, float]:
    """All explanations of a release, and the best log likelihood of an effect that is at once."""
    first, *later = unfoldings(settings)
    prepared = _at_once(groups, suffix, steps, lags, settings)
    best = _most_promising(prepared)
    fits: list[ReleaseFit] = []
    for one in sorted(prepared, key=lambda one: -one.trials[0].bound):
        fits += _worked_out(one, groups, lags, settings, fits)
    at_once = max(fit.log_likelihood for fit in fits)
    for way in later if steps else ():
        grown = _prepare(_grown(best, way, first), groups, suffix, lags)
        fits += _worked_out(grown, groups, lags, settings, fits)
    return _average(fits), at_once


def _at_once(
    groups: Groups,
    suffix: NDArray[np.float64],
    steps: Sequence[Step],
    lags: Lags,
    settings: AttributionSettings,
) -> list[_Prepared]:
    """All readings of a release whose effects are there at once."""
    log_prior = unfoldings(settings)[0].log_prior
    readings = read(groups, steps, log_prior, settings)
    return [_prepare(reading, groups, suffix, lags) for reading in readings]


def _most_promising(prepared: Sequence[_Prepared]) -> _Prepared:
    return max(prepared, key=lambda one: one.trials[0].bound)


def _average(fits: Sequence[ReleaseFit]) -> ReleaseFit:
    """The best of some explanations, with the evidence of all of them."""
    best = max(fits, key=lambda fit: fit.log_likelihood)
    total = float(log_sum(np.array([fit.log_likelihood for fit in fits])))
    return replace(best, log_likelihood=total)


def _grown(best: _Prepared, way: Unfolding, at_once: Unfolding) -> Reading:
    """Let the most promising reading of a release unfold."""
    reading, doses = best.reading, best.trials[0].doses
    weight = next(weight for weight, each in reading.doses if each is doses)
    steps = unfolded_steps(_dosed(reading, doses), way.bins)
    levels = levels_of(steps)
    return replace(
        reading,
        log_prior=reading.log_prior - at_once.log_prior + way.log_prior + float(np.log(weight)),
        steps=steps,
        levels=levels,
        doses=((1.0, levels),),
    )


def _dosed(reading: Reading, doses: NDArray[np.float64]) -> tuple[Step, ...]:
    """Give the steps with doses in place of exposures."""
    return tuple(
        replace(step, exposure=_dose(step.exposure, reading.levels, doses))
        for step in reading.steps
    )


def _prepare(
    reading: Reading, groups: Groups, suffix: NDArray[np.float64], lags: Lags
) -> _Prepared:
    merged = merge(reading, groups, suffix)
    coarse = lags.coarse
    delayed = by_delay(merged, reading.levels, coarse.bins)
    scores = np.zeros(coarse.bins.size)
    trials = []
    for node in merged.nodes:
        sums = by_region(delayed, node)
        for weight, doses in reading.doses:
            peaks = np.maximum(at_doses(sums, doses).max(axis=2), 0.0)
            scores = np.maximum(scores, peaks.sum(axis=0))
            log_prior = reading.log_prior + node.log_weight + float(np.log(weight))
            bound = float(_ceilings(peaks, coarse).sum()) + log_prior
            trials.append(_Trial(bound, log_prior, node, doses))
    trials.sort(key=lambda trial: -trial.bound)
    return _Prepared(reading, merged, coarse, delayed, scores, tuple(trials))


def _ceilings(peaks: NDArray[np.float64], lags: LagGrid) -> NDArray[np.float64]:
    """float64[R], what the best delay of each region can reach, float64[R, C] on the coarse grid.

    Between two delays of the grid it may lie as much higher as its neighbours lie lower.
    """
    best = np.argmax(peaks, axis=1)
    rows, last = np.arange(best.size), peaks.shape[1] - 1
    highest: NDArray[np.float64] = peaks[rows, best]
    before, after = np.maximum(best - 1, 0), np.minimum(best + 1, last)
    fall = np.where(lags.bins[best] - lags.bins[before] > 1, highest - peaks[rows, before], 0.0)
    other = np.where(lags.bins[after] - lags.bins[best] > 1, highest - peaks[rows, after], 0.0)
    return highest + np.maximum(fall, other)


def _worked_out(
    prepared: _Prepared,
    groups: Groups,
    lags: Lags,
    settings: AttributionSettings,
    known: Sequence[ReleaseFit],
) -> list[ReleaseFit]:
    """Fit the trials of one reading, the most promising first, as long as they can matter."""
    best = max((fit.log_likelihood for fit in known), default=-np.inf)
    grid, delayed = prepared.coarse, prepared.delayed
    if grid.bins.size < lags.fine.bins.size and prepared.trials[0].bound >= best - _NEGLIGIBLE:
        grid = lags.refined(prepared.scores)
        if grid.bins.size > prepared.coarse.bins.size:
            delayed = by_delay(prepared.merged, prepared.reading.levels, grid.bins)
    fits: list[ReleaseFit] = []
    for trial in prepared.trials:
        if trial.bound < best - _NEGLIGIBLE:
            break
        fits += _fits(prepared, trial, groups, grid, delayed, settings)
        best = max(best, *(fit.log_likelihood for fit in fits[-3:]))
    return fits


def _fits(
    prepared: _Prepared,
    trial: _Trial,
    groups: Groups,
    grid: LagGrid,
    delayed: NDArray[np.float64],
    settings: AttributionSettings,
) -> Iterator[ReleaseFit]:
    """One fit for each way in which regions may differ."""
    merged, reading = prepared.merged, prepared.reading
    held = np.zeros(groups.regions.size, dtype=np.bool_)
    held[merged.rows] = trial.node.inside[merged.classes]
    steps = _dosed(reading, trial.doses)
    sums = at_doses(by_region(delayed, trial.node), trial.doses)
    return fits_of(steps, held, sums, trial.log_prior, grid, settings)


def _dose(exposure: float, levels: NDArray[np.float64], doses: NDArray[np.float64]) -> float:
    level = level_index(exposure, levels)
    return float(doses[level]) if level >= 0 else 0.0
