"""What is drawn over every graph: rollouts, change points, incidents."""

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import prometheus

from dashboards.grafana.installation import Installation
from dashboards.grafana.panels import BLUE, ORANGE, RED, SOURCE
from dashboards.queries import select, total
from streams.telemetry import CHANGE_POINTS, INCIDENT_ONSET, INCIDENTS_OPEN, RELEASE_EXPOSURE

_MOVES_WITHIN_S = 600
"""A rollout moves while its exposure has changed so lately: between two steps of a stage, too."""


def rollouts(installation: Installation, *matchers: str) -> builders.AnnotationQuery:
    """Draw a band while a rollout moves, forward or back.

    What is new to a Prometheus that has not watched for long enough is no rollout.

    Args:
        installation: For the length of the windows.
        matchers: Which releases; all without.
    """
    ago = f"{max(_MOVES_WITHIN_S, 2 * int(installation.window.total_seconds()))}s"
    exposure = select(RELEASE_EXPOSURE, *matchers)
    now, before = (
        total("sum", ("release", "component"), one)
        for one in (exposure, f"{exposure} offset {ago}")
    )
    watched = f"max({select(INCIDENTS_OPEN)} offset {ago})"
    return _annotation(
        installation,
        name="Rollouts",
        # Grafana draws no band where a value is 0, as it is after a rollback.
        expr=f"1 + 0 * ({now} != {before} or ({now} unless {before}) and on () {watched})",
        title="Rollout of {{release}}",
        text="{{component}}: its exposure changes",
        colour=BLUE,
    )


def change_points(installation: Installation) -> builders.AnnotationQuery:
    """Mark where series have degraded, by kind of change."""
    over = f"{2 * int(installation.window.total_seconds())}s"
    degraded = select(CHANGE_POINTS, 'direction="degraded"')
    raised = f"increase({degraded}[{over}])"
    return _annotation(
        installation,
        name="Change points",
        expr=f"{total('sum', ('kind',), raised)} > 0",
        title="Change points",
        text="Series degraded in {{kind}}",
        colour=ORANGE,
    )


def onsets(installation: Installation, *matchers: str) -> builders.AnnotationQuery:
    """Mark when incidents began.

    Args:
        installation: For the length of the windows.
        matchers: Which incidents; all without.
    """
    onset = total("max", ("incident",), select(INCIDENT_ONSET, *matchers))
    return _annotation(
        installation,
        name="Onsets",
        expr=f"1000 * {onset}",
        title="Onset",
        text="Incident {{incident}} began",
        colour=RED,
    ).use_value_for_time(use_value_for_time=True)


def _annotation(
    installation: Installation, *, name: str, expr: str, title: str, text: str, colour: str
) -> builders.AnnotationQuery:
    target = prometheus.Dataquery().expr(expr).ref_id("Anno").interval(installation.step).range()
    return (
        builders.AnnotationQuery()
        .name(name)
        .datasource(SOURCE)
        .enable(enable=True)
        .icon_color(colour)
        .expr(expr)
        .step(installation.step)
        .title_format(title)
        .text_format(text)
        .target(target)
    )
