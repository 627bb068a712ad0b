"""Odds: the scale on which changes of a probability are measured."""

import numpy as np

from detectors.arrays import Floats


def shift_odds(probabilities: Floats, odds: Floats) -> Floats:
    """Multiply the odds of probabilities, both broadcast: theta p / (1 - p + theta p)."""
    scaled = odds * probabilities
    shifted: Floats = scaled / (1.0 - probabilities + scaled)
    return shifted


def log_odds(probabilities: Floats) -> Floats:
    """Compute ln(p / (1 - p)), p inside (0, 1)."""
    logarithm: Floats = np.log(probabilities / (1.0 - probabilities))
    return logarithm
