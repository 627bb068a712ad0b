"""Detectors with one defect each, to prove that the contract suite notices it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from detector_subjects import RATIOS, hours, ratios, step_ratios, step_volume, volume

from detectors.arrays import Integers, Snapshot
from detectors.bank import Bank, BankStep
from detectors.contract import Subject
from detectors.detections import Detection
from detectors.volume.bank import VolumeBank, VolumeStep


def telling(change: Callable[[Detection], Detection]) -> Subject[Any]:
    """Give a bank that tells its detections differently."""

    def step(bank: Bank, window: int, counts: Integers) -> BankStep:
        judged = step_ratios(bank, window, counts)
        return replace(judged, detections=tuple(map(change, judged.detections)))

    return replace(ratios(), step=step)


def onset_of_the_alarm() -> Subject[Any]:
    return telling(lambda found: replace(found, onset=found.window, onset_high=found.window))


def onset_outside_its_interval() -> Subject[Any]:
    return telling(lambda found: replace(found, onset_low=found.onset + 1))


class Restless(Bank):
    """Evidence grows while nothing happens."""

    def step(self, window: int, trials: Integers, failures: Integers) -> BankStep:
        judged = super().step(window, trials, failures)
        silent = self._life.judged & (trials == 0)
        self._process.evidence[:, silent] += 1.0
        rising, falling = self._process.totals()
        return replace(judged, statistic=np.where(silent, rising + falling, judged.statistic))


def without(state: Snapshot, name: str) -> Snapshot:
    """Leave a part of a state out: its numbers are zero."""
    return {key: value * 0 if key == name else value for key, value in state.items()}


def forgetting(name: str) -> Subject[Any]:
    """Give a bank with seasons and stated levels whose snapshots leave a part out."""

    class Forgetful(Bank):
        def snapshot(self) -> Snapshot:
            return without(super().snapshot(), name)

    return hours(Forgetful)


def forgetting_volume(name: str) -> Subject[Any]:
    """Give a volume bank whose snapshots leave a part out."""

    class Forgetful(VolumeBank):
        def snapshot(self) -> Snapshot:
            return without(super().snapshot(), name)

    return volume(Forgetful)


class Aliased(Bank):
    """A snapshot goes on changing after it was taken."""

    def snapshot(self) -> Snapshot:
        return super().snapshot() | {"process.evidence": self._process.evidence}


class OnTheHour(Bank):
    """The number of a window means a time of day."""

    def step(self, window: int, trials: Integers, failures: Integers) -> BankStep:
        if window % 60 == 0:
            self._process.restart(np.arange(self.size))
        return super().step(window, trials, failures)


class Lenient(Bank):
    """Counts that cannot be are made to fit."""

    def step(self, window: int, trials: Integers, failures: Integers) -> BankStep:
        operations = np.clip(trials[: self.size].astype(np.int64), 0, 2**31 - 1)
        return super().step(window, operations, np.clip(failures, 0, operations))


class Hasty(Bank):
    """Something changes before the counts are refused."""

    def step(self, window: int, trials: Integers, failures: Integers) -> BankStep:
        self._process.evidence *= 1.0 + 1e-12
        self._process.evidence += 1e-300
        return super().step(window, trials, failures)


class Timeless(Bank):
    """A window that does not follow is put after the last one."""

    def step(self, window: int, trials: Integers, failures: Integers) -> BankStep:
        latest = self._history.latest
        follows = window if latest is None else max(window, latest + 1)
        return super().step(follows, trials, failures)


class Shared(Bank):
    """All banks of a process have something in common."""

    steps: ClassVar = [0]

    def step(self, window: int, trials: Integers, failures: Integers) -> BankStep:
        self.steps[0] += 1
        self._process.evidence *= 1.0 + 1e-9 * self.steps[0]
        return super().step(window, trials, failures)


class Rooted(Bank):
    """A part of the state stays where it is while the series change places."""

    def keep(self, rows: Integers) -> None:
        evidence = self._process.evidence[:, : rows.size].copy()
        super().keep(rows)
        self._process.evidence = evidence


class Positional(Bank):
    """The first series is treated differently from the others."""

    def step(self, window: int, trials: Integers, failures: Integers) -> BankStep:
        self._process.evidence[:, :1] *= 0.5
        return super().step(window, trials, failures)


class Startled(Bank):
    """A new series makes the bank forget what it was about to say."""

    def add(self, groups: Integers, trials: Any = None) -> None:  # noqa: ANN401 - as in the bank
        super().add(groups, trials)
        self._process.restart(np.arange(self.size))


class Calls(Bank):
    """Time passes with calls, not with windows."""

    def step(self, window: int, trials: Integers, failures: Integers) -> BankStep:
        latest = self._history.latest
        judged = super().step(window if latest is None else latest + 1, trials, failures)
        told = tuple(replace(found, window=window) for found in judged.detections)
        return replace(judged, window=window, detections=told)


class Impatient(VolumeBank):
    """Windows left out are as if they had never been."""

    def step(self, window: int, operations: Integers) -> VolumeStep:
        self._ring.check(window, operations)
        return self._judge(window, operations)


def deaf_to_silence() -> Subject[Any]:
    """Give a volume bank whose statistic stays where it is in an empty window."""

    def step(bank: VolumeBank, window: int, counts: Integers) -> VolumeStep:
        judged = step_volume(bank, window, counts)
        return judged if counts.any() else replace(judged, statistic=np.zeros(bank.size))

    return replace(volume(), step=step)


def promising(factor: float) -> Subject[Any]:
    """Give a bank whose threshold is divided by a factor."""
    eager = replace(RATIOS, false_alarms_per_day=RATIOS.false_alarms_per_day * factor)
    return replace(ratios(settings=eager), promised=ratios().promised)
