"""What is measured: changes to find, and streams in control that must not be taken for changes."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from detectors.simulation import QUIET, Nuisance

DAILY_VOLUME: Final = Nuisance(volume_swing=0.9)
DAILY_SEASON: Final = Nuisance(volume_swing=0.9, ratio_swing=0.8)
SLOW_DRIFT: Final = Nuisance(drift=0.3, drift_windows=60.0)
SLIGHT_OVERDISPERSION: Final = Nuisance(rho=0.001)
OVERDISPERSION: Final = Nuisance(rho=0.01)

_HOUR: Final = 60
_DAY: Final = 24 * _HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeCell:
    """A change to find, in windows of one minute.

    Attributes:
        name: What the tables call it.
        before: Mean failure probability in control.
        after: Failure probability of a series at that mean after the change. A series at another
            level changes by the same odds ratio.
        volume: Mean operations a window.
        horizon: Windows from the onset on in which the change has to be found.
        ramp_windows: Windows that the change takes; 1 is a step.
        nuisance: What else moves.
        knowable: Whether "the baseline is known" means something: a baseline known as one number
            is wrong where the ratio moves.
        slow_peers: Whether peers that take long are run, too.
    """

    name: str
    before: float
    after: float
    volume: float
    horizon: int
    ramp_windows: int = 1
    nuisance: Nuisance = QUIET
    knowable: bool = True
    slow_peers: bool = False

    @property
    def odds(self) -> float:
        """Odds ratio of the whole change."""
        return self.after / (1.0 - self.after) / (self.before / (1.0 - self.before))

    @property
    def rising(self) -> bool:
        """Whether failures become more frequent."""
        return self.after > self.before

    @property
    def excess_failures(self) -> float:
        """Expected failures beyond (or short of) those in control, in one changed window.

        Counted as independent ones: n overdispersed operations say no more than n / (1 + (n - 1)
        rho) independent ones.
        """
        inflation = 1.0 + max(self.volume - 1.0, 0.0) * self.nuisance.rho
        return abs(self.after - self.before) * self.volume / inflation


@dataclass(frozen=True, slots=True, kw_only=True)
class Blips:
    """Failures that are real and over before anybody could act.

    Attributes:
        per_day: Mean number a day of one series.
        windows: How many windows one lasts.
        odds: Odds ratio while it lasts.
    """

    per_day: float = 2.0
    windows: int = 3
    odds: float = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NuisanceCell:
    """Streams in control, with what may be mistaken for a change.

    Attributes:
        name: What the tables call it.
        ratio: Mean failure probability.
        volume: Mean operations a window.
        nuisance: What moves.
        blips: Short failures, if there are any. While one lasts the series is not in control.
        knowable: As of a `ChangeCell`.
    """

    name: str
    ratio: float
    volume: float
    nuisance: Nuisance = QUIET
    blips: Blips | None = None
    knowable: bool = True


def mild(before: float, odds: float) -> float:
    """Give the failure probability whose odds are `odds` times those of `before`."""
    scaled = odds * before / (1.0 - before)
    return float(scaled / (1.0 + scaled))


def _change_cells() -> tuple[ChangeCell, ...]:
    a, b, c = (0.001, 0.005), (0.005, 0.03), (0.01, 0.4)
    ramp, recovery, strong = (0.001, 0.03), (0.03, 0.005), (0.01, 0.999)
    few, many, huge = 5.0, 100.0, 10_000.0
    rows: list[tuple[str, tuple[float, float], float, int]] = [
        ("A n=5", a, few, _DAY),
        ("A n=100", a, many, 4 * _HOUR),
        ("A n=10000", a, huge, _HOUR),
        ("B n=5", b, few, 8 * _HOUR),
        ("B n=100", b, many, _HOUR),
        ("C n=5", c, few, _HOUR),
        ("C n=100", c, many, _HOUR),
        ("G n=5", recovery, few, 8 * _HOUR),
        ("G n=100", recovery, many, 2 * _HOUR),
        ("strong n=5", strong, few, _HOUR),
        ("strong n=100", strong, many, _HOUR),
        ("mild n=100", (0.01, mild(0.01, 1.6)), many, 8 * _HOUR),
        ("mild n=10000", (0.001, mild(0.001, 1.6)), huge, 4 * _HOUR),
    ]
    slow = {"A n=5", "A n=100", "B n=100", "C n=5", "G n=100"}
    steps = [
        ChangeCell(
            name=name,
            before=before,
            after=after,
            volume=volume,
            horizon=horizon,
            slow_peers=name in slow,
        )
        for name, (before, after), volume, horizon in rows
    ]
    ramps = [
        ChangeCell(
            name=f"E n={volume:g}",
            before=ramp[0],
            after=ramp[1],
            volume=volume,
            horizon=4 * _HOUR,
            ramp_windows=30,
        )
        for volume in (few, many)
    ]
    overdispersed = [
        ChangeCell(
            name=f"A n={volume:.0f} ρ={nuisance.rho:g}",
            before=a[0],
            after=a[1],
            volume=volume,
            horizon=12 * _HOUR,
            nuisance=nuisance,
            slow_peers=volume == huge and nuisance.rho == OVERDISPERSION.rho,
        )
        for volume in (many, huge)
        for nuisance in (SLIGHT_OVERDISPERSION, OVERDISPERSION)
    ]
    moving = [
        ChangeCell(
            name=f"B n=100 {what}",
            before=b[0],
            after=b[1],
            volume=many,
            horizon=4 * _HOUR,
            nuisance=nuisance,
            knowable=nuisance == DAILY_VOLUME,
        )
        for what, nuisance in (
            ("daily volume", DAILY_VOLUME),
            ("daily season", DAILY_SEASON),
            ("slow drift", SLOW_DRIFT),
        )
    ]
    return (*steps, *ramps, *overdispersed, *moving)


def _nuisance_cells() -> tuple[NuisanceCell, ...]:
    slight, strong = SLIGHT_OVERDISPERSION, OVERDISPERSION
    rows: list[tuple[str, float, float, Nuisance, bool]] = [
        ("independent n=5", 0.005, 5.0, QUIET, True),
        ("independent n=100", 0.005, 100.0, QUIET, True),
        ("independent n=10000", 0.001, 10_000.0, QUIET, True),
        ("ρ=0.001 n=100", 0.005, 100.0, slight, True),
        ("ρ=0.001 n=10000", 0.001, 10_000.0, slight, True),
        ("ρ=0.01 n=100", 0.005, 100.0, strong, True),
        ("ρ=0.01 n=10000", 0.001, 10_000.0, strong, True),
        ("daily volume n=5", 0.005, 5.0, DAILY_VOLUME, True),
        ("daily volume n=100", 0.005, 100.0, DAILY_VOLUME, True),
        ("daily season n=5", 0.005, 5.0, DAILY_SEASON, False),
        ("daily season n=100", 0.005, 100.0, DAILY_SEASON, False),
        ("slow drift n=5", 0.005, 5.0, SLOW_DRIFT, False),
        ("slow drift n=100", 0.005, 100.0, SLOW_DRIFT, False),
    ]
    cells = [
        NuisanceCell(name=name, ratio=ratio, volume=volume, nuisance=nuisance, knowable=knowable)
        for name, ratio, volume, nuisance, knowable in rows
    ]
    return (*cells, NuisanceCell(name="blips n=100", ratio=0.005, volume=100.0, blips=Blips()))


CHANGE_CELLS: Final = _change_cells()
NUISANCE_CELLS: Final = _nuisance_cells()


def seed_of(seed: int, name: str, variant: str) -> np.random.SeedSequence:
    """Give the seed of one experiment, whatever else is run.

    Args:
        seed: The seed of the whole benchmark.
        name: Name of the cell.
        variant: Which of its experiments.
    """
    return np.random.SeedSequence([seed, *f"{name}/{variant}".encode()])
