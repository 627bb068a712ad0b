"""Odds: shifting probabilities on their scale."""

import numpy as np

from detectors.odds import log_odds, shift_odds

PROBABILITIES = np.array([1e-9, 0.01, 0.3, 0.5, 0.999])


def test_odds_are_multiplied() -> None:
    np.testing.assert_allclose(shift_odds(np.array([0.5]), np.array([3.0])), [0.75])
    shifted = shift_odds(PROBABILITIES, np.array(7.0))
    np.testing.assert_allclose(log_odds(shifted) - log_odds(PROBABILITIES), np.log(7.0))


def test_shifting_back_gives_what_there_was() -> None:
    back = shift_odds(shift_odds(PROBABILITIES, np.array(50.0)), np.array(1 / 50))
    np.testing.assert_allclose(back, PROBABILITIES)


def test_certainties_stay_what_they_are() -> None:
    np.testing.assert_array_equal(shift_odds(np.array([0.0, 1.0]), np.array(1e5)), [0.0, 1.0])


def test_odds_and_probabilities_broadcast() -> None:
    assert shift_odds(PROBABILITIES, np.array([[2.0], [0.5]])).shape == (2, 5)
