"""The command `opwatch report`."""

from pathlib import Path
from typing import Annotated

import typer

from streams.cli_options import ConfigFile, read_settings

FORMATS = ("html", "markdown", "json")


def report(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="The folder that `opwatch replay` wrote.")
    ],
    form: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help=f"One of {', '.join(FORMATS)}.")
    ] = FORMATS[0],
    timezone: Annotated[
        str,
        typer.Option(metavar="ZONE", help="Time zone of all times in it, such as Europe/Berlin."),
    ] = "UTC",
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            show_default="report.html, report.md or report.json in DIR",
            help="The file to write.",
        ),
    ] = None,
    config: ConfigFile = None,
) -> None:
    """Report: what happened, for people, from the folder of a replay.

    One HTML file that opens without a network, or Markdown, or JSON.
    """
    from streams.adapters.terminal import shown_progress  # noqa: PLC0415
    from streams.wiring import reporting  # noqa: PLC0415

    settings = read_settings(config)
    with shown_progress("Reporting") as progress:
        written = reporting.report(settings, folder, form, timezone, out, progress)
    typer.echo(f"wrote {written}")
