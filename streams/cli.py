"""The command `opwatch`.

Exit status: 0 done, 1 our fault, 2 the operator's or an outside system's (one line says what and
where), 130 stopped with Ctrl-C. What a command needs is imported when it runs, so that `opwatch
--help` answers at once.
"""

import os
import sys
import traceback
from collections.abc import Sequence
from datetime import timedelta
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Annotated

import typer

from streams.cli_alerts import alert_commands
from streams.cli_backfill import backfill
from streams.cli_dashboards import dashboard_commands
from streams.cli_evaluate import evaluate_commands
from streams.cli_options import ConfigFile, read_settings
from streams.cli_replay import replay_commands
from streams.cli_report import report
from streams.cli_stack import stack_commands
from streams.domain.errors import OperatorError, OpwatchError

OUR_FAULT, THEIR_FAULT, INTERRUPTED = 1, 2, 130

DEBUG_VARIABLE = "OPWATCH_DEBUG"

ROLES = ("ingest", "judge", "incidents")

# Typer brings its own copy of click and exports of its errors only this leaf; the root has what all
# share.
_CommandLineError: type[Exception] = next(
    kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException"
)

app = typer.Typer(
    name="opwatch",
    help="Finds out when VM operations start to fail, where, and which release most likely did it.",
    epilog="Start with `opwatch demo`: it needs nothing but this installation. "
    f"`--debug`, anywhere, or {DEBUG_VARIABLE}=1 shows the traceback of an error.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
topic_commands = typer.Typer(no_args_is_help=True, help="Create or check the Kafka topics.")
settings_commands = typer.Typer(no_args_is_help=True, help="Show or check the settings.")
app.add_typer(topic_commands, name="topics")
app.add_typer(settings_commands, name="config")
app.add_typer(evaluate_commands, name="evaluate")
app.add_typer(stack_commands, name="stack")
app.add_typer(alert_commands, name="alerts")
app.add_typer(dashboard_commands, name="dashboards")
app.add_typer(replay_commands, name="replay")
app.command(epilog="Example: `opwatch report result --format markdown --timezone Europe/Berlin`")(
    report
)
app.command(epilog="Example: `opwatch backfill result`, the folder of a replay")(backfill)


@app.command(epilog="Example: `opwatch run --config opwatch.toml --roles ingest`")
def run(
    config: ConfigFile = None,
    roles: Annotated[
        str | None,
        typer.Option(
            metavar="ROLE,...",
            help="What it does: ingest, judge, incidents; by default what the settings say.",
        ),
    ] = None,
    worker_id: Annotated[
        str | None,
        typer.Option(
            metavar="ID", help="A name that stays the same when this worker is started again."
        ),
    ] = None,
) -> None:
    """Watch: read events from Kafka until stopped, and serve /metrics.

    Start as many workers as the load needs; they share the partitions.
    """
    settings = read_settings(config)
    if roles is not None:
        worker = settings.worker.model_copy(update={"roles": _roles(roles)})
        settings = settings.model_copy(update={"worker": worker})
    from streams import wiring  # noqa: PLC0415

    wiring.run_worker(settings, worker_id)


@app.command(epilog="Example: `opwatch simulate founding-incident --out founding --seed 7`")
def simulate(
    scenario: Annotated[str | None, typer.Argument(help="Its name; --list shows them all.")] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", show_default=False, help="The folder to write.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 1,
    volume: Annotated[
        float, typer.Option(min=0.001, help="Operations, as a multiple of the scenario's own.")
    ] = 1.0,
    before: Annotated[
        float | None, typer.Option(min=0, metavar="MINUTES", help="Time before the onset.")
    ] = None,
    after: Annotated[
        float | None, typer.Option(min=0, metavar="MINUTES", help="Time after the end.")
    ] = None,
    incident_duration: Annotated[
        float | None,
        typer.Option(min=1, metavar="MINUTES", help="Length of the incident; all times scale."),
    ] = None,
    names: Annotated[bool, typer.Option("--list", help="List the scenarios.")] = False,  # noqa: FBT002
) -> None:
    """Simulate: events of a fleet and its releases, with the truth beside them.

    Writes outcomes.jsonl.zst, releases.jsonl and truth.json.
    """
    from streams import wiring  # noqa: PLC0415

    if names:
        for name, about in wiring.list_scenarios():
            typer.echo(f"{name:32} {about}")
        return
    if scenario is None or out is None:
        raise OperatorError("simulate needs a SCENARIO (see opwatch simulate --list) and --out DIR")
    from streams.adapters.terminal import shown_progress  # noqa: PLC0415

    with shown_progress("Simulating") as progress:
        request = wiring.SimulationRequest(
            name=scenario,
            out=out,
            seed=seed,
            volume=volume,
            before=_minutes(before),
            after=_minutes(after),
            incident_duration=_minutes(incident_duration),
        )
        wiring.simulate(request, progress)
    typer.echo(f"wrote {out}: {', '.join(sorted(path.name for path in out.iterdir()))}")


def _minutes(value: float | None) -> timedelta | None:
    return None if value is None else timedelta(minutes=value)


@app.command()
def demo(config: ConfigFile = None) -> None:
    """Demo: an embedded broker, a simulated fleet and the monitor, in under a minute."""
    settings = read_settings(config)
    from rich.console import Console  # noqa: PLC0415

    from streams import wiring  # noqa: PLC0415

    wiring.demo(settings, Console())


@topic_commands.command("create")
def create_topics(config: ConfigFile = None) -> None:
    """Create the topics that are missing; leave alone those that are there."""
    settings = read_settings(config)
    from streams import wiring  # noqa: PLC0415

    for line in wiring.create_topics(settings):
        typer.echo(line)


@topic_commands.command("check")
def check_topics(config: ConfigFile = None) -> None:
    """Check that all topics are there and as they must be."""
    settings = read_settings(config)
    from streams import wiring  # noqa: PLC0415

    problems = wiring.check_topics(settings)
    if problems:
        raise OperatorError("; ".join(problems))
    typer.echo("all topics are as they must be")


@settings_commands.command("show")
def show_config(config: ConfigFile = None) -> None:
    """Print the settings in force, as a settings file; secrets are hidden."""
    settings = read_settings(config)
    from streams.config_text import render_toml  # noqa: PLC0415

    typer.echo(render_toml(settings), nl=False)


@settings_commands.command("check")
def check_config(config: ConfigFile = None) -> None:
    """Check the settings, file and environment."""
    read_settings(config)
    typer.echo(f"{config or 'the settings'}: valid")


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(f"opwatch {version_of('opwatch')}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit: the one place that turns errors into lines and exit statuses.

    Args:
        arguments: What stands after `opwatch`; those of the process unless given.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    # Taken out here because it belongs to all commands and must work before any is parsed.
    debug = bool(os.environ.get(DEBUG_VARIABLE)) or "--debug" in words
    sys.exit(_status([word for word in words if word != "--debug"], debug=debug))


def _status(words: Sequence[str], *, debug: bool) -> int:
    """Run the command and give the exit status."""
    try:
        status = app(list(words), prog_name="opwatch", standalone_mode=False)
    except _CommandLineError as error:
        return _usage(error)
    except KeyboardInterrupt:
        status = INTERRUPTED
    except typer.Abort:
        status = INTERRUPTED
    except OpwatchError as error:
        _complain(" ".join(str(error).split()), debug=debug)
        return THEIR_FAULT
    except Exception as error:  # noqa: BLE001 the last resort; the traceback is a switch away
        text = " ".join(f"{type(error).__name__}: {error}".split())
        hint = (
            "" if debug else f"; for the traceback, run it again with --debug or {DEBUG_VARIABLE}=1"
        )
        _complain(f"this is a defect in opwatch: {text}{hint}", debug=debug)
        return OUR_FAULT
    if status == INTERRUPTED:
        _complain("interrupted", debug=False)
    return int(status or 0)


def _usage(error: Exception) -> int:
    """Say in one line what is wrong with the command line."""
    if type(error).__name__ == "NoArgsIsHelpError":  # the help is on the screen already
        return THEIR_FAULT
    context = getattr(error, "ctx", None)
    # The replay itself is a command without a name, which leaves a blank behind.
    command = context.command_path.strip() if context else "opwatch"
    message = error.format_message() if hasattr(error, "format_message") else str(error)
    _complain(f"{' '.join(message.split()).rstrip('.')}; see {command} --help", debug=False)
    return THEIR_FAULT


def _complain(line: str, *, debug: bool) -> None:
    if debug:
        traceback.print_exc()
    typer.echo(f"opwatch: {line}", err=True)


def _roles(text: str) -> tuple[str, ...]:
    roles = tuple(dict.fromkeys(word.strip() for word in text.split(",")))
    for role in roles:
        if role not in ROLES:
            raise OperatorError(
                f"--roles {text}: there is no role {role!r}; there are {', '.join(ROLES)}"
            )
    return roles


if __name__ == "__main__":
    main()
