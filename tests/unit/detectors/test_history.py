"""The ring of counts: gaps, wrapping, growing and dropping series."""

import numpy as np
import pytest

from detectors.history import History


def written(windows: int, last: int, size: int = 2) -> History:
    history = History(windows)
    history.add(size)
    for window in range(last + 1):
        history.write(window, np.full(size, window), np.zeros(size, dtype=np.int64))
    return history


def test_the_oldest_window_gives_way_to_the_newest() -> None:
    history = written(windows=4, last=9)
    assert history.oldest(9) == 6
    assert history.read(6)[0].tolist() == [6, 6]
    assert history.read(5)[0].tolist() == [0, 0]
    assert history.stretch(6, 9, np.array([1]))[0, :, 0].tolist() == [6, 7, 8, 9]


@pytest.mark.parametrize("gap", [1, 3, 4, 5, 1000])
def test_windows_left_out_hold_zeros(gap: int) -> None:
    history = written(windows=4, last=5)
    history.write(5 + gap, np.array([7, 7]), np.array([1, 1]))
    kept = history.stretch(history.oldest(5 + gap), 5 + gap, np.array([0]))[0, :, 0].tolist()
    old = [window if window <= 5 else 0 for window in range(2 + gap, 5 + gap)]
    assert kept == [*old, 7]


def test_a_series_added_later_has_no_past() -> None:
    history = written(windows=3, last=2)
    history.add(100)
    assert history.size == 102
    assert history.read(2)[0, 2:].sum() == 0
    assert history.read(2)[0, :2].tolist() == [2, 2]


def test_kept_series_keep_their_counts_in_the_new_order() -> None:
    history = History(3)
    history.add(3)
    history.write(8, np.array([5, 6, 7]), np.array([1, 2, 3]))
    history.keep(np.array([2, 0]))
    assert history.read(8).tolist() == [[7, 5], [3, 1]]


def test_a_state_takes_no_more_room_than_its_counts_need() -> None:
    history = written(windows=4, last=9)
    assert np.asarray(history.state()["counts"]).dtype == np.uint8
    history.write(10, np.array([70_000, 1]), np.array([0, 0]))
    assert np.asarray(history.state()["counts"]).dtype == np.uint32


def test_a_state_with_another_number_of_windows_is_refused() -> None:
    with pytest.raises(ValueError, match="counts: 4 windows in the snapshot, not 5"):
        History(5).restore(written(windows=4, last=9).state())
