"""Links between incidents: each says what to do about the other one, and says it once."""

from dataclasses import replace

import numpy as np
import pytest

from streams.config import IncidentSettings, Settings, WindowSettings
from streams.domain.relations import RelatedIncident, Relation
from streams.domain.releases import ReleaseAction, ReleaseEvent
from streams.stages.region_counts import RegionCounts
from streams.stages.relations import MOST, Outline, overlap, relate
from streams.stages.spans import Spans
from streams.stages.tracking import TrackedIncident, TrackedRegion

SPANS = Spans.of(Settings())
NOTHING = np.zeros((0, 0), np.int64)
FIRST = Outline(
    id="first",
    onset=100,
    resolved=160,
    scope={"os": ("windows",)},
    recovered={"east": 130, "west": 160},
)


def incident(onset: int, *regions: str, resolved: int | None = None) -> TrackedIncident:
    return TrackedIncident(
        id="second",
        opened=onset + 3,
        onset=onset,
        onset_low=onset,
        onset_high=onset,
        scope={"os": ("linux",)},
        baseline=np.zeros(0),
        counts=RegionCounts(onset, NOTHING, NOTHING, NOTHING.astype(np.float64)),
        regions={name: TrackedRegion(onset) for name in regions},
        resolved=resolved,
    )


def rollback(window: int, **scope: tuple[str, ...]) -> ReleaseEvent:
    return ReleaseEvent("r", window * 60.0, "fix", ReleaseAction.ROLLED_BACK, scope, 0.0)


def links(
    one: TrackedIncident, *earlier: Outline, rollbacks: tuple[ReleaseEvent, ...] = ()
) -> tuple[RelatedIncident, ...]:
    return relate(one, earlier or (FIRST,), rollbacks, SPANS)


def relation(
    one: TrackedIncident, other: Outline = FIRST, *rollbacks: ReleaseEvent
) -> Relation | None:
    found = links(one, other, rollbacks=rollbacks)
    return found[0].relation if found else None


@pytest.mark.parametrize(
    ("lag", "expected"),
    [
        (0, Relation.AFTER_MITIGATION),
        (30, Relation.AFTER_MITIGATION),
        (31, Relation.FOLLOWS),
        (120, Relation.FOLLOWS),
        (121, None),
    ],
)
def test_what_begins_after_a_recovery_in_the_same_place_is_linked_by_how_soon(
    lag: int, expected: Relation | None
) -> None:
    assert relation(incident(160 + lag, "west")) is expected


def test_an_onset_estimated_a_little_too_early_still_follows_its_cause() -> None:
    early = replace(FIRST, recovered={"west": 160})
    assert relation(incident(158, "west"), early) is Relation.AFTER_MITIGATION
    assert relation(incident(157, "west"), early) is Relation.CONCURRENT


def test_in_another_region_nothing_follows() -> None:
    assert relation(incident(165, "north")) is None


def test_while_the_first_goes_on_elsewhere_a_region_that_has_recovered_counts() -> None:
    unresolved = replace(FIRST, resolved=None, recovered={"east": 130, "west": None})
    assert relation(incident(140, "east"), unresolved) is Relation.AFTER_MITIGATION
    assert relation(incident(140, "west"), unresolved) is Relation.FOLLOWS
    assert relation(incident(140, "north"), unresolved) is Relation.CONCURRENT


def test_a_rollback_counts_as_mitigation_before_anything_has_recovered() -> None:
    still = replace(FIRST, resolved=None, recovered={"east": None, "west": None})
    one = incident(140, "east")
    assert relation(one, still) is Relation.CONCURRENT
    assert relation(one, still, rollback(120, region=("east",))) is Relation.AFTER_MITIGATION


@pytest.mark.parametrize(
    "step",
    [
        rollback(120, region=("north",)),  # elsewhere
        rollback(109, region=("east",)),  # too long ago
        rollback(143, region=("east",)),  # later
        rollback(120, os=("linux",)),  # of something that the first incident is not about
    ],
)
def test_a_rollback_that_cannot_be_its_mitigation_does_not(step: ReleaseEvent) -> None:
    still = replace(FIRST, resolved=None, recovered={"east": None, "west": None})
    assert relation(incident(140, "east"), still, step) is Relation.CONCURRENT


def test_a_rollback_from_before_the_first_incident_is_not_its_mitigation() -> None:
    still = replace(FIRST, resolved=None, recovered={"east": None})
    assert relation(incident(105, "east"), still, rollback(99)) is Relation.CONCURRENT
    assert relation(incident(105, "east"), still, rollback(100)) is Relation.AFTER_MITIGATION


def test_what_begins_with_another_one_does_not_follow_it() -> None:
    assert relation(incident(100, "east")) is Relation.CONCURRENT
    assert relation(incident(90, "east", resolved=99)) is None


def test_the_statement_says_how_long_after_what() -> None:
    (after,) = links(incident(161, "west"))
    assert after.statement == "Began 1 minute after west recovered in first."
    (follows,) = links(incident(200, "east", "west"))
    assert follows.statement == "Began 40 minutes after a recovery in first, also in east, west."
    (rolled,) = links(incident(140, "west"), rollbacks=(rollback(136),))
    assert rolled.statement == "Began 4 minutes after the rollback of fix in west for first."


def test_impact_that_parts_from_its_incident_says_why() -> None:
    for why in (Relation.OUTLASTS, Relation.OUTGROWS):
        parted = incident(140, "west")
        parted.primary, parted.parted = "first", why
        (link,) = links(parted)
        assert link.relation is why
        assert link.statement.startswith("Began as secondary impact of first, and ")


def test_of_many_links_those_stay_that_say_most() -> None:
    concurrent = [
        Outline(f"c{number}", 150 + number, None, {}, {"north": None}) for number in range(MOST)
    ]
    found = links(incident(165, "west"), *concurrent, FIRST)
    assert len(found) == MOST
    assert [one.incident for one in found] == ["first", "c4", "c3", "c2", "c1"]


def test_scopes_overlap_where_they_can_have_a_series_in_common() -> None:
    assert overlap({}, {"os": ("linux",)})
    assert overlap({"os": ("linux", "windows")}, {"os": ("linux",), "region": ("east",)})
    assert not overlap({"os": ("linux",), "region": ("west",)}, {"region": ("east",)})


def test_durations_are_counted_in_windows() -> None:
    windows = WindowSettings.model_validate({"length": 300})
    chosen = IncidentSettings.model_validate({"related_within": 3600})
    spans = Spans.of(Settings(windows=windows, incidents=chosen))
    assert (spans.seconds, spans.related_within, spans.mitigation_within) == (300, 12, 6)
