"""Regions of incidents: they join, recover, relapse, and all incidents end."""

from incident_runs import (
    RELEASES,
    WINDOWS,
    false_alarm,
    fault,
    founding,
    judged,
    only,
    records_of,
    told_of,
    window,
    with_points,
)
from small_fleets import BEGIN_OF_TROUBLE as BEGIN
from small_fleets import (
    REGIONS,
    SETTINGS,
    Fault,
    blocks_of,
    fleet,
    pipeline,
    progress,
    release,
    run,
)

from streams.config import IncidentSettings
from streams.domain.incidents import IncidentStatus
from streams.domain.relations import Relation
from streams.windows.merging import select


def test_every_region_has_its_onset_and_its_recovery() -> None:
    record = only(founding())
    assert [region.region for region in record.regions] == list(REGIONS)
    assert {window(region.onset) for region in record.regions} == {BEGIN}
    for region in record.regions:
        assert region.recovered is not None
        assert window(region.recovered) == BEGIN + 31


def test_an_incident_resolves_when_all_its_regions_have_recovered() -> None:
    record = only(founding())
    assert record.status is IncidentStatus.RESOLVED
    assert record.resolved is not None
    assert window(record.resolved) == BEGIN + 31
    assert window(record.raised) <= BEGIN + 31 + 3


def test_series_that_appear_while_an_incident_lasts_are_followed_too() -> None:
    broken = [Fault(first=BEGIN, last=BEGIN + 30, ratio=0.4, scope=WINDOWS)]
    tables = fleet(BEGIN + 60, broken)
    appears = BEGIN + 8
    new = [select(table, table.codes[0] != REGIONS.index("west")) for table in tables[:appears]]
    record = only(run([*new, *tables[appears:]]))
    assert record.scope == WINDOWS
    regions = {one.region: window(one.onset) for one in record.regions}
    assert regions == {"east": BEGIN, "north": BEGIN, "west": appears}
    assert record.status is IncidentStatus.RESOLVED


def test_one_that_spreads_from_region_to_region_stays_one() -> None:
    spreading = [
        fault(25 * place, 90, 0.4, {"region": (name,), **WINDOWS})
        for place, name in enumerate(REGIONS)
    ]
    told = told_of(*spreading, windows=110)
    record = only(told)
    assert record.scope == WINDOWS
    assert [(one.region, window(one.onset)) for one in record.regions] == [
        (name, BEGIN + 25 * place) for place, name in enumerate(REGIONS)
    ]
    assert told.records[0].scope == {"region": ("east",), **WINDOWS}


def test_regions_recover_one_by_one_and_the_incident_with_the_last() -> None:
    lasting = [
        fault(0, 20 + 15 * place, 0.4, {"region": (name,), **WINDOWS})
        for place, name in enumerate(REGIONS)
    ]
    told = told_of(*lasting)
    record = only(told)
    recovered = [window(one.recovered or 0) for one in record.regions]
    assert recovered == [BEGIN + 21, BEGIN + 36, BEGIN + 51]
    assert window(record.resolved or 0) == BEGIN + 51
    statuses = [one.status for one in told.records]
    assert statuses == sorted(statuses, key=list(IncidentStatus).index)
    assert IncidentStatus.RECOVERING in statuses


def test_a_region_that_fails_again_within_the_hour_reopens_its_incident() -> None:
    told = told_of(fault(0, 20, 0.4, WINDOWS), fault(45, 60, 0.4, {"region": ("east",), **WINDOWS}))
    assert len(told.last) == 1
    statuses = [one.status for one in told.records]
    assert statuses.count(IncidentStatus.RESOLVED) == 2
    again = [one for one in told.records if one.status is IncidentStatus.RECOVERING]
    assert again
    assert [one.region for one in again[0].regions if one.recovered is None] == ["east"]


def test_a_region_that_fails_again_much_later_is_another_incident() -> None:
    told = told_of(fault(0, 15, 0.4, WINDOWS), fault(120, 140, 0.4, WINDOWS), windows=160)
    first, second = told.last.values()
    assert [first.status, second.status] == [IncidentStatus.RESOLVED] * 2
    assert first.related == ()
    (link,) = second.related
    assert (link.incident, link.relation) == (first.incident, Relation.FOLLOWS)


def test_a_second_wave_after_a_rollback_is_an_incident_of_its_own_and_names_the_first() -> None:
    linux = {"os": ("linux",), "operation": ("start",)}
    faults = [
        Fault(first=BEGIN, last=BEGIN + 30, ratio=0.4, scope=WINDOWS),
        Fault(first=BEGIN + 36, last=BEGIN + 60, ratio=0.5, scope=linux),
    ]
    first, second = run(fleet(BEGIN + 80, faults), RELEASES).last.values()
    assert second.scope == linux
    (link,) = second.related
    assert (link.incident, link.relation) == (first.incident, Relation.AFTER_MITIGATION)
    assert link.statement == (
        "Began 5 minutes after the rollback of migration in east, north, west for "
        f"{first.incident}."
    )


def test_a_region_that_fails_for_the_first_time_after_the_others_recovered_joins() -> None:
    told = told_of(
        fault(0, 20, 0.4, {"region": ("east", "north"), **WINDOWS}),
        fault(35, 60, 0.4, {"region": ("west",), **WINDOWS}),
    )
    assert all(one.status is IncidentStatus.RESOLVED for one in told.last.values())
    west = [
        region for one in told.last.values() for region in one.regions if region.region == "west"
    ]
    assert [window(region.onset) for region in west] == [BEGIN + 35]


def test_an_unregistered_fault_healed_region_by_region_stays_unexplained() -> None:
    lasting = [
        Fault(
            first=BEGIN,
            last=BEGIN + 20 + 15 * place,
            ratio=0.4,
            scope={"region": (name,), **WINDOWS},
        )
        for place, name in enumerate(REGIONS)
    ]
    innocent = [
        release(f"other-{number}", 20 + 13 * number, region=(REGIONS[number % 3],))
        for number in range(9)
    ]
    told = run(fleet(BEGIN + 90, lasting), innocent)
    assert all(one.no_release_probability > 0.5 for one in told.records)
    assert only(told).no_release_probability > 0.9


def test_an_incident_opened_from_one_noisy_series_resolves_by_itself() -> None:
    quiet = judged(ratio=0.0, windows=180)
    at = BEGIN + 5
    noisy = with_points(quiet, at, false_alarm(("north", "linux", "start"), at))
    records = records_of(noisy, ())
    assert window(records[0].raised) == at + 1
    assert records[-1].status is IncidentStatus.RESOLVED
    assert records[-1].scope == {
        "region": ("north",),
        "os": ("linux",),
        "operation": ("start",),
    }
    assert [region.region for region in records[-1].regions] == ["north"]
    assert len({record.incident for record in records}) == 1


def test_history_too_short_for_the_look_back_still_follows_an_incident_to_its_end() -> None:
    short = SETTINGS.model_copy(update={"incidents": IncidentSettings(history=60)})
    stages, told = pipeline(short)
    broken = Fault(first=BEGIN, last=BEGIN + 90, ratio=0.4, scope=WINDOWS)
    for number, table in enumerate(fleet(BEGIN + 120, [broken])):
        stages.take(blocks_of(short, table, (progress(number, number),)))
    record = only(told)
    assert record.scope == WINDOWS
    assert window(record.resolved or 0) == BEGIN + 91
