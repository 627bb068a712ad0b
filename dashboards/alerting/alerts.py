"""What an alert is, and how it stands in a file of Prometheus rules."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote_plus


class Severity(enum.Enum):
    """Who has to hear of an alert."""

    CRITICAL = "critical"
    """Wakes somebody."""
    WARNING = "warning"
    """Is read the same day."""
    INFO = "info"
    """Is news, and asks for nothing."""
    NONE = "none"
    """Is for machines."""


class Dashboard(enum.Enum):
    """The dashboards that alerts lead to, by their uid."""

    FLEET = "opwatch-fleet"
    SERIES = "opwatch-series"
    RELEASES = "opwatch-releases"
    INCIDENT = "opwatch-incident"
    PIPELINE = "opwatch-pipeline"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertOptions:
    """What differs from one installation to the next.

    Attributes:
        runbook_url: Address of the runbook; the anchor of the alert is added to it.
        dashboard_url: Address of Grafana, without a slash at the end.
        job: Name of the scrape job of the workers.
        objective: Share of operations that have to succeed over 30 days, below 1.
    """

    runbook_url: str = "docs/runbook.md"
    dashboard_url: str = "http://127.0.0.1:3000"
    job: str = "opwatch"
    objective: float = 0.98

    def runbook(self, alert: str) -> str:
        """Give the address of an alert's section of the runbook."""
        return f"{self.runbook_url}#{alert.lower()}"

    def dashboard(self, dashboard: Dashboard, variables: Mapping[str, str]) -> str:
        """Give the address of a dashboard.

        Args:
            dashboard: Which.
            variables: Name -> value as it stands in the address, escaped or a template.
        """
        address = f"{self.dashboard_url.rstrip('/')}/d/{dashboard.value}"
        chosen = "&".join(f"var-{name}={value}" for name, value in variables.items())
        return f"{address}?{chosen}" if chosen else address


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alerting rule.

    Attributes:
        name: In CamelCase, beginning with Opwatch.
        expression: PromQL. Its labels are the alert's identity: one that changes is a new alert.
        severity: Who has to hear of it.
        summary: One line, a template.
        description: What is known, a template; may have several lines.
        dashboard: Where to look.
        chosen: Labels of the alert that are chosen there, too.
        hold: How long the expression must hold before it fires, such as `2m`.
        keep: How long it goes on firing after the expression has ceased to hold.
        annotations: Further annotations, templates.
    """

    name: str
    expression: str
    severity: Severity
    summary: str
    description: str
    dashboard: Dashboard
    chosen: tuple[str, ...] = ()
    hold: str = ""
    keep: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)

    def rule(self, options: AlertOptions) -> dict[str, object]:
        """Give the rule as it stands in the file."""
        chosen = {label: f"{{{{ $labels.{label} | urlquery }}}}" for label in self.chosen}
        return {
            "alert": self.name,
            "expr": self.expression,
            **({"for": self.hold} if self.hold else {}),
            **({"keep_firing_for": self.keep} if self.keep else {}),
            "labels": {"severity": self.severity.value},
            "annotations": {
                "summary": self.summary,
                "description": self.description,
                **self.annotations,
                "runbook_url": options.runbook(self.name),
                "dashboard_url": options.dashboard(self.dashboard, chosen),
            },
        }


def escaped(value: str) -> str:
    """Write a value into an address as the templates' `urlquery` does."""
    return quote_plus(value)
