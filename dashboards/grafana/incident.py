"""Incident: one incident's story, while it lasts and long after."""

from dashboards.grafana import annotations, variables
from dashboards.grafana.assembly import Plan, Row
from dashboards.grafana.incident_numbers import THIS, newest, numbers, over
from dashboards.grafana.installation import REGION, Installation
from dashboards.grafana.links import Uid, url
from dashboards.grafana.panels import (
    GREEN,
    GREY,
    PURPLE,
    RED,
    About,
    PanelBuilder,
    Query,
    coloured,
    linked,
    named,
    series_panel,
    sorted_by,
    states_panel,
    table_panel,
)
from dashboards.queries import select, total
from streams.telemetry import (
    CANDIDATE_PROBABILITY,
    INCIDENT,
    INCIDENT_BASELINE_SUCCESS_RATIO,
    INCIDENT_REGION_EXCESS_FAILURES,
    INCIDENT_REGION_RELAPSES,
    INCIDENT_REGION_STATUS,
    INCIDENT_SUCCESS_RATIO,
    NO_RELEASE_PROBABILITY,
    RELEASE_EXPOSURE,
)

_NOTHING_NAMED = "no release"
_STATES = {0: ("recovered", GREEN), 1: ("affected", RED), 2: ("no traffic", GREY)}
"""Of a region, by the value of its status."""


def plan(installation: Installation) -> Plan:
    """Give the dashboard for an installation."""
    return Plan(
        uid=Uid.INCIDENT,
        description="One incident's story: what, since when, how bad, where it lasts, which "
        "release. For one that is over, choose a time range that reaches from before to after it.",
        rows=(
            Row(4, tuple((panel, 4) for panel in numbers(installation))),
            Row(5, ((_revisions(installation), 24),)),
            Row(10, ((_success_ratio(installation), 12), (_posterior(installation), 12))),
            Row(11, ((_regions(installation), 12), (_region_table(installation), 12))),
            Row(9, ((_excess(installation), 12), (_exposure(installation), 12))),
        ),
        variables=[variables.datasource(), variables.incident()],
        annotations=[
            annotations.onsets(installation, THIS),
            *annotations.all_rollouts(installation),
            annotations.change_points(installation),
        ],
        since="now-6h",
    )


def _revisions(installation: Installation) -> PanelBuilder:
    labels = ("status", "scope", "top_candidate")
    seen = f"timestamp({select(INCIDENT, THIS)})[$__range:$__interval]"
    panel = table_panel(
        About(
            "What was known when",
            "A row for each status, scope and likeliest release, with when it was first and last "
            "the newest.",
            "none",
            installation.step,
        ),
        [
            Query(f"1000 * {total('min', labels, f'min_over_time({seen})')}", instant=True),
            Query(f"1000 * {total('max', labels, f'max_over_time({seen})')}", instant=True),
        ],
        {
            "Value #A": "First",
            "Value #B": "Last",
            "status": "Status",
            "scope": "Scope",
            "top_candidate": "Likeliest release",
        },
    )
    for name in ("First", "Last"):
        panel = named(panel, name, unit="dateTimeAsIso", custom__width=170)
    panel = named(panel, "Status", custom__width=100)
    cause = url(Uid.RELEASES, {variables.RELEASE_VARIABLE: "${__value.raw:percentencode}"})
    return linked(panel, "The release's rollout", cause, "Likeliest release")


def _success_ratio(installation: Installation) -> PanelBuilder:
    panel = series_panel(
        About(
            "Success ratio inside the incident",
            "Of all operations since the onset together, so that it moves slowly; against what "
            "they would have had without the incident.",
            "percentunit",
            installation.step,
        ),
        [
            Query(total("max", (), select(INCIDENT_SUCCESS_RATIO, THIS)), "inside"),
            Query(total("max", (), select(INCIDENT_BASELINE_SUCCESS_RATIO, THIS)), "without it"),
        ],
        legend=["min", "lastNotNull"],
    ).max(1)
    panel = coloured(panel, "inside", RED, custom__lineWidth=2)
    return coloured(
        panel, "without it", PURPLE, custom__lineStyle={"fill": "dash", "dash": [10, 10]}
    )


