"""The events of every scenario are valid by the published schemas."""

import json
from datetime import timedelta
from importlib.resources import files
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from streams.domain.time import parse_instant
from streams.scenarios.catalogue import SCENARIOS, build

SCHEMAS = files("streams") / "schemas"


def validator(name: str) -> Draft202012Validator:
    schema: dict[str, Any] = json.loads((SCHEMAS / f"{name}.schema.json").read_text("utf-8"))
    return Draft202012Validator(schema)


@pytest.mark.parametrize("name", ["outcome", "release", "incident"])
def test_a_schema_is_itself_valid(name: str) -> None:
    Draft202012Validator.check_schema(validator(name).schema)


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_outcomes_are_valid(name: str) -> None:
    scenario = build(name, seed=2, before=timedelta(minutes=1), after=timedelta(minutes=2))
    check = validator("outcome")
    # The first batches end after the onset, so ordinary and signature failures are among them.
    for batch, _ in zip(scenario.batches(), range(3), strict=False):
        for line in batch.lines:
            event = json.loads(line)
            check.validate(event)
            parse_instant(event["time"])
            parse_instant(event.get("started", event["time"]))


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_releases_are_valid(name: str) -> None:
    check = validator("release")
    lines = build(name, seed=2).release_events()
    for line in lines:
        event = json.loads(line)
        check.validate(event)
        parse_instant(event["time"])
    assert len({json.loads(line)["id"] for line in lines}) == len(lines)


def test_a_broken_outcome_is_not_valid() -> None:
    scenario = build("quiet-day", seed=2, before=timedelta(minutes=1), after=timedelta(0))
    event = json.loads(next(scenario.batches()).lines[0])
    del event["region"]
    assert not validator("outcome").is_valid(event)
