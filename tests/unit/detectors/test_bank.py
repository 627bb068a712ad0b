"""The bank as a whole: learning, alarms, recovery, improvement, and what it refuses."""

from dataclasses import replace

import numpy as np
import pytest

from detectors.arrays import Floats, Integers
from detectors.bank import Bank, BankSettings, BankStep, Detection, Direction
from detectors.simulation import QUIET, draw, ramp_change, step_change

SETTINGS = BankSettings()


def stream(ratio: Floats, volume: float = 20.0, seed: int = 1) -> tuple[Integers, Integers]:
    """Draw a stream of shape [T, S] around failure ratios of that shape."""
    volumes = np.full(ratio.shape, volume)
    return draw(volumes, ratio, QUIET, np.random.default_rng(seed))


def run(
    trials: Integers, failures: Integers, settings: BankSettings = SETTINGS
) -> tuple[Bank, list[BankStep]]:
    bank = Bank(settings)
    bank.add(np.zeros(trials.shape[1], dtype=np.int64))
    return bank, [bank.step(t, n, k) for t, (n, k) in enumerate(zip(trials, failures, strict=True))]


def detections(steps: list[BankStep]) -> list[Detection]:
    return [found for step in steps for found in step.detections]


def test_a_degradation_is_found_with_its_onset_and_its_ratios() -> None:
    ratio = np.full((300, 20), 0.01)
    ratio[250:, 3] = 0.3
    _, steps = run(*stream(ratio, seed=2))
    (found,) = detections(steps)
    assert (found.row, found.direction) == (3, Direction.DEGRADED)
    assert found.onset == 250
    assert found.onset_low <= 250 <= found.onset_high
    assert 251 <= found.window <= 253
    assert found.baseline_ratio == pytest.approx(0.99, abs=0.003)
    assert found.ratio == pytest.approx(0.7, abs=0.15)
    assert found.statistic >= found.threshold == 20 * 1440


def test_an_alarm_stays_open_until_the_series_is_back() -> None:
    ratio = np.full((400, 20), 0.01)
    ratio[250:330, 3] = 0.5
    _, steps = run(*stream(ratio))
    raised, closed = detections(steps)
    assert (closed.row, closed.direction) == (3, Direction.RECOVERED)
    assert closed.onset_low <= 330 <= closed.onset_high
    assert 331 <= closed.window <= 334
    assert closed.ratio > 0.95
    opened = [step.window for step in steps if step.alarmed[3] == 1]
    assert opened == list(range(raised.window, closed.window))


def test_a_series_that_degrades_again_alarms_again() -> None:
    ratio = np.full((500, 20), 0.01)
    ratio[250:300, 3] = ratio[350:400, 3] = 0.6
    _, steps = run(*stream(ratio))
    kinds = [(found.row, found.direction.value, found.onset) for found in detections(steps)]
    assert kinds == [
        (3, "degraded", 250),
        (3, "recovered", 300),
        (3, "degraded", 350),
        (3, "recovered", 400),
    ]


def test_a_partial_recovery_leaves_the_alarm_open() -> None:
    ratio = np.full((400, 20), 0.01)
    ratio[250:, 3] = 0.9
    ratio[300:, 3] = 0.15
    _, steps = run(*stream(ratio))
    assert [found.direction for found in detections(steps)] == [Direction.DEGRADED]
    assert steps[-1].alarmed[3] == 1


def test_the_baseline_is_frozen_while_an_alarm_is_open_and_knows_nothing_of_the_failures() -> None:
    ratio = np.full((700, 20), 0.01)
    ratio[250:550, 3] = 0.3
    _, steps = run(*stream(ratio))
    open_alarm = [step.baseline[3] for step in steps if step.alarmed[3] == 1]
    assert max(open_alarm) < 0.013
    assert max(step.baseline[3] for step in steps[550:]) < 0.013


def test_a_ramp_is_found_and_does_not_teach_the_baseline() -> None:
    ratio = ramp_change(np.full((700, 20), 0.003), 600, 0.2, 30)
    ratio[:, 1:] = 0.003
    _, steps = run(*stream(ratio, volume=10.0))
    (found,) = detections(steps)
    assert found.row == 0
    assert found.window < 630
    assert steps[found.window].baseline[0] < 0.0045


