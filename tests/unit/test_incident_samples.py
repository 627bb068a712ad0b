"""What an incident record means in metrics."""

import pytest
from incident_records import incident_record, incident_region

from streams.incident_samples import (
    INCIDENT_METRICS,
    incident_samples,
    scope_text,
    top_candidate,
)


def test_an_open_incident_has_its_samples() -> None:
    samples = {
        (metric.name, labels): value
        for metric, labels, value in incident_samples(incident_record())
    }
    assert samples == {
        ("opwatch_incident_info", ("i-1", "os=windows", "open", "migration")): 1.0,
        ("opwatch_incident_onset_timestamp_seconds", ("i-1",)): 1634106420.0,
        ("opwatch_incident_excess_failures", ("i-1",)): 48.5,
        ("opwatch_incident_success_ratio", ("i-1",)): 0.5,
        ("opwatch_incident_baseline_success_ratio", ("i-1",)): 0.985,
        ("opwatch_incident_region_status", ("i-1", "eu")): 1.0,
        ("opwatch_incident_region_relapses", ("i-1", "eu")): 0.0,
        ("opwatch_incident_region_excess_failures", ("i-1", "eu")): 48.5,
        ("opwatch_candidate_probability", ("i-1", "migration")): 0.75,
        ("opwatch_candidate_probability", ("i-1", "agent-2")): 0.05,
        ("opwatch_no_release_probability", ("i-1",)): 0.2,
    }


def test_regions_are_told_by_how_they_are_and_how_often_they_relapsed() -> None:
    regions = [
        incident_region(region="us", status="recovered", relapses=2),
        incident_region(region="asia", status="no_traffic"),
    ]
    samples = incident_samples(incident_record(regions=regions))
    told = {
        (metric.name.removeprefix("opwatch_incident_region_"), labels[1]): value
        for metric, labels, value in samples
        if labels[1:] in {("us",), ("asia",)}
    }
    assert told == {
        ("status", "us"): 0.0,
        ("relapses", "us"): 2.0,
        ("excess_failures", "us"): 48.5,
        ("status", "asia"): 2.0,
        ("relapses", "asia"): 0.0,
        ("excess_failures", "asia"): 48.5,
    }


def test_every_sample_is_of_a_metric_that_is_named_and_every_name_has_one() -> None:
    assert {metric for metric, _, _ in incident_samples(incident_record())} == set(INCIDENT_METRICS)


def test_every_sample_has_as_many_labels_as_its_metric() -> None:
    for metric, labels, _ in incident_samples(incident_record()):
        assert len(labels) == len(metric.labels)


def test_a_resolved_incident_has_no_samples() -> None:
    assert incident_samples(incident_record(status="resolved")) == []


@pytest.mark.parametrize(("probability", "top"), [(0.5, "r"), (0.49, "")])
def test_a_release_is_named_once_it_is_as_likely_as_all_else(probability: float, top: str) -> None:
    candidates = [{"release": "r", "probability": probability}]
    assert top_candidate(incident_record(candidates=candidates)) == top
    assert top_candidate(incident_record(candidates=[])) == ""


def test_a_scope_is_one_line_in_the_order_of_its_dimensions_names() -> None:
    scope = {"os": ["windows"], "operation": ["create", "start"]}
    assert scope_text(scope) == "operation=create|start os=windows"
    assert scope_text({}) == "everything"
