"""The benchmark as one JSON object."""

import json
import math
from typing import Any, TypeAlias

from detectors.evaluation.experiments import ChangeResult, MethodScore, NuisanceResult
from detectors.evaluation.fleet import FleetResult
from detectors.evaluation.goals import Goal
from detectors.evaluation.scores import Delays, FalseAlarms
from streams.wiring.evaluation.evaluation import Evaluation

Object: TypeAlias = dict[str, Any]

_VERSION = 1


def render(evaluation: Evaluation) -> str:
    """Give the object as text; what is infinite or undefined is null."""
    costs = evaluation.costs
    whole: Object = {
        "version": _VERSION,
        "seed": evaluation.seed,
        "quick": evaluation.quick,
        "missing_peers": list(evaluation.missing),
        "goals": [_goal(goal) for goal in evaluation.goals()],
        "changes": [_change(change) for change in evaluation.changes],
        "nuisances": [_nuisance(nuisance) for nuisance in evaluation.nuisances],
        "fleets": [_fleet(fleet) for fleet in evaluation.fleets],
        "costs": None
        if costs is None
        else {
            "bytes_per_series": costs.bytes_per_series,
            "steps": [
                {
                    "series": step.series,
                    "judged": step.judged,
                    "milliseconds_median": round(step.milliseconds, 3),
                    "milliseconds_p95": round(step.late_milliseconds, 3),
                    "nanoseconds_per_series_and_update": round(step.nanoseconds, 1),
                }
                for step in costs.steps
            ],
        },
    }
    return json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _number(value: float) -> float | None:
    return round(value, 6) if math.isfinite(value) else None


def _goal(goal: Goal) -> Object:
    return {
        "subject": goal.subject,
        "cell": goal.cell,
        "value": _number(goal.value),
        "bound": goal.bound,
        "met": goal.met,
    }


def _delays(delays: Delays) -> Object:
    return {
        "median": _number(delays.median),
        "p95": _number(delays.late),
        "missed": _number(delays.missed),
        "changes": int(delays.found.size),
    }


def _score(score: MethodScore) -> Object:
    return {
        "method": score.name,
        "threshold": _number(score.threshold),
        "delay": _delays(score.delays),
        "oracle_delay_on_the_same_series": _delays(score.oracle),
    }


def _false_alarms(alarms: FalseAlarms) -> Object:
    return {
        "count": alarms.count,
        "promised": _number(alarms.promised),
        "ratio": _number(alarms.ratio),
        "ratio_upper_95": _number(alarms.upper),
    }


def _change(result: ChangeResult) -> Object:
    cell = result.cell
    return {
        "cell": cell.name,
        "baseline": "known" if result.known else "learned",
        "failure_ratio_before": cell.before,
        "failure_ratio_after": _number(cell.after),
        "operations_per_window": cell.volume,
        "ramp_windows": cell.ramp_windows,
        "rho": cell.nuisance.rho,
        "horizon": cell.horizon,
        "promised": _score(result.promised),
        "others": [_score(score) for score in result.scores],
        "false_alarms": _false_alarms(result.false_alarms),
        "onset": {
            "median_absolute_error": _number(result.onsets.median),
            "interval_coverage": _number(result.onsets.covered),
            "interval_width_median": _number(result.onsets.width),
        },
    }


def _nuisance(result: NuisanceResult) -> Object:
    return {
        "cell": result.cell.name,
        "baseline": "known" if result.known else "learned",
        "settled": _false_alarms(result.settled),
        "from_cold_start": _false_alarms(result.cold),
        "excused": result.excused,
    }


def _fleet(result: FleetResult) -> Object:
    return {
        "method": result.name,
        "false_alarms": _false_alarms(result.false_alarms),
        "incidents": result.incidents,
        "found": result.found_at_all,
        "visible": result.visible,
        "visible_found": result.found,
        "delay": _delays(result.delays),
        "oracle_delay": _delays(result.oracle),
    }
