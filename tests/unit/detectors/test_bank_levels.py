"""Which level a bank goes by: stated, accepted, waiting, learned; and series judged alone."""

from dataclasses import replace

import numpy as np
import pytest

from detectors.arrays import Floats, Integers
from detectors.bank import Bank, BankSettings, BankStep, Detection, Direction
from detectors.simulation import QUIET, draw

SETTINGS = BankSettings()
WAITING = replace(SETTINGS, false_alarms_per_day=1e-6, suspicion=30.0, ring_windows=200)
"""Levels wait early and alarms come late, so that waiting can be watched."""


def stream(ratio: Floats, volume: float = 20.0, seed: int = 1) -> tuple[Integers, Integers]:
    """Draw a stream of shape [T, S] around failure ratios of that shape."""
    return draw(np.full(ratio.shape, volume), ratio, QUIET, np.random.default_rng(seed))


def fresh(series: int, settings: BankSettings = SETTINGS) -> Bank:
    bank = Bank(settings)
    bank.add(np.zeros(series, dtype=np.int64))
    return bank


def run(bank: Bank, counts: tuple[Integers, Integers], windows: range) -> list[BankStep]:
    trials, failures = counts
    return [bank.step(window, trials[window], failures[window]) for window in windows]


def detections(steps: list[BankStep]) -> list[Detection]:
    return [found for step in steps for found in step.detections]


def test_a_stated_series_is_judged_from_its_first_window() -> None:
    bank = fresh(10)
    bank.know(np.array([4]), np.array([0.01]))
    ratio = np.full((12, 10), 0.5)
    steps = run(bank, stream(ratio), range(12))
    assert not steps[0].learning[4]
    assert np.delete(steps[0].learning, 4).all()
    assert [found.row for found in detections(steps)] == [4]
    (found,) = detections(steps)
    assert found.window <= 2
    assert found.onset == 0
    assert found.baseline_ratio == pytest.approx(0.99)


def test_a_stated_level_stays_what_it_is_whatever_comes() -> None:
    bank = fresh(10)
    bank.know(np.array([4]), np.array([0.02]))
    steps = run(bank, stream(np.full((400, 10), 0.015)), range(400))
    stated = [step.baseline[4] for step in steps]
    np.testing.assert_allclose(stated, 0.02, rtol=1e-6)
    assert [found.row for found in detections(steps) if found.row == 4] == []


def test_a_series_at_its_stated_level_raises_nothing() -> None:
    bank = fresh(20)
    bank.know(np.arange(20), np.full(20, 0.03))
    assert detections(run(bank, stream(np.full((600, 20), 0.03)), range(600))) == []


def test_a_stated_level_survives_a_snapshot_and_a_change_of_places() -> None:
    bank = fresh(3)
    bank.know(np.array([2]), np.array([0.07]))
    counts = stream(np.full((5, 3), 0.02))
    run(bank, counts, range(4))
    bank.keep(np.array([2, 0]))
    again = Bank.resume(SETTINGS, bank.snapshot())
    step = again.step(4, counts[0][4, [2, 0]], counts[1][4, [2, 0]])
    assert step.baseline[0] == pytest.approx(0.07)
    assert step.baseline[1] < 0.06


def test_a_statement_that_is_taken_back_leaves_what_was_learned() -> None:
    counts = stream(np.full((200, 5), 0.05))
    stated, usual = fresh(5), fresh(5)
    stated.know(np.array([2]), np.array([0.05]))
    run(stated, counts, range(199))
    run(usual, counts, range(199))
    stated.know(np.array([2]), np.array([0.0]))
    step, other = (run(bank, counts, range(199, 200))[0] for bank in (stated, usual))
    assert step.baseline[2] == pytest.approx(other.baseline[2], rel=0.05)
    assert not step.learning[2]


@pytest.mark.parametrize("ratio", [1.0, -0.1, float("nan")])
def test_a_level_that_cannot_be_is_refused_by_name_and_value(ratio: float) -> None:
    bank = fresh(3)
    with pytest.raises(ValueError, match=rf"ratios\[1\] = {ratio}: must be at least 0, below 1"):
        bank.know(np.array([0, 2]), np.array([0.5, ratio]))


def test_an_accepted_degradation_is_closed_without_a_word_and_its_level_is_learned() -> None:
    ratio = np.full((700, 10), 0.01)
    ratio[250:, 3] = 0.2
    counts, bank = stream(ratio), fresh(10)
    (raised,) = detections(run(bank, counts, range(300)))
    assert (raised.row, raised.onset) == (3, 250)
    bank.accept(np.array([3]))
    steps = run(bank, counts, range(300, 700))
    assert detections(steps) == []
    assert all(step.alarmed[3] == 0 for step in steps)
    assert not steps[-1].learning[3]
    assert steps[-1].baseline[3] == pytest.approx(0.2, rel=0.15)
    assert steps[-1].baseline[4] == pytest.approx(0.01, rel=0.5)


