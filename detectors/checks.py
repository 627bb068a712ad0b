"""What every detector has to hold to, as checks: run them on one that you write.

Each raises AssertionError with a sentence that says what does not hold.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeAlias

import numpy as np
from scipy.stats import poisson

from detectors.contract import Case, Change, Step, Subject, told
from detectors.demands import (
    SAME,
    demand,
    demand_permuted,
    demand_refused,
    demand_same,
    first_alarm,
    first_found,
    generator,
    place,
    wrong_counts,
)

Check: TypeAlias = Callable[[Subject[Any]], None]

_ORIGINS: Final = (-12_345, 28_333_337)
"""Windows by which time is moved; no multiple of an hour, of a day, or of a week of anything."""
_UNLUCKY: Final = 0.95
"""Quantile of a Poisson count of false alarms that is still within a promise."""
_SLOW: Final = 5
"""Windows until an alarm, at the median, below which its onset could not be told from it."""
_NEAR: Final = 1 / 3
"""Distance of an onset from the truth, over the delay of its alarm, at the median."""
_SILENCE: Final = 40
"""Windows without operations."""
_FIRST: Final = 1_000
"""Where windows are counted from, so that a forgotten beginning is not the right one by chance."""
_FOLLOWED: Final = 60
"""Windows that a resumed detector is followed for."""
_GAPS: Final = 0.3
"""Share of the windows that are left out."""


def yield_checks() -> Iterator[Check]:
    """Give all checks, to be called with a `Subject` each.

    Example:
        >>> [check.__name__ for check in yield_checks()][0]
        'check_the_same_input_gives_the_same_output'
    """
    yield check_the_same_input_gives_the_same_output
    yield check_a_resumed_snapshot_goes_on_bit_by_bit
    yield check_the_origin_of_time_does_not_matter
    yield check_the_order_of_the_series_does_not_matter
    yield check_series_that_are_kept_may_change_places
    yield check_a_new_silent_series_changes_nothing
    yield check_an_empty_window_is_evidence_only_where_declared
    yield check_windows_left_out_are_empty_windows
    yield check_the_onset_is_not_the_alarm
    yield check_detections_hold_together
    yield check_counts_that_cannot_be_are_refused
    yield check_a_window_that_does_not_follow_is_refused
    yield check_false_alarms_stay_within_the_promise
    yield check_a_change_is_found


def check_the_same_input_gives_the_same_output(subject: Subject[Any]) -> None:
    """Nothing but the input decides: no state is shared between detectors, nothing is drawn."""
    counts = subject.abrupt(generator()).counts
    first, second = (subject.run(subject.fresh(), counts) for _ in range(2))
    demand_same(first, second, "the same windows give another result the second time")


def check_a_resumed_snapshot_goes_on_bit_by_bit(subject: Subject[Any]) -> None:
    """A snapshot holds all that matters, as plain data that later windows do not touch."""
    for draw in (subject.abrupt, subject.faint):
        case = draw(generator())
        detector, snapshots, steps = subject.fresh(), list[Any](), list[Step]()
        for window, counts in enumerate(case.counts):
            snapshots.append(detector.snapshot())
            steps.append(subject.step(detector, window + _FIRST, counts))
        for cut in _cuts(steps, case):
            taken = snapshots[cut]
            plain = all(isinstance(value, np.ndarray | int | float) for value in taken.values())
            demand("a snapshot holds something else than arrays and numbers", holds=plain)
            resumed = subject.resume(taken)
            again = told(resumed.snapshot()) == told(taken)
            demand(f"the snapshot before window {cut} is not what is resumed from it", holds=again)
            followed = steps[cut : cut + _FOLLOWED]
            rest = subject.run(resumed, case.counts, range(cut, cut + len(followed)), _FIRST)
            demand_same(followed, rest, f"resumed before window {cut} it goes on differently")


def _cuts(steps: Sequence[Step], case: Case) -> list[int]:
    """Give windows before which to resume: in learning, in a change, around what is found."""
    found = [window for window, step in enumerate(steps) if step.detections]
    late = [window for window in found if window >= case.onset]
    around = [cut for window in found[:2] + late[:3] for cut in (window, window + 1)]
    cuts = {0, 10, case.onset // 2, case.onset + 1, case.onset + 4, *around}
    return sorted(cut for cut in cuts if cut < len(steps))


def check_the_origin_of_time_does_not_matter(subject: Subject[Any]) -> None:
    """Windows are numbered from anywhere: no index means an hour, and none is special."""
    counts = subject.abrupt(generator()).counts
    steps = subject.run(subject.fresh(), counts)
    for origin in _ORIGINS:
        detector = subject.fresh()
        for window, step in enumerate(steps):
            moved = subject.step(detector, window + origin, counts[window])
            same = told(moved, origin) == told(step)
            demand(f"{origin} windows later window {window} gives another result", holds=same)


def check_the_order_of_the_series_does_not_matter(subject: Subject[Any]) -> None:
    """Series in another order give the same results in that order."""
    counts = subject.abrupt(generator()).counts
    order = generator().permutation(subject.groups.size)
    steps = subject.run(subject.fresh(), counts)
    moved = subject.run(subject.build(subject.groups[order]), counts[:, :, order])
    demand_permuted(steps, moved, order)


def check_series_that_are_kept_may_change_places(subject: Subject[Any]) -> None:
    """All series kept in another order, in the middle of a change, go on where they are."""
    case = subject.abrupt(generator())
    order = generator().permutation(subject.groups.size)
    moment, last = case.onset + 2, case.counts.shape[0]
    steps, detector = subject.run(subject.fresh(), case.counts), subject.fresh()
    subject.run(detector, case.counts, range(moment))
    detector.keep(order)
    moved = subject.run(detector, case.counts[:, :, order], range(moment, last))
    demand_permuted(steps[moment:], moved, order)


def check_a_new_silent_series_changes_nothing(subject: Subject[Any]) -> None:
    """A series that is added later, and has no operations, does not touch the others."""
    case, size = subject.abrupt(generator()), subject.groups.size
    steps, detector = subject.run(subject.fresh(), case.counts), subject.fresh()
    subject.run(detector, case.counts, range(case.onset))
    detector.add(np.array([subject.groups.max() + 1]))
    demand(f"{size} series and one more are {detector.size}", holds=detector.size == size + 1)
    wider = np.pad(case.counts, ((0, 0), (0, 0), (0, 1)))
    for step in subject.run(detector, wider, range(case.onset, wider.shape[0])):
        usual = steps[step.window]
        same = told(usual.statistic) == told(step.statistic[:size])
        same = same and told(usual.detections) == told(step.detections)
        demand(f"a new silent series changes window {step.window} of the others", holds=same)


def check_an_empty_window_is_evidence_only_where_declared(subject: Subject[Any]) -> None:
    """Silence in the middle of a change: nothing happened, or, where declared, the very sign."""
    case = subject.faint(generator())
    alarm = first_alarm(subject.run(subject.fresh(), case.counts), case)
    middle, counts = (case.onset + alarm) // 2, case.counts.copy()
    counts[middle : middle + _SILENCE] = 0
    detector = subject.fresh()
    before = subject.run(detector, counts, range(middle))[-1]
    silent = subject.run(detector, counts, range(middle, min(middle + _SILENCE, counts.shape[0])))
    if subject.empty_is_evidence:
        grew = bool(np.any(silent[0].statistic > before.statistic))
        demand("an empty window is declared to be evidence and is none", holds=grew)
        return
    for step in silent:
        grew = bool(np.any(step.statistic > before.statistic * (1.0 + SAME)))
        demand(f"evidence grows in window {step.window}, which is empty", holds=not grew)
        demand(f"window {step.window} is empty and alarms", holds=not step.detections)


def check_windows_left_out_are_empty_windows(subject: Subject[Any]) -> None:
    """A detector that is not called for windows without operations says what it would have said."""
    counts = subject.abrupt(generator()).counts.copy()
    silent = np.less(generator().random(counts.shape[0]), _GAPS)
    silent[[0, -1]] = False
    counts[silent] = 0
    everything, gaps, waiting = subject.fresh(), subject.fresh(), list[Change]()
    for window, there in enumerate((~silent).tolist()):
        step = subject.step(everything, window, counts[window])
        waiting += step.detections
        if not there:
            continue
        skipped = subject.step(gaps, window, counts[window])
        same = np.allclose(skipped.statistic, step.statistic, rtol=SAME, atol=SAME)
        demand(f"windows left out before window {window} change its evidence", holds=same)
        same = [place(one) for one in skipped.detections] == [place(one) for one in waiting]
        demand(f"windows left out before window {window} change what is found", holds=same)
        waiting.clear()


def check_the_onset_is_not_the_alarm(subject: Subject[Any]) -> None:
    """A change that is found late is dated to when it began, not to when it was found."""
    case = subject.faint(generator())
    found = list(first_found(subject.run(subject.fresh(), case.counts), case).values())
    demand("a faint change is not found in any series", holds=bool(found))
    delay = float(np.median([one.window - case.onset for one in found]))
    error = float(np.median([abs(one.onset - case.onset) for one in found]))
    demand(f"a faint change found after {delay} windows is not faint", holds=delay >= _SLOW)
    near = error <= _NEAR * delay
    demand(f"onsets are {error} windows off, and alarms come after {delay}", holds=near)


def check_detections_hold_together(subject: Subject[Any]) -> None:
    """Intervals hold their onset, nothing begins after it was found, rows are in order."""
    for draw in (subject.abrupt, subject.faint):
        for step in subject.run(subject.fresh(), draw(generator()).counts):
            for one in step.detections:
                ordered = one.onset_low <= one.onset <= one.onset_high <= one.window <= step.window
                demand(f"the windows of {one} are not in order", holds=ordered)
                demand(f"row {one.row} alarms while learning", holds=not step.learning[one.row])
            places = [(one.window, one.row) for one in step.detections]
            once = places == sorted(set(places))
            demand(f"detections of window {step.window} are not in order of rows", holds=once)


def check_counts_that_cannot_be_are_refused(subject: Subject[Any]) -> None:
    """Counts that cannot be are refused by name and value, before anything has changed."""
    counts = subject.abrupt(generator()).counts
    detector, window = subject.fresh(), 5
    subject.run(detector, counts, range(window))
    for wrong, name, value in wrong_counts(counts[window], subject.fields):
        demand_refused(subject, detector, window, wrong, (name, value))


def check_a_window_that_does_not_follow_is_refused(subject: Subject[Any]) -> None:
    """Time does not stand still and does not go back."""
    counts = subject.abrupt(generator()).counts
    detector = subject.fresh()
    subject.run(detector, counts, range(5))
    for window in (4, 2, -7):
        demand_refused(subject, detector, window, counts[5], ("window", str(window)))


def check_false_alarms_stay_within_the_promise(subject: Subject[Any]) -> None:
    """In control windows with an alarm are no more than promised, bad luck allowed for."""
    steps = subject.run(subject.fresh(), subject.quiet(generator()))
    episodes = len({one.window for step in steps for one in step.detections})
    allowed = float(poisson.ppf(_UNLUCKY, subject.promised))
    kept = episodes <= allowed
    demand(f"{episodes} false alarms where {subject.promised:g} are promised", holds=kept)
    learned = not steps[-1].learning.any()
    demand("series are still learning at the end of the quiet stream", holds=learned)


def check_a_change_is_found(subject: Subject[Any]) -> None:
    """Every series that changes is found in time, faint changes included."""
    for draw in (subject.abrupt, subject.faint):
        case = draw(generator())
        found = first_found(subject.run(subject.fresh(), case.counts), case)
        missed = [row for row in case.rows.tolist() if row not in found]
        demand(f"changes in rows {missed} are not found", holds=not missed)
        late = max(one.window for one in found.values()) - case.onset + 1
        demand(f"a change is found after {late} windows only", holds=late <= case.within)
