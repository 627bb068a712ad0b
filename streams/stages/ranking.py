"""Which release caused an incident: the attribution model on the history and the release log."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from detectors.attribution.posterior import AttributionSettings, Cells, rank
from streams.config import Settings
from streams.domain.time import window_end, window_start
from streams.stages.history import Bool, History
from streams.stages.prior_odds import prior_odds
from streams.stages.rollouts import ReleaseLog, Rollout
from streams.stages.tracking import LOOKBACK, TrackedIncident
from streams.stages.verdicts import DIGITS, Names, candidates, cause_details

CADENCE = ((15, 1), (120, 5))
"""Up to which age of an incident, in windows, its ranking is renewed how often."""

SELDOM = 15
"""Later it is renewed every so many windows. News of a release renew it at any age."""

ROLLBACK_SECONDS = 1800.0
"""How long before a region's recovery a rollback may lie that explains it."""

HEALING_SECONDS = 1800.0
"""How long after a rollback its effect may linger: retries and operations under way still fail."""

ROLLBACK_SLACK = 3
"""Windows by which a region's recovery may seem to be earlier than the rollback behind it."""


def rank_releases(
    incident: TrackedIncident,
    history: History,
    log: ReleaseLog,
    window: int,
    settings: Settings,
    others: Sequence[TrackedIncident] = (),
) -> None:
    """Renew an incident's candidates, if it is time and its onset is still in the history.

    Args:
        incident: The incident; its candidates are replaced.
        history: Counts of all series.
        log: Release events; those up to the window's end are used.
        window: The window just closed.
        settings: Length of a window, and what is known of releases beforehand.
        others: Other incidents; what they explain says nothing about this one.
    """
    seconds = settings.windows.seconds
    now = window_end(window, seconds)
    events = log.known(now)
    news = events != incident.ranked_events
    if not (news or _is_due(incident, window)) or not _is_kept(incident, history, window):
        return
    first = history.oldest or 0
    rollouts = log.rollouts(history, now, window_start(first, seconds), seconds)
    ranking = rank(
        _cells(incident, others, history, rollouts, seconds),
        [
            replace(
                rollout.exposure,
                prior_odds=prior_odds(rollout, incident.scope, settings.attribution),
            )
            for rollout in rollouts
        ],
        history.matches(incident.scope),
        incident.onset - first,
        AttributionSettings(bin_seconds=float(seconds)),
    )
    names = Names(rollouts, _region_names(history), first, seconds)
    incident.candidates = candidates(names, ranking)
    incident.causes = cause_details(names, ranking)
    named = sum(candidate.probability for candidate in incident.candidates)
    incident.none_probability = round(max(1.0 - named, 0.0), DIGITS)
    incident.ranked, incident.ranked_events = window, events


def _region_names(history: History) -> tuple[str, ...]:
    """Give the names of the regions that occur, in the order of their codes."""
    dimension = history.dimensions.index("region")
    names = history.values[dimension]
    return tuple(names[code] for code in np.unique(history.codes[:, dimension]).tolist())


def _is_due(incident: TrackedIncident, window: int) -> bool:
    if incident.ranked is None:
        return True
    age = window - incident.opened
    every = next((often for until, often in CADENCE if age <= until), SELDOM)
    return window - incident.ranked >= every


def _is_kept(incident: TrackedIncident, history: History, window: int) -> bool:
    """Tell whether enough from before the onset is still known to tell releases apart."""
    return window - incident.onset + LOOKBACK < history.length


def _cells(
    incident: TrackedIncident,
    others: Sequence[TrackedIncident],
    history: History,
    rollouts: tuple[Rollout, ...],
    seconds: int,
) -> Cells:
    """Give the fleet's counts; from the onset on under the baseline as it was then.

    What another incident explains is left out: its release would be credited with it here. What a
    mitigation has healed that no release knows of is left out: nobody predicted it, so it
    says nothing about who broke it. A recovery that comes with a rollback is evidence, but not the
    minutes in which it takes hold: a step has an instant, healing has none.
    """
    first, last = history.oldest or 0, history.newest or 0
    stretch = history.stretch(first, last)
    expected = history.expected(first, last)
    begin = max(incident.onset - first, 0)
    expected[:, begin:] = stretch.trials[:, begin:] * incident.baseline[:, np.newaxis]
    for rows, window in _healed(incident, history, rollouts, first, seconds):
        healed = slice(max(window - first, 0), None)
        for counts in (stretch.trials, stretch.failures, expected):
            counts[rows, healed] = 0
    for rows, window in _of_others(incident, others, history):
        theirs = slice(max(window - first, 0), None)
        for counts in (stretch.trials, stretch.failures, expected):
            counts[rows, theirs] = 0
    for at, touched in (step for rollout in rollouts for step in rollout.rollbacks()):
        healing = slice(max(int(at), 0), max(int(at + HEALING_SECONDS / seconds), 0))
        for counts in (stretch.trials, stretch.failures, expected):
            counts[touched, healing] = 0
    return Cells(
        trials=stretch.trials,
        failures=stretch.failures,
        expected=expected,
        codes=history.codes,
        region_dimension=history.dimensions.index("region"),
    )


def _of_others(
    incident: TrackedIncident, others: Sequence[TrackedIncident], history: History
) -> Iterator[tuple[Bool, int]]:
    """Give the series that other incidents explain and this one does not, and since when."""
    mine = history.matches(incident.scope)
    for other in others:
        if other is not incident:
            regions = history.matches({"region": tuple(other.regions)})
            yield history.matches(other.scope) & regions & ~mine, other.onset


def _healed(
    incident: TrackedIncident,
    history: History,
    rollouts: tuple[Rollout, ...],
    first: int,
    seconds: int,
) -> Iterator[tuple[Bool, int]]:
    """Give the series in scope of each region that recovered without a known rollback, and when."""
    steps = [step for rollout in rollouts for step in rollout.rollbacks()]
    scope = history.matches(incident.scope)
    for name, region in sorted(incident.regions.items()):
        if region.recovered is None:
            continue
        rows = scope & history.matches({"region": (name,)})
        bin_ = region.recovered - first
        earliest, latest = bin_ - ROLLBACK_SECONDS / seconds, bin_ + ROLLBACK_SLACK
        if not any(earliest <= at <= latest and (rows & touched).any() for at, touched in steps):
            yield rows, region.recovered
