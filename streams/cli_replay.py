"""The commands `opwatch replay`, `opwatch replay compare` and `opwatch replay what-if`."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer
from typer.core import TyperCommand, TyperGroup

from streams.cli_options import ConfigFile, end_on_sigterm, instant, read_settings
from streams.domain.errors import OperatorError

if TYPE_CHECKING:
    from streams.replay.request import ReplayRequest

_PLAIN = "files"
"""Name that `opwatch replay` has where no other of its commands is named; nobody types it."""

_KAFKA, _CONTENTS = "--kafka", ("raw", "windows")


class _PlainUnlessNamed(TyperGroup):
    """Runs the replay itself where no other command is named.

    Attributes:
        unnamed: The name of that command.
    """

    unnamed = _PLAIN

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 Typer's own click
        return super().parse_args(
            ctx, args if args[:1] and args[0] in self.commands else [self.unnamed, *args]
        )

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[Any, Any, list[str]]:  # noqa: ANN401 as above
        name, command, rest = super().resolve_command(ctx, args)
        return None if name == self.unnamed else name, command, rest


class _WithBareKafka(TyperCommand):
    """Takes `--kafka` without a value for `--kafka raw`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 as above
        return super().parse_args(ctx, list(_with_content(args)))


def _with_content(words: Sequence[str]) -> Iterator[str]:
    for word, following in zip(words, [*words[1:], ""], strict=True):
        yield word
        if word == _KAFKA and following not in _CONTENTS:
            yield _CONTENTS[0]


replay_commands = typer.Typer(
    cls=_PlainUnlessNamed,
    help="Replay: the same pipeline on the past, into one folder; compare; try other settings.",
)

Outcomes: TypeAlias = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="FILE...",
        show_default=False,
        help="Outcome events: .jsonl, .jsonl.gz, .jsonl.zst or .parquet; several are allowed.",
    ),
]
More: TypeAlias = Annotated[
    list[Path] | None, typer.Argument(metavar="[FILE...]", hidden=True, show_default=False)
]
Windows: TypeAlias = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="A windows table (.parquet), instead of outcome events."),
]
Kafka: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="[raw|windows]",
        show_default=False,
        help="Events (raw, the default) or closed windows from Kafka, --from and --to given.",
    ),
]
Archive: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        show_default=False,
        help="Closed windows from the archive there: a folder, or an address such as s3://...",
    ),
]
Releases: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Release events: .jsonl, .jsonl.gz, .jsonl.zst; with --kafka, instead of the topic.",
    ),
]
From: TypeAlias = Annotated[
    str | None,
    typer.Option("--from", metavar="TIME", help="First event time, such as 2021-10-13T06:00:00Z."),
]
To: TypeAlias = Annotated[
    str | None, typer.Option("--to", metavar="TIME", help="Event time to stop before.")
]
Margin: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="DURATION",
        help="How long after --to Kafka is read on, for what arrived late: PT1H, or seconds.",
    ),
]


@replay_commands.command(
    _PLAIN,
    cls=_WithBareKafka,
    hidden=True,
    epilog="Example: `opwatch replay --outcomes day1.jsonl.gz day2.parquet "
    "--releases releases.jsonl --out result`. See also `opwatch replay compare --help` and "
    "`opwatch replay what-if --help`.",
)
def replay(  # noqa: PLR0913, PLR0917 options come one by one
    out: Annotated[Path, typer.Option(metavar="DIR", help="The folder to write.")],
    outcomes: Outcomes = None,
    more: More = None,
    windows: Windows = None,
    kafka: Kafka = None,
    archive: Archive = None,
    releases: Releases = None,
    start: From = None,
    end: To = None,
    margin: Margin = "PT1H",
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            show_default=False,
            help="Another setting, such as detectors.false_alarms_per_day=0.2; may be repeated.",
        ),
    ] = None,
    config: ConfigFile = None,
) -> None:
    """Replay: the same pipeline on the past, into one folder.

    Writes incidents.jsonl, change_points.jsonl, dead_letters.jsonl, windows.parquet, metrics.om and
    report.html.
    """
    request = _request(
        out=out,
        outcomes=_outcome_files(outcomes, more),
        windows=windows,
        kafka=kafka,
        archive=archive,
        releases=releases,
        between=(start, end),
        margin=margin,
    )
    settings = read_settings(config, changes or ())
    from streams import wiring  # noqa: PLC0415
    from streams.adapters.terminal import shown_progress  # noqa: PLC0415

    end_on_sigterm()
    with shown_progress("Replaying") as progress:
        summary = wiring.replay(settings, request, progress)
    typer.echo(
        f"{summary.events} events ({summary.duplicates} duplicates, {summary.late} late, "
        f"{summary.dead_letters} dead letters), {summary.windows} windows, "
        f"{summary.change_points} change points, {summary.incidents} incidents; "
        f"see {out / 'report.html'}"
    )


