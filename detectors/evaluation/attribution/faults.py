"""What goes wrong: which series begin to fail when, how badly, and through which release."""

import dataclasses
from dataclasses import dataclass
from typing import Final

import numpy as np

from detectors.arrays import Flags, Floats, Integers
from detectors.evaluation.attribution.fleet import (
    CARDINALITIES,
    MINUTES,
    OPERATION,
    OS,
    REGION,
    REGIONS,
    VM_TYPE,
    Fleet,
    within,
)
from detectors.evaluation.attribution.kinds import Kind, Pattern
from detectors.evaluation.attribution.rollouts import (
    Rollout,
    RolloutStep,
    draw_pattern,
    draw_rollout,
)

AFTER: Final = 60
"""Minutes of history from the onset on."""
ONSET: Final = MINUTES - AFTER
"""First minute in which anything fails. The length of the history tells nobody: callers cut it."""
LEAST_EXCESS: Final = 60.0
LEAST_DEVIATIONS: Final = 6.0
"""Expected excess failures in these minutes, and how many standard deviations of the ordinary
failures of what fails they must be: with less, nobody could have paged."""
_STRONGEST: Final = 0.95
_SPARING: Final = 0.25
"""Share of the faults that spare some of the regions they reach."""
_SPARED: Final = 0.3
"""Share of the regions that such a fault spares."""
_FINISHED_DAYS_AGO: Final = (2.0, 6.0)


@dataclass(frozen=True, slots=True, eq=False)
class Fault:
    """A fault and what it does from the onset on.

    Attributes:
        culprit: True rollout of the guilty release; None if no registered release is guilty.
        dormant: Rollout of the release that carried the fault without harm, if there is one.
        harm: Failure probability it adds, shape [S, AFTER].
        kept: Share of the operations that callers still ask for, shape [S, AFTER].
    """

    culprit: Rollout | None
    dormant: Rollout | None
    harm: Floats
    kept: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Dose:
    """Strength of a fault as a share of its full effect, shape [S, AFTER], and who caused it."""

    culprit: Rollout | None
    dormant: Rollout | None
    share: Floats


def draw_fault(generator: np.random.Generator, kind: Kind, fleet: Fleet, shared: Integers) -> Fault:
    """Draw a fault that can be noticed.

    Its size is log-uniform from 0.03 to 0.8, and raised where that leaves less than `LEAST_EXCESS`
    and `LEAST_DEVIATIONS` ask for. Where even the strongest effect does, another fault is drawn.

    Args:
        generator: Source of randomness.
        kind: What causes it.
        fleet: The fleet in control.
        shared: The order of regions that most releases share, shape [REGIONS].
    """
    while True:
        dose = _draw_dose(generator, kind, fleet.codes, shared)
        kept = np.ones(dose.share.shape)
        if kind is Kind.TRAFFIC_COLLAPSE:
            # Callers give up as far as the fault has unfolded, so both grow together.
            kept -= generator.uniform(0.7, 0.95) * dose.share
        uneven = generator.uniform(0.6, 1.3, REGIONS)[fleet.codes[:, REGION], np.newaxis]
        effect = float(np.exp(generator.uniform(np.log(0.03), np.log(0.8))))
        volume = fleet.volume[:, ONSET:] * kept
        per_effect = float((volume * uneven * dose.share).sum())
        ordinary = float((volume * fleet.ratio[:, ONSET:])[dose.share > 0.0].sum())
        least = max(LEAST_EXCESS, LEAST_DEVIATIONS * np.sqrt(ordinary))
        if effect * per_effect < least:
            effect = min(1.05 * least / max(per_effect, 1.0), _STRONGEST)
        harm = np.minimum(effect * uneven, _STRONGEST) * dose.share
        if float((volume * harm).sum()) >= least:
            return Fault(dose.culprit, dose.dormant, harm, kept)


def draw_declared(generator: np.random.Generator, codes: Integers) -> Flags:
    """Draw the scope of a release: everything, or one value of a dimension; shape [S]."""
    dimension = (None, OS, VM_TYPE, OPERATION)[int(generator.choice(4, p=(0.4, 0.25, 0.15, 0.2)))]
    if dimension is None:
        return np.ones(len(codes), dtype=np.bool_)
    return _one_value(generator, codes, dimension)


def _one_value(generator: np.random.Generator, codes: Integers, dimension: int) -> Flags:
    return within(codes, dimension, generator.integers(codes[:, dimension].max() + 1, size=1))


def _draw_dose(
    generator: np.random.Generator, kind: Kind, codes: Integers, shared: Integers
) -> _Dose:
    if kind is Kind.UNREGISTERED_ROLLOUT:
        dose = _rolled_out(generator, kind, codes, shared)
        return dataclasses.replace(dose, culprit=None)
    if kind.by_release:
        return _rolled_out(generator, kind, codes, shared)
    failing = _draw_stratum(generator, codes)
    match kind:
        case Kind.REGION_OUTAGE:
            failing &= _one_value(generator, codes, REGION)
        case Kind.UPSTREAM:
            count = int(generator.integers(2, 9))
            failing &= within(codes, REGION, generator.permutation(REGIONS)[:count])
        case _:
            failing = np.ones(len(codes), dtype=np.bool_)
            if generator.integers(2):
                failing = _one_value(generator, codes, OS)
    start = np.repeat(failing[:, np.newaxis].astype(np.float64), AFTER, axis=1)
    return _Dose(None, None, _ramped(generator, start))


