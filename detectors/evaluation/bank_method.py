"""This program's own detector bank as a method of the benchmark."""

import dataclasses
from dataclasses import dataclass, field

import numpy as np

from detectors.arrays import Integers
from detectors.bank import Bank, BankSettings, BankStep, Direction
from detectors.evaluation.calibration import WINDOWS_PER_FALSE_ALARM
from detectors.evaluation.cells import ChangeCell
from detectors.evaluation.method import Alarm, Run
from detectors.evaluation.streams import Streams
from detectors.settings import SECONDS_PER_DAY


@dataclass(frozen=True, slots=True)
class BankMethod:
    """The real `Bank`, by its promise: A = 43,200 windows a series, nothing calibrated.

    Every series is judged on its own, so that the many series that change at once in a benchmark do
    not help each other. The statistic is the bank's evidence while a series is judged and has no
    open alarm, else 0: it is exact up to the first alarm, so that it can be calibrated to any
    threshold up to A.

    Attributes:
        settings: Of the bank, apart from what is promised.
        windows_per_false_alarm: A: one false alarm of a series in so many windows is promised.
        together: Whether series that change at once may help each other.
    """

    settings: BankSettings = field(default_factory=BankSettings)
    windows_per_false_alarm: float = WINDOWS_PER_FALSE_ALARM
    together: bool = False
    name: str = "opwatch"
    lead: int = 4320
    most: int | None = None
    steady: int | None = None

    def build(self, groups: Integers) -> Bank:
        """Build a bank that promises `windows_per_false_alarm` for each of its series.

        Args:
            groups: Group of each series, shape [S].
        """
        per_day = SECONDS_PER_DAY / self.settings.window_seconds
        promised = groups.size * per_day / self.windows_per_false_alarm
        bank = Bank(
            dataclasses.replace(
                self.settings, false_alarms_per_day=promised, together=self.together
            )
        )
        bank.add(groups)
        return bank

    def suits(self, cell: ChangeCell) -> bool:
        """Take any cell; see `Method`."""
        del cell
        return True

    def run(self, streams: Streams) -> Run:
        """Step the bank through all windows; see `Method`."""
        groups = streams.groups
        bank = self.build(np.zeros(streams.series, np.int64) if groups is None else groups)
        if streams.known:
            bank.know(np.arange(streams.series), streams.level)
        statistic = np.zeros(streams.trials.shape)
        alarms: list[Alarm] = []
        opened = np.zeros(streams.series, dtype=np.int8)
        for window in range(streams.windows):
            step = bank.step(window, streams.trials[window], streams.failures[window])
            judged = ~step.learning & (opened == 0)
            statistic[window] = np.where(judged, step.statistic, 0.0)
            alarms.extend(_alarms(step, opened))
            opened = step.alarmed
        return Run(
            statistic=statistic, threshold=self.windows_per_false_alarm, alarms=tuple(alarms)
        )


def _alarms(step: BankStep, opened: np.ndarray[tuple[int], np.dtype[np.int8]]) -> list[Alarm]:
    """Give what a step raised, without the ends of alarms that were open before it."""
    return [
        Alarm(
            row=found.row,
            window=found.window,
            rising=found.direction is Direction.DEGRADED,
            onset=found.onset,
            low=found.onset_low,
            high=found.onset_high,
        )
        for found in step.detections
        if found.direction is Direction.DEGRADED or opened[found.row] == 0
    ]
