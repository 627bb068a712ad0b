"""What really happens in the simulated fleet: incidents of several shapes, one after the other."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np

from detectors.arrays import Flags, Floats

DIMENSIONS: Final = ("region", "os", "operation")
REGIONS: Final = ("east", "north", "northeast", "south", "southwest", "west")
SYSTEMS: Final = ("linux", "windows")
OPERATIONS: Final = ("create", "delete", "start", "update")
SERIES: Final = tuple(product(REGIONS, SYSTEMS, OPERATIONS))

WARM_UP: Final = 300
"""Windows before the first incident: twice what the bank needs to learn."""

EPISODE: Final = 240
"""Windows from one incident to the next: long enough for none to be a relapse of the last."""

SPREAD: Final = 30
"""Windows in which an incident that spreads reaches its last region."""

_LONGEST: Final = 75
_SHORTEST: Final = 30
_ADDED: Final = (0.1, 0.6)
"""Added failure probability: at the least a tenth of all operations, at most more than half."""


class Shape(enum.Enum):
    """How an incident goes."""

    STEP = "step"
    RAMP = "ramp"
    SPREADING = "spreading"
    HEALED_BY_REGION = "healed_by_region"
    TWO_AT_ONCE = "two_at_once"
    WITH_DEPENDENTS = "with_dependents"


@dataclass(frozen=True, slots=True)
class TrueIncident:
    """One thing that breaks.

    Attributes:
        shape: How it goes.
        scope: Dimension -> values.
        lasting: Affected region -> its first window and the first after it.
        added: Failure probability it adds to operations that would succeed.
        ramp: Windows in which it reaches that; 1 at once.
        pages: Whether it is worth a record of its own; what depends on another incident is not.
    """

    shape: Shape
    scope: Mapping[str, tuple[str, ...]]
    lasting: Mapping[str, tuple[int, int]]
    added: float
    ramp: int = 1
    pages: bool = True

    @property
    def first(self) -> int:
        """Give its first window."""
        return min(begin for begin, _ in self.lasting.values())

    @property
    def end(self) -> int:
        """Give the first window after it."""
        return max(end for _, end in self.lasting.values())

    def series(self) -> Flags:
        """Give bool[S], the series it breaks."""
        return members(self.scope) & members({"region": tuple(self.lasting)})

    def effect(self, windows: int) -> Floats:
        """Give float[T, S], the failure probability it adds."""
        inside = members(self.scope)
        at = np.arange(windows)
        added = np.zeros((windows, len(SERIES)))
        for region, (begin, end) in self.lasting.items():
            share = np.clip((at - begin + 1) / self.ramp, 0.0, 1.0) * (at < end)
            rows = inside & members({"region": (region,)})
            added[:, rows] = (self.added * share)[:, np.newaxis]
        return added


def members(scope: Mapping[str, tuple[str, ...]]) -> Flags:
    """Give bool[S], the series in a scope (dimension -> values)."""
    places = {name: position for position, name in enumerate(DIMENSIONS)}
    return np.array(
        [all(key[places[name]] in values for name, values in scope.items()) for key in SERIES]
    )


def incidents(count: int, generator: np.random.Generator) -> list[TrueIncident]:
    """Draw incidents, all shapes in turn, each in an episode of its own.

    Args:
        count: Number of episodes.
        generator: Source of randomness.
    """
    shapes = tuple(Shape)
    found: list[TrueIncident] = []
    for number in range(count):
        begin = WARM_UP + EPISODE * number
        found += _episode(shapes[number % len(shapes)], begin, generator)
    return found


def _episode(shape: Shape, begin: int, generator: np.random.Generator) -> list[TrueIncident]:
    length = int(generator.integers(_SHORTEST, _LONGEST + 1))
    added = float(np.exp(generator.uniform(*np.log(_ADDED))))
    if shape is Shape.TWO_AT_ONCE:
        return _two(begin, length, added, generator)
    if shape is Shape.WITH_DEPENDENTS:
        return _with_dependents(begin, length, generator)
    scope, regions = _scope(generator, wide=shape is not Shape.STEP)
    ends = dict.fromkeys(regions, begin + length)
    begins = dict.fromkeys(regions, begin)
    if shape is Shape.SPREADING:
        later = np.linspace(0, SPREAD, len(regions)).astype(int).tolist()
        begins = {region: begin + lag for region, lag in zip(regions, later, strict=True)}
        ends = dict.fromkeys(regions, begin + SPREAD + length)
    if shape is Shape.HEALED_BY_REGION:
        ends = {region: begin + length + 8 * place for place, region in enumerate(regions)}
    lasting = {region: (begins[region], ends[region]) for region in regions}
    return [TrueIncident(shape, scope, lasting, added, 15 if shape is Shape.RAMP else 1)]


def _scope(
    generator: np.random.Generator, *, wide: bool
) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """Draw a scope and its regions: some, or all if it is wide and drawn so."""
    least, most = (2, len(REGIONS)) if wide else (1, 3)
    several = int(generator.integers(least, most + 1))
    drawn = generator.permutation(len(REGIONS))[:several].tolist()
    regions = tuple(REGIONS[place] for place in drawn)
    scope: dict[str, tuple[str, ...]] = {"os": (SYSTEMS[int(generator.integers(2))],)}
    if generator.random() < 0.5:  # noqa: PLR2004 one half is about an operation, too
        scope["operation"] = (OPERATIONS[int(generator.integers(len(OPERATIONS)))],)
    if several < len(REGIONS):
        scope["region"] = tuple(sorted(regions))
    return scope, regions


def _two(
    begin: int, length: int, added: float, generator: np.random.Generator
) -> list[TrueIncident]:
    """Give two that have nothing to do with each other: other region, system and operation."""
    places, operations = generator.permutation(len(REGIONS)), generator.permutation(len(OPERATIONS))
    lag = int(generator.integers(0, 11))
    found = []
    for number, start in enumerate((begin, begin + lag)):
        region = REGIONS[int(places[number])]
        scope = {
            "region": (region,),
            "os": (SYSTEMS[number],),
            "operation": (OPERATIONS[int(operations[number])],),
        }
        lasting = {region: (start, start + length)}
        found.append(TrueIncident(Shape.TWO_AT_ONCE, scope, lasting, max(added, 0.2)))
    return found


def _with_dependents(begin: int, length: int, generator: np.random.Generator) -> list[TrueIncident]:
    """Give an incident of one system everywhere, and the other's creates, which suffer with it."""
    system = int(generator.integers(2))
    added, lag = float(generator.uniform(0.3, 0.6)), int(generator.integers(3, 16))
    shape = Shape.WITH_DEPENDENTS
    lasting = dict.fromkeys(REGIONS, (begin, begin + length))
    later = dict.fromkeys(REGIONS, (begin + lag, begin + length))
    dependents = {"os": (SYSTEMS[1 - system],), "operation": ("create",)}
    return [
        TrueIncident(shape, {"os": (SYSTEMS[system],)}, lasting, added),
        TrueIncident(shape, dependents, later, added * generator.uniform(0.2, 0.4), pages=False),
    ]
