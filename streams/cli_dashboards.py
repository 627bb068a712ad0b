"""The commands `opwatch dashboards build` and `opwatch dashboards check`."""

from pathlib import Path
from typing import Annotated

import typer

from streams.cli_options import ConfigFile, instant, read_settings
from streams.domain.errors import OperatorError

USUAL_RANGE_S = 6 * 3600.0
"""Length of the time range that is checked where its start is not given."""

dashboard_commands = typer.Typer(
    no_args_is_help=True, help="Build or check the Grafana dashboards."
)


@dashboard_commands.command("build", epilog="Example: `opwatch dashboards build --out grafana`")
def build(
    out: Annotated[Path, typer.Option(metavar="DIR", help="The folder to write.")] = Path(
        "opwatch-dashboards"
    ),
    config: ConfigFile = None,
) -> None:
    """Build: write the dashboards as JSON, a file each, for Grafana's file provisioning."""
    settings = read_settings(config)
    from streams.wiring import dashboards  # noqa: PLC0415

    for path in dashboards.write(settings, out):
        typer.echo(f"wrote {path}")


@dashboard_commands.command(
    "check",
    epilog="Example: `opwatch dashboards check --prometheus http://127.0.0.1:9090 --replay "
    "--from 2021-10-13T06:00:00Z --to 2021-10-13T12:00:00Z`",
)
def check(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FILE...]",
            show_default=False,
            help="Dashboards, as JSON; those of opwatch unless given.",
        ),
    ] = None,
    prometheus: Annotated[
        str | None,
        typer.Option(metavar="URL", show_default=False, help="Ask every query there, too."),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="TIME",
            show_default="6 hours before the end",
            help="Start of the time range.",
        ),
    ] = None,
    end: Annotated[
        str | None,
        typer.Option("--to", metavar="TIME", show_default="now", help="End of the time range."),
    ] = None,
    replay: Annotated[  # noqa: FBT002
        bool,
        typer.Option(
            "--replay", help="It holds a replay: leave out what means something live only."
        ),
    ] = False,
    config: ConfigFile = None,
) -> None:
    """Check: the dashboards in themselves and, with --prometheus, that every query gives data.

    A query has to give data at some time of the range. Exit status 2 when anything is wrong.
    """
    if prometheus is None and (start or end or replay):
        raise OperatorError("--from, --to and --replay need --prometheus URL")
    settings = read_settings(config)
    from streams.wiring import dashboards  # noqa: PLC0415

    ours = dashboards.built(settings)
    boards = dashboards.read(files) if files else ours
    problems = dashboards.structure(boards, ours)
    _tell(problems, "in the dashboards themselves")
    typer.echo(f"{len(boards)} dashboards are in order in themselves")
    if prometheus is not None:
        span = _span(start, end)
        found = dashboards.ask(prometheus, boards, *span, replay=replay)
        for line in found.left_out:
            typer.echo(f"left out, live only: {line}")
        for line in found.quiet:
            typer.echo(f"empty, and may be: {line}")
        _tell(found.problems, f"at {prometheus}")
        typer.echo(
            f"{found.queries} queries give data at {prometheus}; {len(found.left_out)} left out as "
            f"live only ({len(found.empty_panels)} panels show nothing else), {len(found.quiet)} "
            "empty because nothing of the kind happened"
        )


def _tell(problems: list[str], where: str) -> None:
    """Write the problems, a line each.

    Raises:
        OperatorError: There are any.
    """
    for line in problems:
        typer.echo(line, err=True)
    if problems:
        raise OperatorError(f"{len(problems)} problems {where}: see the lines above")


def _span(start: str | None, end: str | None) -> tuple[float, float]:
    """Give the time range in seconds since the epoch."""
    from streams.adapters.system_clock import SystemClock  # noqa: PLC0415

    last = SystemClock().now() if end is None else instant("--to", end)
    first = last - USUAL_RANGE_S if start is None else instant("--from", start)
    if first >= last:
        raise OperatorError("--from must be earlier than --to")
    return first, last
