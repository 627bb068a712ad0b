"""The commands `opwatch evaluate` and `opwatch evaluate attribution`."""

import os
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

evaluate_commands = typer.Typer(
    invoke_without_command=True,
    help="Evaluate: the detectors on simulated streams, against the floor, peers and the promise.",
    epilog="Example: `opwatch evaluate --json detectors.json --plot detectors.svg`",
)

Seed: TypeAlias = Annotated[int, typer.Option(min=0, help="The same seed gives the same figures.")]
JsonFile: TypeAlias = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write all figures as one JSON object.")
]
TableFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write the tables as Markdown, between marks if any."),
]
Jobs: TypeAlias = Annotated[
    int | None, typer.Option(min=1, show_default="one per core", help="How many processes.")
]


@evaluate_commands.callback()
def evaluate(
    context: typer.Context,
    seed: Seed = 1954,
    json: JsonFile = None,
    table: TableFile = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the delays, as SVG.")
    ] = None,
    cells: Annotated[
        str | None,
        typer.Option(metavar="NAME,...", help="Measure only these cells, fleet or cost."),
    ] = None,
    jobs: Jobs = None,
    quick: Annotated[  # noqa: FBT002
        bool, typer.Option("--quick", help="A few small cells, to see that it works.")
    ] = False,
) -> None:
    """Evaluate: the detectors on simulated streams, against the floor, peers and the promise.

    Prints the tables; goals that are missed stand first. Costs apart, figures depend on the seed
    alone.
    """
    if context.invoked_subcommand is not None:
        return
    from streams import wiring  # noqa: PLC0415
    from streams.adapters.terminal import shown_progress  # noqa: PLC0415

    request = wiring.EvaluationRequest(
        seed=seed,
        cells=_names(cells),
        jobs=_processes(jobs),
        quick=quick,
        json=json,
        table=table,
        plot=plot,
    )
    with shown_progress("Evaluating") as progress:
        text = wiring.evaluate(request, progress)
    typer.echo(text, nl=False)


@evaluate_commands.command(
    "attribution",
    epilog="Example: `opwatch evaluate attribution --parts clone,localisation --jobs 1`",
)
def evaluate_attribution(
    seed: Seed = 1954,
    json: JsonFile = None,
    table: TableFile = None,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw how often it is right, and reliability, as SVG."),
    ] = None,
    parts: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,...",
            help="Measure only these kinds of incident, localisation or cost.",
        ),
    ] = None,
    jobs: Jobs = None,
    quick: Annotated[  # noqa: FBT002
        bool, typer.Option("--quick", help="A few incidents, to see that it works.")
    ] = False,
) -> None:
    """Evaluate the ranking of releases and the search for scopes, on simulated incidents.

    Prints the tables; goals that are missed stand first. Times apart, figures depend on the seed
    alone.
    """
    from streams import wiring  # noqa: PLC0415
    from streams.adapters.terminal import shown_progress  # noqa: PLC0415

    request = wiring.EvaluationRequest(
        seed=seed,
        cells=_names(parts),
        jobs=_processes(jobs),
        quick=quick,
        json=json,
        table=table,
        plot=plot,
    )
    with shown_progress("Evaluating attribution") as progress:
        text = wiring.evaluate_attribution(request, progress)
    typer.echo(text, nl=False)


def _names(listed: str | None) -> list[str] | None:
    return None if listed is None else [name.strip() for name in listed.split(",")]


def _processes(jobs: int | None) -> int:
    return jobs or len(os.sched_getaffinity(0))
