"""A scenario is the same in every process and on every machine, down to the byte.

A digest that changes means that every seed now tells another story: replays of earlier data no
longer compare. Change it only together with a word in the changelog.
"""

import hashlib
import os
import subprocess
import sys
from datetime import timedelta

import pytest

from streams.scenarios.catalogue import SCENARIOS, build
from streams.scenarios.generate import Scenario

OUTCOMES_DIGEST = "4ec051bf9a1778f03a3f0017df902d8f95704898769df0ac4b9b55d13e6177a2"
RELEASES_DIGEST = "cdcffdc5ba3dfcbf150672fa03c6ba0862cb2e1428f2b779ef14cc51e755bc97"

# First half of the digest of outcomes and releases: two minutes before, ten of incident, one after,
# 100 operations a minute.
DIGESTS = {
    "founding-incident": "a25181786e2038da4d13d8331be90553",
    "founding-incident-unregistered": "b131e22c6e94ed9470ca2fcd96d782bf",
    "policy-job-2026": "5ba31f42d10727323aef4abb1a0e31da",
    "storage-allow-list-2024": "b39356787baa55b2ae63b84fb7d4a913",
    "crowdstrike-2024": "f5bc98526ffe448a7740874b99a4cfc1",
    "central-us-and-crowdstrike-2024": "d9cb963cdff3fbbfae2a8a5233e05639",
    "one-zone-2023": "24ee64fa3e446e56d82cf4fbd2dd349a",
    "government-database-2024": "223513a8557e945852c129e0eb343c87",
    "launch-failures-2025": "05273d9a84cb177f9c98949388813735",
    "quota-policy-2025": "034655cf086cfacaedc2951ef3dd43b8",
    "acl-update-2018": "6b40733a01d876b4021e793f11ef0ef6",
    "few-hosts-2024": "40f5fdc2c680ca4900149561c0cb788f",
    "quiet-day": "2e1f807b1dae54be9ba71b9da8ab9218",
}

_PRINT_DIGESTS = """
import hashlib
from datetime import timedelta
from streams.scenarios.catalogue import build

scenario = build(
    "founding-incident", seed=7, before=timedelta(minutes=2), after=timedelta(minutes=1),
    incident_duration=timedelta(minutes=3),
)
for lines in ([line for b in scenario.batches() for line in b.lines], scenario.release_events()):
    print(hashlib.sha256(b"\\n".join(lines)).hexdigest())
"""


def digest(lines: list[bytes]) -> str:
    return hashlib.sha256(b"\n".join(lines)).hexdigest()


def test_seed_seven_tells_the_story_it_always_told() -> None:
    scenario = build(
        "founding-incident",
        seed=7,
        before=timedelta(minutes=2),
        after=timedelta(minutes=1),
        incident_duration=timedelta(minutes=3),
    )
    assert digest([line for batch in scenario.batches() for line in batch.lines]) == OUTCOMES_DIGEST
    assert digest(scenario.release_events()) == RELEASES_DIGEST


def brief(name: str) -> Scenario:
    quiet = name == "quiet-day"
    return build(
        name,
        seed=7,
        volume=100.0,
        before=timedelta(minutes=2),
        after=timedelta(minutes=1),
        incident_duration=None if quiet else timedelta(minutes=10),
    )


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_scenario_tells_the_story_it_always_told(name: str) -> None:
    scenario = brief(name)
    outcomes = [line for batch in scenario.batches() for line in batch.lines]
    assert digest([*outcomes, *scenario.release_events()])[:32] == DIGESTS[name]


@pytest.mark.parametrize("hash_seed", ["0", "4711"])
def test_another_process_with_another_hash_seed_tells_the_same_story(hash_seed: str) -> None:
    printed = subprocess.run(  # noqa: S603 - our own interpreter and our own script
        [sys.executable, "-c", _PRINT_DIGESTS],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )
    assert printed.stdout.split() == [OUTCOMES_DIGEST, RELEASES_DIGEST]