def test_a_series_that_becomes_better_is_a_recovery_and_learns_its_new_level() -> None:
    ratio = step_change(np.full((900, 10), 0.2), 300, 0.2)
    ratio[300:, 4] = 0.01
    _, steps = run(*stream(ratio))
    (found,) = detections(steps)
    assert (found.row, found.direction, found.onset) == (4, Direction.RECOVERED, 300)
    assert steps[found.window].alarmed[4] == -1
    assert steps[found.window + 1].learning[4]
    assert not steps[-1].learning[4]
    assert steps[-1].alarmed[4] == 0
    assert steps[-1].baseline[4] == pytest.approx(0.01, rel=0.5)


def test_nothing_is_raised_while_a_series_is_learning() -> None:
    ratio = np.full((60, 20), 0.01)
    ratio[30:45] = 0.9
    _, steps = run(*stream(ratio[:48]))
    assert all(step.learning.all() for step in steps)
    assert detections(steps) == []


def test_a_cold_fleet_of_modest_volume_is_useful_after_two_hours() -> None:
    ratio = np.full((200, 60), 0.01)
    ratio[125:, :12] = 0.4
    _, steps = run(*stream(ratio, volume=3.0))
    assert not steps[124].learning.any()
    found = {change.row: change for change in detections(steps)}
    assert set(found) == set(range(12))
    assert np.median([change.window - 125 for change in found.values()]) <= 6


def test_a_lone_silent_series_is_judged_after_two_hours_at_the_latest() -> None:
    trials = np.zeros((140, 1), dtype=np.int64)
    trials[10::10] = 1
    _, steps = run(trials, np.zeros_like(trials))
    judged = [step.window for step in steps if not step.learning[0]]
    assert judged[0] == 10 + SETTINGS.warm_up_windows


def test_a_new_series_in_an_old_group_is_judged_from_its_first_window() -> None:
    trials, failures = stream(np.full((301, 20), 0.01))
    bank, _ = run(trials[:300], failures[:300])
    bank.add(np.array([0, 99]))
    step = bank.step(300, np.append(trials[300], [5, 5]), np.append(failures[300], [0, 0]))
    assert not step.learning[20]
    assert step.learning[21]
    assert step.baseline[20] == pytest.approx(0.01, rel=0.2)


def test_series_that_fail_together_need_less_evidence_each() -> None:
    ratio = np.full((300, 200), 0.01)
    ratio[250:, :100] = 0.1
    _, steps = run(*stream(ratio, seed=3))
    helped = [
        found.row
        for step in steps
        for found in step.detections
        if found.threshold <= found.statistic < step.threshold
    ]
    assert len(helped) > 20
    assert max(helped) < 100


def test_the_threshold_counts_the_series_that_are_judged() -> None:
    _, steps = run(*stream(np.full((130, 20), 0.01)))
    assert steps[0].threshold == 1440
    assert steps[-1].threshold == 20 * 1440


def test_detections_come_in_the_order_of_rows() -> None:
    ratio = np.full((300, 30), 0.01)
    ratio[250:, ::2] = 0.8
    _, steps = run(*stream(ratio, volume=50.0))
    rows = [found.row for step in steps for found in step.detections]
    assert len(rows) == 15
    assert all(
        [found.row for found in step.detections] == sorted(found.row for found in step.detections)
        for step in steps
    )


def test_kept_series_go_on_as_if_nothing_had_happened() -> None:
    ratio = np.full((400, 6), 0.01)
    ratio[350:, 4] = 0.4
    trials, failures = stream(ratio)
    bank, _ = run(trials[:300], failures[:300])
    bank.keep(np.array([4, 0, 5]))
    assert bank.size == 3
    order = [4, 0, 5]
    steps = [bank.step(t, trials[t, order], failures[t, order]) for t in range(300, 400)]
    assert [found.row for found in detections(steps)] == [0]


