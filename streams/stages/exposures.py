"""How far releases are, region by region: for people to look at, not for attribution."""

from collections.abc import Sequence
from dataclasses import dataclass

from streams.domain.releases import ReleaseAction, ReleaseEvent


@dataclass(frozen=True, slots=True)
class RegionExposure:
    """Largest share of any part of a region that runs a release, 0 to 1."""

    release: str
    component: str | None
    region: str
    exposure: float


def region_exposures(
    steps_by_release: Sequence[Sequence[ReleaseEvent]], regions: Sequence[str]
) -> tuple[RegionExposure, ...]:
    """Give every release's exposure in every region it has touched.

    Args:
        steps_by_release: For each release its steps so far, in time order, at least one.
        regions: All regions there are.

    Returns:
        By release, then region. Within a region a later step replaces an earlier one of the same
        scope.
    """
    found = []
    for steps in steps_by_release:
        components = [step.component for step in steps if step.component is not None]
        component = components[-1] if components else None
        for region in sorted(regions):
            shares = _shares(steps, region)
            if shares:
                found.append(RegionExposure(steps[0].release, component, region, max(shares)))
    return tuple(found)


def _shares(steps: Sequence[ReleaseEvent], region: str) -> list[float]:
    """Give the present exposure of each part of a region that steps have named."""
    parts: dict[tuple[tuple[str, tuple[str, ...]], ...], float] = {}
    for step in steps:
        if region not in step.scope.get("region", (region,)):
            continue
        rest = tuple(
            sorted((name, tuple(values)) for name, values in step.scope.items() if name != "region")
        )
        exposure = 0.0 if step.action is ReleaseAction.ROLLED_BACK else step.exposure
        if not rest:
            parts = {}
        parts[rest] = exposure
    return list(parts.values())
