"""Cases for `promtool test rules`: series in, which alerts fire when, and which do not."""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from dashboards.alerting.alerts import AlertOptions
from dashboards.alerting.worker import DEAD_MAN
from dashboards.rules import render_rules

Labels = Mapping[str, str]


@dataclass(frozen=True)
class Firing:
    """An alert that is expected to fire."""

    name: str
    severity: str
    labels: Labels = field(default_factory=dict)

    def series(self) -> str:
        """Give it as Prometheus's own series of alerts."""
        own = {"alertname": self.name, "alertstate": "firing", "severity": self.severity}
        pairs = ",".join(f'{name}="{value}"' for name, value in {**own, **self.labels}.items())
        return f"ALERTS{{{pairs}}}"


@dataclass(frozen=True)
class Case:
    """Series of one sample a minute, and all alerts that fire at some minutes.

    Attributes:
        series: Selector -> values in promtool's notation.
        firing: Minute -> all that fires then, the dead-man's switch apart.
        texts: Minute -> name, labels and annotations of an alert that fires then.
    """

    series: Mapping[str, str]
    firing: Mapping[int, Sequence[Firing]]
    texts: Mapping[int, tuple[str, Labels, Mapping[str, str]]] = field(default_factory=dict)

    def document(self) -> dict[str, object]:
        """Give it as a test of promtool's."""
        return {
            "interval": "1m",
            "input_series": [
                {"series": name, "values": values} for name, values in self.series.items()
            ],
            "promql_expr_test": [
                {
                    "expr": f'ALERTS{{alertstate="firing", alertname!="{DEAD_MAN}"}}',
                    "eval_time": f"{minute}m",
                    "exp_samples": [{"labels": one.series(), "value": 1} for one in alerts],
                }
                for minute, alerts in self.firing.items()
            ],
            "alert_rule_test": [
                {
                    "alertname": name,
                    "eval_time": f"{minute}m",
                    "exp_alerts": [
                        {"exp_labels": dict(labels), "exp_annotations": dict(annotations)}
                    ],
                }
                for minute, (name, labels, annotations) in self.texts.items()
            ],
        }


def hold(folder: Path, case: Case, options: AlertOptions | None = None) -> None:
    """Let promtool hold the rules to a case.

    Raises:
        AssertionError: They do something else; with what promtool says.
    """
    (folder / "rules.yaml").write_text(render_rules(options or AlertOptions()))
    document = {
        "rule_files": ["rules.yaml"],
        "evaluation_interval": "1m",
        "tests": [case.document()],
    }
    (folder / "case.yaml").write_text(yaml.safe_dump(document))
    done = subprocess.run(
        ["promtool", "test", "rules", "case.yaml"],  # noqa: S607 wherever the system has it
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
