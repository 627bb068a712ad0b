"""Fleet: is anything wrong now, where, and is it known why?"""

from dashboards.grafana import annotations, variables
from dashboards.grafana.assembly import Plan, Row
from dashboards.grafana.installation import REGION, Installation
from dashboards.grafana.links import Uid, url
from dashboards.grafana.panels import (
    BLUE,
    GREEN,
    ORANGE,
    RED,
    About,
    PanelBuilder,
    Query,
    coloured,
    linked,
    named,
    sorted_by,
    stat_panel,
    states_panel,
    table_panel,
)
from dashboards.grafana.series_queries import worst
from dashboards.queries import DECIDED, FAILED, SUCCEEDED, per_second, select, total
from streams.telemetry import (
    BASELINE_SUCCESS_RATIO,
    CANDIDATE_PROBABILITY,
    CHANGE_POINTS_ACTIVE,
    INCIDENT,
    INCIDENT_EXCESS_FAILURES,
    INCIDENT_ONSET,
    INCIDENT_REGION_STATUS,
    INCIDENTS_OPEN,
    OPERATIONS,
    SERIES,
    WATERMARK,
)

_NO_INCIDENT = f"0 * {total('max', (), select(INCIDENTS_OPEN))}"
"""0 where opwatch says that there is no incident, nothing where it says nothing."""

AFFECTED = f"{total('max', ('incident', 'region'), select(INCIDENT_REGION_STATUS))} == 1"
STATES = {
    0: ("as usual", GREEN),
    1: ("up to a quarter of the series degraded", ORANGE),
    2: ("more", RED),
}


def plan(installation: Installation) -> Plan:
    """Give the dashboard for an installation."""
    return Plan(
        uid=Uid.FLEET,
        description="Is anything wrong now, where, and is it known why? From left to right, from "
        "top to bottom: green means that nothing needs you.",
        rows=(
            Row(4, tuple((panel, 4) for panel in _stats(installation))),
            Row(6, ((_incidents(installation), 24),)),
            Row(13, ((_states(installation), 11), (_worst_ten(installation), 13))),
        ),
        variables=[variables.datasource(), *variables.rows(installation)],
        annotations=[
            *annotations.all_rollouts(installation),
            annotations.change_points(installation),
            annotations.onsets(installation),
        ],
        since="now-3h",
    )


def _stats(installation: Installation) -> tuple[PanelBuilder, ...]:
    step = installation.step
    excess = total("max", ("incident",), select(INCIDENT_EXCESS_FAILURES))
    succeeded = total("sum", (), per_second(OPERATIONS, SUCCEEDED, over="$__rate_interval"))
    decided = total("sum", (), per_second(OPERATIONS, DECIDED, over="$__rate_interval"))
    trouble = ((None, GREEN), (1, RED))
    return (
        stat_panel(
            About(
                "Open incidents",
                "Incidents that are not resolved. Each is one page; see the table below.",
                "none",
                step,
            ),
            Query(total("max", (), select(INCIDENTS_OPEN)), instant=True),
            trouble,
        ),
        stat_panel(
            About("Regions affected", "Regions in which an open incident lasts.", "none", step),
            Query(
                f"{total('count', (), total('max', (REGION,), AFFECTED))} or {_NO_INCIDENT}",
                instant=True,
            ),
            trouble,
        ),
        stat_panel(
            About(
                "Excess failures",
                "Operations that failed in open incidents beyond those that fail anyway.",
                "short",
                step,
            ),
            Query(f"{total('sum', (), excess)} or {_NO_INCIDENT}", instant=True),
            trouble,
        ),
        stat_panel(
            About(
                "Success ratio",
                "Success / (success + failure) of all operations, over the last few windows. "
                "What is normal differs by series, so it has no red: the others have.",
                "percentunit",
                step,
            ),
            Query(f"{succeeded} / {decided}"),
            ((None, BLUE),),
            spark=True,
        ).decimals(2),
        stat_panel(
            About(
                "Series degraded",
                "Series in which a degradation lasts, whether or not an incident has come of it.",
                "none",
                step,
            ),
            Query(total("sum", (), select(SERIES, 'state="degraded"')), instant=True),
            ((None, GREEN), (1, ORANGE)),
        ),
        _watermark(installation),
    )


def _watermark(installation: Installation) -> PanelBuilder:
    oldest = total("min", (), total("max", ("partition",), select(WATERMARK)))
    panel = stat_panel(
        About(
            "Watermark trails by",
            "How long ago the newest judged window ended, in the partition that is furthest "
            "behind. Red: opwatch does not see what happens now; go to Pipeline.",
            "s",
            installation.step,
        ),
        Query(f"time() - {oldest}", instant=True),
        ((None, GREEN), (300, ORANGE), (900, RED)),
    )
    return linked(panel, "How opwatch itself is", url(Uid.PIPELINE, {}))


