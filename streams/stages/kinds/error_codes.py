"""A rise of one error code while the success ratio stays what it was."""

import math
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from detectors.bank import Bank, BankSettings, Detection
from detectors.detections import Direction
from streams.config import Settings
from streams.domain.change_points import ChangeKind, ChangePoint
from streams.domain.series import OTHER, SeriesKey
from streams.stages.change_points import change_point
from streams.stages.kinds.places import Place, Pools, named, pool, region_positions
from streams.windows.cardinality import admit
from streams.windows.cells import CellTable, Int64

MAXIMUM_ROWS: Final = 2_000
"""Pairs of place and code that are watched in a counts partition, some 10 KB each; beyond, new ones
are not. A code that is seen in a group comes before the same code in a region."""

_RETIRED_S: Final = 14 * 86_400
"""Time without a failure with a code in a place after which it is as if it had never been seen."""

SIGN: Final = 100.0
"""Evidence that the success ratio of a place changes, too; in control it is below nine times in ten
and more, and a rise of failures that raises a code has passed it."""

Coded = tuple[Place, str | None]
"""An error code in a place; None for all failures, whatever their code."""


def error_code_settings(settings: Settings) -> BankSettings:
    """Give the settings of the bank of error codes: the promise is this kind's own.

    Codes are swapped for others by every client release and share what the caller does, so a change
    must be larger than that of a success ratio to count; onsets are looked for in six hours, as
    nothing is told of a code that crept up over a day.
    """
    return BankSettings(
        window_seconds=settings.windows.seconds,
        false_alarms_per_day=settings.detectors.false_alarms_per_day,
        shares=settings.topics.counts_partitions,
        materiality_odds=1.5,
        prior_failure_ratio=0.005,
        ring_windows=360,
    )


