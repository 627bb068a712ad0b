"""The commands `opwatch alerts build` and `opwatch alerts check`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from streams.cli_options import ConfigFile, read_settings

if TYPE_CHECKING:
    from streams.config import Settings

alert_commands = typer.Typer(
    no_args_is_help=True,
    help="Write or check the rules for Prometheus and the configuration for Alertmanager.",
    epilog="What they are made for is in the settings, in `[alerts]`.",
)

DashboardUrl: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="URL", help="Address of Grafana, instead of that in the settings."),
]
RunbookUrl: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="URL", help="Address of the runbook, instead of that in the settings."),
]


@alert_commands.command(
    epilog="Example: `opwatch alerts build --out alerts --config opwatch.toml`",
)
def build(
    out: Annotated[Path, typer.Option(metavar="DIR", help="The folder to write.")],
    config: ConfigFile = None,
    dashboard_url: DashboardUrl = None,
    runbook_url: RunbookUrl = None,
) -> None:
    """Build: rules.yaml, alertmanager.yml and the templates of its texts."""
    settings = _settings(config, dashboard_url, runbook_url)
    from streams.wiring.alerts import build_alerts  # noqa: PLC0415

    for path in build_alerts(settings.alerts, out):
        typer.echo(f"wrote {path}")


@alert_commands.command(
    epilog="Example: `opwatch alerts check --folder alerts --config opwatch.toml`",
)
def check(
    folder: Annotated[Path, typer.Option(metavar="DIR", help="The folder that was written.")],
    config: ConfigFile = None,
    dashboard_url: DashboardUrl = None,
    runbook_url: RunbookUrl = None,
) -> None:
    """Check that the files are as they would be built, and that promtool and amtool accept them."""
    settings = _settings(config, dashboard_url, runbook_url)
    from streams.wiring.alerts import check_alerts  # noqa: PLC0415

    for line in check_alerts(settings.alerts, folder):
        typer.echo(line)


def _settings(
    config: Path | None, dashboard_url: str | None, runbook_url: str | None
) -> "Settings":
    settings = read_settings(config)
    given = {"dashboard_url": dashboard_url, "runbook_url": runbook_url}
    chosen = {name: value for name, value in given.items() if value is not None}
    alerts = settings.alerts.model_copy(update=chosen)
    return settings.model_copy(update={"alerts": alerts})
