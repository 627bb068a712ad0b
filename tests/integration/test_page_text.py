"""The text of a page is the same, whether Prometheus fills it or a worker."""

from pathlib import Path
from typing import Any

import pytest
from incident_records import incident_record, incident_region
from rule_cases import Case, hold

from dashboards.alerting import page
from dashboards.alerting.alerts import AlertOptions
from streams.incident_samples import incident_samples
from streams.telemetry import label_text
from streams.wiring.pages import open_incident

OPTIONS = AlertOptions(
    runbook_url="https://wiki.example/opwatch", dashboard_url="https://grafana.example/"
)


def _candidate(probability: float, release: str = "rollout 7") -> dict[str, Any]:
    return {"release": release, "component": None, "probability": probability}


RECORDS = {
    "as it is": incident_record(),
    "odd names": incident_record(
        incident='i "1" & 2',
        scope={"os": ['win{cause}"dows'], "operation": ["create", "start"]},
        candidates=[_candidate(0.75, 'a\\b "c" {scope}')],
    ),
    "everything": incident_record(scope={}),
    "just likely": incident_record(candidates=[_candidate(0.5), _candidate(0.1, "other")]),
    "not likely": incident_record(candidates=[_candidate(0.4999), _candidate(0.1, "other")]),
    "no candidate": incident_record(candidates=[], no_release_probability=1.0),
    "all but certain": incident_record(
        candidates=[_candidate(0.999949)], no_release_probability=0.000051
    ),
    "regions": incident_record(
        status="recovering",
        regions=[
            incident_region(region="a"),
            incident_region(region="b", status="recovered"),
            incident_region(region="c", status="no_traffic"),
            incident_region(region="d", status="recovered"),
        ],
    ),
    "many regions": incident_record(
        regions=[incident_region(region=f"region-{number}") for number in range(10, -1, -1)]
    ),
    "none affected": incident_record(
        status="recovering", regions=[incident_region(status="recovered")]
    ),
    "many failures": incident_record(
        impact={**incident_record()["impact"], "excess_failures": 1234567.5}
    ),
    "fewer failures than expected": incident_record(
        impact={**incident_record()["impact"], "excess_failures": -0.4}
    ),
}


@pytest.mark.parametrize("name", RECORDS)
def test_rule_and_push_say_the_same(tmp_path: Path, name: str) -> None:
    record = RECORDS[name]
    series = {
        f"{metric.name}{{{label_text(metric.labels, labels)}}}": f"{value!r}x10"
        for metric, labels, value in incident_samples(record)
    }
    labels = page.labels(record["incident"])
    del labels["alertname"]
    text = page.annotations(open_incident(record), OPTIONS)
    hold(tmp_path, Case(series, {}, {5: (page.NAME, labels, text)}), OPTIONS)


def test_the_text_names_scope_cause_and_extent() -> None:
    text = page.annotations(open_incident(RECORDS["regions"]), OPTIONS)
    assert text == {
        "summary": "VM operations fail: os=windows; regions: 1 affected; "
        "release migration with probability 75%",
        "description": "Incident i-1, since 2021-10-13 06:27:00 UTC.\n"
        "Scope: os=windows\n"
        "Regions: 1 affected (a), 2 recovered, 1 without traffic\n"
        "Failures beyond those expected: 48\n"
        "Cause: release migration with probability 75%; no known release: 20%",
        "scope": "os=windows",
        "onset": "2021-10-13 06:27:00 UTC",
        "regions_affected": "1",
        "excess_failures": "48",
        "top_candidate": "migration",
        "top_candidate_probability": "75%",
        "no_release_probability": "20%",
        "runbook_url": "https://wiki.example/opwatch#opwatchincident",
        "dashboard_url": "https://grafana.example/d/opwatch-incident?var-incident=i-1",
    }


def test_without_a_likely_release_the_text_says_so() -> None:
    text = page.annotations(open_incident(RECORDS["not likely"]), OPTIONS)
    assert text["summary"].endswith("; no release stands out")
    assert text["top_candidate"] == "none"
    assert text["top_candidate_probability"] == "below 50%"


def test_fewer_failures_than_expected_are_none_beyond_them() -> None:
    text = page.annotations(open_incident(RECORDS["fewer failures than expected"]), OPTIONS)
    assert text["excess_failures"] == "0"
