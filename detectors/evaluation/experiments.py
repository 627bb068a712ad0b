"""One experiment per cell and kind of baseline: draw streams, run methods, score them."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from detectors.arrays import Flags
from detectors.evaluation.calibration import WINDOWS_PER_FALSE_ALARM, calibrated_threshold
from detectors.evaluation.cells import ChangeCell, NuisanceCell, seed_of
from detectors.evaluation.method import Alarm, Method, Run
from detectors.evaluation.scores import (
    Delays,
    FalseAlarms,
    Onsets,
    first_alarms,
    first_crossings,
    onset_errors,
)
from detectors.evaluation.streams import Size, Streams, change_streams, nuisance_streams

COLD_START: Final = 120
"""Windows after which a bank that began with nothing is held to its promise: two hours."""
_STEADY: Final = 4
"""Series in control for each that changes, for methods which take one series at a time."""
_BLIP_AFTERMATH: Final = 10
"""Windows after a blip in which an alarm still is about the blip."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How large all experiments are.

    Attributes:
        known: Change cells with known baselines.
        learned: Change cells with learned baselines.
        in_control: Nuisance cells; `lead` is the learning, where there is any.
        most: Changing series that methods which take one series at a time get at most.
    """

    known: Size
    learned: Size
    in_control: Size
    most: int


FULL: Final = Sizes(
    known=Size(lead=720, observed=1440, control=500, changed=200),
    learned=Size(lead=3 * 1440, observed=0, control=800, changed=100, spread=0.1),
    in_control=Size(lead=3 * 1440, observed=3 * 720, control=500, spread=0.3),
    most=100,
)
QUICK: Final = Sizes(
    known=Size(lead=240, observed=240, control=120, changed=40),
    learned=Size(lead=480, observed=0, control=100, changed=20, spread=0.3),
    in_control=Size(lead=480, observed=480, control=100, spread=0.3),
    most=10,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodScore:
    """What one method did in one change cell.

    Attributes:
        name: Of the method.
        threshold: At which it alarmed.
        delays: Of the changes.
        oracle: Delays of the oracle on the very same series.
    """

    name: str
    threshold: float
    delays: Delays
    oracle: Delays


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeResult:
    """One change cell with one kind of baseline.

    Attributes:
        cell: The cell.
        known: Whether the baseline was known.
        promised: This program by its promise.
        scores: The oracle, then the other methods, and this program calibrated if the baseline was
            known.
        false_alarms: Of this program by its promise, of the series in control, after the onset.
        onsets: How well this program estimated onsets, by its promise.
        operations: How many operations were simulated.
        windows: How many windows.
    """

    cell: ChangeCell
    known: bool
    promised: MethodScore
    scores: tuple[MethodScore, ...]
    false_alarms: FalseAlarms
    onsets: Onsets
    operations: int
    windows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NuisanceResult:
    """One nuisance cell with one kind of baseline, this program by its promise.

    Attributes:
        cell: The cell.
        known: Whether the baseline was known.
        settled: False alarms after the windows for learning.
        cold: False alarms in the windows for learning, from `COLD_START` on; undefined if there was
            nothing to learn.
        excused: Alarms while a series was not in control, or just after.
        operations: How many operations were simulated.
        windows: How many windows.
    """

    cell: NuisanceCell
    known: bool
    settled: FalseAlarms
    cold: FalseAlarms
    excused: int
    operations: int
    windows: int


def run_change(
    cell: ChangeCell,
    sizes: Sizes,
    seed: int,
    own: Method,
    others: Sequence[Method],
    *,
    known: bool,
) -> ChangeResult:
    """Measure one change cell.

    Args:
        cell: The change.
        sizes: How large.
        seed: Of the whole benchmark.
        own: This program.
        others: The oracle first, then references and peers; those without a threshold of their own
            are calibrated on the series in control.
        known: Whether methods are told the baseline.
    """
    size = sizes.known if known else sizes.learned
    size = dataclasses.replace(size, observed=max(cell.horizon, size.observed))
    generator = np.random.default_rng(seed_of(seed, cell.name, f"change known={known}"))
    streams = change_streams(cell, size, generator, known=known)
    rows = np.flatnonzero(streams.changed)
    run = own.run(streams)
    delays, finders = first_alarms(
        run.alarms, rows, streams.onset, cell.horizon, rising=cell.rising
    )
    scores = _scores(cell, streams, sizes, others)
    floor = scores[0].delays
    if known:
        scores.append(_calibrated(own, run, streams, cell.horizon, floor))
    return ChangeResult(
        cell=cell,
        known=known,
        promised=MethodScore(name=own.name, threshold=run.threshold, delays=delays, oracle=floor),
        scores=tuple(scores),
        false_alarms=_false_alarms(
            run.alarms, _in_control(streams), range(streams.onset, streams.windows)
        ),
        onsets=onset_errors(finders, streams.onset),
        operations=int(streams.trials.sum()),
        windows=streams.windows,
    )


def run_nuisance(
    cell: NuisanceCell, sizes: Sizes, seed: int, own: Method, *, known: bool
) -> NuisanceResult:
    """Measure one nuisance cell.

    Args:
        cell: What moves.
        sizes: How large.
        seed: Of the whole benchmark.
        own: This program.
        known: Whether it is told the baseline.
    """
    generator = np.random.default_rng(seed_of(seed, cell.name, f"nuisance known={known}"))
    size = sizes.in_control
    size = dataclasses.replace(size, lead=COLD_START) if known else size
    streams = nuisance_streams(cell, size, generator, known=known)
    alarms, control = own.run(streams).alarms, _in_control(streams)
    later = range(streams.onset, streams.windows)
    return NuisanceResult(
        cell=cell,
        known=known,
        settled=_false_alarms(alarms, control, later),
        cold=_false_alarms(alarms, control, range(COLD_START, streams.onset)),
        excused=sum(not control[alarm.window, alarm.row] for alarm in alarms),
        operations=int(streams.trials.sum()),
        windows=streams.windows,
    )


def _scores(
    cell: ChangeCell, streams: Streams, sizes: Sizes, others: Sequence[Method]
) -> list[MethodScore]:
    """Run the other methods, each on as many series and windows as it is fast."""
    scores: list[MethodScore] = []
    for method in others:
        if not method.suits(cell):
            continue
        changed, control = _parts(cell, streams, sizes, method)
        run = method.run(changed)
        threshold = run.threshold
        if np.isinf(threshold):
            steady = method.run(control).statistic
            threshold = calibrated_threshold(steady[control.onset // 2 :])
        delays = first_crossings(run.statistic, threshold, changed.onset, cell.horizon)
        floor = scores[0].delays.found[: changed.series] if scores else delays.found
        scores.append(
            MethodScore(
                name=method.name, threshold=threshold, delays=delays, oracle=Delays(found=floor)
            )
        )
    return scores


def _parts(
    cell: ChangeCell, streams: Streams, sizes: Sizes, method: Method
) -> tuple[Streams, Streams]:
    """Give the series that change, up to the horizon, and those in control."""
    rows, control = np.flatnonzero(streams.changed), np.flatnonzero(~streams.changed)
    if method.most is not None:
        most = min(method.most, sizes.most)
        rows, control = rows[:most], control[: _STEADY * most]
    begin = max(streams.onset - method.lead, 0)
    last = None if method.steady is None else streams.onset + method.steady
    return (
        streams.part(rows, slice(begin, streams.onset + cell.horizon)),
        streams.part(control, slice(begin, last)),
    )


def _calibrated(
    own: Method, run: Run, streams: Streams, horizon: int, floor: Delays
) -> MethodScore:
    """Score this program with a threshold that uses up its promise.

    Its statistic is exact up to the first alarm only, so the threshold is at most the promised one.
    Where that is reached the promise itself is used up.
    """
    steady = run.statistic[streams.onset // 2 :, ~streams.changed]
    threshold = min(calibrated_threshold(steady), run.threshold)
    changed = run.statistic[:, streams.changed]
    delays = first_crossings(changed, threshold, streams.onset, horizon)
    return MethodScore(
        name=f"{own.name} calibrated", threshold=threshold, delays=delays, oracle=floor
    )


def _in_control(streams: Streams) -> Flags:
    """Say of every window and series whether an alarm there is false, shape [T, S].

    A series that changes is left out altogether. After a blip a series is in control again once
    `_BLIP_AFTERMATH` windows have passed: until then an alarm is about the blip, which was real.
    """
    control = np.repeat(~streams.changed[np.newaxis], streams.windows, axis=0)
    if streams.unruly is not None:
        for lag in range(_BLIP_AFTERMATH + 1):
            control[lag:] &= ~streams.unruly[: streams.windows - lag]
    return control


def _false_alarms(alarms: Sequence[Alarm], control: Flags, windows: range) -> FalseAlarms:
    """Count alarms of windows in control, against the promise for as many windows."""
    count = sum(alarm.window in windows and control[alarm.window, alarm.row] for alarm in alarms)
    exposed = int(np.count_nonzero(control[windows.start : windows.stop]))
    return FalseAlarms(count=int(count), promised=exposed / WINDOWS_PER_FALSE_ALARM)
