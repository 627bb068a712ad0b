"""The benchmark of attribution as one JSON object."""

import json
import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from detectors.evaluation.attribution.kinds import Kind
from detectors.evaluation.attribution.localisation import Found
from detectors.evaluation.attribution.results import CaseResult
from detectors.evaluation.attribution.scores import (
    calibration,
    clones_tied,
    false_blame,
    localisation_score,
    ranking_score,
)
from detectors.evaluation.goals import Goal
from streams.wiring.evaluation.attribution.evaluation import Evaluation

Object: TypeAlias = dict[str, Any]

_VERSION = 1


def render(evaluation: Evaluation) -> str:
    """Give the object as text; what is infinite or undefined is null."""
    rankings = evaluation.rankings
    groups: dict[tuple[int, int, Kind], list[CaseResult]] = {}
    for one in rankings:
        groups.setdefault((one.releases, one.minutes, one.kind), []).append(one)
    shapes = list(dict.fromkeys(one.shape for one in evaluation.localisations))
    whole: Object = {
        "version": _VERSION,
        "seed": evaluation.seed,
        "quick": evaluation.quick,
        "goals": [_goal(goal) for goal in evaluation.goals()],
        "rankings": [_ranking(*key, group) for key, group in groups.items()],
        "calibration": [
            _calibration(minutes, [one for one in rankings if one.minutes == minutes])
            for minutes in sorted({one.minutes for one in rankings})
        ],
        "seconds": [
            _seconds(releases, [one.seconds for one in rankings if one.releases == releases])
            for releases in sorted({one.releases for one in rankings})
        ],
        "seconds_of_large_ranking": _optional(evaluation.seconds),
        "localisation": [
            {
                "fleet": shape,
                "opwatch": _found([x.own for x in evaluation.localisations if x.shape == shape]),
                "poisson_scan": _found(
                    [x.scan for x in evaluation.localisations if x.shape == shape]
                ),
            }
            for shape in shapes
        ],
    }
    return json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _number(value: float) -> float | None:
    return round(value, 6) if math.isfinite(value) else None


def _optional(value: float | None) -> float | None:
    return None if value is None else _number(value)


def _goal(goal: Goal) -> Object:
    return {
        "subject": goal.subject,
        "cell": goal.cell,
        "value": _number(goal.value),
        "bound": goal.bound,
        "met": goal.met,
    }


def _ranking(releases: int, minutes: int, kind: Kind, group: Sequence[CaseResult]) -> Object:
    about: Object = {
        "kind": kind.value,
        "releases": releases,
        "minutes": minutes,
        "incidents": len(group),
        "mean_scope_jaccard": _number(float(np.mean([one.overlap for one in group]))),
        "median_onset_error": float(np.median([one.onset_error for one in group])),
    }
    if not kind.by_release:
        blame = false_blame(group)
        return about | {
            "release_above_one_half": blame.above_half,
            "release_above_none": blame.above_none,
        }
    score = ranking_score(group)
    tied = clones_tied(group)[0]
    return about | {
        "right_first": _number(score.right_first),
        "right_verdict": _number(score.right_verdict),
        "baselines": {name.value: _number(share) for name, share in score.baselines.items()},
        "clones_tied": tied if kind is Kind.CLONE else None,
    }


def _calibration(minutes: int, group: Sequence[CaseResult]) -> Object:
    score = calibration(group)
    return {
        "minutes": minutes,
        "expected_calibration_error": _number(score.error),
        "brier": _number(score.brier),
        "log_score": _number(score.log_score),
        "bins": [
            {"cases": one.cases, "stated": _number(one.stated), "held": _number(one.held)}
            for one in score.bins
        ],
    }


def _seconds(releases: int, seconds: Sequence[float]) -> Object:
    middle, late = np.quantile(seconds, (0.5, 0.95)).tolist()
    return {"releases": releases, "median": _number(middle), "p95": _number(late)}


def _found(found: Sequence[Found]) -> Object:
    score = localisation_score(found)
    return {
        "incidents": score.cases,
        "exact": _number(score.exact),
        "mean_jaccard": _number(score.overlap),
        "seconds_median": _number(score.seconds),
    }
