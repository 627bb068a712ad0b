"""`opwatch evaluate`: the benchmark of the detectors, from request to files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from streams.replay.request import Progress
from streams.wiring.evaluation import document, files, plot, tables
from streams.wiring.evaluation.evaluation import Evaluation, run

__all__ = ["Evaluation", "EvaluationRequest", "evaluate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRequest:
    """What to measure, and where to write it.

    Attributes:
        seed: Of all streams.
        cells: Names of cells, `fleet` and `cost`; None for all.
        jobs: Number of processes.
        quick: Whether it has to be quick.
        json: File for one JSON object.
        table: Markdown file; of one with marks only what stands between them is replaced.
        plot: SVG file.
    """

    seed: int
    cells: Sequence[str] | None
    jobs: int
    quick: bool
    json: Path | None
    table: Path | None
    plot: Path | None


def evaluate(request: EvaluationRequest, progress: Progress) -> str:
    """Run the benchmark and write the files.

    Args:
        request: What to measure, and where to write it.
        progress: Hears how far it is.

    Returns:
        The tables, as text.

    Raises:
        OperatorError: A cell that there is not, or a file that cannot be written.
    """
    files.check([path for path in (request.json, request.table, request.plot) if path])
    evaluation = run(request.cells, request.seed, request.jobs, progress, quick=request.quick)
    text = tables.render(evaluation)
    figures, drawing = document.render(evaluation), plot.render(evaluation.changes)
    files.write_all(request, text=text, figures=figures, drawing=drawing)
    return text
