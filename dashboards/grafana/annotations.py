"""What is drawn over every graph: rollouts, change points, incidents."""

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import prometheus

from dashboards.grafana.installation import Installation
from dashboards.grafana.panels import BLUE, ORANGE, RED, SOURCE
from dashboards.queries import select, total
from streams.telemetry import CHANGE_POINTS, INCIDENT_ONSET, RELEASE_EXPOSURE


def rollouts(installation: Installation, *matchers: str) -> builders.AnnotationQuery:
    """Draw a band over the time in which a release has reached some but not all it will reach.

    Args:
        installation: For the length of the windows.
        matchers: Which releases; all without.
    """
    exposure = select(RELEASE_EXPOSURE, *matchers)
    share = total("avg", ("release", "component"), exposure)
    return _annotation(
        installation,
        name="Rollouts",
        expr=f"({share} > 0) < 1",
        title="Rollout of {{release}}",
        text="{{component}}: some of its regions run it, not all",
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
