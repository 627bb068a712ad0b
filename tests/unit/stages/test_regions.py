"""Regions of an incident: who is affected since when, and who has recovered."""

import numpy as np
import pytest

from streams.stages import regions
from streams.stages.region_counts import RegionCounts
from streams.stages.tracking import TrackedIncident, TrackedRegion

NAMES = ("east", "north", "west")
ONSET = 110
TRIALS = 100


def counts(levels: dict[int, list[float]], windows: int = 60, first: int = 100) -> RegionCounts:
    """Give 100 operations a window, 2 % of them failing unless a region's level says otherwise."""
    failures = np.full((3, windows), 2, np.int64)
    for row, level in levels.items():
        failures[row, 10 : 10 + len(level)] = [int(TRIALS * one) for one in level]
    trials = np.full((3, windows), TRIALS, np.int64)
    return RegionCounts(first, trials, failures, trials.astype(np.float64) * 0.02)


def incident(made: RegionCounts) -> TrackedIncident:
    return TrackedIncident(
        id="i",
        opened=ONSET + 2,
        onset=ONSET,
        onset_low=ONSET,
        onset_high=ONSET,
        scope={},
        baseline=np.zeros(0),
        counts=made,
    )


def followed(made: RegionCounts) -> TrackedIncident:
    """Follow an incident window by window, as the stage does."""
    tracked = incident(made)
    for end in range(12, made.trials.shape[1] + 1):
        tracked.counts = RegionCounts(
            made.first, made.trials[:, :end], made.failures[:, :end], made.expected[:, :end]
        )
        regions.follow(tracked, NAMES, made.first + end - 1, recounted=end == 12)
    return tracked


def test_only_regions_that_fail_are_affected() -> None:
    tracked = followed(counts({0: [0.4] * 50}))
    assert list(tracked.regions) == ["east"]
    assert tracked.regions["east"] == TrackedRegion(ONSET)
    assert tracked.resolved is None


def test_a_region_that_begins_later_joins_with_its_own_onset() -> None:
    tracked = followed(counts({0: [0.4] * 50, 2: [0.02] * 30 + [0.4] * 20}))
    assert {name: one.onset for name, one in tracked.regions.items()} == {
        "east": ONSET,
        "west": ONSET + 30,
    }


def test_a_long_healthy_past_does_not_hide_a_region_that_fails_now() -> None:
    made = counts({0: [0.4] * 990, 1: [0.02] * 985 + [0.25] * 5}, windows=1000)
    since, statistic = regions.degraded_since(made.since(ONSET))
    assert since[1] == 100 + 10 + 985
    assert statistic[1] > 100


def test_a_level_that_counts_as_recovered_does_not_count_as_affected() -> None:
    _, statistic = regions.degraded_since(
        counts({0: [0.02, 0.03] * 25, 1: [0.04] * 50}).since(ONSET)
    )
    assert statistic[0] < 3
    assert statistic[1] > 20
    assert statistic[2] == 0


def test_a_region_without_operations_is_not_affected() -> None:
    made = counts({0: [0.4] * 50})
    made.trials[1], made.failures[1], made.expected[1] = 0, 0, 0
    assert list(followed(made).regions) == ["east"]


def test_where_no_region_is_sure_the_most_suspicious_one_stands_for_the_incident() -> None:
    tracked = followed(counts({1: [0.05]}))
    assert list(tracked.regions) == ["north"]
    assert tracked.resolved is not None


def test_an_incident_is_over_when_its_last_region_is() -> None:
    tracked = followed(counts({0: [0.4] * 20, 1: [0.4] * 30}))
    assert {name: one.recovered for name, one in tracked.regions.items()} == {
        "east": ONSET + 20,
        "north": ONSET + 30,
    }
    assert tracked.resolved == ONSET + 30


def test_the_onset_of_a_region_that_has_recovered_stays() -> None:
    tracked = incident(counts({0: [0.4] * 8}, windows=22))
    tracked.regions = {"east": TrackedRegion(ONSET + 2, ONSET + 8)}
    regions.follow(tracked, NAMES, ONSET + 11, recounted=False)
    assert tracked.regions["east"] == TrackedRegion(ONSET + 2, ONSET + 8)
    assert tracked.resolved == ONSET + 8


def test_a_relapse_takes_the_recovery_back() -> None:
    tracked = followed(counts({0: [0.4] * 10 + [0.02] * 15 + [0.4] * 25}))
    assert tracked.regions["east"] == TrackedRegion(ONSET, None, relapses=1)
    assert tracked.resolved is None


def test_every_relapse_is_counted() -> None:
    tracked = followed(counts({0: ([0.4] * 10 + [0.02] * 15) * 3}, windows=100))
    assert tracked.regions["east"] == TrackedRegion(ONSET, ONSET + 60, relapses=2)


@pytest.mark.parametrize("seed", range(5))
def test_asking_only_when_the_newest_window_says_something_finds_the_same_recovery(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = counts({})
    random = np.random.default_rng(seed)
    level = np.where((np.arange(60) >= 10) & (np.arange(60) < 35), 0.3, 0.02)
    made.failures[:] = random.binomial(TRIALS, level, (3, 60))
    cheap = followed(made)
    monkeypatch.setattr(regions, "_may_turn", lambda *_: True)
    thorough = followed(made)
    assert cheap.regions == thorough.regions
    assert cheap.resolved == thorough.resolved == ONSET + 25


def test_counts_are_continued_over_gaps_and_new_regions() -> None:
    made = RegionCounts.pooled(
        5,
        np.array([[1, 2], [3, 4], [5, 6]]),
        np.array([[1, 0], [0, 1], [0, 0]]),
        np.array([[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]]),
        np.array([0, 1, 0]),
        2,
    )
    assert made.trials.tolist() == [[6, 8], [3, 4]]
    more = np.ones((3, 1), np.int64)
    made.extend(RegionCounts(9, more, more, np.full((3, 1), 0.5)))
    assert made.last == 9
    assert made.trials.tolist() == [[6, 8, 0, 0, 1], [3, 4, 0, 0, 1], [0, 0, 0, 0, 1]]
    assert made.expected[0].tolist() == pytest.approx([0.6, 0.8, 0, 0, 0.5])
    assert made.since(9).trials.tolist() == [[1], [1], [1]]
    assert made.since(1).first == 5
