"""How much the series of a group tell about each other: empirical-Bayes priors."""

import numpy as np

from detectors.arrays import Flags, Floats
from detectors.groups import Groups
from detectors.settings import BankSettings


def group_prior(
    settings: BankSettings, groups: Groups, counts: Floats, apart: Flags
) -> tuple[Floats, Floats]:
    """Give every series a Beta prior from the other series of its group.

    Prior failures 1 / (v + 1 / group failures) with v the squared relative spread of failure ratios
    between the series of the group (see `_spread`): a group of equals lends a lot, one of strangers
    next to nothing, and none more than it has.

    Args:
        settings: Prior of a group, and the limits of the spread.
        groups: Group of every series.
        counts: Effective operations and failures, shape [2, S].
        apart: Series that left the level of their group, shape [S]: it lends them next to nothing.

    Returns:
        Pseudo-failures and mean failure probability, each of shape [S].
    """
    trials, failures = counts
    group_trials, group_failures = groups.sum(trials), groups.sum(failures)
    member, start = groups.member, settings.prior_failures
    other_failures = np.maximum(group_failures[member] - failures, 0.0) + start
    other_trials = np.maximum(group_trials[member] - trials, 0.0)
    mean = other_failures / (other_trials + start / settings.prior_failure_ratio)
    spread = _spread(settings, groups, counts)[member]
    spread = np.where(apart, settings.spread_ceiling, spread)
    pseudo_failures: Floats = 1.0 / (spread + 1.0 / other_failures)
    return pseudo_failures, np.minimum(mean, 1.0 - settings.prior_failure_ratio)


def _spread(settings: BankSettings, groups: Groups, counts: Floats) -> Floats:
    """Estimate the squared relative spread of failure ratios between series, shape [G].

    Moments of Kleinman (JASA 68, 1973) on sum N_i (p_i - m)^2, **plus one standard error**: few
    series or few failures mean little shrinkage, never too much.
    """
    trials, failures = counts
    operations = groups.sum(trials) + settings.prior_failures / settings.prior_failure_ratio
    mean = (groups.sum(failures) + settings.prior_failures) / operations
    heard = np.maximum(trials, 1e-9)
    deviation = heard * (failures / heard - mean[groups.member]) ** 2
    observed = groups.sum(deviation) / (mean * (1.0 - mean))
    degrees = np.maximum(groups.sum(np.where(trials > 0.0, 1.0, 0.0)) - 1.0, 0.0)
    leverage = groups.sum(trials**2) / operations
    information = np.maximum(operations - leverage - degrees, 1e-9)
    correlation = (observed - degrees + np.sqrt(2.0 * degrees + 1.0)) / information
    relative = np.clip(correlation, 0.0, 1.0) * (1.0 - mean) / mean
    return np.clip(relative, settings.spread_floor, settings.spread_ceiling)
