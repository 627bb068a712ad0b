"""Who hears of alerts: receivers of Alertmanager, their secrets in files, their texts in templates.

Needs Alertmanager 0.25 or newer, for PagerDuty's key in a file.
"""

import enum
from dataclasses import dataclass

from dashboards.alerting import page

TEMPLATES_FILE = "templates/opwatch.tmpl"

TEMPLATES = """\
{{/* Made by `opwatch alerts build`. Texts of all receivers. */}}

{{ define "opwatch.title" -}}
{{ if eq .Status "resolved" }}Resolved: {{ end -}}
{{ with .CommonAnnotations.summary }}{{ . }}{{ else -}}
{{ .CommonLabels.alertname }}: {{ len .Alerts }} alerts{{ end -}}
{{ end }}

{{ define "opwatch.text" -}}
{{ if eq (len .Alerts) 1 }}{{ .CommonAnnotations.description }}{{ else -}}
{{ range $place, $one := .Alerts }}{{ if $place }}
{{ end }}{{ $one.Annotations.summary }}{{ end }}{{ end -}}
{{ end }}

{{ define "opwatch.pagerduty.severity" -}}
{{ if eq .CommonLabels.severity "critical" "warning" "info" -}}
{{ .CommonLabels.severity }}{{ else }}error{{ end -}}
{{ end }}

{{ define "opwatch.slack.text" -}}
{{ template "opwatch.text" . -}}
{{ with .CommonAnnotations.runbook_url }}
<{{ . }}|Runbook>{{ end -}}
{{ with .CommonAnnotations.dashboard_url }} · <{{ . }}|Dashboard>{{ end -}}
{{ end }}

{{ define "opwatch.slack.color" -}}
{{ if eq .Status "resolved" }}good{{ else if eq .CommonLabels.severity "critical" }}danger\
{{ else if eq .CommonLabels.severity "warning" }}warning{{ else }}#439fe0{{ end -}}
{{ end }}
"""


class ReceiverKind(enum.Enum):
    """What Alertmanager talks to."""

    PAGERDUTY = "pagerduty"
    OPSGENIE = "opsgenie"
    SLACK = "slack"
    WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receivers:
    """Who hears what.

    Attributes:
        pager: Where alerts go that wake somebody.
        chat: Where all others go, and what is news about an incident.
        secrets: Folder with the files of keys and addresses, as Alertmanager sees it.
        webhook_url: Address of the webhook, where one is chosen.
        webhook_token: Whether it wants the token in the file `webhook_token`.
        heartbeat_url: Address that expects the dead-man's switch once a minute.
        slack_channel: Channel of Slack.
    """

    pager: ReceiverKind = ReceiverKind.PAGERDUTY
    chat: ReceiverKind = ReceiverKind.SLACK
    secrets: str = "/etc/alertmanager/secrets"
    webhook_url: str = "http://127.0.0.1:9095/alerts"
    webhook_token: bool = True
    heartbeat_url: str = "http://127.0.0.1:9095/heartbeat"
    slack_channel: str = "#incidents"


def receiver(
    name: str, kind: ReceiverKind, receivers: Receivers, *, resolved: bool
) -> dict[str, object]:
    """Give one receiver.

    Args:
        name: Its name, to which routes lead.
        kind: What it talks to.
        receivers: Addresses and files.
        resolved: Whether it hears of the end of an alert, too.
    """
    settings = _SETTINGS[kind](receivers)
    return {"name": name, f"{kind.value}_configs": [{"send_resolved": resolved, **settings}]}


def heartbeat(name: str, receivers: Receivers) -> dict[str, object]:
    """Give the receiver of the dead-man's switch."""
    settings = {"send_resolved": False, "url": receivers.heartbeat_url}
    return {"name": name, "webhook_configs": [settings]}


def _pagerduty(receivers: Receivers) -> dict[str, object]:
    return {
        "routing_key_file": f"{receivers.secrets}/pagerduty_routing_key",
        "description": '{{ template "opwatch.title" . }}',
        "severity": '{{ template "opwatch.pagerduty.severity" . }}',
        "client": "opwatch",
        "client_url": "{{ .CommonAnnotations.dashboard_url }}",
        "details": {"text": '{{ template "opwatch.text" . }}', **_facts()},
        "links": [
            {"href": "{{ .CommonAnnotations.runbook_url }}", "text": "Runbook"},
            {"href": "{{ .CommonAnnotations.dashboard_url }}", "text": "Dashboard"},
        ],
    }


def _opsgenie(receivers: Receivers) -> dict[str, object]:
    return {
        "api_key_file": f"{receivers.secrets}/opsgenie_api_key",
        "message": '{{ template "opwatch.title" . }}',
        "description": '{{ template "opwatch.text" . }}',
        "priority": '{{ if eq .CommonLabels.severity "critical" }}P1{{ else }}P3{{ end }}',
        "source": "opwatch",
        "details": {
            "runbook": "{{ .CommonAnnotations.runbook_url }}",
            "dashboard": "{{ .CommonAnnotations.dashboard_url }}",
            **_facts(),
        },
    }


def _slack(receivers: Receivers) -> dict[str, object]:
    return {
        "api_url_file": f"{receivers.secrets}/slack_url",
        "channel": receivers.slack_channel,
        "color": '{{ template "opwatch.slack.color" . }}',
        "title": '{{ template "opwatch.title" . }}',
        "title_link": "{{ .CommonAnnotations.dashboard_url }}",
        "text": '{{ template "opwatch.slack.text" . }}',
        "fallback": '{{ template "opwatch.title" . }}',
    }


def _webhook(receivers: Receivers) -> dict[str, object]:
    if not receivers.webhook_token:
        return {"url": receivers.webhook_url}
    credentials = {"credentials_file": f"{receivers.secrets}/webhook_token"}
    return {"url": receivers.webhook_url, "http_config": {"authorization": credentials}}


def _facts() -> dict[str, str]:
    """Give the fields of a page that a receiver shows by themselves."""
    return {name: f"{{{{ .CommonAnnotations.{name} }}}}" for name in page.template_annotations()}


_SETTINGS = {
    ReceiverKind.PAGERDUTY: _pagerduty,
    ReceiverKind.OPSGENIE: _opsgenie,
    ReceiverKind.SLACK: _slack,
    ReceiverKind.WEBHOOK: _webhook,
}
