"""Drawn minutes: volume over the day, overdispersion, delivery, and what an effect does to them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from streams.scenarios.default_fleet import default_fleet
from streams.scenarios.disturbance import disturb
from streams.scenarios.fleet import (
    DailyProfile,
    Delivery,
    ErrorKind,
    Fleet,
    Operation,
    Region,
    Share,
)
from streams.scenarios.incident import Effect, Incident, RegionWindow
from streams.scenarios.tables import Tables, tables_of
from streams.scenarios.traffic import (
    NOT_REDELIVERED,
    TIMEOUT,
    Events,
    draw_minute,
    is_caller_fault,
    is_trial,
)

NOON = datetime(2021, 10, 13, 12, tzinfo=UTC)
MINUTE = int(NOON.timestamp()) // 60
SEED = 5


def one_series(overdispersion: float) -> Fleet:
    """500 operations a minute in one series, of which a tenth fails."""
    return replace(
        default_fleet(500.0),
        regions=(Region(name="eastus", weight=1, utc_offset=timedelta(0)),),
        os=(Share(value="windows", weight=1),),
        vm_types=(Share(value="small", weight=1),),
        operations=(
            Operation(
                name="start", weight=1, failure_ratio=0.1, median_duration=timedelta(seconds=9)
            ),
        ),
        profile=DailyProfile(daily=0, half_daily=0),
        overdispersion=overdispersion,
        baseline_spread=0.0,
        cancelled_share=0.0,
        caller_fault_share=0.0,
    )


def dispersion(fleet: Fleet, minutes: int = 400) -> float:
    """Pearson chi-square over degrees of freedom of the failure counts; 1 for a binomial."""
    tables = tables_of(fleet, (), SEED)
    drawn = [draw_minute(tables, SEED, MINUTE + number) for number in range(minutes)]
    trials = np.array([len(events) for events in drawn])
    failures = np.array([np.sum(events["error"] >= 0) for events in drawn])
    ratio = failures.sum() / trials.sum()
    expected = trials * ratio
    return float(np.sum((failures - expected) ** 2 / (expected * (1 - ratio))) / (minutes - 1))


def test_failures_without_overdispersion_are_binomial() -> None:
    assert dispersion(one_series(0.0)) == pytest.approx(1.0, abs=0.25)


def test_overdispersion_inflates_the_variance_as_a_beta_binomial_does() -> None:
    assert dispersion(one_series(0.02)) == pytest.approx(1 + 499 * 0.02, rel=0.25)


def test_volume_follows_the_local_day_of_each_region() -> None:
    tables = tables_of(default_fleet(20_000.0), (), SEED)
    names = tables.fleet.region_names

    def volume(hour: int, region: str) -> int:
        minute = int(datetime(2021, 10, 13, hour, tzinfo=UTC).timestamp()) // 60
        return int(np.sum(draw_minute(tables, SEED, minute)["region"] == names.index(region)))

    # 14:00 and 02:00 local time: 1 + 0.35 + 0.08 against 1 - 0.35 + 0.08.
    assert volume(19, "eastus") / volume(7, "eastus") == pytest.approx(1.43 / 0.73, rel=0.1)
    assert volume(13, "westeurope") / volume(1, "westeurope") == pytest.approx(1.96, rel=0.1)


def test_a_day_has_the_promised_volume() -> None:
    tables = tables_of(default_fleet(2000.0), (), SEED)
    hours = [len(draw_minute(tables, SEED, MINUTE + 60 * hour)) for hour in range(24)]
    assert sum(hours) / 24 == pytest.approx(2000, rel=0.02)


def test_cancelled_operations_and_caller_faults_are_no_trials() -> None:
    tables = tables_of(default_fleet(100_000.0), (), SEED)
    events = draw_minute(tables, SEED, MINUTE)
    shares = [
        np.mean(is_trial(tables, events)),
        np.mean(is_caller_fault(tables, events)),
        np.mean(events["outcome"] == TIMEOUT),
    ]
    assert shares == pytest.approx([0.975, 0.015, 0.0012], rel=0.15)


def test_regions_without_zones_have_operations_without_zones() -> None:
    tables = tables_of(default_fleet(), (), SEED)
    events = draw_minute(tables, SEED, MINUTE)
    zonal = tables.zone_counts[events["region"]] > 0
    assert np.all(events["zone"][~zonal] == 0)
    assert set(events["zone"][zonal].tolist()) == {0, 1, 2, 3}


def test_events_arrive_within_the_allowed_disorder_unless_they_are_late() -> None:
    delivery = Delivery(late_share=0.1, duplicate_share=0.1)
    tables = tables_of(replace(default_fleet(20_000.0), delivery=delivery), (), SEED)
    events = draw_minute(tables, SEED, MINUTE)
    delay = events["arrival"] - events["time"]
    late = delay > 5_000
    assert delay.min() == 0
    assert 4_500 < delay[~late].max() <= 5_000
    # Half of the events use less than an eighth of the allowed disorder.
    assert np.median(delay[~late]) == pytest.approx(625, rel=0.1)
    assert delay[late].min() >= 120_000
    assert delay[late].max() <= 480_000
    assert np.mean(late) == pytest.approx(0.1, rel=0.1)


def test_second_deliveries_come_within_a_minute_of_the_first() -> None:
    delivery = Delivery(duplicate_share=0.1)
    tables = tables_of(replace(default_fleet(20_000.0), delivery=delivery), (), SEED)
    events = draw_minute(tables, SEED, MINUTE)
    twice = events["redelivery"] != NOT_REDELIVERED
    gap = (events["redelivery"] - events["arrival"])[twice]
    assert np.mean(twice) == pytest.approx(0.1, rel=0.1)
    assert gap.min() > 0
    assert gap.max() < 60_000


def disturbed(effect: Effect, *more: Effect, minute: int = MINUTE) -> tuple[Tables, Events, Events]:
    incident = Incident(effects=(effect, *more), culprit=None)
    tables = tables_of(default_fleet(20_000.0), incident.effects, SEED)
    ordinary = draw_minute(tables, SEED, minute)
    return tables, ordinary, disturb(tables, SEED, minute, ordinary)


OUTAGE = Effect(
    scope={},
    windows=(RegionWindow(region="eastus", onset=NOON, recovered=NOON + timedelta(minutes=5)),),
    susceptible_share=0.5,
    signature=(ErrorKind(code="Broken", weight=3), ErrorKind(code="Lost", weight=1)),
)


def broken(tables: Tables, events: Events) -> Events:
    """The events that fail with an effect's signature."""
    return events[events["error"] >= tables.effects[0].errors]


