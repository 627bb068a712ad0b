"""Series that begin with operations of which it is known that none failed."""

import numpy as np

from detectors.bank import Bank, BankSettings
from detectors.detections import Direction


def first_failures(trials: float) -> list[tuple[int, Direction]]:
    """Give row and direction of what is found in a new series, 2 of 100 failing from the start."""
    bank = Bank(BankSettings())
    bank.add(np.zeros(1, dtype=np.int64), np.array([trials]))
    return [
        (window, found.direction)
        for window in range(20)
        for found in bank.step(window, np.array([100]), np.array([2])).detections
    ]


def test_a_series_with_a_long_clean_past_is_judged_at_once() -> None:
    (found,) = first_failures(50_000.0)
    assert found[0] <= 6
    assert found[1] is Direction.DEGRADED


def test_a_series_without_a_past_learns_first() -> None:
    assert first_failures(0.0) == []
