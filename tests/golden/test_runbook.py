"""Every alert has its section of the runbook, every section its alert; its queries are PromQL."""

import re
import subprocess
from pathlib import Path

import yaml

from dashboards.alerting.alerts import AlertOptions
from dashboards.rules import alerts

RUNBOOK = (Path(__file__).parents[2] / "docs" / "runbook.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^## (Opwatch\w+)\n(.*?)(?=^## )", RUNBOOK, re.MULTILINE | re.DOTALL))
OPTIONS = AlertOptions(runbook_url="")

PARTS = (
    "**Severity**",
    "**What it means.**",
    "**Check within a minute.**",
    "**What to do.**",
    "**When it is a false alarm.**",
    "**Silence**",
)


def _queries() -> list[str]:
    blocks = re.findall(r"```promql\n(.*?)```", RUNBOOK, re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def test_every_alert_has_its_section_and_every_section_its_alert() -> None:
    assert list(SECTIONS) == [one.name for one in alerts(OPTIONS)]


def test_an_alert_leads_to_its_section() -> None:
    anchors = {f"#{heading.lower()}" for heading in re.findall(r"^## (\w+)", RUNBOOK, re.MULTILINE)}
    for one in alerts(OPTIONS):
        assert OPTIONS.runbook(one.name) in anchors


def test_a_section_says_what_to_do_when_it_is_wrong_and_how_to_silence_it() -> None:
    for one in alerts(OPTIONS):
        section = SECTIONS[one.name]
        at = [section.find(part) for part in PARTS]
        assert -1 not in at, one.name
        assert at == sorted(at), one.name
        assert f"**Severity** {one.severity.value}" in section


def test_every_query_is_promql(tmp_path: Path) -> None:
    queries = _queries()
    assert len(queries) > 30
    rules = [{"record": "checked", "expr": query} for query in queries]
    (tmp_path / "queries.yaml").write_text(
        yaml.safe_dump(
            {"groups": [{"name": str(at), "rules": [one]} for at, one in enumerate(rules)]}
        )
    )
    done = subprocess.run(
        ["promtool", "check", "rules", "queries.yaml"],  # noqa: S607 wherever the system has it
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
