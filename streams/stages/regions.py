"""The regions of an incident: which are affected, since when, and until when."""

import math

import numpy as np

from detectors.odds import shift_odds
from detectors.recovery import RecoverySettings, assess, surplus
from streams.stages.region_counts import Float64, Int64, RegionCounts
from streams.stages.tracking import SETTLING, TrackedIncident, TrackedRegion

CERTAINTY = 1000.0
"""Odds against chance from which a region counts as affected; each window tried must pay, too."""

RECOVERY = RecoverySettings(evidence=300.0, evidence_windows=3)
"""A region called recovered too early sends people home. On 120 simulated regions (seeds 21 to 26
of the founding incident) three windows never did, two did twice; 88 % are told within three."""


def follow(incident: TrackedIncident, names: tuple[str, ...], now: int, *, recounted: bool) -> None:
    """Bring regions, recovery and resolution up to a window, which the counts must reach.

    Args:
        incident: The incident; its regions are changed.
        names: Names of the regions, in the order of the counts' rows.
        now: The window.
        recounted: Whether the counts of earlier windows have changed too.
    """
    placed = _find_regions(incident, names, now)
    for row, name in enumerate(names):
        region = incident.regions.get(name)
        if region is None:
            continue
        if recounted or name in placed or _may_turn(incident.counts, row, region):
            since = _recovery(incident.counts, row, region.onset)
            region.relapses += region.recovered is not None and since is None
            region.recovered = since
    recovered = [region.recovered for region in incident.regions.values()]
    known = [window for window in recovered if window is not None]
    incident.resolved = max(known) if known and len(known) == len(recovered) else None


def degraded_since(counts: RegionCounts) -> tuple[Int64, Float64]:
    """Find since when each region most probably fails, if it fails now.

    Statistic: max over t of N KL(K / N, p), as in `detectors.onset.locate`, for N operations with K
    failures from window t on where p was expected, over all t with operations from which the level
    is no longer near the baseline in the sense of `RecoverySettings`: recovered is not affected.

    Args:
        counts: R regions over T windows, at least one.

    Returns:
        (R,) index of the window, and (R,) the statistic; 0 where a region does not fail.
    """
    operations, failures, expected = (
        np.cumsum(part[:, ::-1], axis=1, dtype=np.float64)[:, ::-1]
        for part in (counts.trials, counts.failures, counts.expected)
    )
    baseline = np.clip(expected / np.maximum(operations, 1.0), 1e-9, 0.5)
    near = shift_odds(baseline, np.array(RECOVERY.near_odds))
    possible = (counts.trials > 0) & (failures > near * operations)
    gain = np.where(possible, surplus(operations, failures, baseline), 0.0)
    best = np.argmax(gain, axis=1)
    return counts.first + best, gain[np.arange(len(best)), best]


def _find_regions(incident: TrackedIncident, names: tuple[str, ...], now: int) -> set[str]:
    """Add regions that fail, and place the onsets of young ones better.

    An incident has at least one region, so that there is something that can recover.

    Returns:
        Names of the regions that are new or have another onset.
    """
    counts = incident.counts.since(incident.onset_low)
    onsets, statistics = degraded_since(counts)
    limit = math.log(CERTAINTY * counts.trials.shape[1])
    failing = np.flatnonzero(statistics >= limit).tolist()
    if not failing and not incident.regions:
        failing = [int(np.argmax(np.where(counts.trials.any(axis=1), statistics, -1.0)))]
    placed = set()
    for row in failing:
        known, onset = incident.regions.get(names[row]), int(onsets[row])
        settled = known is not None and (
            known.recovered is not None or now - known.onset > SETTLING or known.onset == onset
        )
        if not settled:
            incident.regions[names[row]] = TrackedRegion(onset)
            placed.add(names[row])
    return placed


def _may_turn(counts: RegionCounts, row: int, region: TrackedRegion) -> bool:
    """Tell whether the newest window can turn a region's verdict, as asking costs all windows.

    Only a window with fewer failures than usual since the onset speaks for a recovery, only one
    with more than expected for a relapse.
    """
    trials, failures = int(counts.trials[row, -1]), int(counts.failures[row, -1])
    if region.recovered is not None:
        return failures > float(counts.expected[row, -1])
    since = slice(max(region.onset - counts.first, 0), None)
    operations, failed = (
        int(counts.trials[row, since].sum()),
        int(counts.failures[row, since].sum()),
    )
    return failures * operations < failed * trials


def _recovery(counts: RegionCounts, row: int, onset: int) -> int | None:
    """Give the first recovered window of a region, or None."""
    since = counts.since(onset)
    trials, expected = since.trials[row], since.expected[row]
    usual = float(expected.sum()) / max(float(trials.sum()), 1.0)
    baseline = np.where(trials > 0, expected / np.maximum(trials, 1), usual)
    verdict = assess(trials, since.failures[row], baseline, RECOVERY)
    return since.first + verdict.at if verdict.at is not None else None
