"""Making a report anew: words of the command line in, a file out."""

from pathlib import Path

from streams.config import Settings
from streams.domain.errors import OperatorError
from streams.replay.report.folder import ReportRequest, write_report
from streams.replay.report.forms import ReportFormat
from streams.replay.request import Progress


def report(
    settings: Settings,
    folder: Path,
    form: str,
    timezone: str,
    out: Path | None,
    progress: Progress,
) -> Path:
    """Write the report of a replay's folder; see `streams.replay.report.folder.write_report`.

    Args:
        settings: Those of the replay.
        folder: What `opwatch replay` has written.
        form: Name of a format.
        timezone: Name of a time zone.
        out: The file to write; None for the usual one.
        progress: Hears how far it is.

    Raises:
        OperatorError: There is no such format or zone, or the folder is none of a replay.
        OutsideSystemError: The disk failed.
    """
    names = [one.value for one in ReportFormat]
    if form not in names:
        raise OperatorError(
            f"--format {form}: there is no such format; there are {', '.join(names)}"
        )
    request = ReportRequest(folder, ReportFormat(form), timezone, out)
    return write_report(settings, request, progress)
