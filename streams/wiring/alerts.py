"""Writes the files of alerts, and checks those that are there."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from dashboards.alerting.alerts import AlertOptions
from dashboards.alerting.receivers import TEMPLATES, TEMPLATES_FILE, ReceiverKind, Receivers
from dashboards.alertmanager import Timing, render_alertmanager
from dashboards.rules import render_rules
from streams.config_alerts import AlertSettings
from streams.domain.errors import OperatorError

RULES_FILE, ALERTMANAGER_FILE = "rules.yaml", "alertmanager.yml"

_CHECKERS = (
    ("promtool", ("check", "rules", RULES_FILE)),
    ("amtool", ("check-config", ALERTMANAGER_FILE)),
)
"""What the makers of the servers check files with, run in the folder."""


def alert_options(settings: AlertSettings) -> AlertOptions:
    """Give what the rules are made for."""
    return AlertOptions(
        runbook_url=settings.runbook_url,
        dashboard_url=settings.dashboard_url,
        job=settings.job,
        objective=settings.objective,
    )


def alert_files(settings: AlertSettings) -> Mapping[str, str]:
    """Give the files, by their names in the folder."""
    receivers = Receivers(
        pager=ReceiverKind(settings.pager),
        chat=ReceiverKind(settings.chat),
        secrets=settings.secrets.rstrip("/"),
        webhook_url=settings.webhook_url,
        webhook_token=settings.webhook_token,
        heartbeat_url=settings.heartbeat_url,
        slack_channel=settings.slack_channel,
    )
    return {
        RULES_FILE: render_rules(alert_options(settings)),
        ALERTMANAGER_FILE: render_alertmanager(receivers, Timing()),
        TEMPLATES_FILE: TEMPLATES,
    }


def build_alerts(settings: AlertSettings, folder: Path) -> list[Path]:
    """Write the files.

    Args:
        settings: What they are made for.
        folder: Where to; made where it is missing.

    Returns:
        The files.

    Raises:
        OperatorError: The folder cannot be written.
    """
    written: list[Path] = []
    try:
        for name, text in alert_files(settings).items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            written.append(path)
    except OSError as error:
        raise OperatorError(f"cannot write the alerts into {folder}: {error}") from error
    return written


def check_alerts(settings: AlertSettings, folder: Path) -> list[str]:
    """Check that the files are those that `build_alerts` would write, and that servers take them.

    Args:
        settings: What they are made for.
        folder: Where they are.

    Returns:
        What has been checked, a line each.

    Raises:
        OperatorError: A file is missing, differs, or is refused.
    """
    for name, text in alert_files(settings).items():
        _compare(folder / name, text)
    return ["all files are as they would be built", *(_checked(folder, *one) for one in _CHECKERS)]


def _compare(path: Path, expected: str) -> None:
    try:
        found = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorError(f"cannot read {path}: {error}; run opwatch alerts build") from error
    if found == expected:
        return
    pairs = zip(found.splitlines(), expected.splitlines(), strict=False)
    same = next((at for at, (mine, other) in enumerate(pairs) if mine != other), None)
    where = f"line {same + 1}" if same is not None else "its end"
    raise OperatorError(
        f"{path} is not what these settings give, first at {where}; run opwatch alerts build "
        "again, with the same options"
    )


def _checked(folder: Path, tool: str, words: tuple[str, ...]) -> str:
    path = shutil.which(tool)
    if path is None:
        return f"{tool}: not installed, so it was not asked"
    done = subprocess.run(  # noqa: S603 our own words
        [path, *words], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        said = " ".join((done.stdout + done.stderr).split())
        raise OperatorError(f"{tool} refuses {folder / words[-1]}: {said}")
    return f"{tool}: accepts {folder / words[-1]}"
