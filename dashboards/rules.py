"""All rules for Prometheus, as one file: `dashboards/generated/rules.yaml`.

Needs Prometheus 2.42 or newer, for `keep_firing_for`.
"""

import yaml

from dashboards.alerting import incidents, objective, worker
from dashboards.alerting.alerts import Alert, AlertOptions

_HEADER = "# Made by `opwatch alerts build`. For Prometheus 2.42 or newer.\n"


def alerts(options: AlertOptions) -> tuple[Alert, ...]:
    """Give all alerts, in the order of the file."""
    return (*incidents.alerts(), objective.alert(options), *worker.alerts(options))


def render_rules(options: AlertOptions) -> str:
    """Give the text of the rule file."""
    groups = [
        # The delay of a page: often, because its queries are small.
        _group("opwatch-incidents", 15, [one.rule(options) for one in incidents.alerts()]),
        _group(
            "opwatch-objective",
            objective.INTERVAL_S,
            [*objective.recordings(), objective.alert(options).rule(options)],
        ),
        _group("opwatch-worker", 30, [one.rule(options) for one in worker.alerts(options)]),
    ]
    return _HEADER + render_yaml({"groups": groups})


def render_yaml(document: object) -> str:
    """Write YAML that people can read: texts of several lines as they are, keys in their order."""
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=1_000_000)


def _group(name: str, interval_s: int, rules: list[dict[str, object]]) -> dict[str, object]:
    return {"name": name, "interval": f"{interval_s}s", "rules": rules}


class _Dumper(yaml.SafeDumper):
    """The safe dumper, with block style for texts of several lines."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
        """Write everything out."""
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar(
        "tag:yaml.org,2002:str", text, style="|" if "\n" in text else None
    )


_Dumper.add_representer(str, _text)
