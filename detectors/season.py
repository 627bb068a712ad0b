"""Daily and weekly season of the odds of failure, per series."""

from typing import Final

import numpy as np
import numpy.typing as npt

from detectors.arrays import Floats, Integers, Snapshot
from detectors.groups import NO_GROUPS, Groups
from detectors.harmonics import (
    COEFFICIENTS,
    DAILY,
    HOURS_PER_WEEK,
    SLOT_HARMONICS,
    fit_season,
    harmonics,
)
from detectors.settings import SECONDS_PER_DAY, BankSettings

_DAY_KNOWN: Final = 24
"""Hours of the week that must have operations before a daily season is looked for in them."""
_WEEK_KNOWN: Final = 160
"""... before a weekly one is."""
_CREDIBLE: Final = 4.0
"""A gain so many times its expectation by chance is cut back before it speaks for the group."""
_PROVEN: Final = 2.5
"""Gain of a single series, in multiples of that expectation, from which its own season is
believed: less than 5 % of four-dimensional noise reaches it."""


class Season:
    """Two daily and two weekly harmonics in the log odds of failure, series by series.

    logit p_t = level + x_t beta (see `fit_season`), fitted to the overdispersion-deflated counts of
    the 168 hours of the week, faded by the week; every series is fitted once an hour, not all in
    the same window. The level is not used: the season is centred so that the expected failures
    stay what they were.

    Noise must not become a season. With d coefficients and nothing there, the gain D (twice the
    log-likelihood gained) is d on average (Wilks, Annals of Mathematical Statistics 9, 1938), so
    beta is shrunk by 1 - d / D (James & Stein, 1961) with D averaged over the series of the group,
    or by the series' own D where that proves a season by itself. The day is fitted once 24 hours of
    the week have operations, the week once 160 have.

    Ages are windows since the first one, so the origin of time does not matter.

    Blind spots: a season with corners (a nightly job) is smoothed; holidays.

    Attributes:
        slots: Operations and failures by hour of the week, shape [2, 168, S], in 32 bits.
        coefficients: beta, shape [8, S].
        gain: D, shape [S].
        fitted: Number of coefficients fitted, d, shape [S].
        centre: Mean and variance of x beta over the operations, shape [2, S].
    """

    def __init__(self, settings: BankSettings) -> None:
        self._hours_per_window = settings.window_seconds * 24.0 / SECONDS_PER_DAY
        self._turns = max(round(1.0 / self._hours_per_window), 1)
        week = HOURS_PER_WEEK / self._hours_per_window
        self._decay = float(np.exp(-week / settings.season_memory_windows))
        self._groups = NO_GROUPS
        self._entered = 0
        self.slots: npt.NDArray[np.float32] = np.zeros((2, HOURS_PER_WEEK, 0), dtype=np.float32)
        self.coefficients: Floats = np.zeros((COEFFICIENTS, 0))
        self.gain: Floats = np.zeros(0)
        self.fitted: Floats = np.zeros(0)
        self.centre: Floats = np.zeros((2, 0))

    def add(self, count: int) -> None:
        """Append series without a season; call `regroup` afterwards."""
        room = np.zeros((2, HOURS_PER_WEEK, count), dtype=np.float32)
        self.slots = np.concatenate((self.slots, room), axis=2)
        self.coefficients = np.concatenate(
            (self.coefficients, np.zeros((COEFFICIENTS, count))), axis=1
        )
        self.gain = np.concatenate((self.gain, np.zeros(count)))
        self.fitted = np.concatenate((self.fitted, np.zeros(count)))
        self.centre = np.concatenate((self.centre, np.zeros((2, count))), axis=1)

    def keep(self, rows: Integers) -> None:
        """Drop all other series; call `regroup` afterwards."""
        self.slots, self.coefficients = self.slots[:, :, rows], self.coefficients[:, rows]
        self.gain, self.fitted = self.gain[rows], self.fitted[rows]
        self.centre = self.centre[:, rows]

    def regroup(self, groups: Groups) -> None:
        """Go on with other series."""
        self._groups = groups

    def restart(self, row: int) -> None:
        """Forget a series that has another level from now on."""
        self.slots[:, :, row] = 0.0
        self.coefficients[:, row] = 0.0
        self.gain[row] = self.fitted[row] = 0.0
        self.centre[:, row] = 0.0

    def state(self) -> Snapshot:
        """Give the state as plain data."""
        return {
            "entered": self._entered,
            "slots": self.slots.copy(),
            "coefficients": self.coefficients.copy(),
            "gain": self.gain.copy(),
            "fitted": self.fitted.copy(),
            "centre": self.centre.copy(),
        }

    def restore(self, state: Snapshot, groups: Groups) -> None:
        """Go on from a state."""
        self._groups = groups
        self._entered = int(state["entered"])
        self.slots = np.array(state["slots"], dtype=np.float32)
        self.coefficients = np.array(state["coefficients"], dtype=np.float64)
        self.gain = np.array(state["gain"], dtype=np.float64)
        self.fitted = np.array(state["fitted"], dtype=np.float64)
        self.centre = np.array(state["centre"], dtype=np.float64)

    def log_odds(self, age: int) -> Floats:
        """Give how much the log odds of failure differ from their level at an age, shape [S]."""
        if not self.fitted.any():
            return np.zeros(self.fitted.size)
        season = harmonics(self._hours(np.array([age])))[:, 0] @ self.coefficients
        belief = self._belief()
        centred: Floats = belief * (season - self.centre[0] - belief * self.centre[1] / 2.0)
        return centred

    def course(self, rows: Integers, ages: Integers) -> Floats:
        """Give the same for some series, shape [R], at some ages, shape [W]: shape [W, R]."""
        season = harmonics(self._hours(ages)).T @ self.coefficients[:, rows]
        belief, (mean, variance) = self._belief()[rows], self.centre[:, rows]
        centred: Floats = belief * (season - mean - belief * variance / 2.0)
        return centred

    def learn(self, age: int, rows: Integers, trials: Floats, failures: Floats) -> None:
        """Take in one window, its counts deflated by overdispersion; windows come in order."""
        slot = self._enter(age)
        self.slots[0, slot, rows] += trials.astype(np.float32)
        self.slots[1, slot, rows] += failures.astype(np.float32)

    def amend(self, row: int, ages: Integers, counts: Floats) -> None:
        """Add deflated counts, shape [2, W], of past windows of a series; negative ones leave."""
        slots = self._hours(ages).astype(np.int64) % HOURS_PER_WEEK
        for total, part in zip(self.slots, counts.astype(np.float32), strict=True):
            np.add.at(total[:, row], slots, part)
        np.maximum(self.slots[:, :, row], 0.0, out=self.slots[:, :, row])

    def fit(self, first: int, last: int) -> None:
        """Fit the series whose turn it is at the ages `first` to `last`."""
        if last < first:
            return
        turns = np.arange(max(first, last - self._turns + 1), last + 1)
        due = np.isin(np.arange(self.gain.size) % self._turns, turns % self._turns)
        rows = np.flatnonzero(due)
        hours = np.count_nonzero(self.slots[0][:, rows], axis=0)
        rows, hours = rows[hours >= _DAY_KNOWN], hours[hours >= _DAY_KNOWN]
        if not rows.size:
            return
        trials: Floats = self.slots[0][:, rows].astype(np.float64)
        failures = np.minimum(self.slots[1][:, rows].astype(np.float64), trials)
        weekly = hours >= _WEEK_KNOWN
        found, self.gain[rows] = fit_season(trials, failures, self.coefficients[:, rows], weekly)
        self.coefficients[:, rows] = found
        self.fitted[rows] = np.where(weekly, COEFFICIENTS, DAILY)
        season, total = SLOT_HARMONICS.T @ found, trials.sum(axis=0)
        mean = (trials * season).sum(axis=0) / total
        self.centre[:, rows] = mean, (trials * (season - mean) ** 2).sum(axis=0) / total

    def _belief(self) -> Floats:
        """Give the share of beta that is believed, shape [S]."""
        groups, known = self._groups, np.maximum(self.fitted, 1.0)
        gained = np.minimum(self.gain, _CREDIBLE * self.fitted)
        chance = np.maximum(groups.sum(self.fitted), 1e-9)
        shared: Floats = 1.0 - chance / np.maximum(groups.sum(gained), chance)
        own: Floats = 1.0 - _PROVEN * known / np.maximum(self.gain, _PROVEN * known)
        return np.maximum(shared[groups.member], own)

    def _hours(self, ages: Integers) -> Floats:
        hours = (ages.astype(np.float64) + 0.5) * self._hours_per_window
        return np.asarray(hours, dtype=np.float64)

    def _enter(self, age: int) -> int:
        """Fade the hours of the week that begin anew up to an age; give its own."""
        hour = int(self._hours(np.array([age]))[0])
        rounds, rest = divmod(max(hour - self._entered, 0), HOURS_PER_WEEK)
        if rounds:
            self.slots *= np.float32(self._decay**rounds)
        begun = (self._entered + 1 + np.arange(rest)) % HOURS_PER_WEEK
        self.slots[:, begun] *= np.float32(self._decay)
        self._entered = max(hour, self._entered)
        return hour % HOURS_PER_WEEK