@replay_commands.command(
    "compare",
    epilog="Example: `opwatch replay compare live/incidents.jsonl result/incidents.jsonl`",
)
def compare(
    live: Annotated[Path, typer.Argument(metavar="LIVE", help="A folder, or one file of records.")],
    replayed: Annotated[Path, typer.Argument(metavar="REPLAYED", help="The same, replayed.")],
) -> None:
    """Compare what two replays wrote, or what a live worker wrote with a replay of it.

    Exit status 0 if incidents, change points and windows are equal; 2, with the first difference,
    if they are not.
    """
    from streams.replay.compare import compare as compared  # noqa: PLC0415

    difference = compared(live, replayed)
    if difference is not None:
        typer.echo(str(difference))
        raise typer.Exit(2)
    typer.echo(f"{live} and {replayed} are equal")


@replay_commands.command(
    "what-if",
    cls=_WithBareKafka,
    epilog="Example: `opwatch replay what-if --outcomes day.jsonl.zst --releases releases.jsonl "
    "--set detectors.false_alarms_per_day=0.2 --set detectors.false_alarms_per_day=5 --out tried`",
)
def what_if(  # noqa: PLR0913, PLR0917 options come one by one
    out: Annotated[Path, typer.Option(metavar="DIR", help="The folder to write.")],
    outcomes: Outcomes = None,
    more: More = None,
    windows: Windows = None,
    kafka: Kafka = None,
    archive: Archive = None,
    releases: Releases = None,
    start: From = None,
    end: To = None,
    margin: Margin = "PT1H",
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE[;...]",
            show_default=False,
            help="Other settings to try: each --set is a try of its own, with all it names.",
        ),
    ] = None,
    against: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", show_default=False, help="Other settings to try, as a settings file."
        ),
    ] = None,
    truth: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", show_default=False, help="truth.json of a simulation: what there was."
        ),
    ] = None,
    config: ConfigFile = None,
) -> None:
    """What if: the same past under the settings in force and under others, side by side.

    Says for each whether it would have paged earlier, or at all, or falsely. Writes what_if.md,
    what_if.json, what_if.html, and a folder of records for each setting.
    """
    request = _request(
        out=out,
        outcomes=_outcome_files(outcomes, more),
        windows=windows,
        kafka=kafka,
        archive=archive,
        releases=releases,
        between=(start, end),
        margin=margin,
    )
    if not changes and not against:
        raise OperatorError("what-if needs something to try: --set NAME=VALUE or --against FILE")
    tried = [("as it is", config, "")]
    tried += [(f"with {one}", config, one) for one in changes or ()]
    tried += [(f"with {path}", path, "") for path in against or ()]
    settings = [
        (name, read_settings(path, [one for one in text.split(";") if one.strip()]))
        for name, path, text in tried
    ]
    from streams import wiring  # noqa: PLC0415
    from streams.adapters.terminal import shown_progress  # noqa: PLC0415
    from streams.replay.what_if import Variant  # noqa: PLC0415

    end_on_sigterm()
    with shown_progress("Trying") as progress:
        variants = [Variant(name, one) for name, one in settings]
        sentences = wiring.what_if(variants, request, truth, progress)
    for sentence in sentences:
        typer.echo(sentence)
    typer.echo(f"see {out / 'what_if.html'}")


def _outcome_files(outcomes: list[Path] | None, more: list[Path] | None) -> tuple[Path, ...]:
    if more and not outcomes:
        raise OperatorError(f"what is {more[0]}? give outcome files as --outcomes FILE...")
    return (*(outcomes or ()), *(more or ()))


def _request(
    *,
    out: Path,
    outcomes: tuple[Path, ...],
    windows: Path | None,
    kafka: str | None,
    archive: str | None,
    releases: Path | None,
    between: tuple[str | None, str | None],
    margin: str,
) -> "ReplayRequest":
    from streams.replay.request import KafkaContent, ReplayRequest  # noqa: PLC0415

    return ReplayRequest(
        outcomes=outcomes,
        windows=windows,
        releases=releases,
        out=out,
        start=_bound("--from", between[0]),
        end=_bound("--to", between[1]),
        kafka=None if kafka is None else KafkaContent(kafka),
        archive=archive,
        margin=_seconds("--margin", margin),
    )


def _bound(option: str, text: str | None) -> float | None:
    return None if text is None else instant(option, text)


def _seconds(option: str, text: str) -> float:
    from pydantic import TypeAdapter, ValidationError  # noqa: PLC0415

    try:
        duration = TypeAdapter(timedelta).validate_python(float(text) if text.isdigit() else text)
    except ValidationError as error:
        raise OperatorError(
            f"{option} {text!r} is no duration: give seconds, such as 30, or ISO 8601, such as PT1H"
        ) from error
    if duration < timedelta(0):
        raise OperatorError(f"{option} {text}: must not be negative")
    return duration.total_seconds()