def test_an_accepted_level_is_known_from_the_onset_on_not_from_the_acceptance_on() -> None:
    ratio = np.full((360, 10), 0.01)
    ratio[250:, 3] = 0.2
    counts, bank = stream(ratio), fresh(10)
    run(bank, counts, range(350))
    bank.accept(np.array([3]))
    step = run(bank, counts, range(350, 351))[0]
    assert step.baseline[3] == pytest.approx(0.2, rel=0.2)


def test_a_change_from_an_accepted_level_is_raised() -> None:
    ratio = np.full((700, 10), 0.01)
    ratio[250:, 3] = 0.2
    ratio[600:, 3] = 0.8
    counts, bank = stream(ratio), fresh(10)
    run(bank, counts, range(300))
    bank.accept(np.array([3]))
    found = detections(run(bank, counts, range(300, 620)))
    assert [(one.row, one.direction, one.onset) for one in found] == [(3, Direction.DEGRADED, 600)]
    assert found[0].baseline_ratio == pytest.approx(0.8, abs=0.04)


def test_a_series_that_is_accepted_without_an_alarm_learns_anew() -> None:
    counts, bank = stream(np.full((260, 5), 0.05)), fresh(5)
    run(bank, counts, range(250))
    bank.accept(np.array([2]))
    step = run(bank, counts, range(250, 251))[0]
    assert step.learning.tolist() == [False, False, True, False, False]
    assert step.statistic[2] == 0.0


def test_before_the_first_window_there_is_nothing_to_accept() -> None:
    bank = fresh(2)
    bank.accept(np.array([0, 1]))
    counts = stream(np.full((5, 2), 0.05))
    usual = run(fresh(2), counts, range(5))[-1]
    np.testing.assert_array_equal(run(bank, counts, range(5))[-1].baseline, usual.baseline)


def waiting(ratio: Floats, last: int, seed: int = 3) -> tuple[list[BankStep], list[bool]]:
    """Run 20 series, and tell in which windows the level of series 3 waits afterwards."""
    bank, counts = fresh(20, WAITING), stream(ratio, volume=40.0, seed=seed)
    steps, waits = list[BankStep](), list[bool]()
    for window in range(last):
        steps += run(bank, counts, range(window, window + 1))
        held = bank.snapshot()["life.held"]
        assert isinstance(held, np.ndarray)
        waits.append(bool(held[3] < np.iinfo(np.int64).max))
    return steps, waits


def test_a_slow_change_does_not_enter_the_level_while_it_is_suspicious() -> None:
    ratio = np.full((330, 20), 0.01)
    ratio[250:, 3] = 0.025
    steps, waits = waiting(ratio, 330)
    assert detections(steps[:290]) == []
    first = waits.index(True, 250)
    assert first < 285
    during = [step.baseline[3] for step, held in zip(steps, waits, strict=True) if held]
    assert max(during[: 290 - first]) < 1.3 * steps[first].baseline[3]


def test_a_series_that_calms_down_catches_up() -> None:
    ratio = np.full((420, 20), 0.01)
    ratio[250:265, 3] = 0.03
    steps, waits = waiting(ratio, 420)
    bank = fresh(20, replace(WAITING, suspicion=float("inf")))
    straight = run(bank, stream(ratio, volume=40.0, seed=3), range(420))
    assert any(waits[250:])
    assert not waits[-1]
    assert detections(steps) == []
    apart = [
        abs(step.baseline[3] / other.baseline[3] - 1)
        for step, other in zip(steps, straight, strict=True)
    ]
    assert max(apart) > 0.1
    assert apart[-1] < 0.001


def test_other_series_learn_while_one_waits() -> None:
    ratio = np.full((330, 20), 0.01)
    ratio[250:, 3] = 0.025
    steps, _ = waiting(ratio, 330)
    moved = np.abs(steps[-1].baseline - steps[260].baseline)
    assert np.count_nonzero(moved > 0) >= 19


def outbreak(settings: BankSettings) -> list[Detection]:
    """Let half of 60 series fail a little more, all at once."""
    ratio = np.full((320, 60), 0.01)
    ratio[250:, :30] = 0.1
    return detections(run(fresh(60, settings), stream(ratio, volume=20.0, seed=4), range(320)))


def test_series_judged_alone_need_the_whole_threshold_each() -> None:
    alone, together = outbreak(replace(SETTINGS, together=False)), outbreak(SETTINGS)
    assert {found.row for found in alone} == {found.row for found in together} == set(range(30))
    assert all(found.statistic >= found.threshold == 60 * 1440 for found in alone)
    assert sum(found.statistic < 60 * 1440 for found in together) > 5
    delay = [np.mean([found.window for found in some]) for some in (together, alone)]
    assert delay[0] < delay[1]
