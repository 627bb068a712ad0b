"""Goals: what counts as met."""

import dataclasses
import math

import numpy as np
import pytest

from detectors.evaluation.cells import ChangeCell
from detectors.evaluation.experiments import ChangeResult, MethodScore
from detectors.evaluation.goals import change_goals, mean_delay
from detectors.evaluation.scores import Delays, FalseAlarms, Onsets
from detectors.simulation import Nuisance

CELL = ChangeCell(name="cell", before=0.01, after=0.2, volume=100.0, horizon=60)


def score(name: str, *found: float, oracle: float = 10.0) -> MethodScore:
    delays = Delays(found=np.array(found))
    return MethodScore(
        name=name, threshold=1.0, delays=delays, oracle=Delays(found=np.full(len(found), oracle))
    )


def result(
    own: MethodScore, *others: MethodScore, covered: float = 0.9, width: float = 5.0
) -> ChangeResult:
    return ChangeResult(
        cell=CELL,
        known=bool(others),
        promised=own,
        scores=others,
        false_alarms=FalseAlarms(count=0, promised=1.0),
        onsets=Onsets(error=np.zeros(3), covered=covered, width=width),
        operations=1,
        windows=1,
    )


def missed(of: ChangeResult) -> list[str]:
    return [goal.subject for goal in change_goals(of) if not goal.met]


@pytest.mark.parametrize(
    ("found", "oracle", "subjects"),
    [
        (14.0, 10.0, ["95 % delay"]),  # within 1.4 times, not within 1.3
        (3.0, 1.0, []),  # two minutes more are always allowed
        (4.0, 1.0, ["median delay", "95 % delay"]),
        (math.inf, 10.0, ["median delay", "95 % delay"]),
        (math.inf, math.inf, []),  # nor does the oracle find it
    ],
)
def test_delays_are_held_to_those_of_the_oracle(
    found: float, oracle: float, subjects: list[str]
) -> None:
    assert missed(result(score("own", *[found] * 9, oracle=oracle))) == subjects


def test_an_interval_may_cover_too_much_only_if_it_cannot_be_narrower() -> None:
    own = score("own", 10.0)
    subject = "coverage of the onset's interval"
    assert missed(result(own, covered=1.0, width=1.0)) == []
    assert missed(result(own, covered=1.0, width=2.0)) == [subject]
    assert missed(result(own, covered=0.8, width=1.0)) == [subject]
    assert missed(result(own, covered=math.nan)) == [subject]


def test_peers_are_met_on_the_series_that_both_had() -> None:
    own, floor = score("own", 10.0), score("oracle", 10.0)
    calibrated = score("own calibrated", 10.0, 10.0, 50.0, 50.0)
    peer = score("peer", 9.5, 9.5)
    close = result(own, floor, peer, calibrated)
    assert missed(close) == []
    ugly = dataclasses.replace(CELL, nuisance=Nuisance(rho=0.01))
    assert missed(dataclasses.replace(close, cell=ugly)) == ["mean delay, calibrated, against peer"]


def test_a_miss_counts_as_the_horizon() -> None:
    assert mean_delay(Delays(found=np.array([20.0, math.inf])), 60) == 40.0
    assert math.isnan(mean_delay(Delays(found=np.zeros(0)), 60))
