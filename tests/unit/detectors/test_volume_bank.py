"""The volume bank: what it promises in control, how fast it finds a collapse, and how it ends."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from detectors.arrays import Floats
from detectors.detections import Direction
from detectors.volume.bank import VolumeBank, VolumeDetection, VolumeSettings

DAY = 1440
HALF_HOURS = VolumeSettings(window_seconds=1800, block_windows=4, ring_windows=48)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """Volumes of 100 series by the minute, from three an hour to a hundred a minute."""

    days: int
    swing: float = 0.0
    weekend: float = 1.0
    dispersion: float = 0.0
    stops: int | None = None
    left: float = 0.0

    @property
    def volume(self) -> Floats:
        return np.logspace(-1.3, 2, 100)

    def detections(self, seed: int) -> list[VolumeDetection]:
        generator = np.random.default_rng(seed)
        phase = generator.uniform(0, 2 * np.pi, self.volume.size)
        bank = VolumeBank(VolumeSettings())
        bank.add(np.arange(self.volume.size) % 5)
        found: list[VolumeDetection] = []
        for window in range(self.days * DAY):
            mean = self.volume * (1 + self.swing * np.sin(2 * np.pi * window / DAY + phase))
            if window // DAY % 7 >= 5:
                mean *= self.weekend
            if self.stops is not None and window >= self.stops:
                mean *= self.left
            if self.dispersion:
                mean = generator.gamma(1 / self.dispersion, mean * self.dispersion)
            found += bank.step(window, generator.poisson(mean)).detections
        return found


@pytest.mark.parametrize(
    "stream",
    [
        Stream(days=3),
        Stream(days=3, swing=0.9),
        Stream(days=3, dispersion=0.5),
        Stream(days=3, swing=0.9, dispersion=0.2),
    ],
)
def test_false_alarms_stay_below_the_promise(stream: Stream) -> None:
    """Promised: one episode a day; allowed are what three days at that rate exceed in 5 %."""
    found = [one for seed in (1, 2) for one in stream.detections(seed)]
    assert len({one.window for one in found}) <= 6


def test_a_weekend_is_no_collapse_once_a_week_has_been_seen() -> None:
    found = Stream(days=14, swing=0.9, weekend=0.4).detections(3)
    assert [
        one for one in found if one.onset >= 7 * DAY and one.direction.value == "degraded"
    ] == []


def test_silence_is_found_within_what_its_volume_allows() -> None:
    """ln(A / w) = 13 nats at up to 0.5 nats for each operation missed, and three windows at least.

    The mean volume at the moment is what counts, so the swing is moderate here.
    """
    stream = Stream(days=3, swing=0.3, stops=2 * DAY + 600)
    found = {one.row: one for one in stream.detections(4)}
    delays = np.array([found[row].window - 2 * DAY - 599 for row in sorted(found)])
    missed = delays * stream.volume[sorted(found)]
    busy = stream.volume[sorted(found)] >= 10
    assert len(found) >= 95
    assert np.all(delays[busy] <= 8)
    assert np.median(delays[busy]) <= 4
    assert np.median(missed[~busy]) <= 45
    assert np.percentile(missed[~busy], 95) <= 90


def test_a_collapse_to_a_twentieth_is_found_too() -> None:
    stream = Stream(days=3, dispersion=0.2, stops=2 * DAY + 600, left=0.05)
    found = {one.row: one for one in stream.detections(5)}
    delays = np.array([found[row].window - 2 * DAY - 599 for row in sorted(found)])
    busy = stream.volume[sorted(found)] >= 10
    assert np.median(delays[busy]) <= 8
    assert all(one.share < 0.5 for one in found.values())


def test_half_of_the_traffic_moving_away_is_no_collapse() -> None:
    assert Stream(days=3, stops=2 * DAY + 600, left=0.5).detections(6) == []


def test_the_onset_is_the_first_silent_window_and_not_that_of_the_alarm() -> None:
    begin = 2 * DAY + 600
    found = [
        one for seed in (7, 8, 9) for one in Stream(days=3, stops=begin, left=0.02).detections(seed)
    ]
    volume = Stream(days=3).volume[[one.row for one in found]]
    errors = np.array([one.onset - begin for one in found])
    assert np.median(np.abs(errors[volume >= 10])) == 0
    assert np.abs(np.median(errors * volume)) < 1
    inside = [one.onset_low <= begin <= one.onset_high for one in found]
    assert 0.85 <= np.mean(inside) <= 1.0


def seen(bank: VolumeBank, window: int, *operations: int) -> list[VolumeDetection]:
    return list(bank.step(window, np.array(operations)).detections)


def steady(windows: int = 60, series: int = 2) -> VolumeBank:
    """Give a bank after some half hours of 30 operations in each series."""
    bank = VolumeBank(HALF_HOURS)
    bank.add(np.zeros(series, dtype=np.int64))
    for window in range(windows):
        assert seen(bank, window, *[30] * series) == []
    return bank


def test_nothing_is_judged_before_a_full_day_has_been_seen() -> None:
    bank = VolumeBank(HALF_HOURS)
    bank.add(np.zeros(2, dtype=np.int64))
    for window in range(40):
        seen(bank, window, 30, 30)
    for window in range(40, 200):
        step = bank.step(window, np.array([0, 30]))
        assert step.learning.all() == (window < 52)
        if window < 52:
            assert step.detections == ()


def test_a_collapse_ends_when_operations_are_back_and_can_come_again() -> None:
    bank = steady()
    course = [0] * 10 + [30] * 20 + [0] * 10
    found = [one for t, volume in enumerate(course) for one in seen(bank, 60 + t, volume, 30)]
    assert [(one.direction, one.onset) for one in found] == [
        (Direction.DEGRADED, 60),
        (Direction.RECOVERED, 70),
        (Direction.DEGRADED, 90),
    ]
    assert [one.row for one in found] == [0, 0, 0]
    assert found[0].share == 0
    assert found[1].share == pytest.approx(1.0, abs=0.05)


def test_what_is_expected_does_not_move_while_a_collapse_is_open() -> None:
    bank = steady()
    for window in range(60, 200):
        step = bank.step(window, np.array([0, 30]))
    assert step.alarmed.tolist() == [True, False]
    assert step.expected[0] == pytest.approx(30, rel=0.1)


def test_a_collapse_that_has_lasted_a_week_is_learned_anew() -> None:
    bank = steady()
    found = [one for window in range(60, 450) for one in seen(bank, window, 0, 30)]
    assert [one.direction for one in found] == [Direction.DEGRADED]
    step = bank.step(450, np.array([0, 30]))
    assert (step.alarmed[0], step.learning[0]) == (False, True)
    assert step.expected[0] == pytest.approx(0)
    found = [one for window in range(451, 560) for one in seen(bank, window, 5, 30)]
    assert found == []


def test_the_whole_fleet_going_silent_is_told_for_the_windows_left_out() -> None:
    bank = steady(series=3)
    found = seen(bank, 80, 30, 30, 30)
    assert {(one.row, one.onset) for one in found} == {(0, 60), (1, 60), (2, 60)}
    assert {one.window for one in found} == {61}, "together they need less evidence each"


def test_after_a_day_without_anything_the_bank_stands_still() -> None:
    bank = steady()
    (first, second) = seen(bank, 60 + 10**9, 30, 30)
    assert (first.window, second.window) == (62, 62)
    for window in range(61 + 10**9, 70 + 10**9):
        step = bank.step(window, np.array([30, 30]))
    assert not step.alarmed.any()
    assert step.expected == pytest.approx([30, 30], rel=0.1)


def test_work_that_runs_a_few_hours_a_day_is_never_missed() -> None:
    bank = VolumeBank(HALF_HOURS)
    bank.add(np.zeros(2, dtype=np.int64))
    for window in range(300):
        works = window < 150 and window % 48 < 10
        assert seen(bank, window, 50 if works else 0, 30) == []


def test_a_series_too_quiet_for_silence_to_mean_anything_is_never_alarmed() -> None:
    generator = np.random.default_rng(10)
    bank = VolumeBank(HALF_HOURS)
    bank.add(np.zeros(2, dtype=np.int64))
    for window in range(400):
        few = generator.poisson(0.3) if window < 100 else 0
        assert seen(bank, window, few, 30) == []


def test_pauses_of_bursty_work_are_learned() -> None:
    """20 operations a minute, on and off at random, 20 minutes each on average."""
    generator = np.random.default_rng(11)
    bank = VolumeBank(VolumeSettings())
    bank.add(np.zeros(20, dtype=np.int64))
    running, days = generator.random(20) < 0.5, []
    for window in range(5 * DAY):
        running ^= generator.random(20) < 1 / 20
        step = bank.step(window, generator.poisson(20.0 * running))
        fallen = [one for one in step.detections if one.direction is Direction.DEGRADED]
        days += [window // DAY for _ in fallen]
    assert len(days) <= 16
    assert days.count(4) <= 2


@pytest.mark.parametrize(
    ("window", "operations", "message"),
    [
        (60, [1], r"shape \(1,\)"),
        (60, [1.0, 2.0], "float64"),
        (60, [1, -1], r"operations\[1\] = -1"),
        (60, [2**31, 1], r"operations\[0\] = 2147483648"),
        (59, [1, 1], "window = 59: must be above 59"),
    ],
)
def test_bad_counts_are_refused_and_change_nothing(
    window: int, operations: list[float], message: str
) -> None:
    bank = steady()
    before = {name: str(value) for name, value in bank.snapshot().items()}
    with pytest.raises(ValueError, match=message):
        bank.step(window, np.array(operations))
    assert {name: str(value) for name, value in bank.snapshot().items()} == before


def test_a_snapshot_of_another_version_or_ring_is_refused() -> None:
    bank = steady()
    with pytest.raises(ValueError, match="version = 7"):
        VolumeBank.resume(HALF_HOURS, bank.snapshot() | {"version": 7})
    with pytest.raises(ValueError, match="48 windows, not 60"):
        VolumeBank.resume(replace(HALF_HOURS, ring_windows=60), bank.snapshot())
    fewer = replace(HALF_HOURS, collapse_shares=(0.1,), collapse_weights=(1.0,))
    with pytest.raises(ValueError, match="3 alternatives, not 1"):
        VolumeBank.resume(fewer, bank.snapshot())


@pytest.mark.parametrize(
    "wrong",
    [
        {"window_seconds": 0},
        {"false_alarms_per_day": 0.0},
        {"material_share": 1.5},
        {"collapse_shares": (0.45, 0.05, 0.005)},
        {"collapse_weights": (1.0, 1.0)},
        {"recovered_share": 0.6},
        {"active_hours": 25},
        {"dispersion_prior": 0.0},
        {"ring_windows": 60},
        {"learning_seconds": 3600},
        {"lull_factor": 0.0},
    ],
)
def test_settings_without_meaning_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        VolumeSettings(**wrong)  # type: ignore[arg-type]


def test_rows_and_groups_that_cannot_be_are_refused() -> None:
    bank = steady()
    for rows in ([0, 0], [2], [-1]):
        with pytest.raises(ValueError, match="not different rows below 2"):
            bank.keep(np.array(rows))
    with pytest.raises(ValueError, match="not integers"):
        bank.add(np.zeros(1))  # type: ignore[arg-type]
