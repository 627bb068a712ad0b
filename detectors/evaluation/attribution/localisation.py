"""Localisation: incidents in fleets of several shapes, and how exactly their scope is found."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from detectors.arrays import Flags, Floats, Integers
from detectors.evaluation.attribution.fleet import series_codes
from detectors.evaluation.attribution.locating import jaccard
from detectors.evaluation.attribution.poisson_scan import poisson_scan
from detectors.scope import ScopeSettings, smallest_scope

LEAST_EXCESS: Final = 200.0
"""Excess failures, expected, from which on a scope can be told."""
_MOST_NAMED: Final = 3
_MOST_VALUES: Final = 6
_STRONGEST: Final = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A kind of fleet.

    Attributes:
        name: What the tables call it.
        cardinalities: Number of values of each dimension.
        present: Share of the combinations of values that exist.
    """

    name: str
    cardinalities: tuple[int, ...]
    present: float = 1.0


SHAPES: Final = (
    Shape(name="3 dimensions", cardinalities=(20, 2, 4)),
    Shape(name="4 dimensions", cardinalities=(20, 2, 3, 4)),
    Shape(name="4 dimensions, sparse", cardinalities=(30, 2, 6, 5), present=0.6),
    Shape(name="5 dimensions", cardinalities=(15, 2, 3, 4, 3)),
)


@dataclass(frozen=True, slots=True, eq=False)
class Slices:
    """Sums since the onset of an incident, S series, and the truth.

    Attributes:
        trials: Operations, shape [S].
        failures: Failed operations, shape [S].
        expected: Failures expected, shape [S].
        codes: Codes of the series, shape [S, D].
        scope: Series that fail, shape [S].
    """

    trials: Integers
    failures: Integers
    expected: Floats
    codes: Integers
    scope: Flags


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What one method found.

    Attributes:
        overlap: Jaccard index of found and true series.
        seconds: Time it took; nan without a clock.
    """

    overlap: float
    seconds: float

    @property
    def exact(self) -> bool:
        """Whether it found exactly the series that fail."""
        return self.overlap == 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalisationResult:
    """One incident.

    Attributes:
        shape: Name of the kind of fleet.
        operations: Operations since the onset.
        own: What this program found.
        scan: What the Poisson scan found.
    """

    shape: str
    operations: int
    own: Found
    scan: Found


def draw_slices(generator: np.random.Generator, shape: Shape) -> Slices:
    """Draw an incident with at least `LEAST_EXCESS` expected excess failures.

    The baseline is wrong by a tenth in each series, regions (the first dimension) are off by as
    much, and the effect differs by a factor of up to three between the failing series.

    Args:
        generator: Source of randomness.
        shape: The kind of fleet.
    """
    codes = series_codes(shape.cardinalities)
    codes = codes[generator.random(len(codes)) < shape.present]
    minutes = generator.uniform(10.0, 60.0)
    sizes = generator.lognormal(0.0, 0.6, len(codes))
    for dimension, values in enumerate(shape.cardinalities):
        sizes *= generator.lognormal(0.0, 0.3, values)[codes[:, dimension]]
    volume = 1000.0 * minutes * sizes / sizes.sum()
    base = np.clip(generator.lognormal(np.log(0.01), 0.5, len(codes)), 0.001, 0.08)
    scope, harm = _draw_harm(generator, shape, codes, volume)
    wander = generator.lognormal(0.0, 0.1, shape.cardinalities[0])[codes[:, 0]]
    healthy = np.minimum(base * wander * generator.gamma(50.0, 0.02, len(codes)), 0.5)
    trials = generator.poisson(volume)
    return Slices(
        trials=trials,
        failures=generator.binomial(trials, 1.0 - (1.0 - healthy) * (1.0 - harm)),
        expected=trials * base * generator.lognormal(0.0, 0.1, len(codes)),
        codes=codes,
        scope=scope,
    )


def localise(
    slices: Slices, shape: Shape, clock: Callable[[], float] | None = None
) -> LocalisationResult:
    """Let both methods find the scope of an incident.

    Args:
        slices: The incident.
        shape: The kind of fleet.
        clock: Gives seconds, to time them.
    """

    def own() -> Flags:
        return smallest_scope(
            slices.trials,
            slices.failures,
            slices.expected,
            slices.codes,
            shape.cardinalities,
            ScopeSettings(),
        ).series

    def scan() -> Flags:
        return poisson_scan(slices.failures, slices.expected, slices.codes)

    return LocalisationResult(
        shape=shape.name,
        operations=int(slices.trials.sum()),
        own=_timed(own, slices.scope, clock),
        scan=_timed(scan, slices.scope, clock),
    )


def _timed(method: Callable[[], Flags], truth: Flags, clock: Callable[[], float] | None) -> Found:
    started = clock() if clock else math.nan
    found = method()
    seconds = clock() - started if clock else math.nan
    return Found(overlap=jaccard(found, truth), seconds=seconds)


def _draw_harm(
    generator: np.random.Generator, shape: Shape, codes: Integers, volume: Floats
) -> tuple[Flags, Floats]:
    """Draw the series that fail and the failure probability added to each, both shape [S]."""
    while True:
        scope = _draw_scope(generator, shape, codes)
        uneven = generator.uniform(0.5, 1.5, len(codes)) * scope
        effect = float(np.exp(generator.uniform(np.log(0.03), np.log(0.8))))
        per_effect = float((volume * uneven).sum())
        if effect * per_effect < LEAST_EXCESS:
            effect = min(1.05 * LEAST_EXCESS / max(per_effect, 1.0), _STRONGEST)
        harm = np.minimum(effect * uneven, _STRONGEST)
        if float((volume * harm).sum()) >= LEAST_EXCESS and not scope.all():
            return scope, harm


def _draw_scope(generator: np.random.Generator, shape: Shape, codes: Integers) -> Flags:
    """Draw one to three dimensions, and one or several values in each, shape [S]."""
    scope = np.ones(len(codes), dtype=np.bool_)
    named = int(generator.integers(1, _MOST_NAMED + 1))
    for dimension in generator.permutation(len(shape.cardinalities))[:named]:
        values = shape.cardinalities[dimension]
        count = int(generator.integers(1, min(values, _MOST_VALUES + 1)))
        if generator.integers(2):
            count = 1
        scope &= np.isin(codes[:, dimension], generator.permutation(values)[:count])
    return scope
