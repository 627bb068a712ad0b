"""Units that may or may not react: L = product over units of (1 - pi) + pi L_u."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detectors.attribution.likelihood import log_sum


def susceptible(
    units: NDArray[np.float64], shares: Sequence[tuple[float, float]]
) -> NDArray[np.float64]:
    """Average the likelihood over which units react.

    Args:
        units: float64[R, ...], log likelihood ratio of each unit if it reacts.
        shares: Shares pi of reacting units and their prior weights, which are normalised.

    Returns:
        float64[...], log likelihood ratio of all units together.
    """
    each = np.stack(
        [
            np.log(weight) + np.logaddexp(np.log1p(-share), np.log(share) + units).sum(axis=0)
            for share, weight in shares
        ]
    )
    together: NDArray[np.float64] = log_sum(each) - np.log(sum(weight for _, weight in shares))
    return together
