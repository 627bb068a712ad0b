"""One incident while it lasts: its scope, onset, regions, impact and errors, worked out anew as windows close."""

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from detectors.onset import locate
from detectors.recovery import RecoverySettings, assess
from detectors.scope import ScopeSettings, smallest_scope
from streams.domain.incidents import AffectedRegion, Candidate, Impact, IncidentStatus, RisenError
from streams.domain.series import SeriesKey
from streams.domain.time import window_start
from streams.stages.history import History
from streams.stages.region_counts import RegionCounts

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]

LOOKBACK = 60
"""Windows before the first sign in which the onset is looked for, and from which ordinary errors are known."""

SETTLING = 30
"""Windows after its opening in which an incident's scope and onset are worked out anew in every window."""

SIGNIFICANT = math.log(1000)
"""Log-likelihood ratio from which a region or an error code counts as affected: 1 in 1000 by chance at most."""

MAXIMUM_ERRORS = 10


@dataclass(slots=True)
class TrackedRegion:
    """Window indices of a region's onset and of its first recovered window, None while there is none."""

    onset: int
    recovered: int | None = None


@dataclass(slots=True)
class ErrorCounts:
    """Failures by error code in the scope, in the look-back before the onset and since, and operations likewise."""

    before: dict[str, int] = field(default_factory=dict)
    since: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class TrackedIncident:
    """Running state of one incident; windows are indices.

    Attributes:
        id: Stable id.
        opened: Window whose closing raised it.
        onset: First affected window; `onset_low` and `onset_high` bound it with 90 %.
        scope: Dimension -> values.
        baseline: (S,) failure probability of each series as it was when the incident opened.
        counts: Counts in scope by region.
        regions: Affected regions by name.
        errors: Error codes in scope.
        candidates: Newest ranking, most probable first.
        none_probability: Probability that no known release is the cause.
        resolved: First window in which all regions had recovered.
        revision: Number of records written.
        written: Window of the newest record.
        facts: What the newest record said, as far as a reader would act on it.
        ranked: Window of the newest ranking.
    """

    id: str
    opened: int
    onset: int
    onset_low: int
    onset_high: int
    scope: dict[str, tuple[str, ...]]
    baseline: Float64
    counts: RegionCounts
    regions: dict[str, TrackedRegion] = field(default_factory=dict)
    errors: ErrorCounts = field(default_factory=ErrorCounts)
    candidates: tuple[Candidate, ...] = ()
    none_probability: float = 1.0
    resolved: int | None = None
    revision: int = 0
    written: int = 0
    facts: str = ""
    ranked: int | None = None

    @property
    def status(self) -> IncidentStatus:
        """Give the status of the whole."""
        if self.resolved is not None:
            return IncidentStatus.RESOLVED
        recovered = [region for region in self.regions.values() if region.recovered is not None]
        return IncidentStatus.RECOVERING if recovered else IncidentStatus.OPEN

    def covers(self, dimensions: tuple[str, ...], key: SeriesKey) -> bool:
        """Tell whether a series is in the scope."""
        return all(
            value in self.scope[name]
            for name, value in zip(dimensions, key, strict=True)
            if name in self.scope
        )


def frozen_baseline(history: History, onset: int, now: int) -> Float64:
    """Give the (S,) baseline from before an onset; where a series had none, its newest."""
    before = history.baseline_at(onset - 1)
    return np.where(np.isnan(before), np.nan_to_num(history.baseline_at(now)), before)


def find_scope(
    history: History, baseline: Float64, first: int, last: int, excluded: Bool
) -> tuple[dict[str, tuple[str, ...]], float]:
    """Find the smallest scope that explains the failures of some windows.

    Args:
        history: Counts of all series.
        baseline: (S,) failure probability in control.
        first: First window that counts.
        last: Last window that counts.
        excluded: (S,) series that another incident explains.

    Returns:
        Dimension -> values, and the log-likelihood ratio of the scope against no change.
    """
    stretch = history.stretch(first, last)
    trials = np.where(excluded, 0, stretch.trials.sum(axis=1))
    failures = np.where(excluded, 0, stretch.failures.sum(axis=1))
    values = history.values
    found = smallest_scope(
        trials,
        failures,
        trials * baseline,
        history.codes,
        [len(names) for names in values],
        ScopeSettings(),
    )
    scope = {
        name: tuple(sorted(values[position][code] for code in codes))
        for position, (name, codes) in enumerate(zip(history.dimensions, found.values, strict=True))
        if codes is not None
    }
    return scope, found.log_likelihood_ratio


def locate_onset(history: History, mask: Bool, baseline: Float64, first: int, last: int) -> tuple[int, int, int]:
    """Find the onset of what happens in a scope: (best, lowest, highest) window of its 90 % interval."""
    stretch = history.stretch(first, last)
    trials = stretch.trials[mask].sum(axis=0).astype(np.float64)
    failures = stretch.failures[mask].sum(axis=0).astype(np.float64)
    expected = float((stretch.trials[mask] * baseline[mask, np.newaxis]).sum())
    best, low, high = _onset(trials, failures, expected)
    return stretch.first + best, stretch.first + low, stretch.first + high


def pool(history: History, incident: TrackedIncident, first: int, last: int) -> RegionCounts:
    """Pool the incident's scope by region over some windows."""
    stretch = history.stretch(first, last)
    mask = history.matches(incident.scope)
    region = history.dimensions.index("region")
    return RegionCounts.pooled(
        stretch.first,
        stretch.trials[mask],
        stretch.failures[mask],
        stretch.trials[mask] * incident.baseline[mask, np.newaxis],
        history.codes[mask, region],
        len(history.values[region]),
    )


