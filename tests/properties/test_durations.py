"""Counted durations give quantiles within the promised error, and merge by addition."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.windows.durations import (
    LOWEST_BIN,
    RELATIVE_ERROR,
    SHORTEST,
    bin_of,
    decode_entries,
    encode_entries,
    merge_sketches,
    quantile,
)

SECONDS = st.lists(st.floats(SHORTEST, 1e9), min_size=1, max_size=60)


def sketch(seconds: list[float]) -> bytes:
    bins, counts = np.unique(bin_of(np.array(seconds)), return_counts=True)
    return encode_entries(bins, counts)


@given(SECONDS, st.floats(0, 1))
def test_every_quantile_is_within_the_relative_error(seconds: list[float], share: float) -> None:
    found = quantile(*decode_entries(sketch(seconds)), share)
    exact = sorted(seconds)[math.floor(share * (len(seconds) - 1))]
    assert abs(found - exact) <= RELATIVE_ERROR * exact * (1 + 1e-9)


@given(SECONDS, SECONDS)
def test_merged_sketches_are_the_sketch_of_everything(
    first: list[float], second: list[float]
) -> None:
    assert merge_sketches(sketch(first), sketch(second)) == sketch(first + second)


def test_everything_shorter_than_a_millisecond_shares_the_lowest_bin() -> None:
    assert set(bin_of(np.array([0.0, 1e-9, SHORTEST])).tolist()) == {LOWEST_BIN}
    assert bin_of(np.array([2 * SHORTEST]))[0] > LOWEST_BIN


def test_nothing_has_no_quantile() -> None:
    with pytest.raises(ValueError, match="no durations"):
        quantile(np.empty(0, np.int32), np.empty(0, np.int64), 0.5)


def test_half_an_entry_is_refused() -> None:
    with pytest.raises(ValueError, match="multiple"):
        decode_entries(b"12345")
