"""A folder that is written completely or not at all."""

import secrets
import shutil
import signal
from collections.abc import Iterator
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
    if out.exists() and not out.is_dir():
        raise OperatorError(f"cannot write into {out}: it is a file, not a folder")
    hidden = out.parent / f".{out.name}.partial-{secrets.token_hex(4)}"
    try:
        hidden.mkdir(parents=True)
    except OSError as error:
        raise OperatorError(f"cannot write into {out}: {reason(error)}") from error
    try:
        yield hidden
        with uninterrupted():
            move_in(hidden, out)
    except OSError as error:
        raise OutsideSystemError(f"cannot write {out}: {reason(error)}") from error
    finally:
        shutil.rmtree(hidden, ignore_errors=True)


def move_in(hidden: Path, out: Path) -> None:
    """Move the files of a folder into another, folders within it, too."""
    out.mkdir(exist_ok=True)
    for path in sorted(hidden.iterdir()):
        if path.is_dir():
            move_in(path, out / path.name)
        else:
            path.replace(out / path.name)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let Ctrl-C wait: a folder must not hold some files of one replay and some of another."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def reason(error: OSError) -> str:
    """Give what the system says went wrong, for the end of a sentence."""
    return (error.strerror or str(error)).lower()
