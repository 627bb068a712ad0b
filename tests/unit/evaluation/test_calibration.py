"""Calibration: the threshold gives the rate that was asked for."""

import math

import numpy as np

from detectors.evaluation.calibration import calibrated_threshold


def test_the_threshold_gives_the_rate_on_a_process_whose_rate_is_known() -> None:
    """Independent uniforms: above h they come at the rate 1 - h a window."""
    statistic = np.random.default_rng(4).uniform(size=(500, 20_000))
    threshold = calibrated_threshold(statistic, windows_per_false_alarm=5000.0)
    assert abs((1.0 - threshold) * 5000.0 - 1.0) < 0.1


def test_a_statistic_of_few_values_is_not_reached_too_often() -> None:
    """A tie belongs below the threshold, or a chart of counts would alarm all the time."""
    statistic = np.zeros((100, 1000))
    statistic[5, :100] = 7.0  # a tenth of the series; 100 / 43,200 may be exceeded
    assert calibrated_threshold(statistic) > 7.0


def test_without_series_nothing_is_allowed() -> None:
    assert calibrated_threshold(np.zeros((10, 0))) == math.inf
