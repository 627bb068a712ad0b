"""What several commands do alike: read the settings and times, and end when told to."""

import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from streams.domain.errors import OperatorError
from streams.domain.time import parse_instant

if TYPE_CHECKING:
    from streams.config import Settings

ConfigFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        envvar="OPWATCH_CONFIG",
        show_default=False,
        help="Settings, in TOML; variables such as OPWATCH_KAFKA__BOOTSTRAP win over it.",
    ),
]


def read_settings(path: Path | None, changes: Sequence[str] = ()) -> "Settings":
    """Read the settings and set logging up by them.

    Args:
        path: The settings file, if there is one.
        changes: Settings that win over file and environment, such as `detectors.kinds=[]`.

    Raises:
        OperatorError: A setting is wrong, or the file cannot be read.
    """
    from streams.adapters.logging import configure  # noqa: PLC0415
    from streams.config_reading import load  # noqa: PLC0415

    settings = load(path, os.environ, changes)
    configure(settings.log)
    return settings


def instant(option: str, text: str) -> float:
    """Read the value of an option that takes a time, in seconds since the epoch.

    Raises:
        OperatorError: It is none.
    """
    try:
        return parse_instant(text)
    except ValueError as error:
        raise OperatorError(
            f"{option} {text!r} is no RFC 3339 time with an offset, such as 2021-10-13T06:27:00Z"
        ) from error


def end_on_sigterm() -> None:
    """Let SIGTERM end the command as Ctrl-C does: it takes along what it has half-written."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
