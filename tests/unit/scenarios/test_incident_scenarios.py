"""The scenarios of public incidents: their published facts, and data that keeps to its truth."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest

from streams.domain.releases import ReleaseAction, ReleaseEvent
from streams.domain.time import parse_instant
from streams.scenarios.catalogue import SCENARIOS, build
from streams.scenarios.generate import Scenario
from streams.scenarios.incident import Effect, Incident
from streams.scenarios.options import Timeline
from streams.scenarios.provider_fleets import (
    aws_fleet,
    azure_fleet_with_government,
    gcp_fleet,
    linode_fleet,
)
from streams.scenarios.releases import ReleasePlan

Outcome = dict[str, Any]

MINUTE = timedelta(minutes=1)
NAMES = [name for name in SCENARIOS if name != "quiet-day"]

# Published onset and end, in UTC, of each incident of a scenario.
PUBLISHED = {
    "founding-incident": [("2021-10-13T06:27", "2021-10-13T12:42")],
    "founding-incident-unregistered": [("2021-10-13T06:27", "2021-10-13T12:42")],
    "policy-job-2026": [
        ("2026-02-02T18:03", "2026-02-03T00:30"),
        ("2026-02-03T00:08", "2026-02-03T06:05"),
    ],
    "storage-allow-list-2024": [("2024-07-18T21:40", "2024-07-19T02:55")],
    "crowdstrike-2024": [("2024-07-19T04:09", "2024-07-19T10:09")],
    "central-us-and-crowdstrike-2024": [
        ("2024-07-18T21:40", "2024-07-19T12:15"),
        ("2024-07-19T04:09", "2024-07-19T10:09"),
    ],
    "one-zone-2023": [("2023-01-31T07:01", "2023-02-01T01:00")],
    "government-database-2024": [("2024-09-27T18:47", "2024-09-27T20:25")],
    "launch-failures-2025": [("2025-10-20T06:48", "2025-10-20T20:50")],
    "quota-policy-2025": [("2025-06-12T17:51", "2025-06-13T01:18")],
    "acl-update-2018": [("2018-11-05T12:58", "2018-11-05T17:46")],
    "few-hosts-2024": [("2024-11-22T21:43", "2024-11-22T23:16")],
}


@cache
def whole(name: str) -> Scenario:
    return build(name, seed=3)


@cache
def squeezed(name: str) -> Scenario:
    """Five minutes before, 20 minutes of incident, five minutes after; 600 operations a minute."""
    return build(
        name,
        seed=3,
        volume=600.0,
        before=5 * MINUTE,
        after=5 * MINUTE,
        incident_duration=20 * MINUTE,
    )


@cache
def outcomes(name: str) -> tuple[Outcome, ...]:
    """Distinct outcomes of the squeezed scenario."""
    lines = (line for batch in squeezed(name).batches() for line in batch.lines)
    return tuple({event["id"]: event for event in map(json.loads, lines)}.values())


def effects(name: str) -> list[Effect]:
    return [effect for incident in squeezed(name).incidents for effect in incident.effects]


def plan(scenario: Scenario, release: str | None) -> ReleasePlan:
    return next(one for one in scenario.releases if one.release == release)


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize("name", NAMES)
def test_onset_and_end_are_those_of_the_public_review(name: str) -> None:
    incidents = whole(name).incidents
    assert [(one.onset, one.end) for one in incidents] == [
        (instant(onset), instant(end)) for onset, end in PUBLISHED[name]
    ]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("minutes", [1, 90])
def test_an_incident_can_be_squeezed_to_any_length_and_keeps_its_onset(
    name: str, minutes: int
) -> None:
    scenario = build(name, seed=1, incident_duration=minutes * MINUTE)
    first = scenario.incidents[0]
    assert first.onset == whole(name).incidents[0].onset
    ends = [incident.end for incident in scenario.incidents]
    assert max(ends) == first.onset + minutes * MINUTE
    shrunk = [len(incident.effects) for incident in scenario.incidents]
    assert shrunk == [len(incident.effects) for incident in whole(name).incidents]


@pytest.mark.parametrize("name", NAMES)
def test_before_after_volume_and_seed_are_those_chosen(name: str) -> None:
    scenario = squeezed(name)
    onset = scenario.incidents[0].onset
    assert scenario.start == onset - 5 * MINUTE
    assert scenario.end == onset + 25 * MINUTE
    assert scenario.fleet.operations_per_minute == 600.0
    assert scenario.seed == 3
    assert whole(name).fleet.operations_per_minute == 2000.0


@pytest.mark.parametrize("name", NAMES)
def test_signatures_appear_only_in_the_scope_and_windows_of_an_effect(name: str) -> None:
    fleet = squeezed(name).fleet
    ordinary = {kind.code for kind in (*fleet.platform_errors, *fleet.timeouts)}
    signatures = {kind.code for one in effects(name) for kind in one.signature} - ordinary
    signed = [event for event in outcomes(name) if event.get("error_code") in signatures]
    assert [event for event in signed if not any(touches(one, event) for one in effects(name))] == (
        []
    )
    assert len(signed) >= (10 if name == "few-hosts-2024" else 30)


def touches(effect: Effect, event: Outcome) -> bool:
    time = parse_instant(event["time"])
    return all(event[name] in values for name, values in effect.scope.items()) and any(
        window.region == event["region"]
        and window.onset.timestamp() <= time < window.recovered.timestamp()
        for window in effect.windows
    )


@pytest.mark.parametrize("name", NAMES)
def test_truth_tells_of_the_first_incident_at_the_top_and_of_all_in_a_list(name: str) -> None:
    truth = squeezed(name).truth()
    first = truth["incidents"][0]
    assert {key: truth[key] for key in ("onset", "end", "scope", "regions", "culprit")} == {
        key: first[key] for key in ("onset", "end", "scope", "regions", "culprit")
    }
    assert len(truth["incidents"]) == len(PUBLISHED[name])


@pytest.mark.parametrize("name", NAMES)
def test_a_culprit_is_among_the_releases_and_steps_at_the_onset_or_just_before(name: str) -> None:
    for incident in whole(name).incidents:
        if incident.culprit is not None:
            events = plan(whole(name), incident.culprit).events()
            steps = [incident.onset.timestamp() - event.time for event in events]
            assert min(step for step in steps if step >= 0) <= 360


def test_the_second_wave_of_the_policy_job_names_the_first_and_no_release() -> None:
    first, second = squeezed("policy-job-2026").truth()["incidents"]
    assert (second["caused_by"], second["culprit"]) == (first["incident"], None)
    assert first["caused_by"] is None
    assert {window["region"] for window in second["regions"]} == {"eastus", "westus"}
    assert first["scope"]["operation"] == ["create", "update"]
    assert second["scope"] == {"operation": ["create", "delete", "update"]}


def test_the_policy_job_steps_into_each_region_at_the_onset_there_and_is_undone_with_it() -> None:
    scenario = squeezed("policy-job-2026")
    first = scenario.incidents[0]
    events = plan(scenario, first.culprit).events()
    steps = {e.scope["region"]: e.time for e in events if e.exposure and len(e.scope["region"]) < 2}
    undone = {e.scope["region"]: e.time for e in events if not e.exposure}
    assert steps == {(w.region,): w.onset.timestamp() for w in first.effects[0].windows}
    assert undone == {(w.region,): w.recovered.timestamp() for w in first.effects[0].windows}


def test_the_policy_job_reaches_eleven_regions_ten_minutes_apart() -> None:
    first = whole("policy-job-2026").incidents[0]
    onsets = sorted(window.onset - first.onset for window in first.effects[0].windows)
    assert onsets == [number * 10 * MINUTE for number in range(11)]


def test_both_regions_of_the_second_wave_have_recovered_from_the_first_before_it() -> None:
    first, second = whole("policy-job-2026").incidents
    recovered = {window.region: window.recovered for window in first.regions}
    for window in second.regions:
        assert timedelta(0) < window.onset - recovered[window.region] < timedelta(hours=1)


def test_two_unrelated_incidents_at_once_share_neither_cause_nor_scope() -> None:
    storage, content = squeezed("central-us-and-crowdstrike-2024").truth()["incidents"]
    assert (storage["caused_by"], content["caused_by"]) == (None, None)
    assert (storage["culprit"], content["culprit"]) == ("storage-allow-list-centralus", None)
    assert storage["onset"] < content["onset"] < content["end"] < storage["end"]
    assert (storage["scope"], len(storage["regions"]), len(content["regions"])) == ({}, 1, 20)


def test_all_rollouts_stop_where_the_review_says_so() -> None:
    scenario = whole("storage-allow-list-2024")
    halt = instant("2024-07-18T23:35").timestamp()
    forward = [event for one in scenario.releases for event in one.events() if event.exposure]
    after = [event for event in forward if event.time > halt]
    paused = [event.release for event in forward if event.time == halt]
    assert after == []
    assert len(paused) == len(set(paused)) > 5
    assert {"gateway-2024.07.2", "host-network-8.3"} < set(paused)
    assert not {"host-agent-2.41", "scheduler-5.2"} & set(paused)


@pytest.mark.parametrize(
    ("name", "release", "region", "minutes"),
    [
        ("storage-allow-list-2024", "host-network-8.3", "centralus", 11),
        ("one-zone-2023", "allocator-3.9", "eastus2", 9),
        ("launch-failures-2025", "instance-metadata-5.1", "us-east-1", 7),
        ("acl-update-2018", "live-migration-17", "us-central1", 12),
    ],
)
def test_a_harmless_release_reaches_the_affected_region_shortly_before(
    name: str, release: str, region: str, minutes: int
) -> None:
    scenario = whole(name)
    events = plan(scenario, release).events()
    there = next(event for event in events if event.scope["region"] == (region,))
    assert there.time == (scenario.incidents[0].onset - minutes * MINUTE).timestamp()
    assert {event.exposure for event in events} == {1.0}


def test_the_old_check_was_complete_two_weeks_before_the_policy_and_is_switched_off() -> None:
    scenario = whole("quota-policy-2025")
    incident = scenario.incidents[0]
    assert (incident.culprit, incident.latent_release) == (
        "quota-policy-data",
        "service-control-quota-check",
    )
    events = plan(scenario, incident.latent_release).events()
    complete = next(event for event in events if event.action is ReleaseAction.COMPLETED)
    assert datetime.fromtimestamp(complete.time, UTC).date().isoformat() == "2025-05-29"
    switched_off = {event.scope["region"][0]: event.time for event in events if not event.exposure}
    windows = incident.effects[0].windows
    assert switched_off == {window.region: window.recovered.timestamp() for window in windows}


def test_regions_recover_apart_from_the_policy_and_the_largest_last() -> None:
    windows = whole("quota-policy-2025").incidents[0].effects[0].windows
    recovered = sorted((window.recovered, window.region) for window in windows)
    assert len({time for time, _ in recovered}) == 18
    assert recovered[-1] == (instant("2025-06-12T20:31"), "us-central1")
    assert {window.onset for window in windows} == {instant("2025-06-12T17:51")}


def test_traffic_collapses_while_requests_are_refused_at_the_door() -> None:
    incident = squeezed("government-database-2024").incidents[0]
    regions = {window.region for window in incident.regions}
    counts = Counter(
        parse_instant(event["time"]) >= incident.onset.timestamp()
        for event in outcomes("government-database-2024")
        if event["region"] in regions and parse_instant(event["time"]) < incident.end.timestamp()
    )
    # Half of the operations come through, and those that fail are tried again: 0.5 * 1.27.
    assert counts[True] / 20 / (counts[False] / 5) == pytest.approx(0.635, rel=0.2)


def test_the_fleets_of_other_providers_are_of_one_size() -> None:
    fleets = [aws_fleet(), gcp_fleet(), linode_fleet(), azure_fleet_with_government()]
    assert [len(set(fleet.region_names)) for fleet in fleets] == [17, 18, 20, 23]
    assert {fleet.operations_per_minute for fleet in fleets} == {2000.0}
    assert aws_fleet(50).operations_per_minute == 50
    assert gcp_fleet().regions[0].zones == tuple(f"us-central1-{letter}" for letter in "abcf")
    assert linode_fleet().regions[0].zones == ()


@pytest.mark.parametrize("name", NAMES)
def test_no_two_staged_releases_reach_the_regions_in_the_same_order(name: str) -> None:
    regions = whole(name).fleet.region_names
    orders = [
        tuple(region for stage in one.stages for region in stage.regions)
        for one in whole(name).releases
        if len(one.stages) == 5
    ]
    assert len(set(orders)) == len(orders) >= 10
    assert {frozenset(order) for order in orders} == {frozenset(regions)}


@pytest.mark.parametrize("name", NAMES)
def test_releases_touch_only_what_the_fleet_has(name: str) -> None:
    fleet = whole(name).fleet
    machines = {share.value for share in fleet.vm_types}
    events: list[ReleaseEvent] = [e for one in whole(name).releases for e in one.events()]
    touched = {value for event in events for value in event.scope.get("vm_type", ())}
    assert len(touched) == 2
    assert touched < machines
    assert {r for event in events for r in event.scope.get("region", ())} <= set(fleet.region_names)


def test_a_timeline_keeps_the_parts_of_an_incident() -> None:
    onset = instant("2024-07-18T21:40")
    timeline = Timeline(onset=onset, end=onset + 100 * MINUTE, length=10 * MINUTE)
    assert timeline.at(onset - 10 * MINUTE) == onset - MINUTE
    assert timeline.at(onset + 25 * MINUTE) == onset + timedelta(seconds=150)
    assert Timeline(onset=onset, end=onset + MINUTE).at(onset + 7 * MINUTE) == onset + 7 * MINUTE


def test_incidents_of_a_scenario_have_names_of_their_own_and_causes_among_them() -> None:
    quiet = build("quiet-day", seed=1)
    effect = whole("few-hosts-2024").incidents[0].effects[0]
    first = Incident(effects=(effect,), culprit=None, name="first")

    def scenario(*further: Incident) -> Scenario:
        return Scenario(
            name="two",
            seed=1,
            fleet=quiet.fleet,
            releases=(),
            incident=first,
            further=further,
            start=quiet.start,
            end=quiet.end,
        )

    with pytest.raises(ValueError, match="share a name"):
        scenario(first)
    with pytest.raises(ValueError, match="is caused by 'third'"):
        scenario(Incident(effects=(effect,), culprit=None, name="second", caused_by="third"))
