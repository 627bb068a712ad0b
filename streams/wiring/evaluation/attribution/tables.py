"""The benchmark of attribution as Markdown tables."""

from collections.abc import Iterable, Sequence

import numpy as np

from detectors.evaluation.attribution.baselines import Baseline
from detectors.evaluation.attribution.kinds import Kind, Noise
from detectors.evaluation.attribution.results import CaseResult
from detectors.evaluation.attribution.scores import (
    LocalisationScore,
    calibration,
    clones_tied,
    false_blame,
    localisation_score,
    ranking_score,
)
from streams.wiring.evaluation.attribution.evaluation import Evaluation
from streams.wiring.evaluation.markdown import NONE, goals_text, number, share, table


def render(evaluation: Evaluation) -> str:
    """Give the tables, the goals that are missed first."""
    rankings = evaluation.rankings
    parts = [_about(evaluation), goals_text(evaluation.goals())]
    caused = [one for one in rankings if one.kind.by_release]
    if caused:
        parts += ["### Right release first", _firsts(caused)]
        parts += ["### By kind of incident, and what the verdict was", _kinds(caused)]
        parts += ["### Clones", _clones(caused)]
    if any(not one.kind.by_release for one in rankings):
        parts += ["### False blame", _blame(rankings)]
    if rankings:
        parts += ["### Calibration", _calibration(rankings)]
        parts += ["### Scope and onset that the ranking was given", _located(rankings)]
    if evaluation.localisations:
        parts += ["### Localisation", _localisation(evaluation)]
    if rankings or evaluation.seconds is not None:
        parts += ["### Time of a ranking", _times(evaluation)]
    return "\n\n".join(parts) + "\n"


def _about(evaluation: Evaluation) -> str:
    size = " `--quick`: far too small to judge by;" if evaluation.quick else ""
    return f"Seed {evaluation.seed};{size} K is the number of registered releases."


def _firsts(caused: Sequence[CaseResult]) -> str:
    rows = []
    for releases, minutes in _pairs(caused):
        score = ranking_score(_at(caused, releases, minutes))
        rows.append(
            (
                str(releases),
                f"+{minutes} min",
                str(score.cases),
                share(score.right_first, 1),
                share(score.right_verdict, 1),
                *(share(score.baselines[baseline], 1) for baseline in Baseline),
            )
        )
    header = ("K", "after the onset", "incidents", "opwatch", "and likelier than none")
    return table((*header, *(baseline.value for baseline in Baseline)), rows)


def _kinds(caused: Sequence[CaseResult]) -> str:
    """Show first and verdict of each kind; the minutes are columns, so that a kind is one row."""
    columns = _pairs(caused)
    groups = [(kind.value, _of(caused, kind)) for kind in _kinds_of(caused)]
    groups += [
        (f"all, {noise.value} noise", [one for one in caused if one.noise is noise])
        for noise in Noise
    ]
    rows = []
    for name, group in groups:
        row = [name]
        for releases, minutes in columns:
            score = ranking_score(_at(group, releases, minutes))
            row.append(
                f"{share(score.right_first)}/{share(score.right_verdict)}" if score.cases else NONE
            )
        rows.append(row)
    return table(("kind", *(f"K={k} +{minutes}" for k, minutes in columns)), rows)


def _clones(caused: Sequence[CaseResult]) -> str:
    rows = []
    for minutes in _minutes(caused):
        tied, clones = clones_tied([one for one in caused if one.minutes == minutes])
        if clones:
            rows.append((f"+{minutes} min", f"{tied} of {clones}"))
    return table(("after the onset", "reported as tied with the culprit"), rows) if rows else NONE


