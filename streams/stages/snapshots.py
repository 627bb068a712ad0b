"""Snapshots: the state of a stage as plain data, versioned, and tied to its settings."""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from streams.domain.errors import SnapshotError

VERSION = 2
"""Raised whenever the content of a snapshot changes its meaning."""

_ARRAY = 1


class Envelope(msgspec.Struct, frozen=True):
    """What a snapshot says about itself."""

    version: int
    stage: str
    fingerprint: str
    state: Any


def fingerprint(*parts: object) -> str:
    """Give a short digest of the settings that shape a stage's state.

    Args:
        parts: Values whose `repr` or JSON does not change between runs.
    """
    text = "\x1e".join(str(part) for part in parts)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def pack(stage: str, settings_fingerprint: str, state: Mapping[str, object]) -> bytes:
    """Write a snapshot.

    Args:
        stage: Name of the stage.
        settings_fingerprint: See `fingerprint`.
        state: Numbers, strings, bytes, arrays, and lists, tuples and dicts of them.
    """
    envelope = Envelope(VERSION, stage, settings_fingerprint, state)
    plain = msgspec.msgpack.encode(envelope, enc_hook=_encode)
    data: bytes = pa.compress(plain, codec="zstd", asbytes=True)
    return data


def unpack(stage: str, settings_fingerprint: str, data: bytes) -> dict[str, Any]:
    """Read a snapshot.

    Raises:
        SnapshotError: It is damaged, or it is of another stage, version or settings.
    """
    try:
        # As a stream, because a size written beside damaged data cannot be trusted with memory.
        plain = pa.CompressedInputStream(pa.py_buffer(data), "zstd").read()
        envelope = msgspec.msgpack.decode(plain, type=Envelope, ext_hook=_decode)
    except (msgspec.DecodeError, OSError, ValueError) as error:
        raise SnapshotError(f"the snapshot of {stage} is damaged: {error}") from error
    found = (envelope.version, envelope.stage, envelope.fingerprint)
    if found != (VERSION, stage, settings_fingerprint):
        made_by = (VERSION, stage, settings_fingerprint)
        raise SnapshotError(
            f"the snapshot of {stage} was made by {found}, not by {made_by}: "
            "the settings that shape its state have changed"
        )
    state: dict[str, Any] = envelope.state
    return state


def _encode(value: object) -> object:
    if isinstance(value, np.ndarray):
        header = msgspec.msgpack.encode((value.dtype.str, value.shape))
        body = np.ascontiguousarray(value).tobytes()
        return msgspec.msgpack.Ext(_ARRAY, len(header).to_bytes(4, "big") + header + body)
    if isinstance(value, np.generic):
        return value.item()
    message = f"a snapshot cannot hold a {type(value).__name__}"
    raise NotImplementedError(message)


def _decode(code: int, data: memoryview) -> npt.NDArray[Any]:
    if code != _ARRAY:
        message = f"unknown extension {code}"
        raise ValueError(message)
    size = int.from_bytes(data[:4], "big")
    dtype, shape = msgspec.msgpack.decode(data[4 : 4 + size], type=tuple[str, tuple[int, ...]])
    return np.frombuffer(data[4 + size :], dtype=dtype).reshape(shape).copy()
