"""What the checks demand of steps, states and refusals, and how they read a stream."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from detectors.arrays import MAXIMUM_COUNT, Integers
from detectors.contract import AnyDetector, Case, Change, Step, Subject, told
from detectors.detections import Direction

SAME: Final = 1e-6
"""Relative difference of statistics that rounding alone explains, sums being taken in another
order."""


def generator() -> np.random.Generator:
    """Give the source of every stream, the same each time."""
    return np.random.default_rng(20211013)


def demand(sentence: str, *, holds: bool | np.bool_) -> None:
    """Raise AssertionError with a sentence, unless something holds."""
    if not holds:
        raise AssertionError(sentence)


def demand_same(steps: Sequence[Step], others: Sequence[Step], sentence: str) -> None:
    """Demand the same steps, bit by bit."""
    for step, other in zip(steps, others, strict=True):
        demand(f"{sentence}: window {step.window}", holds=told(step) == told(other))


def demand_permuted(steps: Sequence[Step], moved: Sequence[Step], order: Integers) -> None:
    """Demand the same steps, up to rounding, of series in another order."""
    for step, other in zip(steps, moved, strict=True):
        window, expected = step.window, step.statistic[order]
        same = np.allclose(other.statistic, expected, rtol=SAME, atol=SAME)
        demand(f"another order of the series changes the evidence of window {window}", holds=same)
        same = bool(np.array_equal(other.learning, step.learning[order]))
        demand(f"another order changes which series learn in window {window}", holds=same)
        found = {place(one) for one in step.detections}
        again = {(int(order[one.row]), *place(one)[1:]) for one in other.detections}
        demand(f"another order changes what is found in window {window}", holds=found == again)


def demand_refused(
    subject: Subject[AnyDetector],
    detector: AnyDetector,
    window: int,
    counts: npt.NDArray[Any],
    named: tuple[str, str],
) -> None:
    """Demand that a window is refused with some words, and that nothing has changed then."""
    before = told(detector.snapshot())
    try:
        subject.step(detector, window, counts)
    except ValueError as error:
        message = str(error)
    else:
        raise AssertionError(f"{named[0]} = {named[1]} is not refused")
    said = all(word in message for word in named)
    demand(f"the refusal of {named[0]} = {named[1]} does not say so: {message}", holds=said)
    same = told(detector.snapshot()) == before
    demand(f"the refusal of {named[0]} = {named[1]} leaves another state behind", holds=same)


def wrong_counts(
    counts: Integers, fields: tuple[str, ...]
) -> Iterator[tuple[npt.NDArray[Any], str, str]]:
    """Give counts that cannot be, the field that is wrong, and what a refusal has to tell."""
    for position, name in enumerate(fields):
        for value in (-1, MAXIMUM_COUNT + 1):
            wrong = counts.copy()
            wrong[position, -1] = value
            yield wrong, name, str(value)
    for position, name in enumerate(fields[1:], start=1):
        wrong = counts.copy()
        wrong[position, 0] = wrong[0, 0] + 1
        yield wrong, name, str(wrong[position, 0])
    yield counts.astype(np.float64), fields[0], "float64"
    yield counts[:, :-1], fields[0], str(counts.shape[1] - 1)


def first_found(steps: Sequence[Step], case: Case) -> dict[int, Change]:
    """Give the first degradation, from the onset on, of each series that changes."""
    found: dict[int, Change] = {}
    for step in steps[case.onset :]:
        for one in step.detections:
            if one.direction is Direction.DEGRADED and one.row in case.rows:
                found.setdefault(one.row, one)
    return found


def first_alarm(steps: Sequence[Step], case: Case) -> int:
    """Give the window of the first alarm from the onset on."""
    alarms = [one.window for one in first_found(steps, case).values()]
    demand("a faint change is not found in any series", holds=bool(alarms))
    return min(alarms)


def place(one: Change) -> tuple[int, Direction, int, int]:
    """Give what a change says without its figures: row, direction, window and onset."""
    return one.row, one.direction, one.window, one.onset
