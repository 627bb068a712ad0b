"""The volume bank: every series as a row of arrays, one step per window."""

from dataclasses import replace
from typing import Final, Self

import numpy as np

from detectors.arrays import Flags, Floats, Integers, Snapshot
from detectors.detections import Direction
from detectors.multiplicity import fleet_threshold, simultaneous_alarms
from detectors.parts import Part, joined, restore
from detectors.volume.detections import VolumeDetection, VolumeStep
from detectors.volume.dispersion import VolumeDispersion
from detectors.volume.evidence import CollapseProcess, Expectation, ReturnProcess
from detectors.volume.life import VolumeLife
from detectors.volume.lulls import Lulls
from detectors.volume.past import Change, Past
from detectors.volume.profile import VolumeProfile
from detectors.volume.ring import CountRing
from detectors.volume.settings import VolumeSettings

__all__ = ["VolumeBank", "VolumeDetection", "VolumeSettings", "VolumeStep"]

_VERSION: Final = 1


class VolumeBank:
    """Finds series whose operations stop arriving, against a volume that it learns itself.

    Statistic and what is tested: `CollapseProcess`. What is expected: `VolumeProfile`. How much it
    scatters: `VolumeDispersion`. Which of many series to raise: `multiplicity`. Units: operations
    per window in, evidence out.

    - An **empty window is evidence**, and a window left out of the calls is an empty window: the
      result is the same as with zeros. After `dark_seconds` without any operation of any series the
      bank stands still until there is one; so a gap of any length takes bounded time.
    - A series is *learning*, and raises nothing, until `learning_seconds` of its time have entered
      what is expected of it; 256 series a window at most end their learning, so that no window
      takes long. S of the threshold A = S T / B counts the series that are not learning.
    - A series is passed over while silence for a whole day would be no evidence (about two
      operations an hour in a fleet of ten thousand series, at the default promise), or while it has
      had operations in fewer than `active_hours` hours of the day: it is **never** alarmed.
    - A *collapse* freezes what is expected, takes the windows since the onset out of it again, and
      stays open until operations are back. After `forget_seconds` it is forgotten, and the series
      learned anew.

    In control: at most `false_alarms_per_day` / `shares` expected alarm episodes a day. Blind
    spots: a fall to between a third and a half of the expected volume; a decline over days; work
    that stops in its first day; those of the profile.

    Memory per series: 4 bytes a window of the ring (5.8 KB with a day of minutes), 1.5 KB of hours,
    0.2 KB else.

    Example:
        >>> bank = VolumeBank(VolumeSettings())
        >>> bank.add(np.zeros(50, dtype=np.int64))
        >>> rng = np.random.default_rng(1)
        >>> for window in range(1700):
        ...     mean = np.where((np.arange(50) == 7) & (window >= 1680), 0.0, 20.0)
        ...     for found in bank.step(window, rng.poisson(mean)).detections:
        ...         print(found.row, found.direction.value, found.onset, found.window)
        7 degraded 1680 1682
    """

    def __init__(self, settings: VolumeSettings) -> None:
        self._settings = settings
        self._profile = VolumeProfile(settings)
        self._dispersion = VolumeDispersion(settings)
        self._collapse = CollapseProcess(settings)
        self._return = ReturnProcess(settings)
        self._lulls = Lulls(settings)
        self._ring = CountRing(settings.ring_windows)
        self._life = VolumeLife()
        self._past = Past(self._ring, self._profile, self._dispersion)
        self._parts: dict[str, Part] = {
            "profile": self._profile,
            "dispersion": self._dispersion,
            "collapse": self._collapse,
            "return": self._return,
            "lulls": self._lulls,
            "ring": self._ring,
            "life": self._life,
        }

    @property
    def size(self) -> int:
        """Number of series."""
        return self._ring.size

    @property
    def latest(self) -> int | None:
        """The latest window judged, None before the first."""
        return self._ring.latest

    def add(self, groups: Integers) -> None:
        """Append series.

        Args:
            groups: Group that lends each new series its overdispersion, shape [M].

        Raises:
            ValueError: Not a one-dimensional array of integers.
        """
        if groups.ndim != 1 or not np.issubdtype(groups.dtype, np.integer):
            raise ValueError(f"groups: {groups.dtype} of shape {groups.shape}, not integers [M]")
        self._dispersion.add(groups.astype(np.int64))
        for part in (
            self._profile,
            self._collapse,
            self._return,
            self._lulls,
            self._ring,
            self._life,
        ):
            part.add(groups.size)

    def keep(self, rows: Integers) -> None:
        """Drop all other series; row i becomes what row rows[i] was.

        Raises:
            ValueError: A row that does not exist, or one named twice.
        """
        if np.unique(rows).size != rows.size or np.any((rows < 0) | (rows >= self.size)):
            raise ValueError(f"rows: {rows.tolist()}, not different rows below {self.size}")
        for part in self._parts.values():
            part.keep(rows)

    def last_seen(self) -> Integers:
        """Give the latest window with operations of each series, shape [S]."""
        return self._life.last.copy()

    def step(self, window: int, operations: Integers) -> VolumeStep:
        """Judge one window of all series, and the empty ones left out before it.

        Args:
            window: Index of the window, above that of the step before.
            operations: Operations per series, shape [S].

        Raises:
            ValueError: Counts that cannot be, or a window that does not follow; the bank is
            unchanged.
        """
        self._ring.check(window, operations)
        found: list[VolumeDetection] = []
        latest, nothing = self._ring.latest, np.zeros(self.size, dtype=np.int64)
        if latest is not None:
            lit = self._life.active + self._settings.dark
            for silent in range(latest + 1, min(window - 1, lit) + 1):
                found += self._judge(silent, nothing).detections
        step = self._judge(window, operations)
        return replace(step, detections=(*found, *step.detections))

    def _judge(self, window: int, operations: Integers) -> VolumeStep:
        """Take in one window."""
        self._profile.begin(window)
        lit = self._life.see(window, operations > 0, self._settings.dark)
        self._ring.write(window, operations)
        level = self._profile.level()
        if lit:
            self._mature(window - self._settings.holdback, level)
            self._graduate(window)
        judged = int(np.count_nonzero(~self._life.learning))
        threshold = fleet_threshold(judged, self._settings.windows_per_false_alarm)
        rate, lowered = self._profile.rate(window, level)
        statistic, found = np.zeros(self.size), list[VolumeDetection]()
        if lit:
            ends = self._settings.dispersion_floor, self._dispersion.estimate()[1]
            low, usual = Expectation(lowered, ends), Expectation(rate, ends)
            counts = operations.astype(np.float64)
            self._lulls.learn(counts, rate, ~self._life.learning)
            opened = np.flatnonzero(self._life.open)
            tested = self._tested(level, threshold) & (lowered > 0)
            statistic, found = self._detect(window, counts, low, tested, threshold)
            found += self._recover(window, counts, usual, opened)
            statistic[opened] = self._return.totals()[opened]
            self._forget(window)
        return VolumeStep(
            window=window,
            expected=rate,
            learning=self._life.learning.copy(),
            alarmed=self._life.open.copy(),
            statistic=statistic,
            threshold=threshold,
            detections=tuple(sorted(found, key=lambda one: one.row)),
        )

    def _mature(self, old: int, level: Floats) -> None:
        """Let the window that leaves its hold-back enter what is expected."""
        origin = self._profile.origin
        if origin is None or old < max(origin, self._life.lit_from):
            return
        operations = self._ring.read(old).astype(np.int64)
        entering = self._life.learns(old)
        known = entering & ~self._life.learning
        if known.any():
            expected = self._profile.rate(old, level)[0]
            self._dispersion.learn(old - origin, operations, expected, known)
        self._profile.learn(old, operations, entering)

    def _graduate(self, window: int) -> None:
        """End the learning of series a day old, and recall their lulls."""
        for row in self._life.graduate(window, self._settings.learning).tolist():
            first = max(int(self._life.first[row]), self._ring.oldest(window), self._life.lit_from)
            self._lulls.recall(row, *self._past.course(row, first, window - 1))

    def _tested(self, level: Floats, threshold: float) -> Flags:
        """Give the series whose silence could be evidence."""
        silence = self._settings.material_share * level * self._settings.windows_per_day
        tested: Flags = (
            self._life.judged
            & (silence >= self._collapse.needed(threshold))
            & (self._profile.active_hours() >= self._settings.active_hours)
        )
        return tested

    def _detect(
        self,
        window: int,
        counts: Floats,
        expected: Expectation,
        tested: Flags,
        threshold: float,
    ) -> tuple[Floats, list[VolumeDetection]]:
        """Test series for a collapse; give the evidence of all and the detections."""
        rows, needed = np.flatnonzero(tested), self._collapse.needed(threshold)
        caps = self._lulls.caps(rows, expected.mean[rows], needed)
        caps = np.minimum(caps, needed / self._settings.evidence_windows)
        self._collapse.update(rows, counts[rows], expected.take(rows), caps)
        evidence, burst = (np.where(tested, one, 0.0) for one in self._collapse.totals())
        alarms = simultaneous_alarms(evidence, burst, threshold)
        found = []
        for row in alarms.tolist():
            change = self._past.collapse(row, int(self._life.since[row]), window)
            statistic = float(evidence[row]), threshold / alarms.size
            found.append(_detection(row, Direction.DEGRADED, window, change, statistic))
            self._open(row, window, change.onset.best)
        self._collapse.restart(alarms)
        return evidence, found

    def _open(self, row: int, window: int, onset: int) -> None:
        """Open a collapse, and take what it has already put into the expectation out again."""
        last = window - self._settings.holdback
        first = max(onset, int(self._life.learn_from[row]), self._life.lit_from)
        entered = np.arange(max(first, self._profile.origin or first), last + 1)
        if entered.size:
            self._profile.amend(row, entered, self._ring.stretch(row, entered).astype(np.int64))
        self._return.restart(np.array([row]))
        self._life.collapse(row, window, onset)

    def _recover(
        self, window: int, counts: Floats, expected: Expectation, opened: Integers
    ) -> list[VolumeDetection]:
        """Test open collapses for operations that have come back."""
        rows = opened[expected.mean[opened] > 0]
        self._return.update(rows, counts[rows], expected.take(rows))
        evidence = self._return.totals()
        needed, found = self._settings.recovery_evidence, []
        for row in rows[evidence[rows] >= needed].tolist():
            change = self._past.comeback(row, int(self._life.since[row]), window)
            statistic = float(evidence[row]), needed
            found.append(_detection(row, Direction.RECOVERED, window, change, statistic))
            self._life.recover(row, change.onset.best)
        return found

    def _forget(self, window: int) -> None:
        """Learn series anew whose collapse has become normal."""
        rows = np.flatnonzero(
            self._life.open & (self._life.opened <= window - self._settings.forget)
        )
        if rows.size:
            self._profile.restart(rows)
            self._dispersion.restart(rows)
            self._life.forget(rows)

    def snapshot(self) -> Snapshot:
        """Give the whole state as plain data: `part.name` to array or number."""
        return {"version": _VERSION, **joined(self._parts)}

    @classmethod
    def resume(cls, settings: VolumeSettings, snapshot: Snapshot) -> Self:
        """Build the bank that a snapshot was taken of; every later step is the same.

        Args:
            settings: The settings of that bank.
            snapshot: What `snapshot` gave.

        Raises:
            ValueError: Another version, or settings that the state does not fit.
        """
        bank = cls(settings)
        restore(bank._parts, snapshot, _VERSION)
        return bank


def _detection(
    row: int, direction: Direction, window: int, change: Change, statistic: tuple[float, float]
) -> VolumeDetection:
    onset = change.onset
    place = onset.best, onset.low, onset.high
    return VolumeDetection(row, direction, window, *place, change.share, *statistic)
