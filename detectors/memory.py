"""Forgetting that starts fast and slows down with age."""

import math
from dataclasses import dataclass
from typing import Final

_SHORTEST: Final = 60.0
"""Windows below which a memory is not cut, however young a fleet is."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Exponential forgetting whose time constant grows with age a: m(a) = share a, within limits.

    A young fleet does not know yet how its day goes, so what it saw six hours ago says little about
    now; an old one has learned its season and may look far back. With share 1 the oldest windows
    weigh nothing and the newest most, in a straight line, until m(a) reaches its longest.

    Attributes:
        share: Part of the age that is remembered, above 0.
        longest: Largest time constant, in windows.
    """

    share: float
    longest: float

    def factor(self, before: int, after: int) -> float:
        """Give what is left at age `after` of what was known at age `before`, 0 to 1.

        Factors of consecutive stretches multiply to that of the whole, so it does not matter in how
        many steps time passes.
        """
        return math.exp(self._forgotten(max(before, 0)) - self._forgotten(max(after, 0)))

    def _forgotten(self, age: float) -> float:
        """Integrate 1 / m(a) from 0 to an age."""
        shortest = min(_SHORTEST, self.longest)
        young, old = shortest / self.share, self.longest / self.share
        if age <= young:
            return age / shortest
        grown = min(age, old)
        return (1.0 + math.log(grown / young)) / self.share + (age - grown) / self.longest
