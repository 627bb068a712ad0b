"""Error codes that rose with an incident, against what was ordinary before."""

import numpy as np
import pytest
from cell_tables import Cell, cell_table

from streams.stages.history import History
from streams.stages.region_counts import RegionCounts
from streams.stages.risen_errors import MAXIMUM_ERRORS, count_errors, risen_errors
from streams.stages.tracking import ErrorCounts, TrackedIncident

ONSET = 60


def incident(onset: int = ONSET, first: int = 0) -> TrackedIncident:
    trials = np.full((1, 90 - first), 100, np.int64)
    return TrackedIncident(
        id="i",
        opened=onset,
        onset=onset,
        onset_low=onset,
        onset_high=onset,
        scope={"os": ("windows",)},
        baseline=np.zeros(0),
        counts=RegionCounts(first, trials, trials * 0, trials.astype(np.float64) * 0.02),
    )


def history() -> History:
    made = History(("region", "os"), 20)
    for window in (59, 60, 61):
        cells = [
            Cell(window, ("east", "linux"), 9, 4, errors={"Linux": 4}),
            Cell(window, ("east", "windows"), 9, 3, errors={"A": 2, "B": 1}),
            Cell(window, ("west", "windows"), 9, 5, errors={"A": 5}),
        ]
        table = cell_table(made.dimensions, cells)
        made.append(window, table, np.full(3, 0.1))
    return made


def test_codes_in_scope_are_counted_before_and_since_the_onset() -> None:
    tracked = incident()
    count_errors(tracked, history(), 0)
    assert tracked.errors.before == {"A": 7, "B": 1}
    assert tracked.errors.since == {"A": 14, "B": 2}


def test_only_windows_from_the_one_given_on_are_counted() -> None:
    tracked = incident()
    count_errors(tracked, history(), 61)
    assert tracked.errors.before == {}
    assert tracked.errors.since == {"A": 7, "B": 1}


def test_a_code_that_is_as_frequent_as_before_has_not_risen() -> None:
    tracked = incident()
    tracked.errors = ErrorCounts({"Internal": 120}, {"Internal": 64, "New": 30})
    (risen,) = risen_errors(tracked)
    assert (risen.error_code, risen.failures) == ("New", 30)
    assert risen.share == pytest.approx(30 / 94)


def test_a_few_failures_of_a_new_code_may_be_chance() -> None:
    tracked = incident()
    tracked.errors = ErrorCounts({}, {"Rare": 2})
    assert risen_errors(tracked) == ()


def test_codes_that_became_rarer_are_not_named() -> None:
    tracked = incident()
    tracked.errors = ErrorCounts({"Internal": 500}, {"Internal": 3})
    assert risen_errors(tracked) == ()


def test_the_codes_with_the_largest_excess_are_named_ties_by_name() -> None:
    tracked = incident()
    tracked.errors = ErrorCounts({}, {f"E{number:02}": 40 + number // 2 for number in range(20)})
    named = [one.error_code for one in risen_errors(tracked)]
    assert named[:4] == ["E18", "E19", "E16", "E17"]
    assert len(named) == MAXIMUM_ERRORS


def test_without_anything_from_before_the_onset_nothing_is_known_to_have_risen() -> None:
    tracked = incident(onset=60, first=60)
    tracked.errors = ErrorCounts({}, {"A": 50})
    assert risen_errors(tracked) == ()
