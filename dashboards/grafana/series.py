"""Series: what do the chosen series do, and what is normal for them?"""

from dashboards.grafana import annotations, variables
from dashboards.grafana.assembly import Plan, Row
from dashboards.grafana.installation import REGION, Installation
from dashboards.grafana.links import Uid, series_url
from dashboards.grafana.panels import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    RED,
    About,
    PanelBuilder,
    Query,
    coloured,
    linked,
    series_panel,
    states_panel,
)
from dashboards.grafana.series_queries import Selected, worst
from dashboards.queries import per_second, select, total
from streams.telemetry import (
    BASELINE_SUCCESS_RATIO,
    CHANGE_POINTS_ACTIVE,
    FAILURES_BY_CODE,
    OPERATIONS,
    STATISTIC,
    SUCCESS_RATIO,
    THRESHOLD,
)

_LOWEST, _HIGHEST = "in control, at least", "in control, at most"


def plan(installation: Installation) -> Plan:
    """Give the dashboard for an installation."""
    return Plan(
        uid=Uid.SERIES,
        description="What do the chosen series do, and what is normal for them? Choose a series by "
        "its dimensions; several are taken together.",
        rows=(
            Row(10, ((_success_ratio(installation), 24),)),
            Row(8, ((_volume(installation), 12), (_error_codes(installation), 12))),
            Row(11, ((_statistic(installation), 12), (_degraded(installation), 12))),
        ),
        variables=[variables.datasource(), *variables.dimensions(installation)],
        annotations=[
            *annotations.all_rollouts(installation),
            annotations.degradations(installation),
        ],
        since="now-6h",
    )


def _success_ratio(installation: Installation) -> PanelBuilder:
    chosen = Selected(installation.labels, installation.matchers)
    panel = series_panel(
        About(
            "Success ratio",
            "Success / (success + failure) by window, against the baseline. In control, 99 % of "
            "windows lie in the band. Several series are weighted by their operations in the "
            "time range.",
            "percentunit",
            installation.step,
        ),
        [
            Query(chosen.mean(SUCCESS_RATIO), "success ratio"),
            Query(chosen.mean(BASELINE_SUCCESS_RATIO), "baseline"),
            Query(chosen.lower_bound(), _LOWEST),
            Query(chosen.upper_bound(), _HIGHEST),
        ],
        legend=["min", "lastNotNull"],
    )
    panel = panel.max(1).max_data_points(250)
    panel = coloured(panel, "success ratio", BLUE, custom__lineWidth=2)
    panel = coloured(
        panel, "baseline", PURPLE, custom__lineStyle={"fill": "dash", "dash": [10, 10]}
    )
    panel = coloured(panel, _LOWEST, GREY, custom__lineWidth=0, custom__showPoints="never")
    return coloured(
        panel,
        _HIGHEST,
        GREY,
        custom__lineWidth=0,
        custom__showPoints="never",
        custom__fillBelowTo=_LOWEST,
        custom__fillOpacity=20,
    )


def _volume(installation: Installation) -> PanelBuilder:
    rate = per_second(OPERATIONS, *installation.matchers, over="$__rate_interval")
    panel = series_panel(
        About(
            "Operations by outcome",
            "Finished operations a minute. Cancelled ones and faults of the caller count neither "
            "as success nor as failure.",
            "opm",
            installation.step,
        ),
        [Query(f"60 * {total('sum', ('outcome',), rate)}", "{{outcome}}")],
        stacked=True,
    )
    panel = coloured(panel, "success", GREEN)
    panel = coloured(panel, "failure", RED)
    panel = coloured(panel, "cancelled", GREY)
    return coloured(panel, "caller_fault", ORANGE)


def _error_codes(installation: Installation) -> PanelBuilder:
    matcher = installation.matchers[installation.labels.index(REGION)]
    by_code = total(
        "sum",
        ("error_code",),
        per_second(FAILURES_BY_CODE, matcher, over="$__rate_interval"),
    )
    shown = worst(10, ("error_code",), by_code, by_code, "max")
    return series_panel(
        About(
            "Failures by error code",
            "Failures a minute, of the ten codes that failed most at once. Of the choice at the "
            "top only the regions count: codes are counted by region.",
            "opm",
            installation.step,
        ),
        [Query(f"60 * ({shown})", "{{error_code}}")],
        stacked=True,
    ).max_data_points(300)


def _statistic(installation: Installation) -> PanelBuilder:
    statistic = total("max", installation.labels, select(STATISTIC, *installation.matchers))
    panel = series_panel(
        About(
            "Evidence that a series has degraded",
            "The ten series with most evidence. A change point is raised where a line reaches the "
            "threshold; while one is open the line is evidence of recovery. Below 1 it is none.",
            "short",
            installation.step,
        ),
        [
            Query(total("max", (), select(THRESHOLD)), "threshold"),
            Query(
                worst(10, installation.labels, statistic, statistic, "max"),
                " ".join(f"{{{{{label}}}}}" for label in installation.labels),
            ),
        ],
        logarithmic=True,
    )
    panel = panel.min(1).max_data_points(300)
    panel = coloured(panel, "threshold", RED, custom__lineStyle={"fill": "dash", "dash": [10, 10]})
    return linked(panel, "This series", series_url(installation))


def _degraded(installation: Installation) -> PanelBuilder:
    active = total("max", installation.labels, select(CHANGE_POINTS_ACTIVE, *installation.matchers))
    known = total(
        "max", installation.labels, select(BASELINE_SUCCESS_RATIO, *installation.matchers)
    )
    state = f"({active} or 0 * {known})"
    return states_panel(
        About(
            "Change points",
            "Red from where a change point was raised until the series has recovered: the 15 "
            "series that were degraded longest. Grey: no operations, or still learning.",
            "none",
            installation.step,
        ),
        Query(
            worst(15, installation.labels, state, state, "sum"),
            " ".join(f"{{{{{label}}}}}" for label in installation.labels),
        ),
        states={0: ("in control", GREEN), 1: ("degraded", RED)},
    ).max_data_points(300)
