"""Expected volume: what every series does at this hour of the day and of the week."""

from typing import Final

import numpy as np
import numpy.typing as npt

from detectors.arrays import Flags, Floats, Integers, Snapshot
from detectors.volume.settings import SECONDS_PER_HOUR, VolumeSettings

HOURS_PER_DAY: Final = 24
HOURS_PER_WEEK: Final = 168
_NOTHING: Final = 1e-12
"""A rate that stands for "no operations at all" where something must be divided by it."""

Hours = npt.NDArray[np.float32]


class VolumeProfile:
    """Operations a window by hour of the day and hour of the week, per series.

    Each hour holds decayed sums of operations s and of windows n. Level of a series: all hours of
    the day together. Rate of an hour of the day: (s + a) / (n + a / level); of an hour of the week:
    (s + a) / (n + a / rate of its hour of the day): the mean of a Gamma posterior with a prior
    worth a operations, so that an hour which nothing is known of takes the coarser rate, and a
    quiet series is not ruled by three operations (Robbins, "An empirical Bayes approach to
    statistics", 1956). Rates are interpolated between the middles of hours.

    The expectation is the **smaller** of day and week. The season is multiplicative (a weekend day
    looks like a workday, only lower), has corners, and a profile of hours follows both; what it
    cannot know is which of yesterday and last week is the exception. An expectation that is too
    low costs some delay; one that is too high breaks the promise.

    Hours count from the first window, so that the origin of time does not matter.

    Blind spots: holidays; work that comes at another hour every day; traffic that doubles is
    believed only after it has been there at the same hour of the day and the week before.

    Attributes:
        day: s and n by hour of the day, shape [2, 24, S].
        week: s and n by hour of the week, shape [2, 168, S].
    """

    def __init__(self, settings: VolumeSettings) -> None:
        self._settings = settings
        self._fade = {
            HOURS_PER_DAY: float(np.exp(-1.0 / settings.day_memory_days)),
            HOURS_PER_WEEK: float(np.exp(-1.0 / settings.week_memory_weeks)),
        }
        self.origin: int | None = None
        self._entered = -1
        self.day: Hours = np.zeros((2, HOURS_PER_DAY, 0), dtype=np.float32)
        self.week: Hours = np.zeros((2, HOURS_PER_WEEK, 0), dtype=np.float32)

    def add(self, count: int) -> None:
        """Append series that nothing is known of."""
        day = np.zeros((2, HOURS_PER_DAY, count), dtype=np.float32)
        week = np.zeros((2, HOURS_PER_WEEK, count), dtype=np.float32)
        self.day = np.concatenate((self.day, day), axis=2)
        self.week = np.concatenate((self.week, week), axis=2)

    def keep(self, rows: Integers) -> None:
        """Drop all other series."""
        self.day, self.week = self.day[:, :, rows], self.week[:, :, rows]

    def state(self) -> Snapshot:
        """Give the state as plain data."""
        return {
            "started": int(self.origin is not None),
            "origin": self.origin or 0,
            "entered": self._entered,
            "day": self.day.copy(),
            "week": self.week.copy(),
        }

    def restore(self, state: Snapshot) -> None:
        """Go on from a state."""
        self.origin = int(state["origin"]) if state["started"] else None
        self._entered = int(state["entered"])
        self.day = np.array(state["day"], dtype=np.float32)
        self.week = np.array(state["week"], dtype=np.float32)

    def begin(self, window: int) -> None:
        """Count hours from here, if this is the first window."""
        if self.origin is None:
            self.origin = window

    def learn(self, window: int, operations: Integers, learning: Flags) -> None:
        """Take in one window of the marked series; their hour fades once when it comes round."""
        hour = int(self._seconds(window) // SECONDS_PER_HOUR)
        marked = learning.astype(np.float32)
        for hours, length in ((self.day, HOURS_PER_DAY), (self.week, HOURS_PER_WEEK)):
            slot = hours[:, hour % length]
            if hour != self._entered:
                slot *= np.where(learning, self._fade[length], 1.0).astype(np.float32)
            slot[0] += operations * marked
            slot[1] += marked
        self._entered = hour

    def amend(self, row: int, windows: Integers, operations: Integers) -> None:
        """Take windows that have entered out of one series again.

        Args:
            row: The series.
            windows: Indices of the windows, shape [W], no older than a day.
            operations: What was counted in them, shape [W].
        """
        hour = self._seconds(windows) // SECONDS_PER_HOUR
        for hours, length in ((self.day, HOURS_PER_DAY), (self.week, HOURS_PER_WEEK)):
            np.subtract.at(hours[0, :, row], hour % length, operations.astype(np.float32))
            np.subtract.at(hours[1, :, row], hour % length, np.float32(1.0))
            np.maximum(hours[:, :, row], 0.0, out=hours[:, :, row])

    def restart(self, rows: Integers) -> None:
        """Forget everything about some series."""
        self.day[:, :, rows] = 0.0
        self.week[:, :, rows] = 0.0

    def level(self) -> Floats:
        """Give the mean operations a window, over the hours of the day, shape [S]."""
        operations, windows = self.day.sum(axis=1, dtype=np.float64)
        level: Floats = operations / np.maximum(windows, 1.0)
        return level

    def active_hours(self) -> Integers:
        """Give in how many hours of the day each series has had operations, shape [S]."""
        hours: Integers = np.count_nonzero(self.day[0], axis=0)
        return hours

    def rate(self, window: int, level: Floats) -> tuple[Floats, Floats]:
        """Give the expected operations of all series in a window.

        Args:
            window: Index of the window.
            level: See `level`, shape [S].

        Returns:
            The expectation, and the same lowered by its doubt, each of shape [S].
        """
        first, share = self._between(np.array(window))
        hour, part = int(first), float(share)
        near = self._rates(self.day[:, hour % 24], self.week[:, hour % 168], level)
        far = self._rates(self.day[:, (hour + 1) % 24], self.week[:, (hour + 1) % 168], level)
        rate = part * near[0] + (1.0 - part) * far[0]
        return rate, part * near[1] + (1.0 - part) * far[1]

    def course(self, row: int, windows: Integers) -> Floats:
        """Give the expected operations of one series in some windows, shape [W]."""
        first, share = self._between(windows)
        operations, counted = self.day[:, :, row].sum(axis=1, dtype=np.float64)
        level = np.full(windows.size, operations / max(float(counted), 1.0))
        day, week = self.day[:, :, row], self.week[:, :, row]
        near = self._rates(day[:, first % 24], week[:, first % 168], level)[0]
        later = first + 1
        far = self._rates(day[:, later % 24], week[:, later % 168], level)[0]
        course: Floats = share * near + (1.0 - share) * far
        return course

    def _rates(self, day: Hours, week: Hours, level: Floats) -> tuple[Floats, Floats]:
        """Give the smaller of day and week, and the same less its doubt."""
        prior = self._settings.prior_operations
        known = day[0] + prior
        daily = known / (day[1] + prior / np.maximum(level, _NOTHING))
        weekly = (week[0] + prior) / (week[1] + prior / np.maximum(daily, _NOTHING))
        rate = np.minimum(daily, weekly)
        doubt = np.minimum(self._settings.doubt_deviations / np.sqrt(known), 1.0)
        return rate, rate * (1.0 - doubt)

    def _seconds(self, windows: Integers | int) -> Integers:
        """Give when windows begin, in seconds since the first one."""
        seconds: Integers = (np.asarray(windows) - (self.origin or 0)) * (
            self._settings.window_seconds
        )
        return seconds

    def _between(self, windows: Integers) -> tuple[Integers, Floats]:
        """Give the earlier of the two hours that windows lie between, and its weight."""
        middle = self._seconds(windows) + self._settings.window_seconds / 2
        position = middle / SECONDS_PER_HOUR - 0.5
        first = np.floor(position)
        return first.astype(np.int64), 1.0 - (position - first)
