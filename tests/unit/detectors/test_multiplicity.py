"""One promise for a fleet: thresholds, and alarms of series that move together."""

import numpy as np

from detectors.multiplicity import fleet_threshold, simultaneous_alarms


def test_the_threshold_grows_with_the_fleet_and_the_promise() -> None:
    assert fleet_threshold(200, 1440.0) == 288_000
    assert fleet_threshold(0, 1440.0) == 1440


def test_one_series_alone_needs_the_whole_threshold() -> None:
    evidence = np.array([0.0, 999.0, 1000.0, 1.0])
    assert simultaneous_alarms(evidence, np.zeros(4), 1000.0).tolist() == [2]


def test_series_that_burst_together_need_a_share_of_the_threshold_each() -> None:
    burst = np.array([260.0, 1.0, 250.0, 251.0, 300.0])
    assert simultaneous_alarms(burst, burst, 1000.0).tolist() == [0, 2, 3, 4]
    assert simultaneous_alarms(burst, burst * 0.99, 1000.0).tolist() == []


def test_a_strong_series_does_not_carry_weak_ones() -> None:
    burst = np.array([5000.0, 400.0, 2.0])
    assert simultaneous_alarms(burst, burst, 1000.0).tolist() == [0]


def test_evidence_that_only_time_has_piled_up_does_not_alarm_a_silent_fleet() -> None:
    assert simultaneous_alarms(np.full(50, 900.0), np.full(50, 1.5), 1000.0).size == 0


def test_nothing_alarms_in_an_empty_fleet() -> None:
    assert simultaneous_alarms(np.zeros(0), np.zeros(0), 1000.0).size == 0
