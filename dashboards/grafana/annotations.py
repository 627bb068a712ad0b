"""What is drawn over every graph: rollouts, change points, incidents."""

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import prometheus

from dashboards.grafana.installation import Installation
from dashboards.grafana.panels import BLUE, ORANGE, RED, SOURCE
from dashboards.queries import select, total
from streams.telemetry import (
    CANDIDATE_PROBABILITY,
    CHANGE_POINTS,
    CHANGE_POINTS_ACTIVE,
    INCIDENT_ONSET,
    INCIDENTS_OPEN,
    RELEASE_EXPOSURE,
)

SUSPECT = 0.05
"""Probability of having caused an incident from which a release is worth a look."""

QUIET_S = 900
"""Seconds without change points after which the next one is worth a mark again."""

_MOVES_WITHIN_S = 600
"""A rollout moves while its exposure has changed so lately: between two steps of a stage, too."""


def rollouts(installation: Installation, *matchers: str) -> builders.AnnotationQuery:
    """Draw a band while a rollout moves, forward or back.

    What is new to a Prometheus that has not watched for long enough is no rollout.

    Args:
        installation: For the length of the windows.
        matchers: Which releases; all without.
    """
    return _annotation(
        installation,
        name="Rollouts",
        expr=_moving(installation, *matchers),
        title="Rollout of {{release}}",
        text="{{component}}: its exposure changes",
        colour=BLUE,
    )


def suspected_rollouts(installation: Installation) -> builders.AnnotationQuery:
    """Draw the bands of those releases only that may have caused an incident of the time range."""
    probability = f"max_over_time({select(CANDIDATE_PROBABILITY)}[$__range] @ end())"
    suspects = f"{total('max', ('release',), probability)} > {SUSPECT}"
    return _annotation(
        installation,
        name="Suspected rollouts",
        expr=f"{_moving(installation)} and on (release) {suspects}",
        title="Rollout of {{release}}",
        text="{{component}}: its exposure changes, and it may have caused an incident",
        colour=BLUE,
    )


def all_rollouts(installation: Installation) -> list[builders.AnnotationQuery]:
    """Draw the rollouts that are suspected, and the others once they are asked for.

    A large fleet always rolls something out: all bands together would hide the graphs.
    """
    return [
        suspected_rollouts(installation),
        rollouts(installation).name("All rollouts").enable(enable=False),
    ]


def change_points(installation: Installation) -> builders.AnnotationQuery:
    """Mark where series begin to degrade, by kind of change: once, however many follow."""
    seconds = 2 * int(installation.window.total_seconds())
    degraded = select(CHANGE_POINTS, 'direction="degraded"')
    now = total("sum", ("kind",), f"increase({degraded}[{seconds}s])")
    before = total("sum", ("kind",), f"increase({degraded}[{QUIET_S}s] offset {seconds}s)")
    return _annotation(
        installation,
        name="Change points",
        expr=f"{now} > 0 unless {before} > 0",
        title="Change points",
        text="The first of some series that degrade in {{kind}}",
        colour=ORANGE,
    )


def degradations(installation: Installation) -> builders.AnnotationQuery:
    """Mark where the chosen series begin to degrade."""
    active = select(CHANGE_POINTS_ACTIVE, *installation.matchers)
    before = f"present_over_time({active}[{QUIET_S}s] offset {installation.step})"
    return _annotation(
        installation,
        name="Change points",
        expr=f"count({active}) unless count({before})",
        title="Change point",
        text="The first of the chosen series degrades",
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


def _moving(installation: Installation, *matchers: str) -> str:
    ago = f"{max(_MOVES_WITHIN_S, 2 * int(installation.window.total_seconds()))}s"
    exposure = select(RELEASE_EXPOSURE, *matchers)
    now, before = (
        total("sum", ("release", "component"), one)
        for one in (exposure, f"{exposure} offset {ago}")
    )
    watched = f"max({select(INCIDENTS_OPEN)} offset {ago})"
    # Grafana draws no band where a value is 0, as it is after a rollback.
    return f"1 + 0 * ({now} != {before} or ({now} unless {before}) and on () {watched})"


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
