"""The detectors of this repository as subjects of the contract suite, with streams that suit them.

Settings are small, so that a stream of some hundred windows holds warm-up, change and recovery, and
promise many false alarms, so that a broken promise shows in such a stream.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from detectors.arrays import Floats, Integers
from detectors.bank import Bank, BankSettings, BankStep
from detectors.contract import Case, Subject
from detectors.odds import shift_odds
from detectors.volume.bank import VolumeBank, VolumeSettings, VolumeStep

SERIES = 12
GROUPS = np.arange(SERIES) % 2
CHANGED = np.array([1, 2, 5, 8, 9])

RATIOS = BankSettings(
    false_alarms_per_day=20.0,
    ring_windows=100,
    holdback_windows=5,
    warm_up_windows=40,
    informative_windows=10,
    memory_windows=1000,
)
CODES = replace(RATIOS, false_alarms_per_day=10.0, materiality_odds=1.5, prior_failure_ratio=0.005)
"""As for error codes: a larger change counts, codes are rare, and some have a past without any."""
HALF_HOURS = VolumeSettings(
    window_seconds=1800,
    false_alarms_per_day=5.0,
    holdback_seconds=7200,
    block_windows=4,
    ring_windows=48,
    recovery_evidence=50.0,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """Streams of operations and failures, with a change of the odds of failure.

    Attributes:
        ratio: Failure ratio in control.
        windows: Length, learning included.
        volume: Mean operations a window of a series; they differ by a factor of two either way.
        swing: Amplitude of a season of 24 windows in the log odds of failure.
    """

    ratio: float
    windows: int = 220
    volume: float = 20.0
    swing: float = 0.0

    def draw(self, generator: np.random.Generator, odds: Floats) -> Integers:
        volumes = self.volume * 2.0 ** generator.uniform(-1.0, 1.0, SERIES)
        trials = generator.poisson(volumes, odds.shape)
        hours = np.arange(odds.shape[0])[:, np.newaxis]
        season = np.exp(self.swing * np.sin(2.0 * np.pi * hours / 24.0))
        level = np.full(odds.shape, self.ratio)
        failures = generator.binomial(trials, shift_odds(level, season * odds))
        return np.stack((trials, failures), axis=1)

    def quiet(self, generator: np.random.Generator) -> Integers:
        return self.draw(generator, np.ones((2 * self.windows, SERIES)))

    def change(self, odds: float, lasts: int, within: int) -> Callable[[np.random.Generator], Case]:
        """Give what draws a change of the odds that lasts so many windows."""
        onset = 120

        def drawn(generator: np.random.Generator) -> Case:
            course = np.ones((self.windows, SERIES))
            course[onset : onset + lasts, CHANGED] = odds
            return Case(
                counts=self.draw(generator, course), onset=onset, rows=CHANGED, within=within
            )

        return drawn


@dataclass(frozen=True, slots=True, kw_only=True)
class Volumes:
    """Streams of operations, with a fall to a share of the volume.

    Attributes:
        windows: Length, the day of learning included.
        volume: Mean operations a window of a series; they differ by a factor of two either way.
    """

    windows: int = 200
    volume: float = 20.0

    def draw(self, generator: np.random.Generator, share: Floats) -> Integers:
        volumes = self.volume * 2.0 ** generator.uniform(-1.0, 1.0, SERIES)
        return generator.poisson(volumes * share)[:, np.newaxis]

    def quiet(self, generator: np.random.Generator) -> Integers:
        return self.draw(generator, np.ones((2 * self.windows, SERIES)))

    def change(
        self, share: float, lasts: int, within: int
    ) -> Callable[[np.random.Generator], Case]:
        """Give what draws a fall that lasts so many windows."""
        onset = 110

        def drawn(generator: np.random.Generator) -> Case:
            course = np.ones((self.windows, SERIES))
            course[onset : onset + lasts, CHANGED] = share
            return Case(
                counts=self.draw(generator, course), onset=onset, rows=CHANGED, within=within
            )

        return drawn


def step_ratios(bank: Bank, window: int, counts: Integers) -> BankStep:
    return bank.step(window, *counts)


def step_volume(bank: VolumeBank, window: int, counts: Integers) -> VolumeStep:
    return bank.step(window, *counts)


def ratios(kind: type[Bank] = Bank, settings: BankSettings = RATIOS) -> Subject[Bank]:
    """Give the bank of success ratios, or one of another class, as a subject."""
    streams = Failures(ratio=0.01, volume=40.0)

    def build(groups: Integers) -> Bank:
        bank = kind(settings)
        bank.add(groups)
        return bank

    return Subject(
        name="ratios",
        groups=GROUPS,
        fields=("trials", "failures"),
        build=build,
        resume=lambda snapshot: kind.resume(settings, snapshot),
        step=step_ratios,
        quiet=streams.quiet,
        promised=RATIOS.false_alarms_per_day * 2 * streams.windows / 1440,
        abrupt=streams.change(50.0, lasts=40, within=5),
        faint=streams.change(5.0, lasts=100, within=60),
    )


def hours(kind: type[Bank] = Bank) -> Subject[Bank]:
    """Give the bank over days, with seasons; the levels of half of the series are stated."""
    settings = replace(
        RATIOS, window_seconds=3600, false_alarms_per_day=RATIOS.false_alarms_per_day / 60.0
    )
    streams = Failures(ratio=0.01, volume=60.0, swing=0.5)

    def build(groups: Integers) -> Bank:
        bank = kind(settings)
        bank.add(groups)
        stated = np.flatnonzero(groups == 0)
        bank.know(stated, np.full(stated.size, 0.01))
        return bank

    return replace(
        ratios(kind, settings),
        name="ratios by the hour",
        build=build,
        resume=lambda snapshot: kind.resume(settings, snapshot),
        quiet=streams.quiet,
        abrupt=streams.change(50.0, lasts=40, within=5),
        faint=streams.change(2.5, lasts=100, within=60),
    )


def codes() -> Subject[Bank]:
    """Give the bank as it is used for error codes: half of them have a past without failures."""
    streams = Failures(ratio=0.0005, volume=100.0)

    def build(groups: Integers) -> Bank:
        bank = Bank(CODES)
        bank.add(groups, np.where(groups == 0, 500.0, 0.0))
        return bank

    return replace(
        ratios(settings=CODES),
        name="error codes",
        build=build,
        quiet=streams.quiet,
        promised=10.0 * 2 * streams.windows / 1440,
        abrupt=streams.change(300.0, lasts=40, within=5),
        faint=streams.change(10.0, lasts=100, within=60),
    )


def volume(kind: type[VolumeBank] = VolumeBank) -> Subject[VolumeBank]:
    """Give the volume bank, or one of another class, as a subject."""
    streams, faint = Volumes(), Volumes(volume=2.0)

    def build(groups: Integers) -> VolumeBank:
        bank = kind(HALF_HOURS)
        bank.add(groups)
        return bank

    return Subject(
        name="volume",
        groups=GROUPS,
        fields=("operations",),
        build=build,
        resume=lambda snapshot: kind.resume(HALF_HOURS, snapshot),
        step=step_volume,
        quiet=streams.quiet,
        promised=5.0 * 2 * streams.windows / 48,
        abrupt=streams.change(0.0, lasts=40, within=8),
        faint=faint.change(0.1, lasts=80, within=60),
        empty_is_evidence=True,
    )
