"""The contract suite notices detectors with a defect: every mutant fails the check named here."""

from collections.abc import Callable
from typing import Any

import pytest
from detector_mutants import (
    Aliased,
    Calls,
    Hasty,
    Impatient,
    Lenient,
    OnTheHour,
    Positional,
    Restless,
    Rooted,
    Shared,
    Startled,
    Timeless,
    deaf_to_silence,
    forgetting,
    forgetting_volume,
    onset_of_the_alarm,
    onset_outside_its_interval,
    promising,
)
from detector_subjects import ratios, volume

from detectors import checks
from detectors.checks import Check
from detectors.contract import Subject

Mutant = Callable[[], Subject[Any]]

RESUMED = checks.check_a_resumed_snapshot_goes_on_bit_by_bit
MUTANTS: dict[str, tuple[Mutant, Check]] = {
    "the onset is the window of the alarm": (
        onset_of_the_alarm,
        checks.check_the_onset_is_not_the_alarm,
    ),
    "the onset lies outside its interval": (
        onset_outside_its_interval,
        checks.check_detections_hold_together,
    ),
    "evidence grows in empty windows": (
        lambda: ratios(Restless),
        checks.check_an_empty_window_is_evidence_only_where_declared,
    ),
    "silence says nothing of a volume": (
        deaf_to_silence,
        checks.check_an_empty_window_is_evidence_only_where_declared,
    ),
    "a snapshot goes on changing": (lambda: ratios(Aliased), RESUMED),
    "the number of a window is an hour": (
        lambda: ratios(OnTheHour),
        checks.check_the_origin_of_time_does_not_matter,
    ),
    "counts are made to fit": (
        lambda: ratios(Lenient),
        checks.check_counts_that_cannot_be_are_refused,
    ),
    "a refusal comes too late": (
        lambda: ratios(Hasty),
        checks.check_counts_that_cannot_be_are_refused,
    ),
    "time goes back": (
        lambda: ratios(Timeless),
        checks.check_a_window_that_does_not_follow_is_refused,
    ),
    "banks share state": (
        lambda: ratios(Shared),
        checks.check_the_same_input_gives_the_same_output,
    ),
    "a part stays when series change places": (
        lambda: ratios(Rooted),
        checks.check_series_that_are_kept_may_change_places,
    ),
    "the first row is special": (
        lambda: ratios(Positional),
        checks.check_the_order_of_the_series_does_not_matter,
    ),
    "a new series disturbs the others": (
        lambda: ratios(Startled),
        checks.check_a_new_silent_series_changes_nothing,
    ),
    "time passes with calls": (
        lambda: ratios(Calls),
        checks.check_windows_left_out_are_empty_windows,
    ),
    "windows left out have never been": (
        lambda: volume(Impatient),
        checks.check_windows_left_out_are_empty_windows,
    ),
    "the threshold is divided by 50": (
        lambda: promising(50.0),
        checks.check_false_alarms_stay_within_the_promise,
    ),
    "nothing is ever found": (lambda: promising(1e-30), checks.check_a_change_is_found),
}
STATE = (
    "baseline.origin",
    "baseline.failures",
    "baseline.trials",
    "baseline.squares",
    "baseline.known",
    "baseline.season.entered",
    "baseline.season.slots",
    "baseline.season.coefficients",
    "baseline.season.gain",
    "baseline.overdispersion.moments",
    "baseline.drift.block",
    "baseline.drift.own",
    "baseline.drift.shared",
    "process.evidence",
    "recovery.evidence",
    "recovery.degraded",
    "history.counts",
    "life.alarmed",
    "life.learning",
    "life.first",
    "life.since",
    "life.opened",
    "life.held",
)
"""Not in it is what matters only after an improvement, or in many series that change together."""
VOLUME_STATE = (
    "profile.origin",
    "profile.day",
    "profile.week",
    "dispersion.moments",
    "dispersion.block",
    "collapse.evidence",
    "collapse.burst",
    "return.evidence",
    "lulls.sizes",
    "ring.counts",
    "life.open",
    "life.first",
    "life.opened",
    "life.active",
)


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_is_caught(name: str) -> None:
    mutant, check = MUTANTS[name]
    with pytest.raises(AssertionError, match=r"\w+ \w+"):
        check(mutant())


@pytest.mark.parametrize("name", STATE)
def test_a_snapshot_without_a_part_of_the_state_is_caught(name: str) -> None:
    with pytest.raises(AssertionError, match="window"):
        RESUMED(forgetting(name))


@pytest.mark.parametrize("name", VOLUME_STATE)
def test_a_volume_snapshot_without_a_part_of_the_state_is_caught(name: str) -> None:
    with pytest.raises(AssertionError, match="window"):
        RESUMED(forgetting_volume(name))
