"""Prometheus's own tool holds the alert of burning error budgets to its windows."""

from pathlib import Path

import pytest
from rule_cases import Case, Firing, hold

from dashboards.alerting import objective
from dashboards.alerting.alerts import AlertOptions

OPTIONS = AlertOptions(objective=0.99)
BURNS = Firing(objective.NAME, "warning", {"region": "eu"})
HOURS = 60


def eu(success: str, failure: str) -> dict[str, str]:
    """Give the counters of one series of a region, one sample a minute."""
    counter = 'opwatch_operations_total{{region="eu",os="linux",outcome="{}"}}'
    return UP | {counter.format("success"): success, counter.format("failure"): failure}


UP = {
    'up{job="opwatch",instance="a"}': "1x10000",
    'opwatch_stage_duration_seconds_count{stage="incidents"}': "0+1x10000",
}


def test_a_region_that_fails_as_often_as_the_objective_allows_is_silent(tmp_path: Path) -> None:
    case = Case(
        eu("0+991x2500", "0+9x2500"), {minute: [] for minute in (60, 6 * HOURS, 37 * HOURS)}
    )
    hold(tmp_path, case, OPTIONS)


@pytest.mark.parametrize(
    ("failing", "firing"),
    [
        # 15 %: 14.4 budgets, as soon as half an hour is known
        (150, {29: [], 35: [BURNS], 119: [BURNS]}),
        (120, {60: [], 179: [], 190: [BURNS]}),  # 12 %: 6 budgets, half of six hours
        (20, {6 * HOURS: [], 35 * HOURS: [], 37 * HOURS: [BURNS]}),  # 2 %: one, half of three days
    ],
)
def test_a_region_that_burns_its_budget_is_told_the_sooner_the_faster(
    tmp_path: Path, failing: int, firing: dict[int, list[Firing]]
) -> None:
    hold(tmp_path, Case(eu(f"0+{1000 - failing}x2500", f"0+{failing}x2500"), firing), OPTIONS)


def test_it_ends_soon_after_the_region_has_stopped_failing(tmp_path: Path) -> None:
    # Two hours at 20 %, then none: the hour still burns, the five minutes do not.
    series = eu("0+800x119 95200+1000x200", "0+200x119 23800+0x200")
    hold(tmp_path, Case(series, {115: [BURNS], 130: []}), OPTIONS)


def test_a_short_burst_of_failures_is_not_told(tmp_path: Path) -> None:
    series = eu("0+1000x200 200000+500x4 203000+1000x100", "0+0x200 0+500x4 2500+0x100")
    hold(tmp_path, Case(series, {minute: [] for minute in range(195, 230)}), OPTIONS)


def test_failures_that_an_open_incident_tells_of_are_not_told_again(tmp_path: Path) -> None:
    status = 'opwatch_incident_region_status{incident="i-1",region="eu"}'
    region = Firing("OpwatchRegionAffected", "warning", {"incident": "i-1", "region": "eu"})
    series = eu("0+800x300", "0+200x300") | {status: "_x10 1x190 stale"}
    firing = {100: [region], 200: [region], 204: [], 210: [BURNS]}
    hold(tmp_path, Case(series, firing), OPTIONS)


def test_an_incident_in_another_region_hides_nothing(tmp_path: Path) -> None:
    status = 'opwatch_incident_region_status{incident="i-1",region="us"}'
    region = Firing("OpwatchRegionAffected", "warning", {"incident": "i-1", "region": "us"})
    series = eu("0+800x300", "0+200x300") | {status: "1x300"}
    hold(tmp_path, Case(series, {100: [region, BURNS]}), OPTIONS)


def test_minutes_without_failures_count_before_the_first_failure_too(tmp_path: Path) -> None:
    # The counter of failures is born in minute 170; 25 % of ten minutes are 4 % of an hour.
    series = eu("0+1000x170 170750+750x100", "_x171 250+250x100")
    hold(tmp_path, Case(series, {minute: [] for minute in range(170, 181)}), OPTIONS)


def test_a_restart_of_the_counters_is_no_failure(tmp_path: Path) -> None:
    series = eu("0+1000x100 0+1000x100", "0+1x100 0+1x100")
    hold(tmp_path, Case(series, {minute: [] for minute in range(95, 120)}), OPTIONS)


def test_a_quiet_region_needs_ten_failures(tmp_path: Path) -> None:
    # One operation every twenty minutes, and every one fails: three in an hour, ten in 200 minutes.
    series = eu("0x400", "0+0x19 " + " ".join(f"{n}+0x19" for n in range(1, 20)))
    hold(tmp_path, Case(series, {60: [], 150: [], 190: [], 215: [BURNS]}), OPTIONS)


def test_no_operations_are_no_failures(tmp_path: Path) -> None:
    hold(tmp_path, Case(eu("5000x300", "700x300"), {60: [], 299: []}), OPTIONS)
