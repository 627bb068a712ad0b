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

from streams.scenarios.catalogue import build

OUTCOMES_DIGEST = "4ec051bf9a1778f03a3f0017df902d8f95704898769df0ac4b9b55d13e6177a2"
RELEASES_DIGEST = "cdcffdc5ba3dfcbf150672fa03c6ba0862cb2e1428f2b779ef14cc51e755bc97"

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
