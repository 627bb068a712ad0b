"""The report of a replay's folder, made anew without replaying."""

import contextlib
import errno
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from streams.config import Settings
from streams.domain.errors import OperatorError, OutsideSystemError
from streams.replay.files import read_releases
from streams.replay.inputs import file_size, read_archive, read_events
from streams.replay.report.builder import Report
from streams.replay.report.clock import report_clock
from streams.replay.report.forms import ReportFormat, rendered
from streams.replay.report.records import CHANGE_POINTS, INCIDENTS, RELEASES, WINDOWS
from streams.replay.request import Progress

_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EIO}
"""What no operator can help by naming another file."""


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """Which report to write.

    Attributes:
        folder: What `opwatch replay` has written.
        form: In which form.
        timezone: Name of the time zone in which it tells times.
        out: The file to write; None for the usual one in the folder.
    """

    folder: Path
    form: ReportFormat
    timezone: str
    out: Path | None


def write_report(settings: Settings, request: ReportRequest, progress: Progress) -> Path:
    """Make a report anew.

    Args:
        settings: Those of the replay: dimensions, window length and allowed disorder.
        request: Which report.
        progress: Hears how far it is.

    Returns:
        The file written: completely or not at all.

    Raises:
        OperatorError: There is no such time zone, the folder is none that a replay has written, or
            the file cannot be written.
        OutsideSystemError: The disk failed.
    """
    clock = report_clock(request.timezone)
    report = read_report(settings, request.folder, progress)
    out = request.out or request.folder / request.form.file
    _write(out, rendered(report, request.form, clock))
    return out


def read_report(settings: Settings, folder: Path, progress: Progress) -> Report:
    """Read what a report says out of a replay's folder; see `write_report`."""
    for name in (INCIDENTS, CHANGE_POINTS, WINDOWS):
        if not (folder / name).exists():
            raise OperatorError(
                f"{folder} has no {name}: give a folder that `opwatch replay --out` has written"
            )
    releases = folder / RELEASES
    report = Report(
        settings,
        _records(folder / INCIDENTS),
        _records(folder / CHANGE_POINTS),
        read_releases(releases) if releases.exists() else (),
    )
    path = folder / WINDOWS
    size, done = file_size(path), 0
    for rows, position in read_archive(path, settings.ingest.dimensions, settings.windows.seconds):
        report.add_rows(rows)
        done += int(rows.cells.trials.sum())
        progress.advance(position, size, done, 0)
    return report


def _records(path: Path) -> list[Mapping[str, Any]]:
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    records: list[Mapping[str, Any]] = []
    for batch in read_events(path):
        for number, line in enumerate(batch.lines, batch.first_line + 1):
            try:
                records.append(decode(line))
            except msgspec.DecodeError as error:
                raise OperatorError(f"{path}, line {number}: {error}; replay again") from error
    return records


def _write(out: Path, text: str) -> None:
    """Write a file completely or not at all; what is no plain file, such as a pipe, as it comes."""
    hidden = out.parent / f".{out.name}.partial-{secrets.token_hex(4)}"
    try:
        if out.exists() and not out.is_file() and not out.is_dir():
            out.write_text(text, "utf-8")
        else:
            hidden.write_text(text, "utf-8")
            hidden.replace(out)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        kind = OutsideSystemError if error.errno in _DISK else OperatorError
        raise kind(f"cannot write {out}: {reason}") from error
    finally:
        with contextlib.suppress(OSError):
            hidden.unlink(missing_ok=True)
