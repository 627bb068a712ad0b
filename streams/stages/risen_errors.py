"""Which error codes rose with an incident."""

import math

import numpy as np

from streams.domain.incidents import RisenError
from streams.stages.history import History
from streams.stages.tracking import TrackedIncident

SIGNIFICANT = math.log(1000)
"""Log-likelihood ratio from which an error code has risen: 1 in 1000 by chance at most."""

MAXIMUM_ERRORS = 10
"""Error codes that a record names."""


def count_errors(incident: TrackedIncident, history: History, first: int) -> None:
    """Add the error codes of the windows from one on to the incident's counts."""
    mask = history.matches(incident.scope)
    for one in history.errors:
        if one.window < first:
            continue
        into = incident.errors.before if one.window < incident.onset else incident.errors.since
        inside = mask[one.rows]
        sums = np.bincount(one.names[inside], one.counts[inside], len(one.labels))
        for label, count in zip(one.labels, sums.astype(np.int64).tolist(), strict=True):
            if count:
                into[label] = into.get(label, 0) + count


def risen_errors(incident: TrackedIncident) -> tuple[RisenError, ...]:
    """Give the error codes more frequent since the onset than before, largest excess first.

    Statistic: Poisson log-likelihood ratio of the count since the onset against what the look-back
    would let expect, half a failure added to it.
    """
    counts = incident.counts
    split = max(incident.onset - counts.first, 0)
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