@pytest.mark.parametrize("rows", [[0, 0], [3], [-1]])
def test_rows_that_do_not_exist_or_are_named_twice_are_not_kept(rows: list[int]) -> None:
    bank, _ = run(*stream(np.full((3, 2), 0.01)))
    with pytest.raises(ValueError, match="rows: "):
        bank.keep(np.array(rows))


@pytest.mark.parametrize(
    ("window", "trials", "failures", "message"),
    [
        (3, [5, 5], [0, 6], r"failures\[1\] = 6: more than trials"),
        (3, [5, -5], [0, 0], r"trials\[1\] = -5: outside"),
        (3, [5, 2**31], [0, 0], r"trials\[1\] = 2147483648: outside"),
        (3, [5, 5], [-1, 0], r"failures\[0\] = -1: outside"),
        (3, [5], [0], r"trials: shape \(1,\) instead of \(2,\)"),
        (2, [5, 5], [0, 0], "window = 2: must be above 2"),
        (-7, [5, 5], [0, 0], "window = -7: must be above 2"),
    ],
)
def test_bad_input_is_refused_by_name_and_value_and_changes_nothing(
    window: int, trials: list[int], failures: list[int], message: str
) -> None:
    bank, _ = run(*stream(np.full((3, 2), 0.01)))
    before = bank.snapshot()
    with pytest.raises(ValueError, match=message):
        bank.step(window, np.array(trials), np.array(failures))
    after = bank.snapshot()
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_counts_that_are_no_integers_are_refused() -> None:
    bank, _ = run(*stream(np.full((3, 1), 0.01)))
    with pytest.raises(ValueError, match="trials: type float64 instead of integers"):
        bank.step(3, np.array([1.0]), np.array([0]))
    with pytest.raises(ValueError, match="groups: "):
        bank.add(np.array([[1]]))


def test_a_snapshot_of_another_version_is_refused() -> None:
    bank, _ = run(*stream(np.full((3, 1), 0.01)))
    with pytest.raises(ValueError, match="version = 0: must be 2"):
        Bank.resume(SETTINGS, bank.snapshot() | {"version": 0})
    with pytest.raises(ValueError, match="counts: 1440 windows in the snapshot, not 60"):
        Bank.resume(replace(SETTINGS, ring_windows=60), bank.snapshot())


def test_an_empty_bank_steps_and_resumes() -> None:
    bank = Bank(SETTINGS)
    nothing = np.zeros(0, dtype=np.int64)
    assert bank.step(0, nothing, nothing).detections == ()
    again = Bank.resume(SETTINGS, bank.snapshot())
    again.add(np.array([1]))
    assert again.step(1, np.array([3]), np.array([0])).learning.tolist() == [True]


def test_a_slow_change_is_taken_out_of_the_baseline_once_it_is_found() -> None:
    ratio = np.full((450, 20), 0.01)
    ratio[250:, 3] = 0.04
    _, steps = run(*stream(ratio, volume=5.0, seed=10))
    found = next(change for change in detections(steps) if change.row == 3)
    assert found.window - found.onset > SETTINGS.holdback_windows + 10
    taught, mended = steps[found.window].baseline[3], steps[found.window + 1].baseline[3]
    assert mended < 0.9 * taught


def test_a_series_is_never_alarmed_in_a_window_without_operations() -> None:
    ratio = np.full((400, 40), 0.01)
    ratio[250:, 3] = 0.03
    trials, failures = stream(ratio)
    bank, steps = run(trials[:250], failures[:250])
    window = 250
    while steps[-1].statistic[3] < 3 * 1440:
        steps.append(bank.step(window, trials[window], failures[window]))
        window += 1
    assert steps[-1].statistic[3] < steps[-1].threshold
    bank.keep(np.array([3, 0]))
    silent = bank.step(window, np.array([0, 20]), np.array([0, 0]))
    assert silent.threshold < steps[-1].statistic[3]
    assert silent.detections == ()
    heard = bank.step(window + 1, np.array([20, 20]), np.array([2, 0]))
    assert [found.row for found in heard.detections] == [0]
