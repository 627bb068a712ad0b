"""The archive's files in a folder and in a real S3 server: whole or not there."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from archive_servers import S3_OPTIONS, s3_server

from streams.adapters.archive import ArchiveStore
from streams.domain.errors import OperatorError, OutsideSystemError

NAME = "day=2021-10-13/part.parquet"


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    with s3_server() as address:
        yield address


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ArchiveStore:
    if request.param == "folder":
        return ArchiveStore(str(tmp_path / "archive"), {})
    address = request.getfixturevalue("s3")
    url = f"s3://archive/{tmp_path.name}"
    return ArchiveStore(url, {**S3_OPTIONS, "endpoint_url": address})


def content(store: ArchiveStore, name: str) -> bytes:
    with store.opened(name) as file:
        return file.read()


def test_an_archive_that_is_not_there_yet_has_no_files(store: ArchiveStore) -> None:
    assert store.names() == []


def test_a_file_is_listed_read_replaced_and_removed(store: ArchiveStore, tmp_path: Path) -> None:
    store.write(NAME, b"one")
    assert store.names() == [NAME]
    assert content(store, NAME) == b"one"
    store.write(NAME, b"two")
    assert content(store, NAME) == b"two"
    large = tmp_path / "large"
    large.write_bytes(b"x" * 1_000_000)
    store.put("day=2021-10-14/windows.parquet", large)
    assert store.names() == [NAME, "day=2021-10-14/windows.parquet"]
    with store.opened("day=2021-10-14/windows.parquet") as file:
        file.seek(999_998)
        assert file.read() == b"xx"
    store.delete([NAME, NAME])
    assert store.names() == ["day=2021-10-14/windows.parquet"]


def test_a_file_that_is_not_there_is_told_with_the_archives_address(store: ArchiveStore) -> None:
    with pytest.raises(OutsideSystemError, match=f"cannot read nix.*{store.address}"):
        content(store, "nix")


def test_a_file_that_could_not_be_written_whole_is_not_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ArchiveStore(str(tmp_path), {})

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutsideSystemError, match="No space left"):
        store.write(NAME, b"one")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_what_a_killed_writer_left_is_passed_over_and_removed_after_an_hour(tmp_path: Path) -> None:
    store = ArchiveStore(str(tmp_path), {})
    store.write(NAME, b"one")
    half = tmp_path / "day=2021-10-13" / ".being-written-00"
    half.write_bytes(b"ha")
    written = half.stat().st_mtime
    assert store.names() == [NAME]
    store.tidy(written + 1)
    assert half.exists()
    store.tidy(written + 4000)
    assert not half.exists()
    assert store.names() == [NAME]


def test_an_address_that_nothing_can_reach_is_the_operators_fault() -> None:
    with pytest.raises(OperatorError, match="foo://x is no address of an archive"):
        ArchiveStore("foo://x", {})
    with pytest.raises(OperatorError, match="cannot reach the archive gs://x: Please install"):
        ArchiveStore("gs://x", {})


def test_a_server_that_is_down_is_an_outside_fault() -> None:
    store = ArchiveStore("s3://archive/x", {**S3_OPTIONS, "endpoint_url": "http://127.0.0.1:9"})
    with pytest.raises(OutsideSystemError, match=r"cannot write .* to the archive s3://archive/x"):
        store.write(NAME, b"one")
