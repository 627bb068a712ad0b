"""Where the archive lies: a folder, or whatever else fsspec can reach, such as S3.

A file appears whole or not at all, and may be written again. In a folder it is written under a
hidden name and renamed; elsewhere one request puts all of it, which object stores do at once.
"""

import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from fsspec.core import url_to_fs

from streams.domain.errors import OperatorError, OutsideSystemError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_HIDDEN = ".being-written-"

_FORGOTTEN_S = 3600.0
"""A file that has been under way for so long is that of a writer that was killed."""


class ArchiveStore:
    """Files by their paths inside the archive."""

    def __init__(self, url: str, options: Mapping[str, str]) -> None:
        """Find out how to reach it; nothing is asked of it yet.

        Args:
            url: A folder, or an address that fsspec knows.
            options: Further options for fsspec.

        Raises:
            OperatorError: Nothing can reach such an address.
        """
        self.address = url
        try:
            found = url_to_fs(url, **options)
        except ImportError as error:
            hint = " (for s3: pip install 'opwatch[s3]')" if url.startswith("s3") else ""
            raise OperatorError(f"cannot reach the archive {url}: {error}{hint}") from error
        except (ValueError, TypeError) as error:
            raise OperatorError(f"{url} is no address of an archive: {error}") from error
        self._files, self._root = cast("tuple[AbstractFileSystem, str]", found)
        protocol = self._files.protocol
        self._local = "file" in ((protocol,) if isinstance(protocol, str) else protocol)

    def names(self) -> list[str]:
        """Give the paths of all files, sorted; those being written are left out.

        Raises:
            OutsideSystemError: It does not answer.
        """
        with self._asked("list"):
            self._files.invalidate_cache()
            try:
                found = self._files.find(self._root)
            except FileNotFoundError:
                return []
        prefix = len(self._root.rstrip("/")) + 1
        names = (path[prefix:] for path in found)
        return sorted(one for one in names if _HIDDEN not in one)

    def write(self, name: str, data: bytes) -> None:
        """Write a file, in the place of what may be there.

        Raises:
            OutsideSystemError: It could not be written.
        """
        with self._asked(f"write {name} to"):
            if self._local:
                with _whole(Path(self._root) / name) as file:
                    file.write(data)
            else:
                self._files.pipe_file(f"{self._root}/{name}", data)

    def put(self, name: str, source: Path) -> None:
        """Write a file from one on this machine, which may be large.

        Raises:
            OutsideSystemError: It could not be written.
        """
        with self._asked(f"write {name} to"):
            if self._local:
                with _whole(Path(self._root) / name) as file, source.open("rb") as data:
                    shutil.copyfileobj(data, file)
            else:
                self._files.put_file(str(source), f"{self._root}/{name}")

    def opened(self, name: str) -> BinaryIO:
        """Open a file for reading, with seek.

        Raises:
            OutsideSystemError: It is not there, or cannot be read.
        """
        with self._asked(f"read {name} in"):
            return cast("BinaryIO", self._files.open(f"{self._root}/{name}", "rb"))

    def delete(self, names: Iterable[str]) -> None:
        """Remove files; those that are not there are passed over.

        Raises:
            OutsideSystemError: One could not be removed.
        """
        for name in names:
            with self._asked(f"remove {name} from"):
                try:
                    self._files.rm_file(f"{self._root}/{name}")
                except FileNotFoundError:
                    continue

    def tidy(self, now: float) -> None:
        """Remove what writers that were killed have left half-written, in a folder.

        Args:
            now: Processing time, in seconds since the epoch.

        Raises:
            OutsideSystemError: It could not be removed.
        """
        with self._asked("tidy up"):
            for path in Path(self._root).rglob(f"{_HIDDEN}*") if self._local else ():
                if now - path.stat().st_mtime > _FORGOTTEN_S:
                    path.unlink(missing_ok=True)

    @contextmanager
    def _asked(self, what: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # each store has errors of its own, and none of them is ours
            why = " ".join(str(error).split()) or type(error).__name__
            raise OutsideSystemError(f"cannot {what} the archive {self.address}: {why}") from error


@contextmanager
def _whole(path: Path) -> Iterator[BinaryIO]:
    """Write a file so that it is there, whole, even if the machine stops the next moment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    hidden = path.parent / f"{_HIDDEN}{secrets.token_hex(8)}"
    try:
        with hidden.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        hidden.replace(path)
    finally:
        hidden.unlink(missing_ok=True)
    for folder in (path.parent, path.parent.parent):
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
