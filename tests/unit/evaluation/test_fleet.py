"""The fleet: incidents that can be seen, and alarms about nothing."""

import math
from dataclasses import dataclass

import numpy as np

from detectors.evaluation.bank_method import BankMethod
from detectors.evaluation.cells import ChangeCell, seed_of
from detectors.evaluation.fleet import (
    AFTERMATH,
    FleetSize,
    Incident,
    fleet_streams,
    oracle_delay,
    run_fleet,
)
from detectors.evaluation.goals import fleet_goals
from detectors.evaluation.method import Alarm, Run
from detectors.evaluation.references import BurnRate
from detectors.evaluation.streams import Streams

SIZE = FleetSize(series=40, learning=200, windows=200, incidents=8)


@dataclass
class Raising:
    """Raises an alarm in some windows of every series with an incident."""

    windows_after_onset: int
    name: str = "raising"
    lead: int = 0
    most: int | None = None
    steady: int | None = None

    def suits(self, cell: ChangeCell) -> bool:
        return bool(cell.name)

    def run(self, streams: Streams) -> Run:
        _, incidents = fleet_streams(SIZE, generator())
        del streams
        alarms = [
            Alarm(
                one.row, one.onset + self.windows_after_onset, rising=True, onset=0, low=0, high=0
            )
            for one in incidents
        ]
        return Run(statistic=np.zeros((1, 1)), alarms=tuple(alarms))


def generator() -> np.random.Generator:
    return np.random.default_rng(seed_of(1, "fleet", "incidents"))


def test_the_fleet_is_scored_by_what_could_be_seen() -> None:
    result = run_fleet(SIZE, 1, BankMethod(together=True))
    assert result.incidents == 8
    assert 0 < result.visible <= 8
    assert 0 < result.found <= result.visible
    assert result.false_alarms.promised == 40 * 200 / 43_200
    assert len(fleet_goals(result)) == 2


def test_alarms_in_an_incident_find_it_and_later_ones_are_false() -> None:
    at_once, much_later = (
        run_fleet(SIZE, 1, Raising(0)),
        run_fleet(SIZE, 1, Raising(300 + AFTERMATH)),
    )
    assert (at_once.found_at_all, at_once.false_alarms.count) == (8, 0)
    assert (much_later.found_at_all, much_later.false_alarms.count) == (0, 8)
    assert at_once.delays.median == 1.0


def test_a_method_without_alarms_of_its_own_alarms_when_its_statistic_rises() -> None:
    result = run_fleet(SIZE, 1, BurnRate())
    assert result.name == "burn rate"
    assert result.found <= result.visible


def test_the_oracle_sees_only_what_the_counts_show() -> None:
    streams, incidents = fleet_streams(SIZE, generator())
    assert len({incident.row for incident in incidents}) == 8
    nothing = Incident(row=0, onset=210, end=260, odds=1.0)
    assert oracle_delay(streams, nothing) == math.inf
