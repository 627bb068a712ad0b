"""Incident records for tests, by the contract."""

from typing import Any


def incident_region(**changed: Any) -> dict[str, Any]:  # noqa: ANN401 the values of JSON
    """Give a region that fails, with some fields changed."""
    region: dict[str, Any] = {
        "region": "eu",
        "status": "affected",
        "onset": "2021-10-13T06:27:00Z",
        "recovered": None,
        "recovered_interval": None,
        "relapses": 0,
        "operations": 100,
        "failures": 50,
        "expected_failures": 1.5,
        "excess_failures": 48.5,
        "excess_interval": [45, 50],
    }
    return region | changed


def incident_record(**changed: Any) -> dict[str, Any]:  # noqa: ANN401 the values of JSON
    """Give an open incident, with some fields changed."""
    record: dict[str, Any] = {
        "incident": "i-1",
        "revision": 1,
        "status": "open",
        "raised": "2021-10-13T06:30:00Z",
        "onset": "2021-10-13T06:27:00Z",
        "onset_interval": ["2021-10-13T06:26:00Z", "2021-10-13T06:28:00Z"],
        "resolved": None,
        "scope": {"os": ["windows"]},
        "regions": [incident_region()],
        "impact": {
            "operations": 100,
            "failures": 50,
            "expected_failures": 1.5,
            "excess_failures": 48.5,
            "excess_interval": [45, 50],
            "baseline_success_ratio": 0.985,
            "success_ratio": 0.5,
        },
        "errors": [{"error_code": "E<1>", "failures": 40, "share": 0.8}],
        "candidates": [
            {
                "release": "migration",
                "component": None,
                "probability": 0.75,
                "tied_with": ["twin"],
                "evidence": [{"kind": "exposure", "statement": "fails <only> where exposed"}],
            },
            {"release": "agent-2", "component": None, "probability": 0.05},
        ],
        "no_release_probability": 0.2,
        "related": [],
        "secondary": [],
        "unaffected": {},
        "unknown": {},
    }
    return record | changed
