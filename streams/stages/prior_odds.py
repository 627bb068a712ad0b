"""What is known of a release before any data: its component's history, what needs it, its way."""

from collections.abc import Mapping

from streams.config import AttributionSection, Component
from streams.stages.rollouts import Rollout

BOUND = 10.0
"""All that is known beforehand counts for a factor of this at most."""


def prior_odds(
    rollout: Rollout, scope: Mapping[str, tuple[str, ...]], settings: AttributionSection
) -> float:
    """Give the odds of a release against one like any other, 1 / `BOUND` to `BOUND`.

    Args:
        rollout: The release.
        scope: Of the incident, dimension -> values.
        settings: What is known of components.
    """
    odds = settings.off_system_odds if rollout.off_system else 1.0
    for component in settings.components:
        if component.component == rollout.component:
            odds *= component.odds * _path_odds(component, scope)
    return min(max(odds, 1.0 / BOUND), BOUND)


def _path_odds(component: Component, scope: Mapping[str, tuple[str, ...]]) -> float:
    apart = any(
        name in scope and not set(values) & set(scope[name])
        for name, values in component.serves.items()
    )
    return 1.0 / BOUND if apart else 1.0
