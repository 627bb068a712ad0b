"""Closed windows as bytes: cells as Arrow, as in a counts block, and what the judge found."""

from typing import Literal

import msgspec
import numpy as np
import numpy.typing as npt

from detectors.detections import Direction
from streams.domain.change_points import ChangeKind, ChangePoint
from streams.windows.blocks import CountsBlock
from streams.windows.closed import ClosedWindow
from streams.windows.codec import decode_block, encode_block

VERSION: Literal[1] = 1
"""Raised whenever the format changes its meaning."""


class _ChangePoint(msgspec.Struct, array_like=True, frozen=True):
    series: dict[str, str]
    direction: Direction
    onset: float
    raised: float
    baseline_ratio: float
    ratio: float
    statistic: float
    threshold: float
    kind: ChangeKind = ChangeKind.SUCCESS_RATIO
    error_code: str | None = None
    quantile: float | None = None
    onset_interval: tuple[float, float] | None = None
    ratio_interval: tuple[float, float] | None = None


class _Message(msgspec.Struct, array_like=True, frozen=True):
    version: Literal[1]
    partition: int
    closed_through: int
    window: int | None
    window_seconds: int
    cells: bytes
    baseline: bytes
    learning: bytes
    alarmed: bytes
    change_points: tuple[_ChangePoint, ...]
    rho: bytes | None = None
    statistic: bytes | None = None
    threshold: float | None = None


def encode_closed(closed: ClosedWindow) -> bytes:
    """Write a closed window; equal windows give equal bytes."""
    message = _Message(
        version=VERSION,
        partition=closed.partition,
        closed_through=closed.closed_through,
        window=closed.window,
        window_seconds=closed.window_seconds,
        cells=encode_block(CountsBlock(closed.window_seconds, (), closed.cells)),
        baseline=closed.baseline.astype("<f8").tobytes(),
        learning=closed.learning.astype(np.bool_).tobytes(),
        alarmed=closed.alarmed.astype(np.int8).tobytes(),
        change_points=tuple(_plain(point) for point in closed.change_points),
        rho=closed.rho.astype("<f8").tobytes(),
        statistic=closed.statistic.astype("<f8").tobytes(),
        threshold=closed.threshold,
    )
    return msgspec.msgpack.encode(message)


def decode_closed(data: bytes) -> ClosedWindow:
    """Read a closed window.

    Raises:
        msgspec.DecodeError: The bytes are no closed window of this version.
        OutsideSystemError: Its cells are damaged.
    """
    message = msgspec.msgpack.decode(data, type=_Message)
    cells = decode_block(message.cells).cells
    return ClosedWindow(
        partition=message.partition,
        closed_through=message.closed_through,
        window=message.window,
        window_seconds=message.window_seconds,
        cells=cells,
        baseline=np.frombuffer(message.baseline, "<f8"),
        learning=np.frombuffer(message.learning, np.bool_),
        alarmed=np.frombuffer(message.alarmed, np.int8),
        rho=_numbers(message.rho, len(cells)),
        statistic=_numbers(message.statistic, len(cells)),
        change_points=tuple(_change_point(point) for point in message.change_points),
        threshold=message.threshold,
    )


def _numbers(data: bytes | None, size: int) -> npt.NDArray[np.float64]:
    """Read a column; versions before it was written did not know it."""
    return np.full(size, np.nan) if data is None else np.frombuffer(data, "<f8")


def _plain(point: ChangePoint) -> _ChangePoint:
    return _ChangePoint(
        dict(point.series),
        point.direction,
        point.onset,
        point.raised,
        point.baseline_ratio,
        point.ratio,
        point.statistic,
        point.threshold,
        point.kind,
        point.error_code,
        point.quantile,
        point.onset_interval,
        point.ratio_interval,
    )


def _change_point(plain: _ChangePoint) -> ChangePoint:
    return ChangePoint(**{name: getattr(plain, name) for name in plain.__struct_fields__})
