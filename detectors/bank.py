"""The detector bank: every series as a row of arrays, one step per window."""

from typing import Final, Self

import numpy as np

from detectors.arrays import Flags, Floats, Integers, Snapshot, check_counts
from detectors.baseline import Baseline
from detectors.detections import BankStep, Detection, Direction
from detectors.eprocess import Alternatives, EProcess, Null
from detectors.history import History
from detectors.lifecycle import Lifecycle
from detectors.multiplicity import fleet_threshold, lone_alarms, simultaneous_alarms
from detectors.odds import shift_odds
from detectors.onset import locate
from detectors.parts import Part, joined, restore
from detectors.posterior import Posterior
from detectors.recovery import RecoveryProcess
from detectors.settings import BankSettings
from detectors.size import observed_level
from detectors.teaching import Teaching, leaving

__all__ = ["Bank", "BankSettings", "BankStep", "Detection", "Direction", "Snapshot"]

_VERSION: Final = 2
_RECOVERY_HOLDBACK: Final = 5
"""Windows that the degraded level of an open alarm lags behind: they may be recovered already."""
_LOCATE_ROWS: Final = 256
"""Rows whose onsets are found at once; a day of windows of each takes some 20 MB."""


class Bank:
    """Finds changes of failure ratios in many series, against baselines that it learns itself.

    One window goes through: baselines learn the window that leaves the hold-back; evidence of every
    judged series with operations is updated (`EProcess`); rows alarm together (`multiplicity`);
    their onsets are found (`onset`); open alarms are tested for recovery (`RecoveryProcess`).

    - A series is *learning*, and raises nothing, until its baseline rests on `informative_failures`
      or `warm_up_windows` have passed since its first operation. S of the threshold A = S T / B
      counts the series that are not learning, those with an open alarm included.
    - A *degradation* freezes the baseline, takes the windows since the onset out of it (see
      `Teaching`), and stays open until the series is back near that baseline. Then evidence starts
      from zero and learning goes on from the recovery.
    - An *improvement* of a series without open alarm is a recovery, too; its baseline starts anew
      from the onset, and the series is learning until that is informative.

    In control: at most `false_alarms_per_day` / `shares` expected alarm episodes a day, see
    `multiplicity` for what that means and `EProcess` for what it supposes. Blind spots: theirs, and
    everything that was broken from the first window on.

    Example:
        >>> bank = Bank(BankSettings())
        >>> bank.add(np.zeros(50, dtype=np.int64))
        >>> rng = np.random.default_rng(1)
        >>> for window in range(200):
        ...     trials = rng.poisson(20, 50)
        ...     ratio = np.where((np.arange(50) == 7) & (window >= 180), 0.4, 0.01)
        ...     step = bank.step(window, trials, rng.binomial(trials, ratio))
        ...     for found in step.detections:
        ...         print(found.row, found.direction.value, found.onset, found.window)
        7 degraded 180 181
    """

    def __init__(self, settings: BankSettings) -> None:
        self._settings = settings
        self._alternatives = Alternatives.of(settings)
        self._baseline = Baseline(settings)
        self._process = EProcess(self._alternatives)
        self._recovery = RecoveryProcess(settings.near_odds)
        self._history = History(settings.ring_windows)
        self._life = Lifecycle()
        self._teaching = Teaching(settings, self._baseline, self._history, self._life)
        self._parts: dict[str, Part] = {
            "baseline": self._baseline,
            "process": self._process,
            "recovery": self._recovery,
            "history": self._history,
            "life": self._life,
        }

    @property
    def size(self) -> int:
        """Number of series."""
        return self._history.size

    def add(self, groups: Integers, trials: Floats | None = None) -> None:
        """Append series.

        Args:
            groups: Group that each new series shrinks towards, shape [M].
            trials: Effective operations without a failure that are known of each new series, shape
                [M]; where there are any, the series is judged from its first window on.

        Raises:
            ValueError: Not a one-dimensional array of integers.
        """
        if groups.ndim != 1 or not np.issubdtype(groups.dtype, np.integer):
            raise ValueError(f"groups: {groups.dtype} of shape {groups.shape}, not integers [M]")
        self._baseline.add(groups.astype(np.int64), trials)
        for part in (self._process, self._recovery, self._history, self._life):
            part.add(groups.size)
        if trials is not None:
            self._life.learning[self.size - groups.size :] = trials <= 0

    def keep(self, rows: Integers) -> None:
        """Drop all other series; row i becomes what row rows[i] was.

        Raises:
            ValueError: A row that does not exist, or one named twice.
        """
        if np.unique(rows).size != rows.size or np.any((rows < 0) | (rows >= self.size)):
            raise ValueError(f"rows: {rows.tolist()}, not different rows below {self.size}")
        for part in self._parts.values():
            part.keep(rows)

    def know(self, rows: Integers, ratios: Floats) -> None:
        """State failure probabilities; they replace what the bank would learn.

        A stated series is judged from its first window on.

        Args:
            rows: Series, shape [R].
            ratios: Their failure probabilities in control, shape [R]; 0 takes a statement back.

        Raises:
            ValueError: A ratio outside [0, 1).
        """
        wrong = np.flatnonzero(~((ratios >= 0.0) & (ratios < 1.0)))
        if wrong.size:
            raise ValueError(
                f"ratios[{wrong[0]}] = {ratios[wrong[0]]}: must be at least 0, below 1"
            )
        self._baseline.know(rows, ratios)

    def accept(self, rows: Integers) -> None:
        """Take the present level of some series for normal: somebody has said that it is.

        An open degradation is closed and its level learned from the onset on; a series without one
        starts learning anew. Nothing happens before the first window.
        """
        window = self._history.latest
        if window is None:
            return
        opened = self._life.degraded
        for row in rows.tolist():
            onset = int(self._life.since[row]) - 1 if opened[row] else window
            self._recovery.end(row)
            self._teaching.relearn(row, window, onset)
            self._life.accept(row, onset)
        self._process.restart(rows)

    def step(self, window: int, trials: Integers, failures: Integers) -> BankStep:
        """Judge one window of all series.

        Args:
            window: Index of the window, above that of the step before. Windows left out had no
                operations.
            trials: Operations per series, shape [S].
            failures: Failed operations per series, shape [S].

        Returns:
            What was judged and found.

        Raises:
            ValueError: Counts that cannot be, or a window that does not follow; the bank is
            unchanged.
        """
        check_counts(trials, failures, self.size)
        latest = self._history.latest
        if latest is not None and window <= latest:
            raise ValueError(f"window = {window}: must be above {latest}, the window before")
        self._baseline.begin(window)
        self._teaching.mature(window, self._process.bursts() >= self._settings.suspicion)
        self._measure_degraded(window)
        self._history.write(window, trials, failures)
        posterior = self._baseline.posterior(window)
        informed = self._baseline.stated | (
            (posterior.alpha >= self._settings.informative_failures)
            & (self._baseline.windows() >= self._settings.informative_windows)
        )
        self._life.graduate(window, trials > 0, informed, self._settings.warm_up_windows)
        learning, opened = self._life.learning.copy(), self._life.degraded
        threshold = fleet_threshold(
            int(np.count_nonzero(~learning)), self._settings.windows_per_false_alarm
        )
        counts = np.stack((trials, failures)).astype(np.float64)
        evidence, changed = self._detect(window, counts, posterior, threshold)
        recovery, closed = self._recover(window, counts, posterior, np.flatnonzero(opened))
        return BankStep(
            window=window,
            baseline=posterior.mean,
            rho=posterior.middle_rho(),
            learning=learning,
            alarmed=self._life.alarmed.copy(),
            statistic=np.where(opened, recovery, evidence),
            threshold=threshold,
            detections=tuple(sorted((*changed, *closed), key=lambda found: found.row)),
        )

    def _measure_degraded(self, window: int) -> None:
        """Let windows that leave their hold-back enter the levels of open degradations."""
        latest, life = self._history.latest, self._life
        if latest is None:
            return
        for old in leaving(latest, window, _RECOVERY_HOLDBACK):
            rows = np.flatnonzero(life.degraded & (life.opened < old))
            self._recovery.degraded[:, rows] += self._history.read(old)[:, rows]

    def _detect(
        self, window: int, counts: Floats, posterior: Posterior, threshold: float
    ) -> tuple[Floats, list[Detection]]:
        """Test judged series for a change; give the evidence of all and the detections."""
        active = self._life.judged & (counts[0] > 0)
        rows = np.flatnonzero(active)
        cap = self._alternatives.cap(threshold, self._settings.evidence_windows)
        null = self._null(posterior, rows)
        self._process.update(rows, counts[0, rows], counts[1, rows], null, cap)
        rising, falling = self._process.totals()
        evidence = rising + falling
        alarms = self._alarms(active, evidence, threshold)
        needed = threshold / max(alarms.size, 1) if self._settings.together else threshold
        degraded = rising[alarms] >= falling[alarms]
        onsets = self._locate(window, alarms, posterior.mean[alarms], posterior, degraded)
        found = []
        for row, onset, worse in zip(alarms.tolist(), onsets, degraded.tolist(), strict=True):
            direction = Direction.DEGRADED if worse else Direction.RECOVERED
            reached = float(evidence[row]), needed
            found.append(self._detection(row, direction, window, onset, posterior, reached))
            self._change(row, window, onset[0], worse=worse)
        self._process.restart(alarms)
        return evidence, found

    def _alarms(self, active: Flags, evidence: Floats, threshold: float) -> Integers:
        tested = np.where(active, evidence, 0.0)
        if not self._settings.together:
            return lone_alarms(tested, threshold)
        return simultaneous_alarms(tested, np.where(active, self._process.bursts(), 0.0), threshold)

    def _null(self, posterior: Posterior, rows: Integers) -> Null:
        """Widen the baseline to all that counts as unchanged, for some rows."""
        settings, mean = self._settings, posterior.mean
        material = np.log(settings.materiality_odds)
        below, above = posterior.margin(settings.bound_deviations, settings.drift_deviations)
        upper = shift_odds(mean, np.exp(np.maximum(above, material)))
        lower = shift_odds(mean, np.exp(-np.maximum(below, material)))
        return Null(upper[rows], lower[rows], posterior.predictive_rho()[:, rows])

    def _locate(
        self, window: int, rows: Integers, before: Floats, posterior: Posterior, rising: Flags
    ) -> list[tuple[int, int, int]]:
        """Find onset and interval of changes that are still going on, as window indices."""
        oldest, onsets = self._history.oldest(window), list[tuple[int, int, int]]()
        for start in range(0, rows.size, _LOCATE_ROWS):
            part = slice(start, start + _LOCATE_ROWS)
            first = np.maximum(self._life.since[rows[part]], oldest)
            begin = int(first.min())
            counts = self._history.stretch(begin, window, rows[part]).astype(np.float64)
            counts /= 1.0 + np.maximum(counts[0] - 1.0, 0.0) * posterior.rho[rows[part]]
            # Operations at a time of many failures count as more, so that one probability
            # describes all windows before the change.
            season = self._baseline.season_odds(rows[part], begin, window)
            trials, failures = counts[0] * season / season[-1], counts[1]
            found = locate(trials, failures, before[part], first - begin, rising=rising[part])
            stacked = begin + np.stack((found.best, found.low, found.high), axis=1)
            onsets.extend((best, low, high) for best, low, high in stacked.tolist())
        return onsets

    def _detection(
        self,
        row: int,
        direction: Direction,
        window: int,
        onset: tuple[int, int, int],
        posterior: Posterior,
        reached: tuple[float, float],
    ) -> Detection:
        """Describe a change: onset with interval, size with interval, evidence and threshold."""
        counts = self._history.stretch(onset[0], window, np.array([row]))[:, :, 0]
        level = observed_level(counts, float(posterior.rho[row]))
        return Detection(
            row=row,
            direction=direction,
            window=window,
            onset=onset[0],
            onset_low=onset[1],
            onset_high=onset[2],
            baseline_ratio=1.0 - float(posterior.mean[row]),
            ratio=1.0 - level.ratio,
            ratio_low=1.0 - level.high,
            ratio_high=1.0 - level.low,
            statistic=reached[0],
            threshold=reached[1],
        )

    def _change(self, row: int, window: int, onset: int, *, worse: bool) -> None:
        """Open a degradation, or start learning the better level."""
        if worse:
            self._teaching.withdraw(row, window, onset)
            self._worsen(row, onset, window)
            return
        self._teaching.relearn(row, window, onset)
        self._life.improve(row, onset)

    def _worsen(self, row: int, onset: int, window: int) -> None:
        """Open a degradation, or measure an open one anew after a partial mitigation."""
        since = self._history.stretch(onset, window, np.array([row])).sum(axis=(1, 2))
        self._recovery.begin(row, float(since[0]), float(since[1]))
        self._life.degrade(row, window, onset)

    def _recover(
        self, window: int, counts: Floats, posterior: Posterior, opened: Integers
    ) -> tuple[Floats, list[Detection]]:
        """Test open degradations for recovery; give the evidence of all and the detections."""
        settings = self._settings
        rows = opened[counts[0, opened] > 0]
        if not rows.size:
            return self._recovery.totals(), []
        cap = float(np.log(2.0 * settings.recovery_evidence)) / settings.evidence_windows
        mean, rho = posterior.mean, posterior.predictive_rho()
        self._recovery.update(rows, counts[:, rows], mean[rows], rho[:, rows], cap)
        evidence = self._recovery.totals()
        ready = rows[evidence[rows] >= settings.recovery_evidence]
        level, falling = self._recovery.level(ready), np.zeros(ready.size, dtype=np.bool_)
        found = []
        onsets = self._locate(window, ready, level, posterior, falling)
        for row, onset in zip(ready.tolist(), onsets, strict=True):
            if not self._settled(row, onset[0], window, posterior):
                self._worsen(row, onset[0], window)
                continue
            reached = float(evidence[row]), settings.recovery_evidence
            found.append(
                self._detection(row, Direction.RECOVERED, window, onset, posterior, reached)
            )
            self._recovery.end(row)
            self._life.recover(row, onset[0], max(onset[0], window - settings.holdback_windows))
        return evidence, found

    def _settled(self, row: int, first: int, last: int, posterior: Posterior) -> bool:
        """Say whether the level since a supposed recovery is near the baseline."""
        counts = self._history.stretch(first, last, np.array([row]))[:, :, 0].astype(np.float64)
        counts /= 1.0 + np.maximum(counts[0] - 1.0, 0.0) * posterior.rho[row]
        trials, failures = counts.sum(axis=1)
        return self._recovery.settled(float(trials), float(failures), float(posterior.mean[row]))

    def snapshot(self) -> Snapshot:
        """Give the whole state as plain data: `part.name` to array or number."""
        return {"version": _VERSION, **joined(self._parts)}

    @classmethod
    def resume(cls, settings: BankSettings, snapshot: Snapshot) -> Self:
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
