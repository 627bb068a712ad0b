"""Prometheus's own tool holds the alerts of incidents to what they say, and to their silence."""

from pathlib import Path

import pytest
from rule_cases import Case, Firing, hold

from dashboards.alerting import incidents, page
from dashboards.alerting.alerts import AlertOptions

UP = {
    'up{job="opwatch",instance="a"}': "1x200",
    'opwatch_stage_duration_seconds_count{stage="incidents",instance="a"}': "0+1x200",
}
"""A worker that runs and follows incidents."""

INFO = 'opwatch_incident_info{incident="i-1",scope="os=windows",status="open",top_candidate=""}'
PAGE = Firing(page.NAME, "critical", {"incident": "i-1"})


def region(name: str, incident: str = "i-1") -> Firing:
    return Firing(incidents.REGION, "warning", {"incident": incident, "region": name})


def attribution(release: str) -> Firing:
    return Firing(incidents.ATTRIBUTION, "info", {"incident": "i-1", "release": release})


RELAPSE = Firing(incidents.RELAPSE, "warning", {"incident": "i-1"})


def test_nothing_fires_while_there_is_no_incident(tmp_path: Path) -> None:
    hold(tmp_path, Case(UP | {"opwatch_incidents_open": "0x60"}, {0: [], 30: [], 60: []}))


def test_an_incident_pages_at_once_and_ends_five_minutes_after_it_was_resolved(
    tmp_path: Path,
) -> None:
    series = UP | {INFO: "_x3 1x9 stale"}  # minutes 3 to 12
    hold(tmp_path, Case(series, {2: [], 3: [PAGE], 12: [PAGE], 17: [PAGE], 19: []}))


def test_the_page_stays_the_same_alert_when_scope_status_and_candidate_change(
    tmp_path: Path,
) -> None:
    later = (
        'opwatch_incident_info{incident="i-1",scope="os=windows operation=create",'
        'status="recovering",top_candidate="r-9"}'
    )
    series = UP | {INFO: "1x5 stale", later: "_x5 1x5"}
    hold(tmp_path, Case(series, {minute: [PAGE] for minute in (0, 5, 6, 10)}))


def test_a_restart_of_the_worker_is_no_end_of_the_page(tmp_path: Path) -> None:
    # Minutes 5 to 7 without a target; from 8 on it runs again, and knows of the incident from 12.
    series = {
        'up{job="opwatch",instance="a"}': "1x4 0x2 1x30",
        'opwatch_stage_duration_seconds_count{stage="incidents",instance="a"}': (
            "5+1x4 stale _x2 1+1x30"
        ),
        INFO: "1x4 stale _x6 1x20",
    }
    hold(tmp_path, Case(series, {minute: [PAGE] for minute in range(32)}))


def test_the_page_goes_on_while_no_worker_can_say_whether_the_incident_is_over(
    tmp_path: Path,
) -> None:
    # The worker is gone from minute 5 to 34; when it is back, there is no incident any more.
    series = {
        'up{job="opwatch",instance="a"}': "1x4 0x29 1x30",
        'opwatch_stage_duration_seconds_count{stage="incidents",instance="a"}': (
            "5+1x4 stale _x28 1+1x30"
        ),
        INFO: "1x4 stale",
    }
    down = Firing("OpwatchDown", "critical")
    worker = Firing("OpwatchWorkerDown", "warning", {"instance": "a"})
    firing = {4: [PAGE], 7: [PAGE], 20: [PAGE, down, worker], 34: [PAGE, down, worker], 45: []}
    hold(tmp_path, Case(series, firing))


def test_two_workers_that_tell_of_the_incident_page_once(tmp_path: Path) -> None:
    series = UP | {INFO.replace("{", f'{{instance="{name}",'): "1x10" for name in "ab"}
    hold(tmp_path, Case(series, {5: [PAGE]}))


def test_two_incidents_page_twice(tmp_path: Path) -> None:
    series = UP | {INFO: "1x10", INFO.replace("i-1", "i-2"): "1x10"}
    second = Firing(page.NAME, "critical", {"incident": "i-2"})
    hold(tmp_path, Case(series, {5: [PAGE, second]}))


def test_sixty_regions_have_an_alert_each_and_one_page(tmp_path: Path) -> None:
    names = [f"region-{number:02}" for number in range(60)]
    status = 'opwatch_incident_region_status{{incident="i-1",region="{}"}}'
    series = UP | {INFO: "1x10"} | {status.format(name): "1x10" for name in names}
    hold(tmp_path, Case(series, {5: [PAGE, *(region(name) for name in names)]}))


def test_a_region_is_affected_until_it_has_recovered_or_has_no_traffic(tmp_path: Path) -> None:
    status = 'opwatch_incident_region_status{{incident="i-1",region="{}"}}'
    series = UP | {
        INFO: "1x30",
        status.format("eu"): "1x4 0x25",
        status.format("us"): "1x9 2x20",
        status.format("asia"): "0x30",
    }
    firing = {
        4: [PAGE, region("eu"), region("us")],
        5: [PAGE, region("us")],
        9: [PAGE, region("us")],
        10: [PAGE],
    }
    hold(tmp_path, Case(series, firing))


