"""The incidents stage and its messages: each counts once, in any order, across any restart."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from incident_runs import (
    RELEASES,
    WINDOWS,
    false_alarm,
    fault,
    judged,
    records_of,
    told_of,
    window,
    with_points,
)
from small_fleets import BEGIN_OF_TROUBLE as BEGIN
from small_fleets import (
    FIRST,
    SETTINGS,
    release,
)

from streams.config import IncidentSettings
from streams.domain.errors import OperatorError, SnapshotError
from streams.domain.incidents import IncidentRecord
from streams.domain.releases import ReleaseEvent
from streams.stages.incident_state import IncidentsState
from streams.stages.incidents import Incidents
from streams.windows.closed import ClosedWindow
from streams.windows.merging import empty_table


def test_releases_are_told_as_far_as_they_are_at_the_end_of_a_window() -> None:
    stage = Incidents(SETTINGS)
    stage.add_releases(RELEASES)
    for message in judged():
        stage.on_closed(message)
    at = {one.release for one in stage.exposures(FIRST + BEGIN - 5)}
    assert at == {"innocent"}
    assert {one.release for one in stage.exposures(FIRST + BEGIN)} == {"innocent", "migration"}


def test_closed_windows_of_other_dimensions_are_refused_with_what_to_do() -> None:
    nobody = np.zeros(0)
    foreign = ClosedWindow(
        partition=0,
        closed_through=1,
        window=None,
        window_seconds=60,
        cells=empty_table(("region", "os")),
        baseline=nobody,
        learning=nobody.astype(np.bool_),
        alarmed=nobody.astype(np.int8),
        rho=nobody,
        statistic=nobody,
    )
    with pytest.raises(OperatorError, match=r"by region, os wait .* changing ingest\.dimensions"):
        Incidents(SETTINGS).on_closed(foreign)


def test_redelivered_windows_change_nothing() -> None:
    messages = judged()
    twice = [one for pair in zip(messages, messages, strict=True) for one in pair]
    assert records_of(twice) == records_of(messages)


def test_how_partitions_are_interleaved_changes_nothing() -> None:
    messages = judged()
    apart = sorted(messages, key=lambda one: one.partition)
    assert records_of(apart) == records_of(messages)


LINUX_CREATES = {"os": ("linux",), "operation": ("create",)}


def records_with_restarts(
    messages: Sequence[ClosedWindow], releases: Sequence[ReleaseEvent], every: int, after: int = 0
) -> list[IncidentRecord]:
    """Stop the stage before every so manieth message from one on, and go on from its snapshot."""
    stage = Incidents(SETTINGS)
    stage.add_releases(releases)
    records: list[IncidentRecord] = []
    for number, message in enumerate(messages):
        if number % every == 0 and number > after:
            state = IncidentsState.resume(SETTINGS, stage.state.snapshot(SETTINGS))
            stage = Incidents(SETTINGS, state)
            stage.add_releases(releases)
        records += stage.on_closed(message)
    return records


@pytest.mark.parametrize("every", [1, 7, 50])
def test_a_stage_that_is_stopped_anywhere_goes_on_as_if_it_had_not_been(every: int) -> None:
    messages = judged()
    records = records_with_restarts(messages, RELEASES, every, after=3 * (BEGIN - 5))
    assert records == records_of(messages)


@pytest.mark.parametrize(
    ("faults", "windows"),
    [
        ((fault(0, 20, 0.4, WINDOWS), fault(5, 60, 0.12, LINUX_CREATES)), 90),
        ((fault(0, 15, 0.4, WINDOWS), fault(120, 140, 0.4, WINDOWS)), 160),
    ],
    ids=["secondary impact that outlasts its incident", "an incident that follows a past one"],
)
def test_so_does_one_that_knows_of_other_incidents(
    faults: tuple[tuple[int, int, float, str, str], ...], windows: int
) -> None:
    told = told_of(*faults, windows=windows)
    assert any(record.related for record in told.records)
    assert records_with_restarts(told.windows, (), 5, after=3 * BEGIN) == told.records


def test_degradations_that_wait_for_an_incident_are_remembered() -> None:
    at = BEGIN + 5
    keys = [("north", "linux", "start"), ("east", "windows", "create")]
    points = [false_alarm(key, at) for key in keys]
    messages = with_points(judged(ratio=0.0, windows=60), at, *points)
    stage = Incidents(SETTINGS)
    records: list[IncidentRecord] = []
    for message in messages:
        records += stage.on_closed(message)
        if FIRST + at <= message.closed_through <= FIRST + at + 5:
            waiting = len(stage.state.pending)
            stage = Incidents(
                SETTINGS, IncidentsState.resume(SETTINGS, stage.state.snapshot(SETTINGS))
            )
            assert len(stage.state.pending) == waiting
    assert len({record.incident for record in records}) == 2
    assert records == records_of(messages, ())


def test_the_snapshot_of_other_settings_is_refused() -> None:
    data = Incidents(SETTINGS).state.snapshot(SETTINGS)
    other = SETTINGS.model_copy(update={"incidents": IncidentSettings(merge_within=60)})
    with pytest.raises(SnapshotError):
        IncidentsState.resume(other, data)


def test_a_release_event_that_comes_late_is_used_from_the_next_step_on() -> None:
    messages = judged()
    stage = Incidents(SETTINGS)
    stage.add_releases(RELEASES[:1])
    before: list[IncidentRecord] = []
    after: list[IncidentRecord] = []
    for message in messages:
        if message.closed_through == FIRST + BEGIN + 20 and message.partition == 0:
            stage.add_releases(RELEASES)
        late = message.closed_through >= FIRST + BEGIN + 20
        (after if late else before).extend(stage.on_closed(message))
    assert {one.candidates[0].release for one in before} == {"innocent"}
    assert window(after[0].raised) == BEGIN + 21
    assert after[0].candidates[0].release == "migration"


def test_a_release_event_of_the_future_is_not_known_yet() -> None:
    future = release("tomorrow", BEGIN + 25, os=("windows",))
    for record in records_of(judged(), [*RELEASES, future]):
        known = "tomorrow" in {one.release for one in record.candidates}
        assert known <= (window(record.raised) >= BEGIN + 25)


def test_a_corrected_release_event_replaces_the_earlier_one() -> None:
    wrong = replace(RELEASES[1], scope={"os": ("linux",)})
    assert records_of(judged(), [wrong, *RELEASES]) == records_of(judged())
