"""Staged rollouts: of the faulty component, and of others that do no harm at the same time.

All are drawn alike: a canary region, three pilot regions, then all others, region by region. What
tells the culprit from the rest is when its regions start to fail, and nothing else.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from benchmarks.openstack.records import Run
from streams.scenarios.releases import ReleasePlan, Stage

PILOTS = 3
"""Regions of the second stage."""

COMMON_ORDER = 0.5
"""Share of releases that take the regions in the fleet's order; the others in one of their own."""

SLOWEST, FASTEST = 2.0, 0.5
"""Bounds of a rollout's pace, as a multiple of the times below."""

CANARY_BAKE, PILOT_BAKE = timedelta(minutes=30), timedelta(minutes=30)
PILOT_GAP, BROAD_GAP = timedelta(minutes=10), timedelta(minutes=5)


def draw_rollout(
    rng: np.random.Generator, run: Run, number: int, regions: Sequence[str], started: float
) -> ReleasePlan:
    """Draw the rollout of what was deployed at the start of a run.

    Args:
        rng: Source of randomness.
        run: Names component and version, and with the number the release.
        number: Tells two rollouts of the same deployment apart.
        regions: In the fleet's order; more than the canary and the pilot regions.
        started: Instant of its first step, in seconds since the epoch.
    """
    own = tuple(regions[index] for index in rng.permutation(len(regions)).tolist())
    order = tuple(regions) if rng.uniform() < COMMON_ORDER else own
    pace = float(np.exp(rng.uniform(np.log(FASTEST), np.log(SLOWEST))))
    return ReleasePlan(
        release=f"{run.release}-{number}",
        component=run.component,
        version=run.version,
        started=datetime.fromtimestamp(started, UTC),
        stages=(
            Stage(name="canary", regions=order[:1], bake=pace * CANARY_BAKE),
            Stage(
                name="pilot",
                regions=order[1 : 1 + PILOTS],
                gap=pace * PILOT_GAP,
                bake=pace * PILOT_BAKE,
            ),
            Stage(name="broad", regions=order[1 + PILOTS :], gap=pace * BROAD_GAP),
        ),
    )


def draw_harmless(
    rng: np.random.Generator,
    runs: Sequence[Run],
    without: str | None,
    regions: Sequence[str],
    starts: Sequence[float],
) -> list[ReleasePlan]:
    """Draw releases whose deployment changed nothing.

    Args:
        rng: Source of randomness.
        runs: Ordinary runs, whose deployments are meant.
        without: A component that is left out; None for none.
        regions: In the fleet's order.
        starts: Instants of the first steps, one for each release, in seconds since the epoch.
    """
    meant = [run for run in runs if run.component != without]
    chosen = rng.integers(len(meant), size=len(starts)).tolist()
    return [
        draw_rollout(rng, meant[index], number, regions, start)
        for number, (index, start) in enumerate(zip(chosen, starts, strict=True))
    ]


def exposed_regions(plan: ReleasePlan) -> Mapping[str, float]:
    """Give from when each region runs a release, in seconds since the epoch."""
    reached: dict[str, float] = {}
    for event in plan.events():
        for region in event.scope.get("region", ()):
            reached.setdefault(region, event.time)
    return reached
