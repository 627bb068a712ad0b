"""How one dashboard leads to another: with the time range, the data source and the variables."""

import enum
from collections.abc import Mapping

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models import dashboard

from dashboards.grafana.installation import Installation

TAG = "opwatch"


class Uid(enum.StrEnum):
    """Addresses of the dashboards; alerts link to them, so they never change."""

    FLEET = "opwatch-fleet"
    SERIES = "opwatch-series"
    RELEASES = "opwatch-releases"
    INCIDENT = "opwatch-incident"
    PIPELINE = "opwatch-pipeline"


TITLES = {
    Uid.FLEET: "Fleet",
    Uid.INCIDENT: "Incident",
    Uid.RELEASES: "Releases",
    Uid.SERIES: "Series",
    Uid.PIPELINE: "Pipeline",
}


def url(target: Uid, variables: Mapping[str, str]) -> str:
    """Give the address of a dashboard, with the time range that is shown.

    Args:
        target: Which dashboard.
        variables: Variable -> value or Grafana expression, such as `${__data.fields.region}`.
    """
    chosen = "".join(f"&var-{name}={value}" for name, value in variables.items())
    return f"/d/{target.value}?${{__url_time_range}}&${{datasource:queryparam}}{chosen}"


def series_url(installation: Installation) -> str:
    """Give the address of the series that a line of a graph belongs to."""
    pairs = zip(installation.labels, installation.variables, strict=True)
    return url(
        Uid.SERIES,
        {variable: f"${{__field.labels.{label}:percentencode}}" for label, variable in pairs},
    )


def navigation(here: Uid) -> list[builders.DashboardLink]:
    """Give the links at the top: to all the other dashboards.

    Args:
        here: The dashboard they stand on.
    """
    return [
        builders.DashboardLink(title)
        .type(dashboard.DashboardLinkType.LINK)
        .url(f"/d/{target.value}")
        .tooltip(f"opwatch: {title}")
        .icon("dashboard")
        .keep_time(keep_time=True)
        .include_vars(include_vars=True)
        for target, title in TITLES.items()
        if target is not here
    ]