def _rolled_out(
    generator: np.random.Generator, kind: Kind, codes: Integers, shared: Integers
) -> _Dose:
    """Let a rollout do the harm; it is moved in time so that the harm begins at the onset."""
    declared = draw_declared(generator, codes)
    susceptible = declared & _draw_stratum(generator, codes)
    if kind is Kind.WRONG_SCOPE:
        dimension = (OS, VM_TYPE, OPERATION)[int(generator.integers(3))]
        mine, other = generator.permutation(CARDINALITIES[dimension])[:2]
        declared = within(codes, dimension, np.array([mine]))
        susceptible = within(codes, dimension, np.array([other]))
    if kind is Kind.PARTIAL:
        declared = np.ones(len(codes), dtype=np.bool_)
        susceptible = _draw_stratum(generator, codes)
    susceptible &= ~_draw_spared(generator, codes)
    rollout = draw_rollout(generator, _pattern(generator, kind), codes, shared, declared)
    effective = _beyond_declared(rollout, codes) if kind is Kind.WRONG_SCOPE else rollout
    lag = np.zeros(len(codes))
    if kind is Kind.DELAYED:
        delay = generator.lognormal(np.log(30.0), 0.8)
        jitter = generator.lognormal(0.0, 0.15, REGIONS)[codes[:, REGION]]
        lag = np.minimum(delay * jitter, 180.0)
    reached = effective.first_reached(lag, susceptible)
    if not np.isfinite(reached):
        return _Dose(None, None, np.zeros((len(codes), AFTER)))
    moved = ONSET - generator.random() - reached
    dose = effective.shifted(moved).exposure(lag, np.arange(ONSET, MINUTES))
    if kind is Kind.PARTIAL:
        dose = dose**0.7
    dormant = None
    if kind is Kind.LATENT_TRIGGER:
        dormant = _dormant(generator, codes, shared)
    return _Dose(
        culprit=rollout.shifted(moved),
        dormant=dormant,
        share=_ramped(generator, dose * susceptible[:, np.newaxis]),
    )


def _pattern(generator: np.random.Generator, kind: Kind) -> Pattern:
    """Draw how the culprit is rolled out, where its kind leaves a choice."""
    match kind:
        case Kind.SHARED_ORDER:
            return Pattern.SHARED_RINGS
        case Kind.PARTIAL:
            return Pattern.GROWING
        case Kind.GLOBAL:
            return Pattern.AT_ONCE
        case _:
            pattern = draw_pattern(generator)
            if kind is Kind.UNREGISTERED_ROLLOUT and pattern is Pattern.AT_ONCE:
                return Pattern.SHARED_RINGS
            return pattern


def _draw_stratum(generator: np.random.Generator, codes: Integers) -> Flags:
    """Draw what reacts at all: everything, an operating system, an operation, or both; [S]."""
    stratum = np.ones(len(codes), dtype=np.bool_)
    if generator.integers(2):
        dimensions = ((OS,), (OPERATION,), (OS, OPERATION))[int(generator.integers(3))]
        for dimension in dimensions:
            stratum &= _one_value(generator, codes, dimension)
    return stratum


def _draw_spared(generator: np.random.Generator, codes: Integers) -> Flags:
    """Draw the regions that a fault spares, in a quarter of the incidents three in ten; [S]."""
    spared = generator.random(REGIONS) < (_SPARED if generator.random() < _SPARING else 0.0)
    return within(codes, REGION, np.flatnonzero(spared))


def _beyond_declared(rollout: Rollout, codes: Integers) -> Rollout:
    """Let every step touch all of the regions it touches."""
    return Rollout(
        tuple(
            RolloutStep(
                step.minute,
                within(codes, REGION, np.unique(codes[step.series, REGION])),
                step.share,
            )
            for step in rollout.steps
        )
    )


def _dormant(generator: np.random.Generator, codes: Integers, shared: Integers) -> Rollout:
    """Draw a release that reached everything days before the history begins."""
    everything = np.ones(len(codes), dtype=np.bool_)
    rollout = draw_rollout(generator, Pattern.SHARED_RINGS, codes, shared, everything)
    finished = -MINUTES * generator.uniform(*_FINISHED_DAYS_AGO)
    return rollout.shifted(finished - rollout.steps[-1].minute)


def _ramped(generator: np.random.Generator, dose: Floats) -> Floats:
    """Let every change of the dose take 1 to 15 minutes to unfold."""
    width = int(generator.integers(1, 16))
    total = np.cumsum(dose, axis=1)
    total[:, width:] -= total[:, :-width].copy()
    ramped: Floats = total / width
    return ramped
