"""Snapshots: plain data that comes back as it was, or is refused by name."""

import msgspec
import numpy as np
import pytest

from streams.domain.errors import SnapshotError
from streams.stages.snapshots import fingerprint, pack, unpack


def test_numbers_text_bytes_and_arrays_come_back_as_they_were() -> None:
    state = {
        "counts": np.arange(6, dtype=np.int32).reshape(2, 3),
        "none": None,
        "scalar": np.float64(0.5),
        "nested": [{"name": "é", "data": b"\x00"}, (1, 2)],
        "empty": np.zeros((0, 4)),
    }
    again = unpack("judge", "f", pack("judge", "f", state))
    np.testing.assert_array_equal(again["counts"], state["counts"])
    assert again["counts"].dtype == np.int32
    assert again["empty"].shape == (0, 4)
    assert (again["none"], again["scalar"]) == (None, 0.5)
    assert again["nested"] == [{"name": "é", "data": b"\x00"}, [1, 2]]


def test_arrays_of_a_snapshot_can_be_written_to() -> None:
    again = unpack("judge", "f", pack("judge", "f", {"counts": np.zeros(3)}))
    again["counts"][1] = 5
    assert again["counts"].tolist() == [0, 5, 0]


def test_an_array_that_is_a_view_is_stored_as_what_it_shows() -> None:
    view = np.arange(12).reshape(3, 4)[:, ::2]
    again = unpack("judge", "f", pack("judge", "f", {"view": view}))
    np.testing.assert_array_equal(again["view"], view)


@pytest.mark.parametrize(("stage", "settings"), [("incidents", "f"), ("judge", "g")])
def test_a_snapshot_of_another_stage_or_of_other_settings_is_refused(
    stage: str, settings: str
) -> None:
    with pytest.raises(SnapshotError, match="was made by"):
        unpack(stage, settings, pack("judge", "f", {}))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"short",
        b"long enough, but no zstd",
        pack("judge", "f", {"a": 1})[:-3],
        pack("judge", "f", {"a": 1})[:20] + b"\xff" * 8,
    ],
)
def test_a_damaged_snapshot_is_refused(data: bytes) -> None:
    with pytest.raises(SnapshotError, match="the snapshot of judge is damaged"):
        unpack("judge", "f", data)


def test_an_array_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(SnapshotError, match="unknown extension 9"):
        unpack("judge", "f", pack("judge", "f", {"x": msgspec.msgpack.Ext(9, b"")}))


def test_what_is_no_plain_data_is_never_written() -> None:
    with pytest.raises(NotImplementedError, match="cannot hold a object"):
        pack("judge", "f", {"x": object()})


def test_fingerprints_tell_settings_apart_and_do_not_depend_on_the_run() -> None:
    assert fingerprint("a", 1) == fingerprint("a", 1)
    assert (
        len({fingerprint("a", 1), fingerprint("a", 2), fingerprint("a1"), fingerprint(1, "a")}) == 4
    )
