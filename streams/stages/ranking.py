"""Which release caused an incident: the attribution model applied to the history and the release log."""

import numpy as np

from detectors.attribution.evidence import sentence
from detectors.attribution.posterior import AttributionSettings, Cells, Ranking, rank
from streams.domain.incidents import Candidate, EvidenceStatement
from streams.domain.time import window_end, window_start
from streams.stages.history import History
from streams.stages.rollouts import ReleaseLog, Rollout
from streams.stages.tracking import LOOKBACK, TrackedIncident

DIGITS = 6
"""Probabilities are written with so many digits, and sum to 1 as written."""

FREQUENT = 30
"""Windows after the opening in which the ranking is renewed every time."""

SELDOM = 10
"""Later it is renewed every so many windows, and whenever a release event has come."""


def rank_releases(
    incident: TrackedIncident, history: History, log: ReleaseLog, window: int, seconds: int
) -> None:
    """Renew an incident's candidates, if it is time and its onset is still in the history.

    Args:
        incident: The incident; its candidates are replaced.
        history: Counts of all series.
        log: Release events; those up to the window's end are used.
        window: The window just closed.
        seconds: Length of a window.
    """
    if not _is_due(incident, log, window, seconds) or not _is_kept(incident, history, window):
        return
    first = max(window - history.length + 1, history.oldest or 0)
    rollouts = log.rollouts(
        history, window_end(window, seconds), window_start(first, seconds), seconds
    )
    ranking = rank(
        _cells(incident, history, first, window),
        [rollout.exposure for rollout in rollouts],
        history.matches(incident.scope),
        incident.onset - first,
        AttributionSettings(bin_seconds=float(seconds)),
    )
    incident.candidates = _candidates(rollouts, ranking)
    named = sum(candidate.probability for candidate in incident.candidates)
    incident.none_probability = round(max(1.0 - named, 0.0), DIGITS)
    incident.ranked = window


def _is_due(incident: TrackedIncident, log: ReleaseLog, window: int, seconds: int) -> bool:
    if incident.ranked is None or window - incident.opened <= FREQUENT:
        return True
    newest = log.newest_before(window_end(window, seconds))
    news = newest is not None and newest >= window_end(incident.ranked, seconds)
    return news or window - incident.ranked >= SELDOM


def _is_kept(incident: TrackedIncident, history: History, window: int) -> bool:
    """Tell whether enough from before the onset is still known to tell releases apart."""
    return window - incident.onset + LOOKBACK < history.length


def _cells(incident: TrackedIncident, history: History, first: int, last: int) -> Cells:
    """Give the fleet's counts; from the onset on under the baseline as it was then."""
    stretch = history.stretch(first, last)
    expected = stretch.expected.copy()
    begin = max(incident.onset - stretch.first, 0)
    expected[:, begin:] = stretch.trials[:, begin:] * incident.baseline[:, np.newaxis]
    return Cells(
        trials=stretch.trials,
        failures=stretch.failures,
        expected=expected,
        codes=history.codes,
        region_dimension=history.dimensions.index("region"),
    )


def _candidates(rollouts: tuple[Rollout, ...], ranking: Ranking) -> tuple[Candidate, ...]:
    names = [rollout.release for rollout in rollouts]
    tied = {
        index: tuple(names[other] for other in group if other != index)
        for group in ranking.ties
        for index in group
    }
    found = [
        Candidate(
            release=rollout.release,
            component=rollout.component,
            probability=round(float(ranking.probabilities[index]), DIGITS),
            tied_with=tied.get(index, ()),
            evidence=tuple(
                EvidenceStatement(
                    kind=row.kind.value,
                    statement=sentence(row, rollout.release),
                    log_likelihood_ratio=row.log_likelihood_ratio,
                )
                for row in ranking.evidence[index]
            ),
        )
        for index, rollout in enumerate(rollouts)
    ]
    return tuple(sorted(found, key=lambda one: (-one.probability, one.release)))
