"""On simulated fleets of another family the ranking beats the latest start and rarely blames."""

import numpy as np
import pytest
from attribution_fleets import Cause, Incident, coarser, latest_start, simulate

from detectors.attribution.posterior import AttributionSettings, Ranking, rank

MINUTES = 5
SETTINGS = AttributionSettings(bin_seconds=60.0 * MINUTES)


def judged(cause: Cause, seeds: range, after: int) -> list[tuple[Incident, Ranking]]:
    """Incidents with at least twenty excess failures, and their rankings."""
    results = []
    for seed in seeds:
        fleet = simulate(seed, cause, releases=12, minutes_after=after)
        incident = coarser(fleet, MINUTES)
        cells, recent = incident.cells, slice(incident.onset, None)
        excess = (cells.failures - cells.expected)[incident.scope, recent].sum()
        if excess >= 20.0:
            ranking = rank(cells, incident.releases, incident.scope, incident.onset, SETTINGS)
            results.append((incident, ranking))
    return results


def first(ranking: Ranking) -> int | None:
    """The most probable release, or None."""
    best = int(np.argmax(ranking.probabilities))
    return best if ranking.probabilities[best] > ranking.none_probability else None


def test_the_guilty_release_comes_first_far_more_often_than_the_latest_start() -> None:
    results = judged(Cause.RELEASE, range(30), after=60)
    right = sum(first(ranking) == incident.culprit for incident, ranking in results)
    latest = sum(latest_start(incident) == incident.culprit for incident, _ in results)
    assert len(results) >= 20
    assert right >= 0.8 * len(results)
    assert right > latest + 5


@pytest.mark.parametrize("cause", [Cause.REGION, Cause.EVERYTHING, Cause.UPSTREAM])
def test_incidents_that_no_release_caused_are_seldom_blamed_on_one(cause: Cause) -> None:
    results = judged(cause, range(15), after=60)
    assert len(results) >= 10
    assert sum(first(ranking) is not None for _, ranking in results) <= 1
