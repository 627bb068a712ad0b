"""The benchmark of pages: its truth is what it says, and its scores see every kind of mistake."""

from collections.abc import Mapping

import numpy as np
import pytest

from streams.domain.causes import CauseDetails
from streams.domain.incidents import (
    AffectedRegion,
    Impact,
    IncidentRecord,
    IncidentStatus,
    RegionStatus,
)
from streams.domain.surroundings import Surroundings
from streams.wiring.evaluation.pages.runs import FIRST, Fleet, last_records
from streams.wiring.evaluation.pages.scores import judge, summary
from streams.wiring.evaluation.pages.truth import (
    EPISODE,
    SERIES,
    WARM_UP,
    Shape,
    TrueIncident,
    incidents,
)

LINUX = {"os": ("linux",)}
NOTHING = Impact(0, 0, 0.0, (0, 0))
VOLUME = np.full((200, len(SERIES)), 10.0)


def truth(
    begin: int = 50, end: int = 90, *, pages: bool = True, **scope: tuple[str, ...]
) -> TrueIncident:
    return TrueIncident(
        Shape.STEP, scope or LINUX, {"east": (begin, end), "west": (begin, end)}, 0.5, pages=pages
    )


def record(
    name: str, begin: int, end: int | None, scope: Mapping[str, tuple[str, ...]] = LINUX
) -> IncidentRecord:
    regions = [
        AffectedRegion(one, 0.0, None, None, RegionStatus.AFFECTED, 0, NOTHING)
        for one in ("east", "west")
    ]
    return IncidentRecord(
        incident=name,
        revision=1,
        status=IncidentStatus.OPEN,
        raised=0.0,
        onset=(FIRST + begin) * 60.0,
        onset_interval=(0.0, 0.0),
        resolved=None if end is None else (FIRST + end) * 60.0,
        scope=scope,
        regions=tuple(regions),
        impact=NOTHING,
        errors=(),
        candidates=(),
        no_release_probability=1.0,
        causes=CauseDetails(),
        related=(),
        secondary=(),
        surroundings=Surroundings({}, {}),
    )


def test_a_record_at_the_right_time_and_place_counts_with_its_errors() -> None:
    (verdict,), false = judge([truth()], [record("i", 52, 89)], VOLUME)
    assert (verdict.records, false, verdict.scope_exact) == (1, 0, True)
    assert (verdict.onset_error, verdict.end_error) == (2, -1)


def test_begin_and_end_are_scored_where_a_window_has_a_clear_excess() -> None:
    (verdict,), _ = judge([truth()], [record("i", 52, 89)], VOLUME / 10)
    assert verdict.records == 1
    assert verdict.onset_error is verdict.end_error is None


@pytest.mark.parametrize(
    "stray",
    [
        record("j", 150, 160),  # too late
        record("j", 10, 20),  # too early
        record("j", 52, 89, {"os": ("windows",)}),  # of something else
    ],
)
def test_a_record_about_nothing_is_counted(stray: IncidentRecord) -> None:
    verdicts, false = judge([truth()], [stray], VOLUME)
    assert ([one.records for one in verdicts], false) == ([0], 1)


def test_every_record_belongs_to_the_incident_it_resembles_most() -> None:
    two = [truth(), truth(os=("windows",))]
    verdicts, false = judge(
        two, [record("a", 50, 90), record("b", 50, 90), record("c", 50, None, two[1].scope)], VOLUME
    )
    assert ([one.records for one in verdicts], false) == ([2, 1], 0)
    figures = summary(verdicts, 3)
    assert figures["exactly_one_record"] == 0.5
    assert (figures["several_records"], figures["records_about_nothing"]) == (1, 3)


def test_dependents_are_scored_by_not_being_paged() -> None:
    both = [truth(), truth(pages=False, os=("windows",))]
    verdicts, _ = judge(both, [record("a", 50, 90)], VOLUME)
    figures = summary(verdicts, 0)
    assert (figures["incidents"], figures["dependents_not_paged"]) == (1, 1.0)


def test_incidents_come_in_all_shapes_each_in_its_episode() -> None:
    found = incidents(len(Shape), np.random.default_rng(3))
    assert {one.shape for one in found} == set(Shape)
    for one in found:
        episode = (one.first - WARM_UP) // EPISODE
        assert one.end < WARM_UP + (episode + 1) * EPISODE - 60
        effect = one.effect(WARM_UP + EPISODE * len(Shape))
        assert (effect.any(axis=0) == one.series()).all()
        assert np.flatnonzero(effect.any(axis=1))[[0, -1]].tolist() == [one.first, one.end - 1]
        assert effect.max() == pytest.approx(one.added)


def test_the_stages_tell_a_simulated_incident_as_it_was() -> None:
    fault = truth(WARM_UP, WARM_UP + 25)
    windows = WARM_UP + 60
    fleet = Fleet(np.random.default_rng(5))
    records = last_records(fleet, windows, [fault])
    (verdict,), false = judge([fault], records, fleet.volume(windows))
    assert (verdict.records, false, verdict.scope_exact) == (1, 0, True)
    assert (verdict.onset_error, verdict.end_error) == (0, 0)
