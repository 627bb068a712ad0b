"""A folder that is written completely or not at all."""

import secrets
import shutil
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from streams.domain.errors import OperatorError, OutsideSystemError


@contextmanager
def whole_folder(out: Path) -> Iterator[Path]:
    """Give a hidden folder beside the target, whose content is moved in when the block ends well.

    A target that is there keeps what else it holds. Whatever ends the block early, Ctrl-C too,
    leaves nothing behind.

    Args:
        out: The folder to write.

    Raises:
        OperatorError: The folder cannot be made there.
        OutsideSystemError: The disk failed.
    """
    with hidden_folder(out) as hidden:
        try:
            yield hidden
            move_in(hidden.iterdir(), out)
        except OSError as error:
            raise OutsideSystemError(f"cannot write {out}: {reason(error)}") from error


@contextmanager
def hidden_folder(out: Path) -> Iterator[Path]:
    """Give a hidden folder beside the target, that is gone when the block ends.

    Args:
        out: The folder that is to be written.

    Raises:
        OperatorError: The folder cannot be made there.
    """
    if out.exists() and not out.is_dir():
        raise OperatorError(f"cannot write into {out}: it is a file, not a folder")
    hidden = out.parent / f".{out.name}.partial-{secrets.token_hex(4)}"
    try:
        try:
            hidden.mkdir(parents=True)
        except OSError as error:
            raise OperatorError(f"cannot write into {out}: {reason(error)}") from error
        yield hidden
    finally:
        shutil.rmtree(hidden, ignore_errors=True)


def move_in(paths: Iterable[Path], out: Path) -> None:
    """Move files, and what is in folders, into a folder; Ctrl-C waits meanwhile.

    Raises:
        OSError: The disk failed.
    """
    with _uninterrupted():
        out.mkdir(exist_ok=True)
        for path in sorted(paths):
            if path.is_dir():
                move_in(path.iterdir(), out / path.name)
            else:
                path.replace(out / path.name)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let Ctrl-C wait: a folder must not hold some files of one replay and some of another."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def reason(error: OSError) -> str:
    """Give what the system says went wrong, for the end of a sentence."""
    return (error.strerror or str(error)).lower()
