"""Seeded streams of (operations, failures) with known truth, for tests and benchmarks.

A stream is counts of shape [T, S]: T windows of S series. Randomness is an argument.
"""

from dataclasses import dataclass

import numpy as np

from detectors.arrays import Flags, Floats, Integers
from detectors.odds import shift_odds


@dataclass(frozen=True, slots=True, kw_only=True)
class Nuisance:
    """What makes a stream in control ugly.

    Attributes:
        rho: Intra-class correlation of outcomes inside a window (beta-binomial).
        volume_swing: Relative amplitude of the daily volume, 0 to 1.
        ratio_swing: Amplitude of the daily season of the failure ratio, in natural log.
        drift: Standard deviation of a slow (AR(1)) drift of the log odds.
        drift_windows: Correlation time of that drift, in windows.
        constant_volume: Exactly the mean volume in every window instead of Poisson.
    """

    rho: float = 0.0
    volume_swing: float = 0.0
    ratio_swing: float = 0.0
    drift: float = 0.0
    drift_windows: float = 60.0
    constant_volume: bool = False


QUIET = Nuisance()
_DAY = 1440


def mean_volume(windows: int, volume: Floats, nuisance: Nuisance, phase: Floats) -> Floats:
    """Compute the expected operations, shape [T, S], of one-minute windows.

    Args:
        windows: T.
        volume: Mean operations a window, shape [S].
        nuisance: Whose `volume_swing` to use.
        phase: Phase of each series' day in radians, shape [S].
    """
    angle = 2.0 * np.pi * np.arange(windows)[:, np.newaxis] / _DAY
    swing: Floats = volume * (1.0 + nuisance.volume_swing * np.sin(angle + phase))
    return swing


def failure_ratio(
    windows: int, ratio: Floats, nuisance: Nuisance, phase: Floats, generator: np.random.Generator
) -> Floats:
    """Compute the failure probabilities in control, shape [T, S].

    Args:
        windows: T.
        ratio: Mean failure probability, shape [S].
        nuisance: Whose season and drift to use.
        phase: Phase of each series' day in radians, shape [S].
        generator: Source of the drift.
    """
    angle = 2.0 * np.pi * np.arange(windows)[:, np.newaxis] / _DAY
    log_odds = np.log(ratio / (1.0 - ratio)) + nuisance.ratio_swing * np.sin(angle + phase + 1.0)
    if nuisance.drift:
        keep = np.exp(-1.0 / nuisance.drift_windows)
        state = generator.standard_normal(ratio.size)
        for window in range(windows):
            noise = generator.standard_normal(ratio.size)
            state = keep * state + np.sqrt(1.0 - keep**2) * noise
            log_odds[window] += nuisance.drift * state
    probabilities: Floats = 1.0 / (1.0 + np.exp(-log_odds))
    return probabilities


def step_change(ratio: Floats, onset: int, level: float) -> Floats:
    """Set the failure probability to `level` from window `onset` on."""
    changed = ratio.copy()
    changed[onset:] = level
    return changed


def gradual_odds_change(ratio: Floats, onset: int, odds: float, windows: int) -> Floats:
    """Let the failure probability climb in a line until its odds are multiplied by `odds`.

    Args:
        ratio: Failure probabilities, shape [T, S].
        onset: First changed window.
        odds: Odds ratio at the end of the ramp.
        windows: Windows until then; 1 is a step.
    """
    final = shift_odds(ratio, np.array(odds))
    share = np.clip((np.arange(ratio.shape[0]) - onset + 1) / windows, 0.0, 1.0)[:, np.newaxis]
    changed: Floats = ratio + (final - ratio) * share
    return changed


def ramp_change(ratio: Floats, onset: int, level: float, windows: int) -> Floats:
    """Let the failure probability climb in a line to `level`, reached after `windows` windows."""
    share = np.clip((np.arange(ratio.shape[0]) - onset + 1) / windows, 0.0, 1.0)[:, np.newaxis]
    ramped: Floats = ratio + (level - ratio) * share
    return ramped


def odds_change(ratio: Floats, onset: int, odds: float) -> Floats:
    """Multiply the odds of failure by `odds` from window `onset` on."""
    changed = ratio.copy()
    changed[onset:] = shift_odds(ratio[onset:], np.array(odds))
    return changed


def blips(
    ratio: Floats, per_day: float, windows: int, odds: float, generator: np.random.Generator
) -> tuple[Floats, Flags]:
    """Multiply the odds of failure for short moments, and say when.

    Args:
        ratio: Failure probabilities, shape [T, S].
        per_day: Mean number of blips a day of one series; they begin independently.
        windows: How many windows one lasts.
        odds: Odds ratio while it lasts.
        generator: Source of their beginnings.

    Returns:
        The failure probabilities with blips, and whether a blip is on, each of shape [T, S].
    """
    begins = generator.random(ratio.shape) < per_day / _DAY
    on = begins.copy()
    for later in range(1, windows):
        on[later:] |= begins[: begins.shape[0] - later]
    return np.where(on, shift_odds(ratio, np.array(odds)), ratio), on


def draw(
    volume: Floats, ratio: Floats, nuisance: Nuisance, generator: np.random.Generator
) -> tuple[Integers, Integers]:
    """Draw operations and failures.

    Args:
        volume: Expected operations, shape [T, S].
        ratio: Failure probabilities, same shape.
        nuisance: Whose overdispersion and volume noise to use.
        generator: Source of randomness.

    Returns:
        Trials and failures, each of shape [T, S].
    """
    if nuisance.constant_volume:
        trials = np.rint(volume).astype(np.int64)
    else:
        trials = generator.poisson(volume)
    if nuisance.rho:
        precision = (1.0 - nuisance.rho) / nuisance.rho
        inside = np.clip(ratio, 1e-9, 1.0 - 1e-9)
        ratio = generator.beta(inside * precision, (1.0 - inside) * precision)
    return trials, generator.binomial(trials, ratio)
