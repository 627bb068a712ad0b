"""Files of the benchmark: checked before it runs, written whole or not at all."""

import os
from pathlib import Path
from typing import Final, Protocol

from streams.domain.errors import OperatorError

BEGIN: Final = "<!-- begin: opwatch evaluate -->"
END: Final = "<!-- end: opwatch evaluate -->"


class Outputs(Protocol):
    """Files that a benchmark may be asked for."""

    @property
    def json(self) -> Path | None:
        """File for one JSON object."""

    @property
    def table(self) -> Path | None:
        """Markdown file."""

    @property
    def plot(self) -> Path | None:
        """SVG file."""


def check(paths: list[Path]) -> None:
    """Refuse files that cannot be written, before minutes of work are lost.

    Raises:
        OperatorError: A folder that is not there or not writable, or the same file twice.
    """
    if len({path.resolve() for path in paths}) < len(paths):
        raise OperatorError("--json, --table and --plot must name different files")
    for path in paths:
        if not path.parent.is_dir():
            raise OperatorError(f"{path}: there is no folder {path.parent}")
        if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
            raise OperatorError(f"{path}: cannot be written")


def write(path: Path, text: str) -> None:
    """Write a file whole, by moving it into its place.

    Raises:
        OperatorError: It cannot be written.
    """
    draft = path.with_name(f".{path.name}.draft")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise OperatorError(f"{path}: {error.strerror or error}") from error
    finally:
        draft.unlink(missing_ok=True)


def write_between_marks(path: Path, text: str) -> None:
    """Write generated text; of a file with the marks only what stands between them is replaced.

    Raises:
        OperatorError: It cannot be read or written, or has the marks in a wrong order.
    """
    try:
        old = path.read_text(encoding="utf-8") if path.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorError(f"{path}: cannot be read: {error}") from error
    if BEGIN not in old and END not in old:
        write(path, text)
        return
    before, begin, rest = old.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise OperatorError(f"{path}: {BEGIN} and {END} must both be there, in this order")
    write(path, f"{before}{BEGIN}\n\n{text}\n{END}{after}")


def write_all(request: Outputs, *, text: str, figures: str, drawing: str) -> None:
    """Write the files that were asked for.

    Args:
        request: Which files.
        text: The tables.
        figures: All figures as one JSON object.
        drawing: SVG.

    Raises:
        OperatorError: A file cannot be written.
    """
    if request.json:
        write(request.json, figures)
    if request.plot:
        write(request.plot, drawing)
    if request.table:
        write_between_marks(request.table, text)
