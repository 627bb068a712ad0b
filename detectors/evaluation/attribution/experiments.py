"""Experiments: cases of one kind, or incidents in one shape of fleet, drawn and judged."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from detectors.attribution.posterior import AttributionSettings
from detectors.evaluation.attribution.cases import CUTS, RELEASES, draw_case
from detectors.evaluation.attribution.chain import evaluate_case
from detectors.evaluation.attribution.kinds import Kind
from detectors.evaluation.attribution.localisation import (
    LocalisationResult,
    Shape,
    draw_slices,
    localise,
)
from detectors.evaluation.attribution.results import CaseResult
from detectors.evaluation.cells import seed_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How large all experiments are.

    Attributes:
        caused: Cases of each kind that a registered release causes, for each number of releases.
        innocent: Cases of each kind that none causes, for each number of releases.
        localised: Incidents in each shape of fleet.
        releases: Numbers of registered releases.
        cuts: Minutes after the onset at which releases are ranked.
        innocent_cuts: The same where none of them is the cause: time goes into many cases.
    """

    caused: int
    innocent: int
    localised: int
    releases: tuple[int, ...] = RELEASES
    cuts: tuple[int, ...] = CUTS
    innocent_cuts: tuple[int, ...] = (15, 60)


FULL: Final = Sizes(caused=8, innocent=42, localised=30)
QUICK: Final = Sizes(caused=1, innocent=1, localised=3, releases=(3, 12), cuts=(15, 60))


def run_cases(
    kind: Kind, releases: int, sizes: Sizes, seed: int, clock: Callable[[], float] | None = None
) -> tuple[CaseResult, ...]:
    """Draw and rank the cases of one kind.

    Args:
        kind: What causes the incidents.
        releases: Number of registered releases, K.
        sizes: How many cases.
        seed: Of the whole benchmark.
        clock: Gives seconds, to time rankings.

    Returns:
        One result for each case and minute.
    """
    settings = AttributionSettings(bin_seconds=60.0)
    count, cuts = (
        (sizes.caused, sizes.cuts) if kind.by_release else (sizes.innocent, sizes.innocent_cuts)
    )
    results = []
    for source in seed_of(seed, kind.value, f"K={releases}").spawn(count):
        case = draw_case(np.random.default_rng(source), kind, releases)
        results += [evaluate_case(case, cut, settings, clock=clock) for cut in cuts]
    return tuple(results)


def run_localisation(
    shape: Shape, sizes: Sizes, seed: int, clock: Callable[[], float] | None = None
) -> tuple[LocalisationResult, ...]:
    """Draw incidents in one shape of fleet and find their scopes.

    Args:
        shape: The kind of fleet.
        sizes: How many incidents.
        seed: Of the whole benchmark.
        clock: Gives seconds, to time the searches.
    """
    sources = seed_of(seed, shape.name, "localisation").spawn(sizes.localised)
    return tuple(
        localise(draw_slices(np.random.default_rng(source), shape), shape, clock)
        for source in sources
    )