class ErrorCodeChanges:
    """Watches the share of operations that fail with a code, in groups and in their regions.

    A code that has never been seen in a place is judged from its first window on, against the
    operations that did not have it, once the place has been watched for a warm-up.

    Only rises are told, and only inside a success ratio that stays what it was, because a rise of
    failures moves their codes anyway: no series of the place has an open degradation, and the place
    as a whole, whose failures are watched like one more code, has not even a sign of one. What is
    held back for that is not told later. Of a group and its regions one is told: the region, if it
    is the only one that rises in that window.

    Attributes:
        rows: Row of the bank of each code in a place, and of all failures there.
        watched: Place -> effective operations, faded, and windows in which there were any.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._bank_settings = error_code_settings(settings)
        self._bank = Bank(self._bank_settings)
        wide, narrow = settings.group_positions, region_positions(settings)
        self._pools = [Pools(level) for level in dict.fromkeys((wide, narrow))]
        self._groups: dict[Coded, int] = {}
        self._seen: dict[Coded, int] = {}
        self._latest: int | None = None
        self._open: set[Coded] = set()
        self.rows: dict[Coded, int] = {}
        self.watched: dict[Place, tuple[float, int]] = {}

    def on_window(
        self,
        window: int,
        keys: list[SeriesKey],
        table: CellTable,
        alarmed: npt.NDArray[np.bool_],
    ) -> list[ChangePoint]:
        """Take in a closed window.

        Args:
            window: Its index.
            keys: Series of its cells.
            table: Its cells.
            alarmed: (N,) whether the success ratio of the cell's series has an open degradation.
        """
        self._retire(window)
        numbers = [pools.numbers(keys) for pools in self._pools]
        operations, failures, broken = self._count(numbers, table, alarmed)
        self._admit(sorted(failures.keys() - self.rows.keys(), key=_rank))
        self._seen |= dict.fromkeys(failures.keys() & self.rows.keys(), window)
        trials = np.array([operations.get(place, 0) for place, _ in self.rows], np.int64)
        failed = np.array([failures.get(coded, 0) for coded in self.rows], np.int64)
        step = self._bank.step(window, trials, np.minimum(failed, trials))
        self._watch(window, operations)
        coded = list(self.rows)
        signs = np.flatnonzero((step.statistic >= SIGN) | (step.alarmed > 0)).tolist()
        broken |= {coded[row][0] for row in signs if coded[row][1] is None}
        found = {coded[one.row]: one for one in step.detections}
        before, self._open = self._open, {coded[row] for row in np.flatnonzero(step.alarmed > 0)}
        return self._tell(found, before, broken)

    def state(self) -> dict[str, Any]:
        """Give the state as plain data."""
        return {
            "bank": self._bank.snapshot(),
            "rows": list(self.rows),
            "watched": list(self.watched.items()),
            "latest": self._latest,
            "groups": list(self._groups),
            "seen": [self._seen[one] for one in self.rows],
            "open": [self.rows[one] for one in self.rows if one in self._open],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self._bank = Bank.resume(self._bank_settings, state["bank"])
        coded = [(tuple(place), code) for place, code in state["rows"]]
        self.rows = {one: row for row, one in enumerate(coded)}
        self.watched = {tuple(place): tuple(seen) for place, seen in state["watched"]}
        self._latest = state["latest"]
        self._groups = {
            (tuple(place), code): number for number, (place, code) in enumerate(state["groups"])
        }
        self._seen = dict(zip(coded, state["seen"], strict=True))
        self._open = {coded[row] for row in state["open"]}

    def _count(
        self, numbers: list[Int64], table: CellTable, alarmed: npt.NDArray[np.bool_]
    ) -> tuple[dict[Place, int], dict[Coded, int], set[Place]]:
        """Count operations by place and failures by code in a place; give the places in alarm."""
        operations: dict[Place, int] = {}
        failures: dict[Coded, int] = {}
        broken: set[Place] = set()
        codes, names = table.error_codes, self._bounded(table.error_codes.labels)
        for pools, of_row in zip(self._pools, numbers, strict=True):
            places = pools.places
            used = np.unique(of_row).tolist()
            totals = np.bincount(of_row, table.trials).astype(np.int64).tolist()
            failed = np.bincount(of_row, table.failures).astype(np.int64).tolist()
            operations |= {places[number]: totals[number] for number in used}
            failures |= {(places[number], None): failed[number] for number in used}
            broken |= {places[number] for number in np.unique(of_row[alarmed]).tolist()}
            packed = of_row[codes.rows] * max(len(names), 1) + codes.names
            pairs, entry = np.unique(packed, return_inverse=True)
            counts = np.bincount(entry, codes.counts, pairs.size).astype(np.int64).tolist()
            for pair, count in zip(pairs.tolist(), counts, strict=True):
                place, name = divmod(pair, len(names))
                coded = places[place], names[name]
                failures[coded] = failures.get(coded, 0) + count
        return operations, failures, broken

    def _bounded(self, labels: tuple[str, ...]) -> list[str]:
        """Put `__other__` in the place of codes that there is no room for."""
        known = {code for _, code in self.rows if code is not None} - {OTHER}
        new = [label for label in labels if label not in known and label != OTHER]
        taken = known | set(admit(new, self._settings.detectors.error_codes - len(known)))
        return [label if label in taken else OTHER for label in labels]

    def _admit(self, candidates: Iterable[Coded]) -> None:
        """Begin to watch codes in places in which they have not been seen."""
        new = [one for one in candidates if one not in self.rows]
        new = new[: max(MAXIMUM_ROWS - len(self.rows), 0)]
        if not new:
            return
        groups = [self._groups.setdefault(self._group(one), len(self._groups)) for one in new]
        seen = [self.watched.get(place, (0.0, 0)) for place, _ in new]
        enough = self._bank_settings.warm_up_windows
        self._bank.add(
            np.array(groups, np.int64),
            np.array(
                [
                    trials if windows >= enough and code is not None else 0.0
                    for (_, code), (trials, windows) in zip(new, seen, strict=True)
                ]
            ),
        )
        for one in new:
            self.rows[one] = len(self.rows)

    def _retire(self, window: int) -> None:
        """Forget codes that have not been seen for long, so that there is room for new ones."""
        oldest = window - _RETIRED_S // self._settings.windows.seconds
        kept = {one: row for one, row in self.rows.items() if self._seen[one] >= oldest}
        if len(kept) == len(self.rows):
            return
        self._bank.keep(np.array(list(kept.values()), np.int64))
        self.rows = {one: row for row, one in enumerate(kept)}
        self._seen = {one: self._seen[one] for one in kept}
        self._open &= kept.keys()

    def _group(self, coded: Coded) -> Coded:
        """Give the code in its whole group, towards which the regions shrink."""
        return pool(coded[0], self._settings.group_positions), coded[1]

    def _watch(self, window: int, operations: dict[Place, int]) -> None:
        """Remember how many operations each place has had.

        Deflated like those of a baseline whose overdispersion is not known yet.
        """
        age = window - (window if self._latest is None else self._latest)
        fade = math.exp(-age / self._bank_settings.memory_windows)
        self._latest = window
        rho = self._bank_settings.rho_prior
        self.watched = {place: (seen * fade, n) for place, (seen, n) in self.watched.items()}
        for place, trials in operations.items():
            seen, windows = self.watched.get(place, (0.0, 0))
            if trials:
                seen += trials / (1.0 + (trials - 1.0) * rho)
                self.watched[place] = seen, windows + 1

    def _tell(
        self, found: dict[Coded, Detection], before: set[Coded], broken: set[Place]
    ) -> list[ChangePoint]:
        risen = {
            coded: one
            for coded, one in found.items()
            if one.direction is Direction.DEGRADED
            and coded[0] not in broken
            and coded[1] is not None
        }
        below: defaultdict[Coded, list[Coded]] = defaultdict(list)
        for coded in risen:
            if self._group(coded) != coded:
                below[self._group(coded)].append(coded)
        told = []
        for coded, one in risen.items():
            group = self._group(coded)
            alone = below[group] == [coded] and group not in before
            if (group == coded and len(below[coded]) != 1) or (
                group != coded and (alone or group not in self._open)
            ):
                told.append(self._change_point(coded, one))
        return told

    def _change_point(self, coded: Coded, found: Detection) -> ChangePoint:
        return change_point(
            found,
            named(self._settings, coded[0]),
            self._settings.windows.seconds,
            ChangeKind.ERROR_CODE,
            error_code=coded[1],
        )


def _rank(coded: Coded) -> tuple[int, bool, str]:
    """Order what is to be watched: groups before regions, all failures before codes."""
    place, code = coded
    return sum(value is not None for value in place), code is not None, str(coded)
