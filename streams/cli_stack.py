"""The commands `opwatch stack up`, `opwatch stack play` and `opwatch stack pager`."""

from datetime import timedelta
from typing import Annotated, TypeAlias

import typer

from streams.cli_options import ConfigFile, read_settings

stack_commands = typer.Typer(
    no_args_is_help=True,
    help="Run everything on this machine, without Docker, or play a simulated fleet into Kafka.",
)

QUIET_DAY = "quiet-day"
"""The scenario without an incident, and so without a length of one."""

Before: TypeAlias = Annotated[
    float,
    typer.Option(
        min=0, metavar="MINUTES", help="Time before the onset; all but the last 5 is history."
    ),
]
Duration: TypeAlias = Annotated[
    float, typer.Option(min=1, metavar="MINUTES", help="Length of the incident.")
]
After: TypeAlias = Annotated[
    float, typer.Option(min=0, metavar="MINUTES", help="Time after its end.")
]
Seed: TypeAlias = Annotated[int, typer.Option(min=0, help="The same seed gives the same fleet.")]
Volume: TypeAlias = Annotated[
    float, typer.Option(min=0.001, help="Operations, as a multiple of the scenario's own.")
]
Port: TypeAlias = Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free one.")]


@stack_commands.command("up", epilog="Example: `opwatch stack up --speed 30`")
def stack_up(  # noqa: PLR0913, PLR0917 options come one by one
    scenario: Annotated[
        str, typer.Option(metavar="NAME", help="See `opwatch simulate --list`.")
    ] = "founding-incident",
    speed: Annotated[
        float, typer.Option(min=1, help="How fast time passes until the scenario has ended.")
    ] = 20.0,
    webhook: Annotated[
        str | None,
        typer.Option(metavar="URL", show_default=False, help="Where Alertmanager notifies, too."),
    ] = None,
    before: Before = 165.0,
    incident_duration: Duration = 40.0,
    after: After = 20.0,
    seed: Seed = 1,
    volume: Volume = 1.0,
    metrics_port: Port = 0,
    prometheus_port: Port = 0,
    alertmanager_port: Port = 0,
    grafana_port: Port = 0,
    config: ConfigFile = None,
) -> None:
    """Up: a broker, a simulated fleet, opwatch, Prometheus and Alertmanager, until Ctrl-C.

    All of it on loopback and in a temporary folder. Prometheus and Alertmanager must be installed;
    Grafana is started if it is.
    """
    from rich.console import Console  # noqa: PLC0415

    from streams.wiring import playing, stack  # noqa: PLC0415

    course = playing.Course(
        scenario=scenario,
        seed=seed,
        volume=volume,
        speed=speed,
        before=timedelta(minutes=before),
        incident_duration=_duration(scenario, incident_duration),
        after=timedelta(minutes=after),
    )
    request = stack.StackRequest(
        course=course,
        webhook=webhook,
        metrics_port=metrics_port,
        prometheus_port=prometheus_port,
        alertmanager_port=alertmanager_port,
        grafana_port=grafana_port,
    )
    stack.stack_up(read_settings(config), request, Console())


def _duration(scenario: str, minutes: float) -> timedelta | None:
    return None if scenario == QUIET_DAY else timedelta(minutes=minutes)


@stack_commands.command(
    "play", epilog="Example: `opwatch stack play --incident-duration 40 --repeat`"
)
def stack_play(  # noqa: PLR0913, PLR0917 options come one by one
    scenario: Annotated[
        str, typer.Option(metavar="NAME", help="See `opwatch simulate --list`.")
    ] = "founding-incident",
    speed: Annotated[
        float, typer.Option(min=1, help="How fast time passes until the scenario has ended.")
    ] = 1.0,
    repeat: Annotated[  # noqa: FBT002
        bool, typer.Option("--repeat", help="Begin anew when it has ended, until Ctrl-C.")
    ] = False,
    before: Before = 165.0,
    incident_duration: Duration = 40.0,
    after: After = 20.0,
    seed: Seed = 1,
    volume: Volume = 1.0,
    config: ConfigFile = None,
) -> None:
    """Play: publish a simulated fleet to the topics of the settings, as if it happened now.

    What lies before the last 5 minutes before the onset is history and published at once.
    """
    from streams.wiring import playing  # noqa: PLC0415

    settings = read_settings(config)
    course = playing.Course(
        scenario=scenario,
        seed=seed,
        volume=volume,
        speed=speed,
        before=timedelta(minutes=before),
        incident_duration=_duration(scenario, incident_duration),
        after=timedelta(minutes=after),
    )
    playing.play(settings, course, repeat=repeat, say=typer.echo)


@stack_commands.command("pager", epilog="Example: `opwatch stack pager --port 9095`")
def stack_pager(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free one.")] = 9095,
) -> None:
    """Pager: stand where a pager would, and tell of every notification of Alertmanager."""
    from rich.console import Console  # noqa: PLC0415

    from streams.wiring.pager import run_pager  # noqa: PLC0415

    run_pager(host, port, Console())
