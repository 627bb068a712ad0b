"""Settings of alerts: what their files are made for, and whether incidents are pushed."""

from datetime import timedelta
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from streams.config_section import Section


class AlertSettings(Section):
    """What `opwatch alerts build` makes rules and receivers for, and where alerts lead."""

    dashboard_url: str = "http://127.0.0.1:3000"
    """Address of Grafana; alerts link to dashboards there."""
    runbook_url: str = "docs/runbook.md"
    """Address of the runbook; alerts link to their sections of it."""
    job: str = Field("opwatch", pattern=r'^[^"\\\n]+$')
    """Name of the scrape job of the workers in Prometheus."""
    objective: float = Field(0.98, ge=0.5, lt=1)
    """Share of operations that have to succeed over 30 days, for the alert of error budgets."""
    pager: Literal["pagerduty", "opsgenie", "slack", "webhook"] = "pagerduty"
    """Where alerts go that wake somebody."""
    chat: Literal["pagerduty", "opsgenie", "slack", "webhook"] = "slack"
    """Where all other alerts go, and what is news about an incident."""
    secrets: str = "/etc/alertmanager/secrets"
    """Folder with the receivers' keys, as Alertmanager sees it."""
    webhook_url: str = "http://127.0.0.1:9095/alerts"
    """Address of the webhook, where one is chosen."""
    webhook_token: bool = True
    """Whether the webhook gets the token in the file `webhook_token` of the secrets."""
    heartbeat_url: str = "http://127.0.0.1:9095/heartbeat"
    """Address that expects the dead-man's switch once a minute."""
    slack_channel: str = "#incidents"
    """Channel of Slack."""


class AlertmanagerSettings(Section):
    """Pushing open incidents to Alertmanager, for those without Prometheus rules."""

    url: str = ""
    """Address of Alertmanager, such as `http://127.0.0.1:9093`; empty: nothing is pushed."""
    every: timedelta = timedelta(seconds=60)
    """How often open incidents are pushed again; without news for three times that, they end."""
    timeout: timedelta = timedelta(seconds=10)
    """How long Alertmanager may take to answer."""
    username: str = ""
    """Name for basic authentication, whose password is in `password_file`."""
    password_file: str = ""
    """File with the password; read again for every push."""
    token_file: str = ""
    """File with the token for bearer authentication; read again for every push."""

    @field_validator("url")
    @classmethod
    def _plain_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in {"http", "https"} or not parts.hostname):
            message = "must be an address such as http://127.0.0.1:9093"
            raise ValueError(message)
        if parts.username is not None or parts.password is not None:
            message = "must not contain a password: put it into password_file"
            raise ValueError(message)
        return value.rstrip("/")

    @field_validator("every", "timeout")
    @classmethod
    def _some_time(cls, value: timedelta) -> timedelta:
        if value < timedelta(seconds=1):
            message = "must be at least 1 second"
            raise ValueError(message)
        return value

    @model_validator(mode="after")
    def _one_authentication(self) -> Self:
        if bool(self.username) != bool(self.password_file):
            message = "basic authentication needs both username and password_file"
            raise ValueError(message)
        if self.username and self.token_file:
            message = "give a token_file or a username, not both"
            raise ValueError(message)
        return self