def test_minutes_outside_every_window_stay_as_they_are() -> None:
    for minute in (MINUTE - 1, MINUTE + 5):
        _, ordinary, events = disturbed(OUTAGE, minute=minute)
        assert events is ordinary


def test_only_trials_in_scope_fail() -> None:
    tables, ordinary, events = disturbed(replace(OUTAGE, scope={"zone": ("2",), "os": ("linux",)}))
    failing = broken(tables, events)
    inside = ordinary[
        (ordinary["region"] == 0)
        & (ordinary["zone"] == 2)
        & (ordinary["os"] == 1)
        & is_trial(tables, ordinary)
    ]
    assert set(failing["number"].tolist()) <= set(inside["number"].tolist())
    assert len(failing) / len(inside) == pytest.approx(0.5, abs=0.1)


def test_signatures_occur_by_their_weights() -> None:
    tables, _, events = disturbed(OUTAGE)
    failing = broken(tables, events)
    assert np.mean(failing["error"] == tables.effects[0].errors) == pytest.approx(0.75, abs=0.05)


def test_retries_repeat_the_failed_operation_later_in_the_same_minute() -> None:
    tables, ordinary, events = disturbed(replace(OUTAGE, retries_per_failure=2.0))
    retries = events[len(ordinary) :]
    first = events[retries["origin"]]
    assert len(retries) / np.sum(broken(tables, events[: len(ordinary)])["error"] >= 0) == (
        pytest.approx(2.0, rel=0.1)
    )
    assert np.array_equal(retries["resource"], first["resource"])
    assert np.array_equal(retries["error"], first["error"])
    assert np.all(retries["time"] >= first["time"])
    assert np.all(retries["time"] < (MINUTE + 1) * 60_000)
    assert len(np.unique(events["number"])) == len(events)


def test_a_recovery_within_a_minute_ends_failures_and_retries_at_that_moment() -> None:
    recovered = NOON + timedelta(seconds=20)
    window = RegionWindow(region="eastus", onset=NOON, recovered=recovered)
    tables, _, events = disturbed(replace(OUTAGE, windows=(window,), retries_per_failure=2.0))
    times = broken(tables, events)["time"]
    assert len(times) > 0
    assert times.max() < recovered.timestamp() * 1000


def test_operations_held_back_never_happen_and_the_others_fail_as_before() -> None:
    tables, ordinary, events = disturbed(replace(OUTAGE, held_back_share=0.4))
    there = events[events["region"] == 0]
    assert len(there) / np.sum(ordinary["region"] == 0) == pytest.approx(0.6, abs=0.05)
    assert len(broken(tables, events)) / np.sum(is_trial(tables, there)) == (
        pytest.approx(0.5, abs=0.05)
    )
    elsewhere = ordinary[ordinary["region"] != 0]
    assert np.array_equal(events[events["region"] != 0], elsewhere)


def test_ids_stay_unique_where_operations_are_held_back_and_tried_again() -> None:
    _, _, events = disturbed(replace(OUTAGE, held_back_share=0.4, retries_per_failure=2.0))
    assert len(np.unique(events["number"])) == len(events)


def test_an_effect_ramps_up_linearly() -> None:
    effect = replace(OUTAGE, ramp=timedelta(minutes=2), susceptible_share=1.0)
    shares = []
    for minute in (MINUTE, MINUTE + 1, MINUTE + 2):
        tables, ordinary, events = disturbed(effect, minute=minute)
        trials = is_trial(tables, ordinary) & (ordinary["region"] == 0)
        shares.append(len(broken(tables, events)) / np.sum(trials))
    assert shares == pytest.approx([0.25, 0.75, 1.0], abs=0.05)


def test_an_operation_meets_at_most_one_of_two_effects() -> None:
    everything = replace(OUTAGE, susceptible_share=1.0)
    tables, ordinary, events = disturbed(everything, everything)
    first, second = tables.effects
    assert not np.any(events["error"] >= second.errors)
    trials = is_trial(tables, ordinary) & (ordinary["region"] == 0)
    assert np.all(events["error"][: len(ordinary)][trials] >= first.errors)
