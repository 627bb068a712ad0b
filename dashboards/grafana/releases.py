"""Releases: where is a release, and do operations that it runs fail more than others?"""

from dashboards.grafana import annotations, variables
from dashboards.grafana.assembly import Plan, Row
from dashboards.grafana.installation import REGION, Installation
from dashboards.grafana.links import Uid, url
from dashboards.grafana.panels import (
    BLUE,
    DARK_BLUE,
    GREEN,
    GREY,
    LIGHT_BLUE,
    ORANGE,
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
    stat_panel,
    states_panel,
    table_panel,
    thresholds,
)
from dashboards.queries import DECIDED, SUCCEEDED, per_second, select, total
from streams.telemetry import (
    CANDIDATE_PROBABILITY,
    OPERATIONS,
    RELEASE_EXPOSURE,
)

_RELEASE = f'release="${{{variables.RELEASE_VARIABLE}}}"'
_REGIONS = f'{REGION}=~"${{{REGION}}}"'
_EXPOSURE = total("max", (REGION,), select(RELEASE_EXPOSURE, _RELEASE, _REGIONS))
_PROBABILITY = total("max", ("incident",), select(CANDIDATE_PROBABILITY, _RELEASE))
_SUSPICION = ((None, GREEN), (annotations.SUSPECT, ORANGE), (0.5, RED))
_STATES = {
    0: ("not there", GREY),
    1: ("begun", LIGHT_BLUE),
    2: ("half of it", BLUE),
    3: ("complete", DARK_BLUE),
}


def plan(installation: Installation) -> Plan:
    """Give the dashboard for an installation."""
    return Plan(
        uid=Uid.RELEASES,
        description="Where is a release, and do operations that it runs fail more than others?",
        rows=(
            Row(4, tuple((panel, 6) for panel in _stats(installation))),
            Row(11, ((_rollout(installation), 14), (_comparison(installation), 10))),
            Row(9, ((_posterior(installation), 12), (_all_releases(installation), 12))),
        ),
        variables=[variables.datasource(), variables.release(), variables.region()],
        annotations=[
            annotations.rollouts(installation, _RELEASE),
            annotations.change_points(installation),
            annotations.onsets(installation),
        ],
        since="now-24h",
    )


def _stats(installation: Installation) -> tuple[PanelBuilder, ...]:
    step = installation.step
    none = f"0 * {total('count', (), _EXPOSURE)}"
    return (
        stat_panel(
            About("Regions reached", "Regions of which any part runs the release.", "none", step),
            Query(f"{total('count', (), f'{_EXPOSURE} > 0')} or {none}", instant=True),
            ((None, GREY), (1, BLUE)),
        ),
        stat_panel(
            About("Regions complete", "Regions with a part that runs it only.", "none", step),
            Query(f"{total('count', (), f'{_EXPOSURE} >= 1')} or {none}", instant=True),
            ((None, GREY), (1, DARK_BLUE)),
        ),
        stat_panel(
            About(
                "Exposed minus not exposed",
                "Success ratio in the regions that run the release minus that in those that do "
                "not, over the last few windows. Regions differ, so see how it went over time. "
                "There is nothing to compare while all of them run it, or none.",
                "percentunit",
                step,
            ),
            Query(f"{_ratio('and')} - {_ratio('unless')}", instant=True),
            ((None, RED), (-0.02, ORANGE), (-0.005, GREEN)),
            nothing="nothing to compare",
        ).decimals(2),
        stat_panel(
            About(
                "Caused an incident",
                "Highest probability, within the time range, that the release caused an incident.",
                "percentunit",
                step,
            ),
            Query(
                total(
                    "max",
                    (),
                    f"max_over_time({select(CANDIDATE_PROBABILITY, _RELEASE)}[$__range])",
                ),
                instant=True,
            ),
            _SUSPICION,
            nothing="no candidate",
        ).decimals(0),
    )


def _rollout(installation: Installation) -> PanelBuilder:
    return states_panel(
        About(
            "Rollout by region",
            "How far the release is, by the largest share of any part of the region that runs it.",
            "none",
            installation.step,
        ),
        Query(
            " + ".join(
                f"({_EXPOSURE} {level})" for level in ("> bool 0", ">= bool 0.5", ">= bool 1")
            ),
            f"{{{{{REGION}}}}}",
        ),
        states=_STATES,
    )


def _comparison(installation: Installation) -> PanelBuilder:
    panel = series_panel(
        About(
            "Success ratio where it runs and where it does not",
            "Of the chosen regions: those of which any part runs the release, against all others. "
            "A gap that opens as the rollout begins speaks against the release.",
            "percentunit",
            installation.step,
        ),
        [Query(_ratio("and"), "exposed"), Query(_ratio("unless"), "not exposed")],
        legend=["min", "lastNotNull"],
    ).max(1)
    panel = coloured(panel, "exposed", BLUE, custom__lineWidth=2)
    return coloured(panel, "not exposed", PURPLE)


def _posterior(installation: Installation) -> PanelBuilder:
    panel = series_panel(
        About(
            "Probability that it caused an incident",
            "One line an incident of which the release is a candidate. A click on it tells the "
            "incident's story.",
            "percentunit",
            installation.step,
        ),
        [Query(_PROBABILITY, "{{incident}}")],
        legend=["max", "lastNotNull"],
    )
    story = url(
        Uid.INCIDENT, {variables.INCIDENT_VARIABLE: "${__field.labels.incident:percentencode}"}
    )
    return linked(panel.min(0).max(1), "The incident's story", story)


def _all_releases(installation: Installation) -> PanelBuilder:
    newest = f"last_over_time({select(RELEASE_EXPOSURE, _REGIONS)}[$__range])"
    by_region = total("max", ("release", "component", REGION), newest)
    suspicion = f"max_over_time({select(CANDIDATE_PROBABILITY)}[$__range])"
    panel = table_panel(
        About(
            "All releases of the time range",
            "How far each is, and how likely at most it caused an incident of the range. A click "
            "on a release shows it here.",
            "none",
            installation.step,
        ),
        [
            Query(total("avg", ("release", "component"), by_region), instant=True),
            Query(total("count", ("release", "component"), f"{by_region} > 0"), instant=True),
            Query(total("max", ("release",), suspicion), instant=True),
        ],
        {
            "release": "Release",
            "component": "Component",
            "Value #A": "Mean exposure",
            "Value #B": "Regions",
            "Value #C": "Suspicion",
        },
    )
    panel = sorted_by(panel.thresholds(thresholds(_SUSPICION)), "Suspicion")
    panel = named(panel, "Release", custom__minWidth=190)
    panel = named(panel, "Mean exposure", unit="percentunit", decimals=0, custom__width=115)
    panel = named(panel, "Regions", custom__width=75)
    panel = named(
        panel,
        "Suspicion",
        unit="percentunit",
        decimals=0,
        custom__width=90,
        custom__cellOptions={"type": "color-text"},
    )
    here = url(Uid.RELEASES, {variables.RELEASE_VARIABLE: "${__value.raw:percentencode}"})
    return linked(panel, "This release", here, "Release")


def _ratio(joined: str) -> str:
    """Give the success ratio of the regions that run the release (`and`) or do not (`unless`)."""
    succeeded, decided = (
        total("sum", (REGION,), per_second(OPERATIONS, _REGIONS, which, over="$__rate_interval"))
        for which in (SUCCEEDED, DECIDED)
    )
    where = f"{joined} on ({REGION}) ({_EXPOSURE} > 0)"
    return f"sum({succeeded} {where}) / sum({decided} {where})"
