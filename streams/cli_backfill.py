"""The command `opwatch backfill`."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli_options import ConfigFile, end_on_sigterm, read_settings
from streams.domain.errors import OperatorError
from streams.domain.time import format_instant

if TYPE_CHECKING:
    from streams.wiring.backfill import Backfilled

LOOK_SECONDS = 1.0
"""How often it is seen to that its Prometheus still runs."""


def backfill(
    sources: Annotated[
        list[Path],
        typer.Argument(
            metavar="DIR|FILE...",
            help="Folders that `opwatch replay` wrote, or files of OpenMetrics with timestamps.",
        ),
    ],
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            show_default=False,
            help="Put blocks into this data folder of a Prometheus, running or not.",
        ),
    ] = None,
    remote_write: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            show_default=False,
            help="Send them there, such as to http://127.0.0.1:9090/api/v1/write.",
        ),
    ] = None,
    headers: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            show_default=False,
            help="Further headers for --remote-write, a line each: `Authorization: Bearer ...`.",
        ),
    ] = None,
    serve: Annotated[  # noqa: FBT002
        bool,
        typer.Option("--serve", help="Start a Prometheus of its own on them, until Ctrl-C."),
    ] = False,
    port: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=65535,
            metavar="PORT",
            show_default="any free one",
            help="Port of that Prometheus, on loopback.",
        ),
    ] = None,
    config: ConfigFile = None,
) -> None:
    """Backfill: the metrics of a replay into a Prometheus, under their own times.

    Without --data and --remote-write it starts a Prometheus (Debian's package) that serves them
    until Ctrl-C.
    """
    end_on_sigterm()
    alone = serve or port is not None
    if sum((data is not None, remote_write is not None, alone)) > 1:
        raise OperatorError("give either --data FOLDER, --remote-write URL, or --serve and --port")
    if headers is not None and remote_write is None:
        raise OperatorError("--headers is for --remote-write")
    if data is not None:
        _fill(sources, data)
    elif remote_write is not None:
        _send(sources, remote_write, headers)
    else:
        _serve(sources, port or 0, config)


def _fill(sources: list[Path], data: Path) -> None:
    from streams.wiring import backfill as wiring  # noqa: PLC0415

    filled = wiring.fill_folder(sources, data)
    typer.echo(f"put {filled.text()} into {data}")
    typer.echo("a running Prometheus shows them within a minute")
    if filled.newest is not None and filled.end < filled.newest:
        typer.echo(
            "note: Prometheus deletes what ends more than --storage.tsdb.retention.time before its "
            f"newest block, which ends at {format_instant(filled.newest)}",
            err=True,
        )


def _send(sources: list[Path], url: str, headers: Path | None) -> None:
    from streams.adapters.terminal import shown_progress  # noqa: PLC0415
    from streams.wiring import backfill as wiring  # noqa: PLC0415

    with shown_progress("Sending", counted=("samples", "slices")) as progress:
        sent = wiring.send(sources, url, headers, progress)
    typer.echo(f"sent {sent:,} samples to {url}")


def _serve(sources: list[Path], port: int, config: Path | None) -> None:
    from streams.wiring import backfill as wiring  # noqa: PLC0415

    settings = read_settings(config)
    with wiring.serve(sources, settings, port) as served:
        url = served.server.url
        typer.echo(f"serving {served.filled.text()}")
        typer.echo(f"Prometheus: {url}{_graph(served.filled)}")
        typer.echo(
            f"Grafana: add a Prometheus data source with the URL {url} and the scrape "
            f"interval {served.window_seconds}s; open a dashboard with {_range(served.filled)}"
        )
        typer.echo("Ctrl-C ends it; nothing remains")
        try:
            while True:
                served.server.check()
                time.sleep(LOOK_SECONDS)
        except KeyboardInterrupt:
            typer.echo("ended")


def _graph(filled: "Backfilled") -> str:
    """Give a page of Prometheus that shows something of the range."""
    hours = max(1, round((filled.end - filled.start) / 3600))
    end = format_instant(filled.end).replace("T", "%20").rstrip("Z")
    return f"/graph?g0.expr=opwatch_incidents_open&g0.end_input={end}&g0.range_input={hours}h"


def _range(filled: "Backfilled") -> str:
    return f"from={filled.start * 1000:.0f}&to={filled.end * 1000:.0f}"
