"""`opwatch demo` as a process: it tells the whole story of the founding incident, and ends well."""

import re
import subprocess
import sys

import pytest

SECONDS = 400
"""What the demo may take on a busy machine; alone it takes less than a minute."""


@pytest.fixture(scope="module")
def demo() -> subprocess.CompletedProcess[str]:
    """The demo, run to its end."""
    return subprocess.run(
        [sys.executable, "-m", "streams.cli", "demo"],
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )


def test_it_ends_well_and_says_nothing_on_standard_error(
    demo: subprocess.CompletedProcess[str],
) -> None:
    assert (demo.returncode, demo.stderr) == (0, "")


def test_it_says_what_it_runs_and_where_metrics_are(
    demo: subprocess.CompletedProcess[str],
) -> None:
    for said in (
        r"broker   127\.0\.0\.1:\d+ \(embedded, loopback only\)",
        r"fleet    \d+ simulated regions, 16 releases rolling out at once",
        r"metrics  http://127\.0\.0\.1:\d+/metrics",
    ):
        assert re.search(said, demo.stdout), demo.stdout


def test_windows_machines_sag_and_recover_while_linux_does_not(
    demo: subprocess.CompletedProcess[str],
) -> None:
    told = re.findall(r"success +linux \S +([\d.]+)% +windows \S +([\d.]+)%", demo.stdout)
    linux, windows = ([float(ratio) for ratio in ratios] for ratios in zip(*told, strict=True))
    assert min(linux) > 97
    assert min(windows) < 80
    assert windows[0] > 97
    assert windows[-1] > 97


def test_the_incident_is_one_and_is_about_windows(demo: subprocess.CompletedProcess[str]) -> None:
    assert re.search(r"change point \S+ windows \S+ \S+: success ", demo.stdout)
    (scope,) = re.findall(r"INCIDENT (.*?), \d+ regions, since 06:2\d", demo.stdout)
    assert "os=windows" in scope


def test_the_migration_is_ranked_first_and_found_to_be_the_cause(
    demo: subprocess.CompletedProcess[str],
) -> None:
    tables = demo.stdout.split("which release?")[1:]
    assert tables
    for table in tables:
        first = next(line for line in table.splitlines() if line.startswith("│"))
        assert first.startswith("│ image-template-migration ")
    (cause,) = re.findall(r"RESOLVED .*cause: (\S+) \(", demo.stdout)
    assert cause == "image-template-migration"


def test_every_region_recovers_before_it_is_resolved(
    demo: subprocess.CompletedProcess[str],
) -> None:
    recovered = re.findall(r"recovered (\S+) \((\d+) of (\d+) regions\)", demo.stdout)
    assert [int(number) for _, number, _ in recovered] == list(range(1, len(recovered) + 1))
    assert len({region for region, _, _ in recovered}) == len(recovered) == int(recovered[-1][2])
    assert demo.stdout.rindex("recovered ") < demo.stdout.index("RESOLVED ")


def test_it_ends_with_where_to_look_next(demo: subprocess.CompletedProcess[str]) -> None:
    done, _, following = demo.stdout.partition("Where to look next:")
    assert re.search(r"Done: [\d,]+ operations in \d+ s, [\d,]+ samples\.\n$", done)
    for command in ("opwatch simulate founding-incident", "opwatch replay", "opwatch run"):
        assert command in following
