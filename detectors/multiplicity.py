"""One promise for a fleet: the threshold, and which of many simultaneous changes to raise."""

import numpy as np

from detectors.arrays import Floats, Integers


def fleet_threshold(series: int, windows_per_false_alarm: float) -> float:
    """Compute A = S T / B: what the evidence of one series has to reach on its own.

    Args:
        series: S, number of series under test, at least 1.
        windows_per_false_alarm: T / B: windows in which one false alarm episode is promised.

    Returns:
        A, in units of evidence (and of windows of one series).
    """
    return max(series, 1) * windows_per_false_alarm


def lone_alarms(evidence: Floats, threshold: float) -> Integers:
    """Choose the rows to alarm where every series is judged on its own: E >= A, shape [S]."""
    return np.flatnonzero(evidence >= threshold)


def simultaneous_alarms(evidence: Floats, burst: Floats, threshold: float) -> Integers:
    """Choose the rows to alarm in one window: e-Benjamini-Hochberg over e-detectors.

    A row alarms if its evidence reaches A on its own, or if it is among the k* rows with the
    largest burst, k* = max{k : C_(k) >= A / k}: one series alone needs A, a hundred series that
    move together need a hundredth each. Bursts (CUSUM) are compared rather than evidence
    (Shiryaev-Roberts), because the evidence of a fleet of nearly silent series grows with time
    until all of them reach A / S together, however long nothing happened.

    What is promised. Call a window with an alarm an episode, and its false part the share of its
    alarmed rows that had not changed. Every one of the k alarmed rows of an episode holds E >= A /
    k, so its false rows together hold at least A times the false part; the evidence of an unchanged
    row grows by at most 1 a window in expectation, and is set to 0 by its alarm. Summed over S rows
    and T windows: the expected sum of false parts is at most S T / A = B, for any dependence
    between series. If nothing at all has changed, every episode is wholly false: at most B false
    **episodes** (pages) in T windows. The number of false *rows* is bounded by B only while rows
    alarm one at a time: one false episode by a common cause can hold many. As in every e-detector
    this supposes that the baseline and the overdispersion lie inside their bounds.

    Source: Wang & Ramdas, "False discovery rate control with e-values" (JRSS B 2022) for the rule;
    Dandapanthula & Ramdas, arXiv 2501.04130, who prove for e-detectors that the error *over
    patience* (expected error at a stopping time divided by that time) is controlled, and that an
    error rate not divided by time cannot be controlled by any procedure with finite average run
    length. The argument above, with restarts, is ours.

    Args:
        evidence: E per row, shape [S]; 0 for rows not under test.
        burst: C per row, shape [S], nowhere above E.
        threshold: A.

    Returns:
        Row indices, ascending.
    """
    chosen = evidence >= threshold
    promising = np.flatnonzero(burst >= threshold / max(burst.size, 1))
    ranked = promising[np.argsort(-burst[promising], kind="stable")]
    enough = burst[ranked] * np.arange(1, ranked.size + 1) >= threshold
    together = ranked[: int(np.flatnonzero(enough)[-1]) + 1] if enough.any() else ranked[:0]
    chosen[together] = True
    return np.flatnonzero(chosen)
