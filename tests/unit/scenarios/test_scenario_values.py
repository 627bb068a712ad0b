"""Fleets and incidents as values: what they refuse, and the ratios they promise."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from streams.scenarios.default_fleet import default_fleet
from streams.scenarios.fleet import DailyProfile, Delivery, ErrorKind, Operation, Region, Share
from streams.scenarios.incident import Effect, Incident, RegionWindow
from streams.scenarios.tables import tables_of

NOON = datetime(2021, 10, 13, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SIGNATURE = (ErrorKind(code="Broken"),)


def window(region: str, onset: datetime = NOON, length: timedelta = HOUR) -> RegionWindow:
    return RegionWindow(region=region, onset=onset, recovered=onset + length)


EFFECT = Effect(
    scope={"os": ("windows",)},
    windows=(window("eastus"),),
    susceptible_share=0.2,
    signature=SIGNATURE,
)


def test_the_default_fleet_has_twenty_regions_and_six_hundred_series() -> None:
    fleet = default_fleet()
    tables = tables_of(fleet, (), seed=1)
    assert len(set(fleet.region_names)) == 20
    assert len(tables.series.volume) == 600
    assert math.isclose(tables.series.volume.sum(), 1.0)


def test_the_default_fleet_takes_another_volume() -> None:
    assert default_fleet(70.5).operations_per_minute == 70.5
    assert default_fleet().operations_per_minute == 2000


def test_baselines_vary_over_series_but_keep_the_ratio_of_their_operation() -> None:
    series = tables_of(default_fleet(), (), seed=1).series
    create = series.failure_ratio[series.operation == 0]
    assert create.std() / create.mean() == pytest.approx(0.25, rel=0.3)
    assert create.mean() == pytest.approx(0.012, rel=0.08)


def test_the_daily_profile_has_mean_one_and_its_peak_at_the_peak_hour() -> None:
    profile = DailyProfile(peak_hour=15)
    hours = [profile.factor(hour / 4) for hour in range(96)]
    assert sum(hours) / 96 == pytest.approx(1.0, abs=1e-6)
    assert max(hours) == profile.factor(15)


@pytest.mark.parametrize("volume", [0.0, -1.0, math.inf, math.nan])
def test_a_fleet_refuses_a_volume_that_is_no_positive_number(volume: float) -> None:
    with pytest.raises(ValueError, match="operations_per_minute"):
        default_fleet(volume)


def test_a_fleet_refuses_ratios_outside_zero_to_one() -> None:
    with pytest.raises(ValueError, match=r"overdispersion must be in \[0, 1\), not 1"):
        replace(default_fleet(), overdispersion=1.0)


def test_a_fleet_refuses_to_have_no_regions() -> None:
    with pytest.raises(ValueError, match="a fleet needs regions"):
        replace(default_fleet(), regions=())


def test_weights_and_durations_must_be_positive() -> None:
    with pytest.raises(ValueError, match="weight of 'linux'"):
        Share(value="linux", weight=0)
    with pytest.raises(ValueError, match="weight of 'eastus'"):
        Region(name="eastus", weight=-1, utc_offset=HOUR)
    with pytest.raises(ValueError, match="must take some time"):
        Operation(name="stop", weight=1, failure_ratio=0.1, median_duration=timedelta(0))


def test_a_profile_refuses_amplitudes_that_would_stop_all_traffic() -> None:
    with pytest.raises(ValueError, match="amplitudes"):
        DailyProfile(daily=0.7, half_daily=0.3)


def test_late_events_must_come_later_than_the_allowed_disorder() -> None:
    with pytest.raises(ValueError, match="must begin after the disorder"):
        Delivery(allowed_disorder=timedelta(minutes=3))


def test_an_effect_without_retries_adds_its_susceptible_share() -> None:
    assert EFFECT.failure_ratio == pytest.approx(0.2)
    assert EFFECT.volume_factor == 1.0


def test_retries_raise_the_failure_ratio_and_the_volume() -> None:
    retried = replace(EFFECT, retries_per_failure=1.15)
    assert retried.failure_ratio == pytest.approx(0.43 / 1.23)
    assert retried.volume_factor == pytest.approx(1.23)


def test_operations_held_back_lower_the_volume_but_not_the_failure_ratio() -> None:
    held_back = replace(EFFECT, retries_per_failure=1.15, held_back_share=0.5)
    assert held_back.failure_ratio == pytest.approx(0.43 / 1.23)
    assert held_back.volume_factor == pytest.approx(0.615)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scope": {"colour": ("red",)}}, "colour"),
        ({"susceptible_share": 0.0}, "susceptible_share"),
        ({"susceptible_share": 1.5}, "susceptible_share"),
        ({"retries_per_failure": -1.0}, "retries_per_failure"),
        ({"held_back_share": 1.0}, "held_back_share"),
        ({"windows": ()}, "at least one region window"),
        ({"signature": ()}, "at least one region window and one error kind"),
    ],
)
def test_an_effect_refuses_what_cannot_be(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(EFFECT, **changes)


def test_a_window_needs_an_aware_onset_before_its_recovery() -> None:
    with pytest.raises(ValueError, match="not after its onset"):
        window("eastus", length=timedelta(0))
    with pytest.raises(ValueError, match="aware"):
        window("eastus", onset=NOON.replace(tzinfo=None))


@pytest.mark.parametrize(
    "changes", [{"scope": {"os": ("plan9",)}}, {"windows": (window("atlantis"),)}]
)
def test_an_incident_must_name_what_the_fleet_has(changes: dict[str, Any]) -> None:
    incident = Incident(effects=(replace(EFFECT, **changes),), culprit=None)
    with pytest.raises(ValueError, match="the fleet has no"):
        tables_of(default_fleet(), incident.effects, seed=1)


def test_two_effects_are_one_incident_with_the_scope_that_covers_both() -> None:
    second = replace(
        EFFECT,
        scope={"os": ("linux",), "zone": ("2",)},
        windows=(window("eastus", NOON + HOUR), window("westus", NOON + 2 * HOUR)),
    )
    incident = Incident(effects=(EFFECT, second), culprit=None)
    assert incident.scope == {"os": ("linux", "windows")}
    assert (incident.onset, incident.end) == (NOON, NOON + 3 * HOUR)
    assert incident.regions == (
        window("eastus", length=2 * HOUR),
        window("westus", NOON + 2 * HOUR),
    )
