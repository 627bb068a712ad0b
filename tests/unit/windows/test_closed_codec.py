"""Bytes that are no closed window are refused; see the properties for the round trip."""

import msgspec
import numpy as np
import pytest
from small_fleets import SETTINGS, blocks_of, fleet, progress

from streams.stages.judge import Judge
from streams.windows.closed_codec import decode_closed, encode_closed


def some_message() -> bytes:
    (table,) = fleet(1)
    (block,) = blocks_of(SETTINGS, table, (progress(1, 0),))[1]
    (closed,) = Judge(SETTINGS, 1).on_block(block)
    return encode_closed(closed)


@pytest.mark.parametrize("data", [b"", b"nonsense", msgspec.msgpack.encode({"version": 1})])
def test_bytes_that_are_no_closed_window_are_refused(data: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_closed(data)


def test_a_message_of_a_version_that_knew_no_evidence_is_still_read() -> None:
    whole = msgspec.msgpack.decode(some_message())
    old = decode_closed(msgspec.msgpack.encode(whole[:10]))
    assert len(old.cells) > 0
    assert (len(old.rho), len(old.statistic)) == (len(old.cells), len(old.cells))
    assert np.isnan(old.rho).all()
    assert np.isnan(old.statistic).all()
    assert old.threshold is None
    new = decode_closed(some_message())
    assert not np.isnan(new.rho).any()
    assert new.threshold is not None


def test_another_version_is_refused_by_name() -> None:
    fields = msgspec.msgpack.decode(some_message())
    fields[0] = 2
    with pytest.raises(msgspec.DecodeError, match=r"enum value 2|version|2"):
        decode_closed(msgspec.msgpack.encode(fields))
