"""Prior probabilities of the hypotheses, before any count is seen."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detectors.attribution.exposure import ReleaseExposure
from detectors.attribution.likelihood import log_sum
from detectors.attribution.settings import AttributionSettings, NoneForm


def form_priors(settings: AttributionSettings) -> list[tuple[NoneForm, float]]:
    """Give each form of "none" its share of the probability of none; they sum to 1."""
    total = sum(share for _, share in settings.none_forms)
    return [(form, share / total) for form, share in settings.none_forms]


def log_priors(
    releases: Sequence[ReleaseExposure], settings: AttributionSettings
) -> tuple[NDArray[np.float64], float]:
    """Give float64[K], log prior probabilities of the releases alone, and that of none.

    Args:
        releases: K candidates with their prior odds.
        settings: Priors and the bound of the odds.
    """
    if not releases:
        return np.zeros(0), 0.0
    bound = settings.prior_odds_bound
    odds = np.clip([release.prior_odds for release in releases], 1.0 / bound, bound)
    alone = 1.0 - settings.pair_prior if len(releases) > 1 else 1.0
    priors: NDArray[np.float64] = np.log((1.0 - settings.none_prior) * alone * odds / odds.sum())
    return priors, float(np.log(settings.none_prior))


def log_pair_prior(
    priors: NDArray[np.float64], members: tuple[int, int], settings: AttributionSettings
) -> float:
    """Give the log prior of a pair; each pair's share is in proportion to both its members' odds.

    Args:
        priors: float64[K], log priors of the releases alone.
        members: The two.
        settings: Prior of all pairs.
    """
    shares = np.exp(priors - log_sum(priors))
    every = (1.0 - float(shares @ shares)) / 2.0
    share = float(shares[members[0]] * shares[members[1]]) / every
    whole = float(log_sum(priors)) + np.log(settings.pair_prior / (1.0 - settings.pair_prior))
    return float(whole + np.log(share))