def _blame(rankings: Sequence[CaseResult]) -> str:
    innocent = [one for one in rankings if not one.kind.by_release]
    groups: list[tuple[str, list[CaseResult]]] = [
        (f"K = {releases}", [one for one in innocent if one.releases == releases])
        for releases in sorted({one.releases for one in innocent})
    ]
    groups += [(kind.value, _of(innocent, kind)) for kind in _kinds_of(innocent)]
    groups.append(("all", innocent))
    minutes = _minutes(innocent)
    rows = []
    for name, group in groups:
        row = [name, str(sum(one.minutes == minutes[-1] for one in group))]
        for cut in minutes:
            blame = false_blame([one for one in group if one.minutes == cut])
            row.append(f"{blame.above_half} ({share(blame.rate, 1)}), {blame.above_none}")
        rows.append(row)
    return table(("incidents of", "how many", *(f"+{cut} min" for cut in minutes)), rows)


def _calibration(rankings: Sequence[CaseResult]) -> str:
    rows = []
    for minutes in _minutes(rankings):
        score = calibration([one for one in rankings if one.minutes == minutes])
        rows.append(
            (
                f"+{minutes} min",
                number(score.error),
                number(score.brier),
                number(score.log_score),
                "; ".join(f"{b.stated:.2f}: {b.held:.2f} ({b.cases})" for b in score.bins),
            )
        )
    header = ("after the onset", "expected calibration error", "Brier score", "log score")
    return table((*header, "stated: held (verdicts)"), rows)


def _located(rankings: Sequence[CaseResult]) -> str:
    rows = []
    for minutes in _minutes(rankings):
        at = [one for one in rankings if one.minutes == minutes]
        errors = np.array([one.onset_error for one in at])
        rows.append(
            (
                f"+{minutes} min",
                number(float(np.mean([one.overlap for one in at]))),
                *(number(float(np.quantile(errors, level))) for level in (0.1, 0.5, 0.9)),
            )
        )
    header = ("after the onset", "mean Jaccard index of the scope")
    return table(
        (*header, *(f"onset error in minutes, {q}" for q in ("10 %", "50 %", "90 %"))), rows
    )


def _localisation(evaluation: Evaluation) -> str:
    results = evaluation.localisations
    shapes = list(dict.fromkeys(one.shape for one in results))
    rows = []
    for name, shape in [*((shape, shape) for shape in shapes), ("all", None)]:
        of_shape = [one for one in results if shape in {one.shape, None}]
        own = localisation_score([one.own for one in of_shape])
        scan = localisation_score([one.scan for one in of_shape])
        rows.append((name, str(own.cases), *_found(own), *_found(scan)))
    columns = ("exact", "mean Jaccard index", "ms")
    header = [f"{who}, {column}" for who in ("opwatch", "Poisson scan") for column in columns]
    return table(("fleet", "incidents", *header), rows)


def _found(score: LocalisationScore) -> tuple[str, str, str]:
    return share(score.exact, 1), f"{score.overlap:.3f}", number(1000.0 * score.seconds)


def _times(evaluation: Evaluation) -> str:
    rows = []
    for releases in sorted({one.releases for one in evaluation.rankings}):
        seconds = [one.seconds for one in evaluation.rankings if one.releases == releases]
        middle, late = np.quantile(seconds, (0.5, 0.95)).tolist()
        rows.append((f"480 series, K = {releases}", number(middle), number(late)))
    if evaluation.seconds is not None:
        rows.append(("10,000 series, K = 30", number(evaluation.seconds), NONE))
    return table(("ranking", "seconds of processor time, median", "95 %"), rows)


def _pairs(rankings: Iterable[CaseResult]) -> list[tuple[int, int]]:
    return sorted({(one.releases, one.minutes) for one in rankings})


def _minutes(rankings: Iterable[CaseResult]) -> list[int]:
    return sorted({one.minutes for one in rankings})


def _kinds_of(rankings: Sequence[CaseResult]) -> list[Kind]:
    return [kind for kind in Kind if any(one.kind is kind for one in rankings)]


def _of(rankings: Iterable[CaseResult], kind: Kind) -> list[CaseResult]:
    return [one for one in rankings if one.kind is kind]


def _at(rankings: Iterable[CaseResult], releases: int, minutes: int) -> list[CaseResult]:
    return [one for one in rankings if one.releases == releases and one.minutes == minutes]
