"""Bytes that are no closed window are refused; see the properties for the round trip."""

import msgspec
import pytest
from small_fleets import SETTINGS, blocks_of, fleet, progress

from streams.stages.judge import Judge
from streams.windows.closed_codec import decode_closed, encode_closed


def some_message() -> bytes:
    (table,) = fleet(1)
    (block,) = blocks_of(SETTINGS, table, (progress(1, 0),))[0]
    (closed,) = Judge(SETTINGS, 0).on_block(block)
    return encode_closed(closed)


@pytest.mark.parametrize("data", [b"", b"nonsense", msgspec.msgpack.encode({"version": 1})])
def test_bytes_that_are_no_closed_window_are_refused(data: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_closed(data)


def test_another_version_is_refused_by_name() -> None:
    fields = msgspec.msgpack.decode(some_message())
    fields[0] = 2
    with pytest.raises(msgspec.DecodeError, match=r"enum value 2|version|2"):
        decode_closed(msgspec.msgpack.encode(fields))