def follow(incident: TrackedIncident, history: History, now: int) -> None:
    """Bring regions, recovery and resolution up to a window; the counts must reach it."""
    names = history.values[history.dimensions.index("region")]
    _find_regions(incident, names, now)
    recovered = []
    for name, region in incident.regions.items():
        region.recovered = _recovery(incident.counts, names.index(name), region.onset)
        recovered.append(region.recovered)
    known = [window for window in recovered if window is not None]
    done = bool(recovered) and len(known) == len(recovered)
    incident.resolved = max(known) if done else None


def impact(incident: TrackedIncident, names: tuple[str, ...]) -> Impact:
    """Sum up operations and failures of the affected regions from onset to recovery."""
    counts = incident.counts
    totals = np.zeros(3)
    for name, region in incident.regions.items():
        row = names.index(name)
        end = counts.last + 1 if region.recovered is None else region.recovered
        window = slice(max(region.onset - counts.first, 0), max(end - counts.first, 0))
        totals += (
            counts.trials[row, window].sum(),
            counts.failures[row, window].sum(),
            counts.expected[row, window].sum(),
        )
    return Impact(int(totals[0]), int(totals[1]), float(totals[2]))


def count_errors(incident: TrackedIncident, history: History, first: int) -> None:
    """Add the error codes of the windows from one on to the incident's counts."""
    mask = history.matches(incident.scope)
    for one in history.errors:
        if one.window < first:
            continue
        into = incident.errors.before if one.window < incident.onset else incident.errors.since
        inside = mask[one.rows].tolist()
        for label, count, kept in zip(one.labels, one.counts.tolist(), inside, strict=True):
            if kept:
                into[label] = into.get(label, 0) + count


def risen_errors(incident: TrackedIncident) -> tuple[RisenError, ...]:
    """Give the error codes that are more frequent since the onset than before, largest excess first."""
    counts = incident.counts
    split = incident.onset - counts.first
    before = max(int(counts.trials[:, :split].sum()), 1)
    since = int(counts.trials[:, split:].sum())
    total = max(sum(incident.errors.since.values()), 1)
    risen = []
    for code, count in incident.errors.since.items():
        expected = (incident.errors.before.get(code, 0) + 0.5) * since / before
        ratio = count * math.log(count / expected) - (count - expected)
        if count > expected and ratio > SIGNIFICANT:
            risen.append((expected - count, code, count))
    return tuple(
        RisenError(code, count, count / total) for _, code, count in sorted(risen)[:MAXIMUM_ERRORS]
    )


def affected_regions(incident: TrackedIncident, seconds: int) -> tuple[AffectedRegion, ...]:
    """Give the affected regions in the order of their onsets."""
    ordered = sorted(incident.regions.items(), key=lambda item: (item[1].onset, item[0]))
    return tuple(
        AffectedRegion(
            name,
            window_start(region.onset, seconds),
            None if region.recovered is None else window_start(region.recovered, seconds),
        )
        for name, region in ordered
    )


def _find_regions(incident: TrackedIncident, names: tuple[str, ...], now: int) -> None:
    """Add regions that have become affected, and place the onsets of young ones better."""
    counts = incident.counts
    since = counts.since(incident.onset)
    trials, failures = since.trials.sum(axis=1), since.failures.sum(axis=1)
    ratios = excess_ratio(trials, failures, since.expected.sum(axis=1))
    for row in np.flatnonzero(ratios > SIGNIFICANT).tolist():
        known = incident.regions.get(names[row])
        if known is None or (known.recovered is None and now - known.onset <= SETTLING):
            onset, _, _ = _onset(
                counts.trials[row].astype(np.float64),
                counts.failures[row].astype(np.float64),
                float(counts.expected[row].sum()),
            )
            incident.regions[names[row]] = TrackedRegion(
                max(counts.first + onset, incident.onset_low)
            )


def excess_ratio(trials: Int64, failures: Int64, expected: Float64) -> Float64:
    """Give binomial log-likelihood ratios of the observed failure ratio against the expected one.

    Args:
        trials: (R,).
        failures: (R,).
        expected: (R,) expected failures.

    Returns:
        (R,), 0 where there are no more failures than expected.
    """
    operations = np.maximum(trials, 1)
    before = np.clip(expected / operations, 1e-9, 1 - 1e-9)
    after = np.clip(failures / operations, 1e-9, 1 - 1e-9)
    gain = failures * np.log(after / before)
    gain += (trials - failures) * np.log((1 - after) / (1 - before))
    return np.where(after > before, gain, 0.0)


def _onset(trials: Float64, failures: Float64, expected: float) -> tuple[int, int, int]:
    before = expected / max(float(trials.sum()), 1.0)
    found = locate(
        trials[:, np.newaxis],
        failures[:, np.newaxis],
        np.array([before]),
        np.zeros(1, np.int64),
        rising=np.ones(1, np.bool_),
    )
    return int(found.best[0]), int(found.low[0]), int(found.high[0])


def _recovery(counts: RegionCounts, row: int, onset: int) -> int | None:
    """Give the first recovered window of a region, or None."""
    since = counts.since(onset)
    trials, expected = since.trials[row], since.expected[row]
    mean = float(expected.sum()) / max(float(trials.sum()), 1.0)
    baseline = np.where(trials > 0, expected / np.maximum(trials, 1), mean)
    verdict = assess(trials, since.failures[row], baseline, RecoverySettings())
    return since.first + verdict.at if verdict.recovered and verdict.at is not None else None
