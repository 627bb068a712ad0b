"""The series of one counts partition in the detector bank, and sums over the very small ones."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import numpy as np
import numpy.typing as npt

from detectors.bank import Bank, BankSettings, BankStep
from detectors.census import Census, Smallness
from streams.config import SeriesPattern, Settings
from streams.domain.series import ANY, SeriesKey
from streams.domain.time import window_end
from streams.windows.cells import CellTable

Int64 = npt.NDArray[np.int64]

_SECONDS_PER_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Judged:
    """What a window did.

    Attributes:
        step: What the bank says of all its rows.
        rows: (N,) the bank's row of each cell.
    """

    step: BankStep
    rows: Int64


class Watched:
    """Knows which row of the bank is whose, when a row is no longer needed, and what is stated.

    Very small series are judged by themselves like all others, and once more in sums: of all small
    series of a group, and of those that also share one more value (a region, a VM type). A change
    that each of them hides shows there. A sum is a row of the bank like any other, in a group of
    sums; its key has `ANY` where it has no value. A series joins or leaves the sums at a full hour.

    Attributes:
        bank: The detector bank.
        rows: Row of every series and every sum, in the order of the rows.
        series: The series, without the sums.
        values: For each dimension the values of the series.
    """

    def __init__(self, settings: Settings, bank: BankSettings) -> None:
        """Start without any series."""
        self._settings = settings
        self._bank_settings = bank
        self._dimensions = settings.ingest.dimensions
        self._group = settings.group_positions
        self._free = [at for at in range(len(self._dimensions)) if at not in self._group]
        hour = max(_SECONDS_PER_HOUR // settings.windows.seconds, 1)
        self._hour = hour
        self.bank = Bank(bank)
        self.rows: dict[SeriesKey, int] = {}
        self.series: set[SeriesKey] = set()
        self.values: tuple[set[str], ...] = tuple(set() for _ in self._dimensions)
        self._groups: dict[SeriesKey, int] = {}
        self._census = Census(Smallness(settings.detectors.pool_below, hour))
        self._sums: Int64 = np.zeros((0, 1 + len(self._free)), np.int64)
        self._accepted: set[str] = set()

    def step(
        self, window: int, table: CellTable, keys: Sequence[SeriesKey] | None = None
    ) -> Judged:
        """Judge one window.

        Args:
            window: Index of the window.
            table: Its cells, each series once.
            keys: Series of its cells, where they have been worked out.
        """
        if self._census.begins_hour(window):
            self._retire(window)
            self._pool()
        rows = self._rows_of(table.keys() if keys is None else keys)
        self._accept(window)
        trials, failures = np.zeros((2, len(self.rows)), np.int64)
        trials[rows], failures[rows] = table.trials, table.failures
        self._census.count(window, trials)
        self._add_up(trials)
        self._add_up(failures)
        return Judged(self.bank.step(window, trials, failures), rows)

    def names(self, key: SeriesKey) -> dict[str, str]:
        """Give dimension -> value of a series, or of a sum, which has fewer dimensions."""
        named = zip(self._dimensions, key, strict=True)
        return {name: value for name, value in named if value != ANY}

    def state(self) -> dict[str, Any]:
        """Give the state as plain data."""
        return {
            "bank": self.bank.snapshot(),
            "series": list(self.rows),
            "groups": list(self._groups),
            "census": self._census.state(),
            "sums": self._sums,
            "accepted": sorted(self._accepted),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.bank = Bank.resume(self._bank_settings, state["bank"])
        self.rows = {tuple(key): row for row, key in enumerate(state["series"])}
        self._groups = {tuple(key): number for number, key in enumerate(state["groups"])}
        self._census.restore(state["census"])
        self._sums = np.array(state["sums"], np.int64)
        self._accepted = set(state["accepted"])
        self._admit(self.rows)
        self._state_known(list(self.rows), 0)

    def _rows_of(self, keys: Sequence[SeriesKey]) -> Int64:
        """Give the rows of some series, in whose order new ones are added."""
        rows = np.array(list(map(self.rows.get, keys, repeat(-1))), np.int64)
        missing = np.flatnonzero(rows < 0).tolist()
        if missing:
            new = [keys[place] for place in missing]
            self._add(new, [tuple(key[at] for at in self._group) for key in new])
            rows[missing] = [self.rows[key] for key in new]
        return rows

    def _add(self, keys: Sequence[SeriesKey], groups: Sequence[SeriesKey]) -> None:
        if not keys:
            return
        first = len(self.rows)
        for key in keys:
            self.rows[key] = len(self.rows)
        numbers = [self._groups.setdefault(group, len(self._groups)) for group in groups]
        self.bank.add(np.array(numbers, np.int64))
        self._census.add(len(keys))
        none = np.full((len(keys), self._sums.shape[1]), -1, np.int64)
        self._sums = np.concatenate((self._sums, none))
        self._admit(keys)
        self._state_known(keys, first)

    def _admit(self, keys: Iterable[SeriesKey]) -> None:
        for key in keys:
            if ANY not in key:
                self.series.add(key)
                for value, admitted in zip(key, self.values, strict=True):
                    admitted.add(value)

    def _state_known(self, keys: Sequence[SeriesKey], first: int) -> None:
        """Tell the bank the baselines that the settings state for some rows in a row."""
        stated = self._settings.detectors.known_baselines
        ratios = np.zeros(len(keys))
        for one in stated:
            for position, key in enumerate(keys):
                if self._matches(one.series, key):
                    ratios[position] = one.failure_ratio
        self.bank.know(np.arange(first, first + len(keys)), ratios)

    def _accept(self, window: int) -> None:
        """Let the levels that the settings accept by now be normal, each statement once."""
        end = window_end(window, self._settings.windows.seconds)
        for one in self._settings.detectors.accepted_levels:
            statement = one.model_dump_json()
            if one.at.timestamp() > end or statement in self._accepted:
                continue
            self._accepted.add(statement)
            rows = [row for key, row in self.rows.items() if self._matches(one.series, key)]
            self.bank.accept(np.array(rows, np.int64))

    def _matches(self, pattern: SeriesPattern, key: SeriesKey) -> bool:
        named = self.names(key)
        return all(named.get(name) == value for name, value in pattern.items())

    def _retire(self, window: int) -> None:
        """Drop what has been silent for so long that what is known of it is out of date."""
        silence = self._settings.detectors.forget_after.total_seconds()
        gone = self._census.silent(window - int(silence) // self._settings.windows.seconds)
        used = np.zeros(len(self.rows), np.bool_)
        used[self._sums[self._sums >= 0]] = True
        kept = np.flatnonzero(~gone | used)
        if kept.size == len(self.rows):
            return
        keys = list(self.rows)
        self.bank.keep(kept)
        self._census.keep(kept)
        self.rows = {keys[row]: place for place, row in enumerate(kept.tolist())}
        moved = np.full(len(keys) + 1, -1, np.int64)
        moved[kept] = np.arange(kept.size)
        self._sums = moved[self._sums[kept]]
        self.series.clear()
        for admitted in self.values:
            admitted.clear()
        self._admit(self.rows)

    def _pool(self) -> None:
        """Work out anew which sums the small series are part of."""
        small = self._census.small
        keys = [key for key, row in self.rows.items() if small[row] and ANY not in key]
        nodes = {key: self._nodes(key) for key in keys}
        members = Counter(node for of_key in nodes.values() for node in of_key)
        new = [node for node in members if members[node] > 1 and node not in self.rows]
        self._add(new, [(ANY, *(node[at] for at in self._group)) for node in new])
        self._sums[:] = -1
        for key, of_key in nodes.items():
            for place, node in enumerate(of_key):
                if members[node] > 1:
                    self._sums[self.rows[key], place] = self.rows[node]

    def _nodes(self, key: SeriesKey) -> list[SeriesKey]:
        """Give the sums above a series: its group, and its group with one more value."""
        total = tuple(key[at] if at in self._group else ANY for at in range(len(key)))
        margins = [(*total[:at], key[at], *total[at + 1 :]) for at in self._free]
        return [node for node in (total, *margins) if node != key]

    def _add_up(self, counts: Int64) -> None:
        """Fill the sums of some counts in."""
        for column in self._sums.T:
            inside = np.flatnonzero(column >= 0)
            np.add.at(counts, column[inside], counts[inside])
