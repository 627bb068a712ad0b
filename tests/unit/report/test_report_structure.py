"""The report as JSON: for programs, in a form that is promised."""

import json
from typing import Any

from small_reports import (
    ONSET,
    change_point,
    course_of_records,
    fleet_rows,
    resolved_record,
    small_report,
)

from streams.replay.report import report_clock


def structure(zone: str = "UTC") -> dict[str, Any]:
    report = small_report(course_of_records(), [change_point()])
    found: dict[str, Any] = json.loads(report.json(report_clock(zone)))
    return found


def test_the_form_names_itself_and_its_version() -> None:
    report = structure()
    assert (report["format"], report["version"]) == ("opwatch-report", 1)
    assert (report["timezone"], report["window_seconds"]) == ("UTC", 60)


def test_totals_and_series_are_those_of_the_windows() -> None:
    report, cells = structure(), fleet_rows().cells
    assert report["operations"] == int(cells.trials.sum()) == sum(report["success"]["operations"])
    assert report["failures"] == int(cells.failures.sum()) == sum(report["success"]["failures"])
    assert report["regions"] == ["eu", "us"]


def test_an_incident_has_its_record_its_moments_and_its_counts() -> None:
    (incident,) = structure()["incidents"]
    assert incident["record"] == resolved_record()
    assert incident["source"] == "incidents.jsonl, line 3"
    assert (incident["page"], incident["page_seconds_from_onset"]) == (
        "2021-10-13T06:30:00+00:00",
        180,
    )
    assert incident["earliest_evidence"] == {
        "time": "2021-10-13T06:28:00+00:00",
        "operations": 100,
        "failures": 50,
        "expected_failures": 1.0,
    }
    assert incident["counts"] == [
        {
            "region": "eu",
            "operations": 2000,
            "failures": 1000,
            "late_operations": 3,
            "equals_record": True,
        }
    ]
    assert incident["change_points"] == ["change_points.jsonl, line 1"]


def test_moments_are_in_order_and_name_where_they_come_from() -> None:
    (incident,) = structure()["incidents"]
    moments = incident["moments"]
    assert [one["time"] for one in moments] == sorted(one["time"] for one in moments)
    told = {one["what"].split(":")[0]: one["source"] for one in moments}
    assert told["Onset"] == "incidents.jsonl, line 3"
    assert told["Page"] == "incidents.jsonl, line 1"
    assert told["Earliest evidence, in hindsight"] == "windows.parquet"
    assert told["First change point in the scope raised"] == "change_points.jsonl, line 1"
    assert told["migration"].startswith("releases.jsonl, line ")
    assert told["Resolved"] == told["Known to be resolved"] == "incidents.jsonl, line 3"


def test_the_posterior_has_a_value_for_every_revision() -> None:
    (incident,) = structure()["incidents"]
    assert len(incident["posterior"]["times"]) == 3
    assert incident["posterior"]["causes"]["migration"] == [0.75, 0.95, 0.75]
    assert incident["posterior"]["no_release"] == [0.2, 0.05, 0.2]


def test_exposure_is_told_by_region_and_time_with_its_counts() -> None:
    (incident,) = structure()["incidents"]
    dots = incident["exposure"]["migration"]
    assert ["eu", "2021-10-13T06:26:00+00:00", 0.0, 100, 1] in dots
    assert ["eu", "2021-10-13T06:27:00+00:00", 1.0, 100, 50] in dots
    assert {region for region, *_ in dots} == {"eu", "us"}


def test_times_have_the_offset_of_the_zone() -> None:
    (incident,) = structure("Europe/Berlin")["incidents"]
    assert incident["page"] == "2021-10-13T08:30:00+02:00"
    assert incident["record"]["onset"] == "2021-10-13T06:27:00Z"


def test_failures_by_region_keep_every_operation_of_the_scope() -> None:
    (incident,) = structure()["incidents"]
    regions = incident["failures_by_region"]
    minutes = 60 + 30
    assert sum(regions["operations"]["us"]) == 100 * minutes
    assert sum(regions["failures"]["eu"]) == 50 * 20 + (minutes - 20) + 2
    assert len(regions["starts"]) == len(regions["failures"]["eu"])
    assert ONSET * 60 % regions["seconds"] == 0
