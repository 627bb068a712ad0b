"""Scores, on examples made by hand."""

import math

import numpy as np
import pytest

from detectors.evaluation.method import Alarm
from detectors.evaluation.scores import (
    Delays,
    FalseAlarms,
    first_alarms,
    first_crossings,
    onset_errors,
)


def alarm(row: int, window: int, *, rising: bool = True, onset: int = 0, width: int = 0) -> Alarm:
    return Alarm(row, window, rising, onset, onset - width, onset + width)


def test_the_raising_window_counts_so_that_a_delay_of_one_is_the_least() -> None:
    statistic = np.array([[0.0, 0.0], [9.0, 0.0], [9.0, 0.0], [9.0, 5.0]])
    #                     before onset   onset -> row 0      row 1 at the third window
    assert first_crossings(statistic, 5.0, onset=1, horizon=3).found.tolist() == [1.0, 3.0]


def test_a_crossing_before_the_onset_or_beyond_the_horizon_finds_nothing() -> None:
    statistic = np.array([[9.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 9.0]])
    assert first_crossings(statistic, 5.0, onset=1, horizon=2).found.tolist() == [math.inf] * 2


def test_quantiles_do_not_interpolate_and_misses_are_infinite() -> None:
    delays = Delays(found=np.array([1.0, 2.0, 3.0, math.inf]))
    assert (delays.median, delays.late, delays.missed) == (2.0, math.inf, 0.25)


def test_scores_of_nothing_are_undefined() -> None:
    nothing = Delays(found=np.zeros(0))
    assert all(math.isnan(value) for value in (nothing.median, nothing.late, nothing.missed))
    unpromised = FalseAlarms(count=0, promised=0.0)
    assert math.isnan(unpromised.ratio)
    assert math.isnan(unpromised.upper)
    onsets = onset_errors((), 3)
    assert math.isnan(onsets.median)
    assert math.isnan(onsets.covered)


def test_the_first_alarm_of_the_right_direction_finds_a_change() -> None:
    alarms = (
        alarm(0, 4),  # before the onset
        alarm(0, 10, rising=False),
        alarm(0, 12),
        alarm(1, 11),
        alarm(1, 12),
        alarm(2, 30),  # beyond the horizon
    )
    delays, finders = first_alarms(alarms, np.array([0, 1, 2]), 10, 5, rising=True)
    assert delays.found.tolist() == [3.0, 2.0, math.inf]
    assert [(found.row, found.window) for found in finders] == [(0, 12), (1, 11)]


@pytest.mark.parametrize(("count", "upper"), [(0, 2.996), (1, 4.744), (10, 16.962), (100, 118.1)])
def test_the_upper_bound_is_that_of_garwood(count: int, upper: float) -> None:
    """One-sided 95 % bounds of a Poisson mean, from his table."""
    alarms = FalseAlarms(count=count, promised=10.0)
    assert alarms.upper == pytest.approx(upper / 10.0, rel=1e-3)
    assert alarms.ratio == count / 10.0


def test_the_upper_bound_covers_the_truth_in_95_of_100_cases() -> None:
    counts = np.random.default_rng(1).poisson(20.0, 4000)
    bounds = {
        count: FalseAlarms(count=count, promised=20.0).upper for count in set(counts.tolist())
    }
    covered = np.mean([bounds[count] >= 1.0 for count in counts.tolist()])
    assert 0.95 <= covered < 0.98


def test_onset_errors_are_signed_and_intervals_closed() -> None:
    found = (alarm(0, 9, onset=7), alarm(1, 9, onset=4, width=1), alarm(2, 9, onset=5))
    onsets = onset_errors(found, 5)
    assert onsets.error.tolist() == [2.0, -1.0, 0.0]
    assert onsets.median == 1.0
    assert onsets.covered == pytest.approx(2 / 3)
    assert onsets.width == 1.0
