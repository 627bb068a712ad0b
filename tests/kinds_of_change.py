"""A small fleet counted by the half hour, in which something other than the success ratio changes.

Half hours, because a day of volume has to be seen before any of it is judged.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from itertools import product

import numpy as np
from cell_tables import Cell, cell_table

from streams.config import DetectorSettings, IngestSettings, Settings, TopicSettings, WindowSettings
from streams.domain.change_points import ChangeKind, ChangePoint
from streams.domain.outcomes import SourcePartition
from streams.stages.judge import Judge
from streams.windows.blocks import CountsBlock, SourceProgress
from streams.windows.cells import CellTable
from streams.windows.durations import bin_of
from streams.windows.merging import empty_table

DIMENSIONS = ("region", "vm_type", "operation")
KEYS = tuple(product(("east", "north", "west"), ("large", "small"), ("create",)))
SECONDS = 1800
FIRST = 1000
"""Index of the first window."""
KNOWN = 60
"""Windows after which every series of a steady fleet is judged, by every kind but durations."""
SLOW_KNOWN = 190
"""The same for durations, whose thresholds take 120 windows."""

Course = Callable[[int, tuple[str, ...]], Mapping[str, object]]
"""What is out of the ordinary in a window of a series: volume, errors, seconds."""


def settings(*kinds: str, **changes: object) -> Settings:
    """Give settings for this fleet, all of it in one counts partition."""
    return Settings(
        ingest=IngestSettings(dimensions=DIMENSIONS),
        windows=WindowSettings(length=timedelta(seconds=SECONDS)),
        topics=TopicSettings(counts_partitions=1),
        detectors=DetectorSettings.model_validate(
            {"group_by": ("operation",), "kinds": kinds, **changes}
        ),
    )


def fleet(windows: int, course: Course, *, seed: int = 1) -> list[CellTable]:
    """Simulate the fleet: 400 operations a window and series, 1 % of them fail with `Busy`."""
    return [_window(window, course, seed) for window in range(windows)]


def steady(_window: int, _key: tuple[str, ...]) -> Mapping[str, object]:
    """Change nothing."""
    return {}


def _window(window: int, course: Course, seed: int) -> CellTable:
    random = np.random.default_rng((seed, window))
    cells = []
    for key in KEYS:
        usual = {"volume": 400, "errors": {"Busy": 0.01}, "seconds": 20.0}
        now = usual | dict(course(window, key))
        trials = int(random.poisson(now["volume"]))  # type: ignore[call-overload]
        shares: Mapping[str, float] = now["errors"]  # type: ignore[assignment]
        errors = {code: int(random.binomial(trials, share)) for code, share in shares.items()}
        bins = bin_of(now["seconds"] * random.lognormal(0.0, 0.5, trials))  # type: ignore[operator]
        names, counts = np.unique(bins, return_counts=True)
        if trials:
            cells.append(
                Cell(
                    FIRST + window,
                    key,
                    trials,
                    sum(errors.values()),
                    errors={code: count for code, count in errors.items() if count},
                    durations=dict(zip(names.tolist(), counts.tolist(), strict=True)),
                )
            )
    return cell_table(DIMENSIONS, cells)


def block(table: CellTable, through: int) -> CountsBlock:
    """Give a block after which all windows up to one, counted from the first, may be closed."""
    end = float((FIRST + through + 1) * SECONDS)
    source = SourcePartition("vm-operations", 0)
    return CountsBlock(
        SECONDS, (SourceProgress(source, 1, 0, through + 1, end, end, idle=False),), table
    )


def nothing() -> CellTable:
    """Give a table without cells."""
    return empty_table(DIMENSIONS)


def found(judge: Judge, tables: Iterable[CellTable], kind: ChangeKind) -> list[ChangePoint]:
    """Run a judge over windows and give the change points of a kind, in the order they came."""
    return [
        point
        for window, table in enumerate(tables)
        for closed in judge.on_block(block(table, window))
        for point in closed.change_points
        if point.kind is kind
    ]


def window_of(instant: float) -> int:
    """Give the window of an instant, counted from the first."""
    return int(instant // SECONDS) - FIRST