def _worth_a_line() -> str:
    """Give the candidates that ever were likely enough to be drawn."""
    ever = f"max_over_time({select(CANDIDATE_PROBABILITY, THIS)}[$__range] @ end())"
    return f"{total('max', ('release',), ever)} > 0.01"


def _posterior(installation: Installation) -> PanelBuilder:
    probability = total("max", ("release",), select(CANDIDATE_PROBABILITY, THIS))
    panel = series_panel(
        About(
            "What caused it",
            "Probability of the candidates and of none of them. Those that never reached 1 % are "
            "left out. A click on a release shows its rollout.",
            "percentunit",
            installation.step,
        ),
        [
            Query(f"{probability} and on (release) {_worth_a_line()}", "{{release}}"),
            Query(total("max", (), select(NO_RELEASE_PROBABILITY, THIS)), _NOTHING_NAMED),
        ],
        stacked=True,
        legend=["lastNotNull"],
        beside=True,
    ).max(1)
    panel = coloured(panel, _NOTHING_NAMED, GREY)
    cause = url(
        Uid.RELEASES, {variables.RELEASE_VARIABLE: "${__field.labels.release:percentencode}"}
    )
    return linked(panel, "The release's rollout", cause)


def _regions(installation: Installation) -> PanelBuilder:
    return states_panel(
        About(
            "Recovery, region by region",
            "How each region of the incident is.",
            "none",
            installation.step,
        ),
        Query(total("max", (REGION,), select(INCIDENT_REGION_STATUS, THIS)), f"{{{{{REGION}}}}}"),
        states=_STATES,
    )


def _region_table(installation: Installation) -> PanelBuilder:
    metrics = (
        INCIDENT_REGION_STATUS,
        INCIDENT_REGION_EXCESS_FAILURES,
        INCIDENT_REGION_RELAPSES,
    )
    status, *others = (total("max", (REGION,), newest(metric)) for metric in metrics)
    recovered = over(f"0 * ({status} == 1)")
    panel = table_panel(
        About(
            "Regions",
            "The newest in the time range; relapses are recoveries that were taken back. No region "
            "is affected any more once the incident is resolved.",
            "none",
            installation.step,
        ),
        [Query(one, instant=True) for one in (f"{recovered} or {status}", *others)],
        {
            REGION: "Region",
            "Value #A": "Status",
            "Value #B": "Excess failures",
            "Value #C": "Relapses",
        },
    )
    panel = sorted_by(panel, "Excess failures")
    panel = named(
        panel,
        "Status",
        custom__cellOptions={"type": "color-text"},
        mappings=[
            {
                "type": "value",
                "options": {
                    str(value): {"text": word, "color": colour, "index": place}
                    for place, (value, (word, colour)) in enumerate(_STATES.items())
                },
            }
        ],
    )
    panel = named(panel, "Excess failures", unit="locale", decimals=0)
    return linked(
        panel,
        "The region's series",
        url(Uid.SERIES, {REGION: "${__value.raw:percentencode}"}),
        "Region",
    )


def _excess(installation: Installation) -> PanelBuilder:
    by_region = total("max", (REGION,), select(INCIDENT_REGION_EXCESS_FAILURES, THIS))
    return series_panel(
        About(
            "Excess failures by region",
            "Failures beyond those expected, since the onset. A line that has become flat has "
            "recovered.",
            "locale",
            installation.step,
        ),
        [Query(by_region, f"{{{{{REGION}}}}}")],
        stacked=True,
        legend=["lastNotNull"],
        beside=True,
    ).decimals(0)


def _exposure(installation: Installation) -> PanelBuilder:
    exposure = total("avg", ("release",), select(RELEASE_EXPOSURE))
    return (
        series_panel(
            About(
                "Rollout of the candidates",
                "Mean exposure of the regions that a candidate has reached; of those above 1 %.",
                "percentunit",
                installation.step,
            ),
            [Query(f"{exposure} and on (release) {_worth_a_line()}", "{{release}}")],
            legend=["lastNotNull"],
        )
        .min(0)
        .max(1)
    )
