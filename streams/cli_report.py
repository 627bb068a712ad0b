"""The command `opwatch report`."""

import os
from pathlib import Path
from typing import Annotated

import typer

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
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            metavar="FILE",
            envvar="OPWATCH_CONFIG",
            show_default=False,
            help="The settings of the replay, in TOML.",
        ),
    ] = None,
) -> None:
    """Report: what happened, for people, from the folder of a replay.

    One HTML file that opens without a network, or Markdown, or JSON.
    """
    from streams.adapters.logging import configure  # noqa: PLC0415
    from streams.adapters.terminal import shown_progress  # noqa: PLC0415
    from streams.config_reading import load  # noqa: PLC0415
    from streams.wiring import reporting  # noqa: PLC0415

    settings = load(config, os.environ)
    configure(settings.log)
    with shown_progress("Reporting") as progress:
        written = reporting.report(settings, folder, form, timezone, out, progress)
    typer.echo(f"wrote {written}")
