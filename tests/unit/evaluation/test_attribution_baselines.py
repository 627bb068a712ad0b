"""Baselines of attribution, on fleets made by hand."""

import numpy as np
import pytest

from detectors.arrays import Flags
from detectors.attribution.exposure import ExposureStep, ReleaseExposure
from detectors.attribution.posterior import Cells
from detectors.evaluation.attribution.baselines import (
    Baseline,
    Evidence,
    choices,
    difference_in_differences,
    latest_start,
    vote_and_veto,
)
from detectors.evaluation.attribution.locating import Located

REGIONS, BINS, ONSET = 4, 240, 180


def fleet(failing: Flags) -> Cells:
    """Four regions with 100 operations a minute and 1 % failures, 21 % where something fails."""
    failures = np.ones((REGIONS, BINS), dtype=np.int64)
    failures[failing, ONSET:] += 20
    return Cells(
        trials=np.full((REGIONS, BINS), 100),
        failures=failures,
        expected=np.ones((REGIONS, BINS)),
        codes=np.stack([np.arange(REGIONS), np.zeros(REGIONS, dtype=np.int64)], axis=1),
        region_dimension=0,
    )


def release(*steps: tuple[float, list[int], float]) -> ReleaseExposure:
    """A release from its steps as (bin, regions, share)."""
    made = tuple(
        ExposureStep(at, np.isin(np.arange(REGIONS), regions), share)
        for at, regions, share in steps
    )
    declared = np.logical_or.reduce([step.series for step in made])
    return ReleaseExposure(made, declared, made[0].bin)


FAILING = np.array([True, True, False, False])
GUILTY = release((ONSET - 0.2, [0, 1], 1.0))
ELSEWHERE = release((ONSET - 0.1, [2, 3], 1.0))
LONG_BEFORE = release((60.0, [0, 1], 1.0))


def evidence(*releases: ReleaseExposure) -> Evidence:
    return Evidence(fleet(FAILING), releases, Located(FAILING, ONSET))


def test_the_latest_start_is_fooled_by_a_later_step_elsewhere_and_the_others_are_not() -> None:
    assert choices(evidence(LONG_BEFORE, GUILTY, ELSEWHERE)) == {
        Baseline.LATEST_START: 2,
        Baseline.DIFFERENCES: 1,
        Baseline.VOTE_AND_VETO: 1,
    }


def test_steps_told_up_to_two_minutes_late_still_count_as_before_the_onset() -> None:
    late, later = release((ONSET + 2.0, [0], 1.0)), release((ONSET + 2.1, [0], 1.0))
    assert latest_start(evidence(late, later)).tolist() == [ONSET + 2.0, -np.inf]


def test_without_any_release_nobody_is_chosen() -> None:
    assert set(choices(evidence()).values()) == {None}


def test_differences_need_a_rise_where_the_release_came() -> None:
    scores = difference_in_differences(evidence(GUILTY, ELSEWHERE, LONG_BEFORE))
    assert scores[0] > 10.0
    assert scores[1] == -np.inf


def test_a_rise_everywhere_is_taken_out_by_what_was_not_reached() -> None:
    everywhere = Evidence(
        fleet(np.ones(REGIONS, dtype=np.bool_)), [GUILTY], Located(FAILING, ONSET)
    )
    assert difference_in_differences(everywhere)[0] == -np.inf


def test_faults_before_a_deployment_veto_it() -> None:
    after_the_fact = release((ONSET + 30.0, [0, 1], 1.0))
    scores = vote_and_veto(evidence(GUILTY, after_the_fact))
    assert scores[0] > 1.0 > scores[1]


def test_faults_before_a_deployment_count_against_those_after_it() -> None:
    """100 faults in five minutes of each of two regions: three times before, nine times after."""
    halfway = release((ONSET + 15.0, [0, 1], 1.0))
    assert vote_and_veto(evidence(halfway))[0] == pytest.approx(1.75 * np.log(1201 / 601))


def test_an_old_release_fades_and_a_narrow_one_comes_last() -> None:
    narrow = release((ONSET - 0.2, [2], 1.0))
    old, young, other = vote_and_veto(evidence(LONG_BEFORE, GUILTY, narrow))
    assert old < young
    assert other == pytest.approx(-1.0)


def test_what_was_reached_before_the_history_begins_has_no_vote() -> None:
    ancient = release((-10.0, [0, 1], 1.0))
    assert vote_and_veto(evidence(ancient))[0] == 0.0


def test_a_step_back_is_no_exposure() -> None:
    back = release((ONSET - 0.2, [0, 1], 0.0))
    assert vote_and_veto(evidence(back))[0] == pytest.approx(-1.0)
