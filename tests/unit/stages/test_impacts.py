"""Impact: how bad, region by region, with intervals that hold; no traffic is no health."""

import numpy as np
import pytest

from streams.domain.incidents import RegionStatus
from streams.stages import impacts
from streams.stages.region_counts import RegionCounts
from streams.stages.tracking import TrackedIncident, TrackedRegion

NAMES = ("east", "north", "west")
FIRST = 100
ONSET = 110
TRIALS = 100
BASE = 0.02


def counts(failures: int = 2, windows: int = 60, trials: int = TRIALS) -> RegionCounts:
    """Give three regions with the same operations and failures in every window."""
    made = np.full((3, windows), trials, np.int64)
    expected = made.astype(np.float64) * BASE
    return RegionCounts(FIRST, made, np.full((3, windows), failures, np.int64), expected)


def incident(made: RegionCounts, **regions: TrackedRegion) -> TrackedIncident:
    return TrackedIncident(
        id="i",
        opened=ONSET + 2,
        onset=ONSET,
        onset_low=ONSET,
        onset_high=ONSET,
        scope={},
        baseline=np.zeros(0),
        counts=made,
        regions=regions,
    )


def test_the_impact_ends_with_each_region_s_recovery() -> None:
    made = counts()
    made.failures[:2, 10:] = 40
    tracked = incident(made, east=TrackedRegion(ONSET, ONSET + 5), north=TrackedRegion(ONSET + 40))
    found = impacts.impact(tracked, NAMES)
    assert found.operations == 5 * TRIALS + 10 * TRIALS
    assert found.failures == 15 * 40
    assert found.expected_failures == pytest.approx(BASE * found.operations)
    low, high = found.excess_interval
    assert low < 600 - 30 < high
    assert found.added_probability == pytest.approx(0.38 / 0.98)


def test_the_regions_add_up_to_the_whole() -> None:
    made = counts()
    made.failures[:2, 10:] = 40
    tracked = incident(made, east=TrackedRegion(ONSET, ONSET + 5), north=TrackedRegion(ONSET))
    whole = impacts.impact(tracked, NAMES)
    parts = [one.impact for one in impacts.affected_regions(tracked, NAMES, 60)]
    assert sum(one.operations for one in parts) == whole.operations
    assert sum(one.failures for one in parts) == whole.failures
    assert sum(one.expected_failures for one in parts) == pytest.approx(whole.expected_failures)


def test_affected_regions_are_listed_in_the_order_of_their_onsets() -> None:
    tracked = incident(
        counts(),
        west=TrackedRegion(112),
        north=TrackedRegion(111, 120, relapses=2),
        east=TrackedRegion(112),
    )
    listed = impacts.affected_regions(tracked, NAMES, 60)
    assert [(one.region, one.onset, one.recovered, one.relapses) for one in listed] == [
        ("north", 6660.0, 7200.0, 2),
        ("east", 6720.0, None, 0),
        ("west", 6720.0, None, 0),
    ]
    assert [one.status for one in listed] == [
        RegionStatus.RECOVERED,
        RegionStatus.AFFECTED,
        RegionStatus.AFFECTED,
    ]
    assert [one.recovered_interval is None for one in listed] == [False, True, True]


@pytest.mark.parametrize(
    ("silent", "trials", "expected"),
    [
        (4, 100, RegionStatus.AFFECTED),  # too short to say anything
        (5, 100, RegionStatus.NO_TRAFFIC),
        (5, 0, RegionStatus.AFFECTED),  # a lull is nothing new where next to nothing ever came
    ],
)
def test_a_region_without_operations_neither_fails_nor_is_healthy(
    silent: int, trials: int, expected: RegionStatus
) -> None:
    made = counts(trials=trials, failures=0)
    made.trials[:, ::7] = max(trials, 1)
    made.trials[:, -silent:] = 0
    assert impacts.status(made, 0, TrackedRegion(ONSET)) is expected


def test_a_region_that_had_recovered_stays_so_when_its_traffic_ends() -> None:
    made = counts()
    made.trials[:, -20:] = 0
    assert impacts.status(made, 0, TrackedRegion(ONSET, 115)) is RegionStatus.RECOVERED


@pytest.mark.parametrize("volume", [3, 30])
def test_the_interval_of_a_recovery_holds_in_nine_cases_of_ten(volume: int) -> None:
    random = np.random.default_rng(11)
    inside, widths = 0, []
    for _ in range(200):
        made = counts(windows=60)
        made.trials[:] = random.poisson(volume, made.trials.shape)
        made.expected[:] = made.trials * BASE
        level = np.where(np.arange(60) < 40, 0.3, BASE)
        made.failures[:] = random.binomial(made.trials, level)
        # The estimate itself is elsewhere tested; here it is off by a window, as it may be.
        region = TrackedRegion(ONSET, FIRST + 40 + int(random.integers(-1, 2)))
        low, high = impacts.recovered_interval(made, 0, region)
        inside += low <= FIRST + 40 <= high
        widths.append(high - low)
    assert inside >= 180
    assert np.mean(widths) < (10 if volume == 3 else 3)


@pytest.mark.parametrize("phi", [1.0, 3.0])
@pytest.mark.parametrize("expected", [0.6, 4.0, 60.0])
def test_the_interval_of_the_excess_holds_also_where_failures_come_in_bunches(
    phi: float, expected: float
) -> None:
    random = np.random.default_rng(5)
    ordinary = (
        random.poisson(expected, 2000)
        if phi == 1.0
        else random.negative_binomial(expected / (phi - 1), 1 / phi, 2000)
    )
    caused = 50
    held = 0
    for number in ordinary.tolist():
        low, high = impacts.excess_interval(number + caused, expected, phi)
        held += low <= caused <= high
    assert held / 2000 >= 0.85


def test_failures_in_bunches_widen_the_interval() -> None:
    calm, bunched = counts(windows=70), counts(windows=70)
    bunched.failures[:, 0:10:5] = 10
    bunched.failures[:, 1:10] = 0
    wide, narrow = (
        impacts.impact(incident(one, east=TrackedRegion(ONSET)), NAMES).excess_interval
        for one in (bunched, calm)
    )
    assert wide[1] - wide[0] > 1.3 * (narrow[1] - narrow[0])


def test_where_nothing_is_expected_to_fail_all_failures_are_excess() -> None:
    assert impacts.excess_interval(7, 0.0, 1.0) == (7.0, 7.0)
