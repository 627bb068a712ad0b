"""Durations: counted in bins that widen with the duration, so quantiles keep a relative error.

The sketch is DDSketch (Masson, Rim and Lee, "DDSketch: a fast and fully-mergeable quantile sketch
with relative-error guarantees", VLDB 2019): bin i holds (γ^(i-1), γ^i] with γ = (1 + α) / (1 − α),
and answers with 2 γ^i / (γ + 1), which is within α of everything in it. Sketches merge by adding
counts.
"""

import math

import numpy as np
import numpy.typing as npt

from streams.windows.cells import Int32, Int64

RELATIVE_ERROR = 0.05
"""α: a p95 of 60 s is between 57 and 63 s. Two clocks differ by more."""

_GAMMA = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)
SHORTEST = 1e-3
"""In seconds; event times have milliseconds, so everything shorter shares one bin."""

LOWEST_BIN = math.ceil(math.log(SHORTEST) / math.log(_GAMMA))

_ENTRY = np.dtype([("bin", "<i2"), ("count", "<u4")])
"""One entry of an encoded sketch: 6 bytes, little-endian."""
ENTRY_BYTES = _ENTRY.itemsize


def bin_of(seconds: npt.NDArray[np.float64]) -> Int32:
    """Give the bins of durations.

    Args:
        seconds: (N,) durations, in seconds, not negative.

    Returns:
        (N,) bin numbers, `LOWEST_BIN` or more.
    """
    logarithms = np.log(np.maximum(seconds, SHORTEST)) / math.log(_GAMMA)
    return np.maximum(np.ceil(logarithms), LOWEST_BIN).astype(np.int32)


def quantile(bins: Int32, counts: Int64, share: float) -> float:
    """Give a quantile of counted durations, within `RELATIVE_ERROR` of the exact one.

    Args:
        bins: (M,) bin numbers, ascending.
        counts: (M,) durations in each; at least one in all.
        share: Which quantile, 0 to 1.

    Returns:
        Seconds.

    Raises:
        ValueError: Nothing was counted.
    """
    total = int(counts.sum())
    if total == 0:
        raise ValueError("no durations: an empty sketch has no quantiles")
    rank = share * (total - 1)
    place = int(np.searchsorted(np.cumsum(counts), rank, side="right"))
    return float(2 * _GAMMA ** int(bins[place]) / (_GAMMA + 1))


def encode_entries(bins: Int32, counts: Int64) -> bytes:
    """Write entries as bytes; consecutive slices of them are sketches of their own.

    Args:
        bins: (M,) bin numbers.
        counts: (M,) how often, up to 2^32 − 1.
    """
    entries = np.empty(len(bins), _ENTRY)
    entries["bin"], entries["count"] = bins, counts
    return entries.tobytes()


def decode_entries(data: bytes | memoryview) -> tuple[Int32, Int64]:
    """Read what `encode_entries` wrote.

    Raises:
        ValueError: The length is no multiple of an entry's.
    """
    entries = np.frombuffer(data, _ENTRY)
    return entries["bin"].astype(np.int32), entries["count"].astype(np.int64)


def merge_sketches(first: bytes, second: bytes) -> bytes:
    """Add two encoded sketches up."""
    bins, counts = decode_entries(first + second)
    distinct, places = np.unique(bins, return_inverse=True)
    total = np.zeros(len(distinct), np.int64)
    np.add.at(total, places, counts)
    return encode_entries(distinct, total)
