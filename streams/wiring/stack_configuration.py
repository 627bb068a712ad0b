"""Texts that configure the servers of a stack on loopback. Pure."""

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from dashboards.alerting.alerts import AlertOptions
from dashboards.alerting.receivers import TEMPLATES, TEMPLATES_FILE, ReceiverKind, Receivers
from dashboards.alertmanager import HEARTBEAT, Timing, render_alertmanager
from dashboards.rules import render_rules, render_yaml

INTERVAL_S = 15.0
"""Between two scrapes, and two evaluations of the rules, where time is not hurried."""

LEAST_S = 1.0
"""No interval of a hurried stack is shorter."""

JOB = "opwatch"

_DURATIONS = frozenset({"interval", "for", "keep_firing_for", "group_wait", "group_interval"})
"""Fields of rules and routes that are hurried. Not when a notification is repeated: that would be
another one to whoever counts them."""

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800, "y": 31_536_000}
_PART = re.compile(r"(\d+)(ms|[smhdwy])")


def prometheus_configuration(*, metrics: str, alertmanager: str, speed: float) -> str:
    """Give Prometheus' configuration; its rules are in `rules.yaml`.

    Args:
        metrics: Address of the worker, without a path.
        alertmanager: Address of Alertmanager, without a path.
        speed: How fast event time passes.
    """
    interval = hurried(f"{INTERVAL_S:.0f}s", speed)
    return render_yaml(
        {
            "global": {"scrape_interval": interval, "evaluation_interval": interval},
            "rule_files": ["rules.yaml"],
            "alerting": {"alertmanagers": [{"static_configs": [_target(alertmanager)]}]},
            "scrape_configs": [{"job_name": JOB, "static_configs": [_target(metrics)]}],
        }
    )


def alertmanager_configuration(
    receiver: str, further: str | None, speed: float
) -> tuple[str, Mapping[str, str]]:
    """Give Alertmanager's configuration: the routes of every installation, to a webhook.

    Args:
        receiver: Address that everybody's notifications go to.
        further: Another that hears the same, the dead-man's switch apart; None for none.
        speed: How fast event time passes.

    Returns:
        Its text, and the files it names: name -> text.
    """
    receivers = Receivers(
        pager=ReceiverKind.WEBHOOK,
        chat=ReceiverKind.WEBHOOK,
        webhook_url=receiver,
        webhook_token=False,
        heartbeat_url=receiver,
    )
    document = yaml.safe_load(render_alertmanager(receivers, Timing()))
    for one in document["receivers"]:
        if further is not None and one["name"] != HEARTBEAT:
            one["webhook_configs"] += [{**hook, "url": further} for hook in one["webhook_configs"]]
    return render_yaml(_hurried_fields(document, speed)), {TEMPLATES_FILE: TEMPLATES}


def rules(options: AlertOptions, speed: float) -> str:
    """Give the rules; their durations pass as fast as event time does.

    Ranges inside expressions stay as they are.
    """
    return render_yaml(_hurried_fields(yaml.safe_load(render_rules(options)), speed))


def hurried(duration: str, speed: float) -> str:
    """Shorten a duration by the speed at which event time passes, to whole milliseconds.

    Args:
        duration: As Prometheus writes it, such as `1m30s`.
        speed: 1 leaves it as it is.

    Returns:
        At least a second, unless it was shorter before.
    """
    seconds = sum(int(number) * _UNITS[unit] for number, unit in _PART.findall(duration))
    if speed == 1 or seconds <= LEAST_S:
        return duration
    return f"{math.ceil(max(seconds / speed, LEAST_S) * 1000)}ms"


def _hurried_fields(value: Any, speed: float) -> Any:  # noqa: ANN401 - any YAML
    if isinstance(value, Mapping):
        return {
            name: hurried(one, speed) if name in _DURATIONS else _hurried_fields(one, speed)
            for name, one in value.items()
        }
    if isinstance(value, list):
        return [_hurried_fields(one, speed) for one in value]
    return value


def _target(url: str) -> dict[str, list[str]]:
    return {"targets": [url.rpartition("/")[2]]}


def grafana_data_source(prometheus: str) -> str:
    """Give the provisioning of Grafana's data source.

    Args:
        prometheus: Address of Prometheus.
    """
    source = {
        "name": "Prometheus",
        "type": "prometheus",
        "uid": "prometheus",
        "access": "proxy",
        "url": prometheus,
        "isDefault": True,
    }
    return render_yaml({"apiVersion": 1, "datasources": [source]})


def grafana_dashboards(folder: Path) -> str:
    """Give the provisioning of Grafana's dashboards.

    Args:
        folder: Where their JSON is.
    """
    provider = {
        "name": "opwatch",
        "folder": "opwatch",
        "type": "file",
        "options": {"path": str(folder)},
    }
    return render_yaml({"apiVersion": 1, "providers": [provider]})
