"""Secondary impact: what comes with an incident is told there; what does not is one of its own."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from cell_tables import Cell, cell_table
from incident_runs import WINDOWS, fault, told_of, window
from small_fleets import BEGIN_OF_TROUBLE as BEGIN
from small_fleets import REGIONS, SETTINGS, Told

from streams.config import Dependency, IncidentSettings
from streams.domain.incidents import IncidentRecord, IncidentStatus
from streams.domain.relations import Relation
from streams.stages.incident_state import IncidentsState
from streams.stages.incidents import Incidents
from streams.stages.region_counts import RegionCounts
from streams.stages.secondary import part
from streams.stages.spans import Spans
from streams.stages.tracking import TrackedIncident, TrackedRegion
from streams.windows.closed import ClosedWindow

CREATE: Mapping[str, Sequence[str]] = {"os": ("linux",), "operation": ("create",)}
EAST = {"region": ("east",)}
PRIMARY = fault(0, 40, 0.4, WINDOWS, "Primary")
DEPENDS = IncidentSettings(
    dependencies=(Dependency(of={"os": ("linux",)}, on={"os": ("windows",)}),)
)


def weaker(first: int = 8, last: int = 40, ratio: float = 0.12, **scope: Sequence[str]) -> Told:
    """Run the primary fault and a weaker one of Linux creates, by default in all regions."""
    return told_of(PRIMARY, fault(first, last, ratio, {**CREATE, **scope}, "Dependent"))


def alone_in_east(first: int = 8) -> Told:
    return told_of(
        fault(0, 40, 0.4, {**WINDOWS, **EAST}), fault(first, 40, 0.15, {**CREATE, **EAST})
    )


def last_records(
    messages: Sequence[ClosedWindow], chosen: IncidentSettings
) -> list[IncidentRecord]:
    """Give the last record of every incident that the same windows make under other settings."""
    stage = Incidents(SETTINGS.model_copy(update={"incidents": chosen}))
    return list({one.incident: one for each in messages for one in stage.on_closed(each)}.values())


@pytest.mark.parametrize("seed", [2, 3, 4])
def test_a_weaker_degradation_with_the_same_footprint_is_told_and_not_paged(seed: int) -> None:
    told = told_of(PRIMARY, fault(8, 40, 0.12, CREATE), seed=seed)
    (record,) = told.last.values()
    assert record.scope == WINDOWS
    (secondary,) = record.secondary
    assert secondary.scope == CREATE
    assert secondary.regions == REGIONS
    assert abs(window(secondary.onset) - (BEGIN + 8)) <= 1
    assert secondary.resolved is not None
    assert abs(window(secondary.resolved) - (BEGIN + 41)) <= 1
    low, high = secondary.impact.excess_interval
    assert 0.8 * low < 33 * 3 * 30 * 0.98 * 0.12 < 1.2 * high


def test_one_that_begins_with_the_incident_is_secondary_too() -> None:
    (record,) = weaker(first=0).last.values()
    assert [one.scope for one in record.secondary] == [CREATE]


@pytest.mark.parametrize("seed", [2, 3, 4])
@pytest.mark.parametrize(("ratio", "region"), [(0.12, "north"), (0.4, None)])
def test_an_unrelated_incident_opens_its_own(seed: int, ratio: float, region: str | None) -> None:
    """One is in a single region of three, the other as strong as the first."""
    place = {"region": (region,)} if region else {}
    told = told_of(PRIMARY, fault(8, 40, ratio, {**CREATE, **place}), seed=seed)
    first, second = told.last.values()
    assert (first.scope, second.scope) == (WINDOWS, {**CREATE, **place})
    assert first.secondary == second.secondary == ()
    if not region:
        opened = next(one for one in told.records if one.incident == second.incident)
        assert window(opened.raised) <= BEGIN + 8 + 4  # without waiting for its footprint
    assert [(one.incident, one.relation) for one in second.related] == [
        (first.incident, Relation.CONCURRENT)
    ]


def test_one_that_begins_more_than_an_hour_later_is_not_secondary() -> None:
    told = told_of(fault(0, 85, 0.4, WINDOWS), fault(65, 85, 0.15, CREATE), windows=100)
    assert len(told.last) == 2
    hours = SETTINGS.incidents.model_copy(update={"secondary_within": SETTINGS.incidents.history})
    assert len(last_records(told.windows, hours)) == 1


def test_in_a_single_region_only_a_stated_dependency_makes_it_secondary() -> None:
    told = alone_in_east()
    assert len(told.last) == 2
    (record,) = last_records(told.windows, DEPENDS)
    assert [one.scope for one in record.secondary] == [{**CREATE, **EAST}]


@pytest.mark.parametrize(
    "stated",
    [
        Dependency(of={"os": ("windows",)}, on={"os": ("linux",)}),
        Dependency(of={"operation": ("create",)}, on={"region": ("west",)}),
        Dependency(of={"os": ("linux",), "region": ("north",)}, on={"os": ("windows",)}),
    ],
)
def test_a_dependency_between_other_things_says_nothing(stated: Dependency) -> None:
    records = last_records(alone_in_east().windows, IncidentSettings(dependencies=(stated,)))
    assert len(records) == 2


def test_a_stated_dependency_does_not_hide_what_is_as_strong() -> None:
    told = told_of(PRIMARY, fault(8, 40, 0.4, CREATE), seed=2)
    assert len(last_records(told.windows, DEPENDS)) == 2


def test_what_is_still_there_when_its_incident_is_over_becomes_one_and_names_it() -> None:
    told = told_of(fault(0, 20, 0.4, WINDOWS), fault(5, 60, 0.12, CREATE))
    first, second = told.last.values()
    assert first.resolved is not None
    paged = next(one for one in told.records if one.incident == second.incident)
    assert paged.revision == 1
    waited = window(paged.raised) - 1 - window(first.resolved)
    assert waited == SETTINGS.incidents.outlast_after.total_seconds() // 60
    (link,) = second.related
    assert (link.incident, link.relation) == (first.incident, Relation.OUTLASTS)
    assert abs(window(second.onset) - (BEGIN + 5)) <= 1
    assert second.status is IncidentStatus.RESOLVED


def test_what_becomes_as_strong_as_its_incident_becomes_one_at_once() -> None:
    told = told_of(
        fault(0, 60, 0.4, WINDOWS), fault(5, 24, 0.12, CREATE), fault(25, 60, 0.6, CREATE)
    )
    first, second = told.last.values()
    assert [(one.incident, one.relation) for one in second.related] == [
        (first.incident, Relation.OUTGROWS)
    ]
    opened = next(one for one in told.records if one.incident == second.incident)
    assert BEGIN + 25 < window(opened.raised) <= BEGIN + 35


def test_a_record_is_written_when_secondary_impact_comes_and_when_it_goes() -> None:
    told = weaker(last=25)
    assert told.records[0].secondary == ()
    come = next(one for one in told.records if one.secondary)
    assert window(come.raised) <= BEGIN + 8 + 8
    gone = next(one for one in told.records if one.secondary and one.secondary[0].resolved)
    assert window(gone.raised) <= BEGIN + 26 + 6
    assert len({one.incident for one in told.records}) == 1


@pytest.mark.parametrize(
    ("level", "since", "expected"),
    [
        (0.02, 15, None),  # recovered, though that is not proved yet
        (0.12, 15, Relation.OUTLASTS),
        (0.12, 14, None),  # its incident has only just ended
    ],
)
def test_only_what_surely_goes_on_outlasts_its_incident(
    level: float, since: int, expected: Relation | None
) -> None:
    now, onset = 100, 60
    state = IncidentsState.fresh(SETTINGS)
    cells = cell_table(SETTINGS.ingest.dimensions, [Cell(now, ("east", "linux", "create"), 100)])
    state.history.append(now, cells, np.full(1, 0.02))
    for name, level_now in (("primary", 0.02), ("dependent", level)):
        trials = np.full((1, now + 1), 100, np.int64)
        failures = np.full((1, now + 1), 2, np.int64)
        failures[0, onset : now - since] = 40 if name == "primary" else 12
        failures[0, now - since :] = round(100 * level_now)
        state.tracked.append(
            TrackedIncident(
                id=name,
                opened=onset + 3,
                onset=onset,
                onset_low=onset,
                onset_high=onset,
                scope={},
                baseline=np.full(1, 0.02),
                counts=RegionCounts(0, trials, failures, trials * np.float64(0.02)),
                regions={"east": TrackedRegion(onset)},
            )
        )
    primary, dependent = state.tracked
    primary.resolved, dependent.primary = now - since, "primary"
    part(state, now, Spans.of(SETTINGS))
    assert dependent.parted is expected
