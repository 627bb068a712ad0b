"""Judge: counts blocks in, closed windows with their change points out, by counts partition.

Pure: the output depends on the blocks alone, not on how the input was cut into blocks, as long as
the sources' watermarks are the same (see `streams.windows.watermark`).
"""

from dataclasses import dataclass, replace

import numpy as np

from detectors.bank import BankSettings, BankStep
from streams.config import Settings
from streams.domain.change_points import ChangePoint
from streams.domain.time import window_of
from streams.stages.change_points import change_point
from streams.stages.other_changes import OtherChanges
from streams.stages.settings_match import refuse_foreign
from streams.stages.snapshots import fingerprint, pack, unpack
from streams.stages.totals import Totals
from streams.stages.watched import Watched
from streams.windows.blocks import CountsBlock
from streams.windows.cardinality import bound_series, bound_values
from streams.windows.cells import CellTable
from streams.windows.closed import ClosedWindow
from streams.windows.codec import decode_block, encode_block
from streams.windows.merging import empty_table
from streams.windows.tumbling import OpenWindows
from streams.windows.watermark import Watermark

STAGE = "judge"

MAXIMUM_HELD_ROWS = 500_000
"""Cells of open windows beyond which cardinality is bounded at once, not when a window closes.

About 50 MB. Only an explosion of cardinality reaches it, and only then can it matter in which order
blocks come.
"""


def bank_settings(settings: Settings) -> BankSettings:
    """Give the bank's settings for one counts partition: each has an equal share of the promise."""
    return BankSettings(
        window_seconds=settings.windows.seconds,
        false_alarms_per_day=settings.detectors.false_alarms_per_day,
        shares=settings.topics.counts_partitions,
    )


def judge_fingerprint(settings: Settings) -> str:
    """Give the digest of everything that shapes a judge's state."""
    return fingerprint(
        settings.ingest.dimensions,
        settings.windows.model_dump_json(),
        settings.detectors.shaping(),
        settings.topics.counts_partitions,
        bank_settings(settings),
    )


@dataclass(slots=True)
class JudgeState:
    """Running state of one judge; all of it is in the snapshot."""

    open: OpenWindows
    watermark: Watermark
    watched: Watched
    other: OtherChanges
    totals: Totals


