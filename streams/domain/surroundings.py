"""What is not affected by an incident, in the words of the incident record."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OutsideValue:
    """A value of a dimension beside the scope, and its operations while the scope failed.

    Attributes:
        value: The value; `__other__` sums up all that there is no room for.
        operations: How many there were.
        failures: How many of them failed.
        expected_failures: How many would have failed under the baseline.
        health: Nats by which they speak for the baseline and against half of the incident's effect.
    """

    value: str
    operations: int
    failures: int
    expected_failures: float
    health: float

    def record(self) -> dict[str, object]:
        """Give the plain record of the contract."""
        return {
            "value": self.value,
            "operations": self.operations,
            "failures": self.failures,
            "expected_failures": round(self.expected_failures, 3),
            "log_likelihood_ratio": round(self.health, 2),
        }


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is not affected, by dimension: surely healthy values, and those nobody can tell of."""

    unaffected: Mapping[str, tuple[OutsideValue, ...]]
    unknown: Mapping[str, tuple[OutsideValue, ...]]

    def record(self) -> dict[str, object]:
        """Give the fields of the incident record."""
        return {"unaffected": _record(self.unaffected), "unknown": _record(self.unknown)}


def _record(values: Mapping[str, tuple[OutsideValue, ...]]) -> dict[str, object]:
    return {name: [one.record() for one in several] for name, several in sorted(values.items())}
