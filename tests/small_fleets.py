"""Small simulated fleets for tests of the stages: counts by window and series, and what breaks."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

import numpy as np

from streams.config import DetectorSettings, IngestSettings, Settings, TopicSettings
from streams.domain.change_points import ChangePoint
from streams.domain.incidents import IncidentRecord
from streams.domain.outcomes import SourcePartition
from streams.domain.releases import ReleaseAction, ReleaseEvent
from streams.domain.series import partition_of
from streams.domain.time import parse_instant, window_start
from streams.replay.pipeline import Pipeline
from streams.windows.blocks import CountsBlock, SourceProgress
from streams.windows.cells import CellTable, SparseCounts
from streams.windows.closed import ClosedWindow
from streams.windows.merging import select

DIMENSIONS = ("region", "os", "operation")
REGIONS = ("east", "north", "west")
SYSTEMS = ("linux", "windows")
OPERATIONS = ("create", "delete", "start")
SERIES = tuple(product(REGIONS, SYSTEMS, OPERATIONS))

FIRST = int(parse_instant("2021-10-13T00:00:00Z")) // 60
"""Index of a fleet's first window."""

WARM_UP = 150
"""Windows after which every series of the fleet has a baseline."""

BEGIN_OF_TROUBLE = WARM_UP + 20
"""Window in which faults begin, unless a test says otherwise."""

SOURCE = SourcePartition("vm-operations", 0)

SETTINGS = Settings(
    ingest=IngestSettings(dimensions=DIMENSIONS),
    topics=TopicSettings(counts_partitions=3),
    # The other kinds have tests of their own and would double the time of all these.
    detectors=DetectorSettings(group_by=("os",), kinds=()),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that breaks: windows count from the fleet's first one."""

    first: int
    last: int
    ratio: float
    scope: Mapping[str, Sequence[str]] = field(default_factory=dict)
    code: str = "Broken"

    def hits(self, window: int, key: tuple[str, ...]) -> bool:
        """Tell whether a series is broken in a window."""
        named = zip(DIMENSIONS, key, strict=True)
        inside = all(value in self.scope.get(name, (value,)) for name, value in named)
        return self.first <= window <= self.last and inside


def fleet(
    windows: int,
    faults: Iterable[Fault] = (),
    *,
    seed: int = 1,
    volume: float = 30.0,
    ratio: float = 0.02,
) -> list[CellTable]:
    """Simulate the fleet, window by window; what is before a fault is the same without it."""
    broken = tuple(faults)
    return [_window(window, broken, seed, volume, ratio) for window in range(windows)]


def _window(
    window: int, faults: tuple[Fault, ...], seed: int, volume: float, ratio: float
) -> CellTable:
    random = np.random.default_rng((seed, window))
    trials = random.poisson(volume, len(SERIES))
    ordinary = random.binomial(trials, ratio)
    errors = [{"Internal": count} for count in ordinary.tolist()]
    for fault in faults:
        for row, key in enumerate(SERIES):
            if fault.hits(window, key):
                more = int(
                    random.binomial(int(trials[row] - sum(errors[row].values())), fault.ratio)
                )
                errors[row][fault.code] = errors[row].get(fault.code, 0) + more
    labels = tuple(sorted({code for codes in errors for code in codes}))
    counted = [
        (row, name, codes[label])
        for row, codes in enumerate(errors)
        for name, label in enumerate(labels)
        if codes.get(label)
    ]
    rows, names, counts = (
        (np.array(column) for column in zip(*counted, strict=True)) if counted else [[], [], []]
    )
    nothing = np.zeros(len(SERIES), np.int64)
    columns = np.array(
        [
            [
                values.index(value)
                for values, value in zip((REGIONS, SYSTEMS, OPERATIONS), key, strict=True)
            ]
            for key in SERIES
        ],
        np.int32,
    )
    table = CellTable(
        dimensions=DIMENSIONS,
        values=(REGIONS, SYSTEMS, OPERATIONS),
        codes=tuple(columns.T),
        windows=np.full(len(SERIES), FIRST + window),
        late=np.zeros(len(SERIES), np.bool_),
        trials=trials,
        failures=np.array([sum(codes.values()) for codes in errors], np.int64),
        cancelled=nothing,
        caller_faults=nothing,
        error_codes=SparseCounts(
            np.array(rows, np.int32), np.array(names, np.int32), np.array(counts, np.int64), labels
        ),
        durations=SparseCounts.none(),
    )
    return select(table, trials > 0)


def progress(
    next_offset: int,
    through: int | None,
    source: SourcePartition = SOURCE,
    partitions: int = 1,
    *,
    idle: bool = False,
) -> SourceProgress:
    """Say that all windows of a fleet up to one (counted from its first) may be closed."""
    end = None if through is None else window_start(FIRST + through + 1, 60)
    return SourceProgress(source, partitions, 0, next_offset, end, end, idle)


def blocks_of(
    settings: Settings, table: CellTable, sources: tuple[SourceProgress, ...]
) -> dict[int, list[CountsBlock]]:
    """Split a table by counts partition, as ingest does."""
    count = settings.topics.counts_partitions
    keys = table.keys()
    owners = np.array(
        [partition_of(key, settings.group_positions, count) for key in keys], np.int64
    )
    return {
        partition: [CountsBlock(60, sources, select(table, owners == partition))]
        for partition in range(count)
    }


@dataclass(slots=True)
class Told:
    """What a pipeline said."""

    windows: list[ClosedWindow] = field(default_factory=list)
    records: list[IncidentRecord] = field(default_factory=list)

    @property
    def change_points(self) -> list[ChangePoint]:
        """Give the change points in the order they came."""
        return [point for window in self.windows for point in window.change_points]

    @property
    def last(self) -> dict[str, IncidentRecord]:
        """Give the newest record of every incident."""
        return {record.incident: record for record in self.records}


def pipeline(settings: Settings = SETTINGS) -> tuple[Pipeline, Told]:
    """Give a pipeline without any knowledge, and what it is going to say."""
    told = Told()
    return Pipeline(settings, told.windows.append, told.records.append), told


def run(
    tables: Sequence[CellTable],
    releases: Iterable[ReleaseEvent] = (),
    settings: Settings = SETTINGS,
) -> Told:
    """Send a fleet's windows through judges and incidents, one after the other."""
    stages, told = pipeline(settings)
    stages.add_releases(releases)
    for window, table in enumerate(tables):
        stages.take(blocks_of(settings, table, (progress(window, window),)))
    return told


def release(
    name: str,
    window: float,
    exposure: float = 1.0,
    action: ReleaseAction = ReleaseAction.PROGRESSED,
    **scope: Sequence[str],
) -> ReleaseEvent:
    """Give a step of a release at a fleet's window."""
    return ReleaseEvent(
        id=f"{name}-{window}",
        time=(FIRST + window) * 60.0,
        release=name,
        action=action,
        scope={dimension: tuple(values) for dimension, values in scope.items()},
        exposure=exposure,
        component=f"{name}-component",
    )


def late(table: CellTable) -> CellTable:
    """Give a table with all its cells marked late."""
    return replace(table, late=np.ones(len(table), np.bool_))