@pytest.mark.parametrize(("value", "firing"), [("0.79", []), ("0.8", [attribution("r-1")])])
def test_a_release_is_told_from_its_threshold_on(
    tmp_path: Path, value: str, firing: list[Firing]
) -> None:
    series = UP | {
        INFO: "1x20",
        'opwatch_candidate_probability{incident="i-1",release="r-1"}': f"{value}x20",
        'opwatch_candidate_probability{incident="i-1",release="r-2"}': "0.1x20",
    }
    hold(tmp_path, Case(series, {1: [PAGE], 2: [PAGE, *firing], 20: [PAGE, *firing]}))


def test_a_ranking_that_turns_within_two_minutes_is_not_told(tmp_path: Path) -> None:
    candidate = 'opwatch_candidate_probability{{incident="i-1",release="{}"}}'
    series = UP | {
        INFO: "1x20",
        candidate.format("r-1"): "0.9x1 0.05x18",
        candidate.format("r-2"): "0.05x1 0.9x18",
    }
    told = [PAGE, attribution("r-2")]
    hold(tmp_path, Case(series, {1: [PAGE], 3: [PAGE], 4: told, 19: told}))


def test_a_release_is_told_once_though_its_probability_dips_and_the_worker_restarts(
    tmp_path: Path,
) -> None:
    series = UP | {
        INFO: "1x40",
        'opwatch_candidate_probability{incident="i-1",release="r-1"}': (
            "0.9x5 0.7x9 0.9x4 _x10 0.9x9"
        ),
    }
    told = [PAGE, attribution("r-1")]
    hold(tmp_path, Case(series, dict.fromkeys(range(2, 38), told)))


def test_a_relapse_is_an_alert_until_the_regions_have_recovered_again(tmp_path: Path) -> None:
    series = UP | {
        INFO: "1x40",
        'opwatch_incident_region_status{incident="i-1",region="eu"}': "1x4 0x4 1x4 0x25",
        'opwatch_incident_region_relapses{incident="i-1",region="eu"}': "0x9 1x29",
        'opwatch_incident_region_status{incident="i-1",region="us"}': "1x40",
        'opwatch_incident_region_relapses{incident="i-1",region="us"}': "0x40",
    }
    eu, us = region("eu"), region("us")
    firing = {
        9: [PAGE, us],
        10: [PAGE, eu, us, RELAPSE],
        14: [PAGE, eu, us, RELAPSE],
        18: [PAGE, us, RELAPSE],
        21: [PAGE, us],
    }
    hold(tmp_path, Case(series, firing))


def test_attribution_and_relapse_say_what_they_are_about(tmp_path: Path) -> None:
    regions = [f"region-{number:02}" for number in range(12)]
    of = 'incident="i-1",region="{}"'
    series = UP | {
        INFO: "1x10",
        'opwatch_incident_onset_timestamp_seconds{incident="i-1"}': "1634106420x10",
        'opwatch_incident_excess_failures{incident="i-1"}': "1234.5x10",
        'opwatch_candidate_probability{incident="i-1",release="r \\"1\\""}': "0.9666x10",
        'opwatch_no_release_probability{incident="i-1"}': "0.02x10",
        **{f"opwatch_incident_region_status{{{of.format(one)}}}": "1x10" for one in regions},
        **{f"opwatch_incident_region_relapses{{{of.format(one)}}}": "2x10" for one in regions},
        f"opwatch_incident_region_status{{{of.format('well')}}}": "0x10",
        f"opwatch_incident_region_relapses{{{of.format('well')}}}": "1x10",
    }
    found = {
        "summary": 'Release r "1" most probably caused incident i-1: 96.66%',
        "description": "Scope: os=windows\nRegions: 12 affected "
        f"({', '.join(regions[:10])} and more), 1 recovered\n"
        "Failures beyond those expected: 1234\nNo known release: 2%",
        "scope": "os=windows",
        "top_candidate": 'r "1"',
        "top_candidate_probability": "96.66%",
        "no_release_probability": "2%",
        "runbook_url": "https://wiki.example/runbook#opwatchattributionfound",
        "dashboard_url": "https://grafana.example/d/opwatch-releases?"
        "var-incident=i-1&var-release=r+%221%22",
    }
    back = {
        "summary": "Incident i-1 is back in 12 regions that had recovered",
        "description": f"Scope: os=windows\nRegions: {', '.join(regions[:10])} and more\n"
        'Cause: release r "1" with probability 96.66%',
        "scope": "os=windows",
        "runbook_url": "https://wiki.example/runbook#opwatchrelapse",
        "dashboard_url": "https://grafana.example/d/opwatch-incident?var-incident=i-1",
    }
    of_release = {"incident": "i-1", "release": 'r "1"', "severity": "info"}
    of_incident = {"incident": "i-1", "severity": "warning"}
    texts = {
        5: (incidents.ATTRIBUTION, of_release, found),
        6: (incidents.RELAPSE, of_incident, back),
    }
    options = AlertOptions(
        runbook_url="https://wiki.example/runbook", dashboard_url="https://grafana.example/"
    )
    hold(tmp_path, Case(series, {}, texts), options)
