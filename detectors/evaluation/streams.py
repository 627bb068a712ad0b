"""Streams of counts with their truth, the same for all methods."""

from dataclasses import dataclass

import numpy as np

from detectors.arrays import Flags, Floats, Integers
from detectors.evaluation.cells import ChangeCell, NuisanceCell
from detectors.odds import shift_odds
from detectors.simulation import (
    Nuisance,
    blips,
    draw,
    failure_ratio,
    gradual_odds_change,
    mean_volume,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Streams:
    """Counts of S series over T windows, and what is true of them.

    Attributes:
        trials: Operations, shape [T, S].
        failures: Failed operations, shape [T, S].
        before: Failure probability in control of every window, shape [T, S].
        odds: Odds ratio of the change, for the reference that knows it.
        rho: True overdispersion.
        level: Mean failure probability in control of each series, shape [S].
        known: Whether methods are told `level`.
        onset: First window in which a change may be on; those before are for learning.
        changed: Series that change at `onset`, shape [S].
        unruly: Windows in which a series is not in control although it does not change, [T, S].
        groups: Group of each series, shape [S]; one group unless given.
    """

    trials: Integers
    failures: Integers
    before: Floats
    odds: float
    rho: float
    level: Floats
    known: bool
    onset: int
    changed: Flags
    unruly: Flags | None = None
    groups: Integers | None = None

    @property
    def windows(self) -> int:
        """T."""
        return len(self.trials)

    @property
    def series(self) -> int:
        """S."""
        return self.level.size

    def after(self) -> Floats:
        """Give the failure probability after the whole change, shape [T, S]."""
        return shift_odds(self.before, np.array(self.odds))

    def part(self, rows: Integers, windows: slice) -> "Streams":
        """Give some series and a stretch of windows, for methods that take long.

        Args:
            rows: Row indices.
            windows: A stretch that begins at or before `onset`.
        """
        return Streams(
            trials=self.trials[windows, rows],
            failures=self.failures[windows, rows],
            before=self.before[windows, rows],
            odds=self.odds,
            rho=self.rho,
            level=self.level[rows],
            known=self.known,
            onset=self.onset - windows.indices(self.windows)[0],
            changed=self.changed[rows],
            unruly=None if self.unruly is None else self.unruly[windows, rows],
            groups=None if self.groups is None else self.groups[rows],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large an experiment is.

    Attributes:
        lead: Windows before the onset.
        observed: Windows from the onset on.
        control: Series that stay in control.
        changed: Series that change.
        spread: Standard deviation of the log odds of the series' levels.
    """

    lead: int
    observed: int
    control: int
    changed: int = 0
    spread: float = 0.0


def change_streams(
    cell: ChangeCell, size: Size, generator: np.random.Generator, *, known: bool
) -> Streams:
    """Draw a fleet in which some series change at the same window, the others never.

    Args:
        cell: The change.
        size: Series and windows.
        generator: Source of randomness.
        known: Whether methods are told the levels.
    """
    levels, volume, ratio = _in_control(cell.before, cell.volume, cell.nuisance, size, generator)
    changed = np.arange(levels.size) >= size.control
    actual = ratio.copy()
    actual[:, changed] = gradual_odds_change(
        ratio[:, changed], size.lead, cell.odds, cell.ramp_windows
    )
    trials, failures = draw(volume, actual, _drawn(cell.nuisance), generator)
    return Streams(
        trials=trials,
        failures=failures,
        before=ratio,
        odds=cell.odds,
        rho=cell.nuisance.rho,
        level=levels,
        known=known,
        onset=size.lead,
        changed=changed,
    )


def nuisance_streams(
    cell: NuisanceCell, size: Size, generator: np.random.Generator, *, known: bool
) -> Streams:
    """Draw a fleet in which nothing changes for good.

    Args:
        cell: What moves.
        size: Series and windows.
        generator: Source of randomness.
        known: Whether methods are told the levels.
    """
    levels, volume, ratio = _in_control(cell.ratio, cell.volume, cell.nuisance, size, generator)
    unruly, actual = None, ratio
    if cell.blips is not None:
        kind = cell.blips
        actual, unruly = blips(ratio, kind.per_day, kind.windows, kind.odds, generator)
    trials, failures = draw(volume, actual, _drawn(cell.nuisance), generator)
    return Streams(
        trials=trials,
        failures=failures,
        before=ratio,
        odds=1.0,
        rho=cell.nuisance.rho,
        level=levels,
        known=known,
        onset=size.lead,
        changed=np.zeros(levels.size, dtype=np.bool_),
        unruly=unruly,
    )


def _in_control(
    ratio: float, volume: float, nuisance: Nuisance, size: Size, generator: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    """Give levels [S], expected operations and failure probabilities in control, each [T, S]."""
    windows, series = size.lead + size.observed, size.control + size.changed
    phase = generator.uniform(0.0, 2.0 * np.pi, series)
    levels = shift_odds(np.full(series, ratio), np.exp(generator.normal(0.0, size.spread, series)))
    expected = mean_volume(windows, np.full(series, volume), nuisance, phase)
    return levels, expected, failure_ratio(windows, levels, nuisance, phase, generator)


def _drawn(nuisance: Nuisance) -> Nuisance:
    """Let the volume be constant where it has no day: some peers take no other."""
    return Nuisance(rho=nuisance.rho, constant_volume=not nuisance.volume_swing)
