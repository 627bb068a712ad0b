"""The container image, as far as it can be judged without an engine that builds it."""

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from streams.adapters.http import HttpServer, Probes
from streams.config import HttpSettings

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def instructions(name: str) -> list[str]:
    """Give the arguments of an instruction, continued lines joined."""
    joined = DOCKERFILE.replace("\\\n", " ")
    return re.findall(rf"^{name} +(.*)$", joined, re.MULTILINE)


def copied() -> list[str]:
    """Give what is copied out of the repository."""
    lines = [line.split() for line in instructions("COPY") if not line.startswith("--from=")]
    return [source for *sources, _ in lines for source in sources]


def test_what_it_is_made_of_exists_and_is_not_kept_from_its_build() -> None:
    let_in = [
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    ]
    for source in copied():
        assert (ROOT / source).exists(), source
        assert any(source == one or source.startswith(f"{one}/") for one in let_in), source
    needed = {source.split("/")[0] for source in copied()}
    assert set(let_in) == needed


def test_all_packages_of_the_distribution_are_in_it() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    (packages,) = re.findall(r"^packages = (\[.*\])$", project, re.MULTILINE)
    assert set(json.loads(packages)) <= set(copied())


def test_both_stages_have_the_same_base_pinned_to_a_version() -> None:
    bases = [line.split()[0] for line in instructions("FROM")]
    assert len(bases) == 2
    assert len(set(bases)) == 1
    assert re.fullmatch(r"python:3\.11\.\d+-slim-\w+", bases[0])


def test_it_does_not_run_as_root() -> None:
    assert instructions("USER") == ["10001"]
    assert "--uid 10001" in DOCKERFILE
    assert DOCKERFILE.index("USER 10001") < DOCKERFILE.index("ENTRYPOINT")


def test_what_it_runs_is_opwatch() -> None:
    assert instructions("ENTRYPOINT") == ['["opwatch"]']
    # The other one is of the health check, which stands in a line of its own.
    assert '["run"]' in instructions("CMD")


@pytest.mark.parametrize(
    ("health", "status"), [(None, 0), ("the event loop is stuck", 1)], ids=["well", "stuck"]
)
def test_its_health_check_tells_a_worker_that_works_from_one_that_does_not(
    health: str | None, status: int
) -> None:
    (line,) = instructions("HEALTHCHECK")
    python, *words = json.loads(line[line.index("CMD") + 3 :])
    assert python == "python"
    probes = Probes(lambda: [b""], "text/plain", lambda: health, _ready)
    with HttpServer(HttpSettings(host="127.0.0.1", port=0), probes) as server:
        here = [word.replace("127.0.0.1:9464", f"127.0.0.1:{server.port}") for word in words]
        assert here != words
        done = subprocess.run(  # noqa: S603 the words of the Dockerfile
            [sys.executable, *here], capture_output=True, check=False
        )
    assert done.returncode == status


def _ready() -> Mapping[str, str]:
    return {}
