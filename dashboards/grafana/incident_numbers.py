"""The numbers at the top of Incident, and how the newest of what it said is found."""

from grafana_foundation_sdk.models.common import BigValueTextMode

from dashboards.grafana import variables
from dashboards.grafana.installation import REGION, Installation
from dashboards.grafana.panels import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    RED,
    About,
    PanelBuilder,
    Query,
    stat_panel,
)
from dashboards.queries import select, total
from streams.telemetry import (
    CANDIDATE_PROBABILITY,
    INCIDENT,
    INCIDENT_EXCESS_FAILURES,
    INCIDENT_ONSET,
    INCIDENT_REGION_STATUS,
    INCIDENTS_OPEN,
    NO_RELEASE_PROBABILITY,
    Metric,
)

THIS = f'incident="${{{variables.INCIDENT_VARIABLE}}}"'
"""Matcher of the incident that is chosen."""


def newest(metric: Metric) -> str:
    """Give the newest value in the time range: an incident that is resolved has none now."""
    return f"last_over_time({select(metric, THIS)}[$__range])"


def over(value: str) -> str:
    """Give a value where the incident is resolved: it says no more, but those who would say it do.

    Args:
        value: PromQL.
    """
    return f"({value} unless on () {select(INCIDENT, THIS)} and on () {select(INCIDENTS_OPEN)})"


def numbers(installation: Installation) -> tuple[PanelBuilder, ...]:
    """Give the panels from left to right."""
    step = installation.step
    seen = f"max_over_time(timestamp({select(INCIDENT, THIS)})[$__range:$__interval])"
    now = f"1 + time() + 0 * {total('max', (), newest(INCIDENT_ONSET))}"
    resolved = over(f'label_replace({now}, "status", "resolved", "", "")')
    last = f"topk(1, {resolved} or {total('max', ('status',), seen)})"
    affected = total("max", (REGION,), f"{select(INCIDENT_REGION_STATUS, THIS)} == 1")
    ever = f"0 * {total('max', (), newest(INCIDENT_ONSET))}"
    return (
        stat_panel(
            About(
                "Status",
                "At the end of the time range; the last one known while no worker is seen.",
                "none",
                step,
            ),
            Query(last, "{{status}}", instant=True),
            ((None, BLUE),),
            text=BigValueTextMode.NAME,
        ),
        stat_panel(
            About(
                "Began", "Event time of the onset, as it is estimated now.", "dateTimeAsIso", step
            ),
            Query(f"1000 * {total('max', (), newest(INCIDENT_ONSET))}", instant=True),
            ((None, BLUE),),
        ),
        stat_panel(
            About(
                "Excess failures",
                "Operations that failed beyond those that fail anyway, so far.",
                "short",
                step,
            ),
            Query(total("max", (), newest(INCIDENT_EXCESS_FAILURES)), instant=True),
            ((None, GREEN), (1, RED)),
        ),
        stat_panel(
            About(
                "Regions affected",
                "Regions that have not recovered, at the end of the time range.",
                "none",
                step,
            ),
            Query(f"{total('count', (), affected)} or {ever}", instant=True),
            ((None, GREEN), (1, RED)),
        ),
        stat_panel(
            About(
                "Likeliest release",
                "The release with the highest probability at the end, however low it is.",
                "percentunit",
                step,
            ),
            Query(
                f"topk(1, {total('max', ('release',), newest(CANDIDATE_PROBABILITY))})",
                "{{release}}",
                instant=True,
            ),
            ((None, GREY), (0.5, ORANGE), (0.9, RED)),
            text=BigValueTextMode.VALUE_AND_NAME,
            nothing="no candidate",
        ).decimals(0),
        stat_panel(
            About(
                "No release",
                "Probability that no known release caused it.",
                "percentunit",
                step,
            ),
            Query(total("max", (), newest(NO_RELEASE_PROBABILITY)), instant=True),
            ((None, GREY), (0.5, ORANGE)),
        ).decimals(0),
    )