class Judge:
    """Closes windows, runs the detector bank over them, and names what changed."""

    def __init__(self, settings: Settings, partition: int) -> None:
        """Start without any knowledge.

        Args:
            settings: The installation's settings.
            partition: The counts partition this judge is of.
        """
        self._settings = settings
        self._partition = partition
        self._state = JudgeState(
            OpenWindows(settings.ingest.dimensions),
            Watermark({}),
            Watched(settings, bank_settings(settings)),
            OtherChanges(settings),
            Totals(settings),
        )

    @property
    def watermark(self) -> float | None:
        """Give the event time before which nothing more is expected, None if it is not known."""
        return self._state.watermark.instant(self._settings.windows.seconds)

    @property
    def series(self) -> int:
        """Give the number of series judged."""
        return len(self._state.watched.series)

    @property
    def totals(self) -> Totals:
        """Give what the partition has seen since it began; for reading, until the next block."""
        return self._state.totals

    def on_block(self, block: CountsBlock) -> tuple[ClosedWindow, ...]:
        """Take in one block.

        Returns:
            Late outcomes, then the windows this block closes, in time order; a last one without
            cells where windows close in which nothing happened.

        Raises:
            OperatorError: The block was written under other windows or dimensions.
        """
        refuse_foreign(self._settings, block.window_seconds, block.cells.dimensions)
        late = self._state.open.fold(block.cells)
        closed = [self._message(self._bounded(late))] if len(late) else []
        if self._state.open.crowded:
            self._compact()
        for progress in block.sources:
            self._state.watermark.advance(progress)
        return (*closed, *self._close())

    def snapshot(self) -> bytes:
        """Give the whole state as plain data."""
        state = self._state
        block = CountsBlock(
            window_seconds=self._settings.windows.seconds,
            sources=tuple(one for _, one in sorted(state.watermark.progress.items())),
            cells=state.open.merged(),
        )
        content = {
            "open": encode_block(block),
            "closed_through": state.open.closed_through,
            "watched": state.watched.state(),
            "other": state.other.state(),
            "totals": state.totals.state(),
        }
        return pack(STAGE, judge_fingerprint(self._settings), content)

    @classmethod
    def resume(cls, settings: Settings, partition: int, data: bytes) -> "Judge":
        """Go on from a snapshot.

        Raises:
            SnapshotError: The snapshot is damaged or was made under other settings.
        """
        content = unpack(STAGE, judge_fingerprint(settings), data)
        judge = cls(settings, partition)
        state = judge._state
        block = decode_block(content["open"])
        state.open.parts = [block.cells] if len(block.cells) else []
        state.open.closed_through = content["closed_through"]
        state.watermark.progress = {one.source: one for one in block.sources}
        state.watched.restore(content["watched"])
        state.other.restore(content["other"])
        if "totals" in content:  # a snapshot of before there were any lets them begin at 0
            state.totals.restore(content["totals"])
        return judge

    def _compact(self) -> None:
        """Add up the cells of open windows, and bound what is still too much."""
        whole = self._state.open.merged()
        self._state.open.parts = [self._bounded(whole) if len(whole) > MAXIMUM_HELD_ROWS else whole]

    def _close(self) -> list[ClosedWindow]:
        instant = self.watermark
        if instant is None:
            return []
        through = window_of(instant, self._settings.windows.seconds) - 1
        before = self._state.open.closed_through
        if before is not None and through <= before:
            return []
        messages: list[ClosedWindow] = []
        for table in self._state.open.close(through):
            messages += self._silence(int(table.windows[0]) - 1)
            messages.append(self._judge(table))
        messages += self._silence(through)
        for message in messages:
            self._state.totals.add_changes(message.change_points)
        if not messages or messages[-1].closed_through < through:
            messages.append(self._message(empty_table(self._settings.ingest.dimensions)))
        return messages

    def _silence(self, through: int) -> list[ClosedWindow]:
        """Give a message for every empty window that raises change points."""
        nothing = self._message(empty_table(self._settings.ingest.dimensions))
        return [
            replace(nothing, closed_through=window, change_points=points)
            for window, points in self._state.other.on_silence(through)
        ]

    def _judge(self, table: CellTable) -> ClosedWindow:
        """Run the detector bank over one closed window."""
        state = self._state
        window = int(table.windows[0])
        table = self._bounded(table)
        keys = table.keys()
        judged = state.watched.step(window, table, keys)
        step, rows = judged.step, judged.rows
        state.totals.add(window, table, state.watched.series)
        return ClosedWindow(
            partition=self._partition,
            closed_through=window,
            window=window,
            window_seconds=self._settings.windows.seconds,
            cells=table,
            baseline=step.baseline[rows],
            learning=step.learning[rows],
            alarmed=step.alarmed[rows],
            rho=step.rho[rows],
            statistic=step.statistic[rows],
            change_points=(
                *self._change_points(step),
                *state.other.on_window(keys, table, step.alarmed[rows] > 0),
            ),
            threshold=step.threshold,
        )

    def _change_points(self, step: BankStep) -> tuple[ChangePoint, ...]:
        if not step.detections:
            return ()
        watched, seconds = self._state.watched, self._settings.windows.seconds
        keys = list(watched.rows)
        named = sorted((keys[one.row], one) for one in step.detections)
        return tuple(change_point(one, watched.names(key), seconds) for key, one in named)

    def _message(self, cells: CellTable) -> ClosedWindow:
        """Wrap late outcomes, or nothing at all, as a message that brings progress."""
        through = self._state.open.closed_through
        size = len(cells)
        return ClosedWindow(
            partition=self._partition,
            closed_through=-1 if through is None else through,
            window=None,
            window_seconds=self._settings.windows.seconds,
            cells=cells,
            baseline=np.zeros(size),
            learning=np.zeros(size, np.bool_),
            alarmed=np.zeros(size, np.int8),
            rho=np.full(size, np.nan),
            statistic=np.full(size, np.nan),
        )

    def _bounded(self, table: CellTable) -> CellTable:
        """Bound the cardinality of a table by what is admitted and what there is room for."""
        state, limit = self._state, self._settings.windows
        table = bound_values(table, state.watched.values, limit.values_per_dimension)
        return bound_series(table, state.watched.series, limit.series)
