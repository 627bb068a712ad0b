"""A simulated fleet through the stages: counts in, the last record of every incident out."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from detectors.arrays import Floats, Integers
from detectors.simulation import Nuisance, draw, failure_ratio, mean_volume
from streams.config import DetectorSettings, IngestSettings, Settings, TopicSettings
from streams.domain.incidents import IncidentRecord
from streams.domain.outcomes import SourcePartition
from streams.domain.time import window_end
from streams.replay.pipeline import Pipeline
from streams.windows.blocks import CountsBlock, SourceProgress
from streams.windows.cells import CellTable, SparseCounts
from streams.windows.merging import select
from streams.wiring.evaluation.pages.truth import (
    DIMENSIONS,
    OPERATIONS,
    REGIONS,
    SERIES,
    SYSTEMS,
    TrueIncident,
)

SETTINGS: Final = Settings(
    ingest=IngestSettings(dimensions=DIMENSIONS),
    topics=TopicSettings(counts_partitions=1),
    detectors=DetectorSettings(kinds=()),
)
"""Those of a first try; the other kinds of change open no incidents and would only take time."""

FIRST: Final = 27_000_000
"""Window with which the simulated time begins, in the year 2021."""

_UGLY: Final = Nuisance(rho=0.002, volume_swing=0.5)
_SOURCE: Final = SourcePartition("vm-operations", 0)
_DAY: Final = 1440
_BLOCK: Final = 60


class Fleet:
    """48 series with 3 to 50 operations a window, about 1 % of which fail."""

    def __init__(self, generator: np.random.Generator) -> None:
        """Draw the sizes and levels of the series."""
        size = len(SERIES)
        self._generator = generator
        self._volume = 12.0 * np.exp(0.6 * generator.standard_normal(size))
        odds = np.exp(0.5 * generator.standard_normal(size)) * 0.01
        self._ratio = odds / (1.0 + odds)
        self._phase = np.full(size, generator.uniform(0, 2 * np.pi))

    def volume(self, windows: int) -> Floats:
        """Give float[T, S], the operations to expect."""
        return mean_volume(windows, self._volume, _UGLY, self._phase)

    def counts(self, windows: int, truth: Sequence[TrueIncident]) -> tuple[Integers, Integers]:
        """Draw int64[T, S] operations and failures."""
        ratio = failure_ratio(windows, self._ratio, _UGLY, self._phase, self._generator)
        for one in truth:
            ratio = 1.0 - (1.0 - ratio) * (1.0 - one.effect(windows))
        return draw(self.volume(windows), ratio, _UGLY, self._generator)


def last_records(
    fleet: Fleet, windows: int, truth: Sequence[TrueIncident] = ()
) -> list[IncidentRecord]:
    """Run the stages over a fleet.

    Args:
        fleet: The fleet; it draws on its source of randomness.
        windows: How long.
        truth: What breaks.

    Returns:
        The last record of every incident, in the order in which they were opened.
    """
    records: dict[str, IncidentRecord] = {}

    def keep(record: IncidentRecord) -> None:
        records[record.incident] = record

    pipeline = Pipeline(SETTINGS, lambda _: None, keep)
    for block in _blocks(*fleet.counts(windows, truth)):
        pipeline.take({0: [block]})
    return list(records.values())


def _blocks(trials: Integers, failures: Integers) -> Iterator[CountsBlock]:
    """Cut counts of shape [T, S] into blocks of an hour."""
    for begin in range(0, len(trials), _BLOCK):
        part = slice(begin, begin + _BLOCK)
        count = len(trials[part])
        end = window_end(FIRST + begin + count - 1, SETTINGS.windows.seconds)
        progress = SourceProgress(_SOURCE, 1, begin, begin + count, end, end, idle=False)
        table = _table(FIRST + begin, trials[part], failures[part])
        yield CountsBlock(SETTINGS.windows.seconds, (progress,), table)


def _table(first: int, trials: Integers, failures: Integers) -> CellTable:
    windows, size = trials.shape
    nothing = np.zeros(windows * size, np.int64)
    values = (REGIONS, SYSTEMS, OPERATIONS)
    codes = np.array(
        [[names.index(one) for names, one in zip(values, key, strict=True)] for key in SERIES],
        np.int32,
    )
    table = CellTable(
        dimensions=DIMENSIONS,
        values=values,
        codes=tuple(np.tile(column, windows) for column in codes.T),
        windows=np.repeat(first + np.arange(windows), size),
        late=np.zeros(windows * size, np.bool_),
        trials=trials.ravel(),
        failures=failures.ravel(),
        cancelled=nothing,
        caller_faults=nothing,
        error_codes=SparseCounts.none(),
        durations=SparseCounts.none(),
    )
    return select(table, table.trials > 0)
