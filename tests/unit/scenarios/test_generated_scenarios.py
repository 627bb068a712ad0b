"""Whole scenarios: the data agrees with its truth, and scenarios differ only where they should."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest

from streams.domain.errors import OperatorError
from streams.domain.time import parse_instant
from streams.scenarios.catalogue import SCENARIOS, build
from streams.scenarios.founding_incident import MIGRATION, ONSET
from streams.scenarios.generate import Batch, Scenario

Outcome = dict[str, Any]

AFFECTED = ("create", "delete", "start", "update")


@cache
def short(name: str, seed: int = 3) -> Scenario:
    """Half an hour before, 40 minutes of incident, ten minutes after; 600 operations a minute."""
    quiet = name == "quiet-day"
    return build(
        name,
        seed=seed,
        volume=600.0,
        before=timedelta(minutes=30),
        after=timedelta(minutes=50 if quiet else 10),
        incident_duration=None if quiet else timedelta(minutes=40),
    )


@cache
def batches(name: str, seed: int = 3) -> tuple[Batch, ...]:
    return tuple(short(name, seed).batches())


def lines(name: str, seed: int = 3) -> list[bytes]:
    return [line for batch in batches(name, seed) for line in batch.lines]


@cache
def outcomes(name: str) -> tuple[Outcome, ...]:
    """Distinct outcomes in order of their first arrival."""
    return tuple({event["id"]: event for event in map(json.loads, lines(name))}.values())


def failure_ratio(events: list[Outcome]) -> float:
    """Failures and timeouts over trials, caller faults and cancelled operations left out."""
    trials = [
        event
        for event in events
        if event["outcome"] != "cancelled" and event.get("fault") != "caller"
    ]
    return sum(event["outcome"] in {"failure", "timeout"} for event in trials) / len(trials)


def select(name: str, since: float, until: float, **values: str) -> list[Outcome]:
    return [
        event
        for event in outcomes(name)
        if since <= parse_instant(event["time"]) < until
        and all(event[field] == value for field, value in values.items())
    ]


def recoveries(name: str) -> dict[str, float]:
    regions = short(name).truth()["regions"]
    return {entry["region"]: parse_instant(entry["recovered"]) for entry in regions}


def test_truth_counts_what_is_in_the_data() -> None:
    truth = short("founding-incident").truth()
    distinct = outcomes("founding-incident")
    assert truth["outcomes"] == len(lines("founding-incident"))
    assert truth["distinct_ids"] == len(distinct)
    assert truth["totals"] == Counter(event["outcome"] for event in distinct)
    assert truth["caller_faults"] == sum(event.get("fault") == "caller" for event in distinct)
    duplicates = len(lines("founding-incident")) - len(distinct)
    assert 0 < duplicates == truth["duplicates"]


def test_a_second_delivery_is_the_same_line() -> None:
    seen = Counter(lines("founding-incident"))
    assert len(seen) == len(outcomes("founding-incident"))
    assert max(seen.values()) == 2


def test_windows_operations_fail_as_promised_from_the_onset_to_the_first_recovery() -> None:
    onset, first = ONSET.timestamp(), min(recoveries("founding-incident").values())
    before = select("founding-incident", 0, onset, os="windows")
    during = [
        event
        for event in select("founding-incident", onset, first, os="windows")
        if event["operation"] in AFFECTED
    ]
    assert failure_ratio(before) < 0.015
    assert failure_ratio(during) == pytest.approx(0.35 + 0.65 * 0.008, abs=0.02)


def test_stop_and_linux_are_what_they_would_have_been_without_the_incident() -> None:
    with_incident, without = outcomes("founding-incident"), outcomes("quiet-day")
    for field, value in (("os", "linux"), ("operation", "stop")):
        assert [event for event in with_incident if event[field] == value] == [
            event for event in without if event[field] == value
        ]


def test_each_region_recovers_at_its_time() -> None:
    signature = {
        event["region"]: parse_instant(event["time"])
        for event in sorted(outcomes("founding-incident"), key=lambda event: str(event["time"]))
        if event.get("error_code") == "ImageRepositoryZeroResults"
    }
    for region, recovered in recoveries("founding-incident").items():
        # The smallest region sees about one such failure a minute.
        assert recovered - 600 < signature[region] < recovered


def test_retries_raise_the_volume_of_the_affected_operations() -> None:
    onset, first = ONSET.timestamp(), min(recoveries("founding-incident").values())
    counts = [
        sum(event["operation"] in AFFECTED for event in select(name, onset, first, os="windows"))
        for name in ("founding-incident", "quiet-day")
    ]
    assert counts[0] / counts[1] == pytest.approx(1.23, abs=0.02)


def test_retries_share_resource_and_correlation_with_the_first_attempt() -> None:
    attempts: dict[str, list[Outcome]] = {}
    for event in outcomes("founding-incident"):
        if "correlation_id" in event:
            attempts.setdefault(event["correlation_id"], []).append(event)
    repeated = [events for events in attempts.values() if len(events) > 1]
    assert len(repeated) > 100
    for events in repeated:
        assert {event["outcome"] for event in events} == {"failure"}
        assert len({(event.get("resource_id"), event["region"]) for event in events}) == 1


def test_the_unregistered_variant_differs_only_by_the_events_of_the_migration() -> None:
    registered, unregistered = short("founding-incident"), short("founding-incident-unregistered")
    assert batches("founding-incident") == batches("founding-incident-unregistered")
    others = [
        line for line in registered.release_events() if json.loads(line)["release"] != MIGRATION
    ]
    assert unregistered.release_events() == others
    assert len(registered.release_events()) == len(others) + 23


@pytest.mark.parametrize(
    ("name", "culprit"),
    [
        ("founding-incident", MIGRATION),
        ("founding-incident-unregistered", None),
        ("quiet-day", None),
    ],
)
def test_truth_names_the_migration_only_where_it_is_registered(
    name: str, culprit: str | None
) -> None:
    assert short(name).truth()["culprit"] == culprit


def test_truth_of_the_full_founding_incident_is_that_of_the_public_review() -> None:
    incident = build("founding-incident", seed=1).incident
    assert incident is not None
    assert incident.onset == datetime(2021, 10, 13, 6, 27, tzinfo=UTC)
    assert incident.end == datetime(2021, 10, 13, 12, 42, tzinfo=UTC)
    assert incident.scope == {"operation": AFFECTED, "os": ("windows",)}
    assert len(incident.regions) == 20


def test_truth_of_a_quiet_day_has_no_incident() -> None:
    truth = short("quiet-day").truth()
    assert (truth["onset"], truth["end"], truth["scope"]) == (None, None, {})
    assert (truth["regions"], truth["effects"], truth["incidents"]) == ([], [], [])


def test_a_quiet_day_lasts_from_midnight_to_midnight() -> None:
    quiet = build("quiet-day", seed=1)
    assert (quiet.start.hour, quiet.end - quiet.start) == (0, timedelta(days=1))


def test_batches_hold_what_arrives_in_their_minute_whatever_its_event_time() -> None:
    disorder = 5.0
    first_deliveries: dict[str, float] = {}
    for batch in batches("founding-incident"):
        for line in batch.lines:
            event = json.loads(line)
            lag = batch.minute_start - parse_instant(event["time"])
            if event["id"] not in first_deliveries:
                first_deliveries[event["id"]] = lag
    late = [lag for lag in first_deliveries.values() if lag > disorder]
    assert min(first_deliveries.values()) > -60
    assert len(late) <= short("founding-incident").truth()["late"]
    starts = [batch.minute_start for batch in batches("founding-incident")]
    assert starts == list(range(starts[0], starts[0] + 60 * len(starts), 60))


def test_events_come_out_of_order_but_never_by_more_than_the_allowed_disorder_unless_late() -> None:
    latest, behind, seen = 0.0, [], set()
    for line in lines("founding-incident"):
        event = json.loads(line)
        if event["id"] in seen:
            continue
        seen.add(event["id"])
        time = parse_instant(event["time"])
        latest = max(latest, time)
        behind.append(latest - time)
    late = sorted(behind, reverse=True)[: short("founding-incident").truth()["late"]]
    assert len(late) > 0
    assert 0.5 < sorted(behind)[-len(late) - 1] <= 5.0
    assert all(lag > 60 for lag in late)


def test_optional_fields_are_null_or_missing_in_some_events_and_there_in_most() -> None:
    events = outcomes("founding-incident")
    assert {event["zone"] for event in events} == {None, "1", "2", "3"}
    for field in ("resource_id", "correlation_id", "started", "attributes"):
        present = sum(field in event for event in events) / len(events)
        assert 0.6 < present < 1.0
    assert not any("error_code" in event for event in events if event["outcome"] == "success")


def test_the_same_seed_gives_the_same_bytes_and_another_seed_gives_others() -> None:
    again = [line for batch in short("founding-incident").batches() for line in batch.lines]
    assert again == lines("founding-incident")
    other = lines("founding-incident", 4)
    assert not set(other) & set(again)


def test_a_longer_run_up_does_not_change_the_minutes_that_follow() -> None:
    longer = build(
        "founding-incident",
        seed=3,
        volume=600.0,
        before=timedelta(minutes=33),
        after=timedelta(minutes=10),
        incident_duration=timedelta(minutes=40),
    )
    assert set(lines("founding-incident")) < {
        line for batch in longer.batches() for line in batch.lines
    }


def test_release_events_come_in_time_order_and_end_with_the_scenario() -> None:
    scenario = short("founding-incident")
    times = [parse_instant(json.loads(line)["time"]) for line in scenario.release_events()]
    assert times == sorted(times)
    assert times[0] < scenario.start.timestamp() - 86_400
    assert times[-1] < scenario.end.timestamp()


def test_mitigation_times_scale_with_the_duration_of_the_incident() -> None:
    whole, brief = build("founding-incident", seed=1).incident, short("founding-incident").incident
    assert whole is not None
    assert brief is not None
    for long_window, short_window in zip(whole.regions, brief.regions, strict=True):
        full = (long_window.recovered - ONSET).total_seconds()
        assert (short_window.recovered - ONSET).total_seconds() == pytest.approx(
            full * 40 / 375, abs=1
        )


def test_a_sped_up_demo_stays_below_half_a_million_events() -> None:
    demo = build(
        "founding-incident",
        seed=1,
        before=timedelta(hours=2.5),
        after=timedelta(minutes=15),
        incident_duration=timedelta(minutes=40),
    )
    assert 350_000 < demo.truth()["outcomes"] < 500_000


def test_an_unknown_scenario_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(OperatorError, match="no scenario 'founding'; there are acl-update-2018,"):
        build("founding", seed=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": -1}, "seed must not be negative"),
        ({"volume": 0.0}, "volume must be a positive number"),
        ({"volume": float("nan")}, "volume must be a positive number"),
        ({"before": timedelta(seconds=-1)}, "before must not be negative"),
        ({"after": timedelta(days=-1)}, "after must not be negative"),
        ({"incident_duration": timedelta(0)}, "incident_duration must be a minute or more"),
    ],
)
def test_an_option_out_of_range_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(OperatorError, match=message):
        build("founding-incident", **{"seed": 1, **options})


def test_a_quiet_day_refuses_a_duration_of_its_incident() -> None:
    with pytest.raises(OperatorError, match="quiet-day has no incident"):
        build("quiet-day", seed=1, incident_duration=timedelta(hours=1))


def test_a_scenario_is_made_of_whole_minutes_and_a_seed_that_is_not_negative() -> None:
    quiet = short("quiet-day")
    parts = {
        "name": quiet.name,
        "fleet": quiet.fleet,
        "releases": quiet.releases,
        "incident": None,
        "start": quiet.start,
    }
    with pytest.raises(ValueError, match="no stretch of whole minutes"):
        Scenario(**parts, seed=1, end=quiet.start + timedelta(seconds=90))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="seed"):
        Scenario(**parts, seed=-1, end=quiet.end)  # type: ignore[arg-type]


def test_minutes_without_operations_are_empty_batches() -> None:
    sparse = build(
        "quiet-day", seed=1, volume=0.3, before=timedelta(minutes=30), after=timedelta(0)
    )
    sizes = [len(batch.lines) for batch in sparse.batches()]
    assert 0 in sizes
    assert sum(sizes) == sparse.truth()["outcomes"] > 0


def test_every_scenario_says_what_it_is_about_and_carries_its_own_name() -> None:
    for name, builder in SCENARIOS.items():
        assert builder.__doc__
        assert build(name, seed=1).name == name