def _incidents(installation: Installation) -> PanelBuilder:
    labels = ("incident", "status", "scope", "top_candidate")
    panel = table_panel(
        About(
            "Incidents",
            "One row an incident. A release is named once it is as likely as all else together. "
            "A click on the incident tells its story.",
            "none",
            installation.step,
        ),
        [
            Query(total("max", labels, select(INCIDENT)), instant=True),
            Query(f"1000 * {total('max', ('incident',), select(INCIDENT_ONSET))}", instant=True),
            Query(total("count", ("incident",), AFFECTED), instant=True),
            Query(total("max", ("incident",), select(INCIDENT_EXCESS_FAILURES)), instant=True),
            Query(total("max", ("incident",), select(CANDIDATE_PROBABILITY)), instant=True),
        ],
        {
            "incident": "Incident",
            "status": "Status",
            "scope": "Scope",
            "Value #B": "Began",
            "Value #C": "Regions",
            "Value #D": "Excess failures",
            "top_candidate": "Likeliest release",
            "Value #E": "Probability",
        },
        hidden=["Value #A"],
    ).no_value("no open incident")
    for name, unit, width in (
        ("Began", "dateTimeAsIso", 165),
        ("Incident", "none", 210),
        ("Status", "none", 90),
        ("Regions", "none", 80),
        ("Excess failures", "locale", 125),
        ("Likeliest release", "none", 200),
        ("Probability", "percentunit", 100),
    ):
        panel = named(panel, name, unit=unit, custom__width=width)
    for name in ("Excess failures", "Probability"):
        panel = named(panel, name, decimals=0)
    panel = named(panel, "Scope", custom__minWidth=300)
    story = url(Uid.INCIDENT, {variables.INCIDENT_VARIABLE: "${__value.raw:percentencode}"})
    cause = url(Uid.RELEASES, {variables.RELEASE_VARIABLE: "${__value.raw:percentencode}"})
    panel = linked(panel, "The incident's story", story, "Incident")
    return linked(panel, "The release's rollout", cause, "Likeliest release")


def _states(installation: Installation) -> PanelBuilder:
    labels = (REGION, *((f"${{{variables.ROWS}}}",) if installation.breakdowns else ()))
    active = total("sum", labels, select(CHANGE_POINTS_ACTIVE))
    known = total("count", labels, select(BASELINE_SUCCESS_RATIO))
    state = f"clamp_max(ceil(4 * {active} / {known}), 2) or 0 * {known}"
    panel = states_panel(
        About(
            "Where",
            "The 20 rows that were degraded longest in the time range; all are green while nothing "
            "is wrong. Empty: no operations, or still learning.",
            "none",
            installation.step,
        ),
        Query(worst(20, labels, f"({state})", state, "sum"), _legend(installation)),
        states=STATES,
    ).max_data_points(300)
    region = {REGION: f"${{__field.labels.{REGION}:percentencode}}"}
    return linked(panel, "The region's series", url(Uid.SERIES, region))


def _worst_ten(installation: Installation) -> PanelBuilder:
    labels = installation.labels
    done, failed, succeeded = (
        total("sum", labels, f"increase({select(OPERATIONS, which)}[$__range])")
        for which in (DECIDED, FAILED, SUCCEEDED)
    )
    usual = total("max", labels, f"avg_over_time({select(BASELINE_SUCCESS_RATIO)}[$__range])")
    excess = f"topk(10, {failed} - (1 - {usual}) * {done})"
    of_them = f"and on ({', '.join(labels)}) {excess}"
    names = [label.replace("_", " ").capitalize() for label in labels]
    panel = table_panel(
        About(
            "Worst ten series",
            "The series with most failures beyond those that its baseline lets expect, in the time "
            "range. A click on a name shows the series.",
            "none",
            installation.step,
        ),
        [
            Query(excess, instant=True),
            Query(f"{succeeded} / {done} {of_them}", instant=True),
            Query(f"{usual} {of_them}", instant=True),
        ],
        {
            **dict(zip(labels, names, strict=True)),
            "Value #B": "Success",
            "Value #C": "Baseline",
            "Value #A": "Excess failures",
        },
    )
    panel = sorted_by(panel, "Excess failures")
    panel = named(panel, "Success", unit="percentunit", decimals=1, custom__width=75)
    panel = named(panel, "Baseline", unit="percentunit", decimals=1, custom__width=80)
    panel = coloured(
        named(panel, "Excess failures", unit="locale", decimals=0, custom__width=130),
        "Excess failures",
        RED,
        custom__cellOptions={"type": "gauge", "mode": "basic", "valueDisplayMode": "text"},
        min=0,
    )
    pairs = zip(labels, installation.variables, strict=True)
    chosen = {variable: f"${{__data.fields.{label}:percentencode}}" for label, variable in pairs}
    for name in names:
        panel = linked(panel, "This series", url(Uid.SERIES, chosen), name)
    return panel


def _legend(installation: Installation) -> str:
    return " ".join(f"{{{{{label}}}}}" for label in installation.labels)
