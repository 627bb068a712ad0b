"""A range of event time: which cells are in it, and that progress ends with it."""

import pytest
from cell_tables import Cell, cell_table

from streams.domain.outcomes import SourcePartition
from streams.windows.blocks import SourceProgress
from streams.windows.ranges import TimeRange

KEY = ("eu",)


def progress(watermark: float | None, latest: float | None) -> SourceProgress:
    return SourceProgress(SourcePartition("t", 0), 1, 0, 1, watermark, latest, idle=False)


@pytest.mark.parametrize(
    ("wanted", "windows"),
    [
        (TimeRange(), [10, 11, 12]),
        (TimeRange(start=660.0), [11, 12]),
        (TimeRange(start=600.5), [11, 12]),
        (TimeRange(end=720.0), [10, 11]),
        (TimeRange(end=660.5), [10, 11]),
        (TimeRange(660.0, 720.0), [11]),
    ],
)
def test_cells_of_windows_that_begin_in_the_range_are_kept(
    wanted: TimeRange, windows: list[int]
) -> None:
    table = cell_table(("region",), [Cell(window, KEY, 1) for window in (10, 11, 12)])
    assert wanted.cells(table, 60).windows.tolist() == windows


def test_progress_goes_no_further_than_the_last_window_that_is_wanted() -> None:
    # What lies behind is left out; were it taken for silence, a collapse of volume would be told.
    for end in (700.0, 720.0):
        cut = TimeRange(end=end).progress(progress(5_000.0, 5_030.0), 60)
        assert (cut.watermark, cut.latest) == (720.0, 660.0)
    before = progress(640.0, 655.0)
    assert TimeRange(end=720.0).progress(before, 60) == before
    assert TimeRange(start=0.0).progress(before, 60) is before
    unknown = progress(None, None)
    assert TimeRange(end=720.0).progress(unknown, 60) == unknown
