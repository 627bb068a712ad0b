"""`opwatch evaluate attribution`: the benchmark of attribution, from request to files."""

from streams.replay.request import Progress
from streams.wiring.evaluation import EvaluationRequest, files
from streams.wiring.evaluation.attribution import document, plot, tables
from streams.wiring.evaluation.attribution.evaluation import Evaluation, run

__all__ = ["Evaluation", "evaluate_attribution"]


def evaluate_attribution(request: EvaluationRequest, progress: Progress) -> str:
    """Run the benchmark and write the files.

    Args:
        request: What to measure, and where to write it; its cells are kinds of incident,
            `localisation` and `cost`.
        progress: Hears how far it is.

    Returns:
        The tables, as text.

    Raises:
        OperatorError: A part that there is not, or a file that cannot be written.
    """
    files.check([path for path in (request.json, request.table, request.plot) if path])
    evaluation = run(request.cells, request.seed, request.jobs, progress, quick=request.quick)
    text = tables.render(evaluation)
    figures, drawing = document.render(evaluation), plot.render(evaluation.rankings)
    files.write_all(request, text=text, figures=figures, drawing=drawing)
    return text
