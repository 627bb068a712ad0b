"""The experiment as Markdown tables."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from scipy.stats import binomtest, chi2

from benchmarks.openstack.design import FEW, SILENT
from benchmarks.openstack.experiment import Experiment
from benchmarks.openstack.records import Recordings
from benchmarks.openstack.scores import AGES, Cause, Found, TrialScore

_NOTHING = "–"


def render(experiment: Experiment, recordings: Recordings) -> str:
    """Give all tables."""
    parts = [_about(experiment)]
    parts += ["### Detection", _detection(experiment)]
    parts += ["### Which release", _attribution(experiment)]
    parts += ["### Scope", _scopes(experiment)]
    parts += ["### False incidents", _quiet(experiment)]
    for share in experiment.design.shares:
        parts += [
            f"### By component: {_share(share)} of the runs reach the fault",
            _components(experiment, recordings, share),
        ]
    return "\n\n".join(parts) + "\n"


def proportion(count: int, of: int) -> str:
    """Give a count of trials with its exact 95 % interval (Clopper and Pearson, 1934)."""
    if not of:
        return _NOTHING
    interval = binomtest(count, of).proportion_ci(method="exact")
    return f"{count} of {of} ({interval.low:.0%}-{interval.high:.0%})"


def daily_rate(count: int, days: float) -> str:
    """Give a Poisson count per day with its exact 95 % interval (Garwood, 1936)."""
    low = float(chi2.ppf(0.025, 2 * count)) / 2 / days if count else 0.0
    high = float(chi2.ppf(0.975, 2 * (count + 1))) / 2 / days
    return f"{count / days:.2f} ({low:.2f}-{high:.2f})"


def _about(experiment: Experiment) -> str:
    design = experiment.design
    return (
        f"Seed {design.seed}; {len(experiment.scores)} trials in {design.fleets} fleets of "
        f"{design.regions} regions and {design.runs_per_minute:g} runs a minute, learned for "
        f"{design.warm_up_days:g} days; {design.harmless} harmless releases around each fault. "
        "Intervals are exact, of 95 %."
    )


def _detection(experiment: Experiment) -> str:
    header = (
        *(
            "runs that reach the fault",
            "components",
            "found",
            "delay in minutes: median, 90 %",
        ),
        *("faulty runs until then: median", "of them with a failure: median"),
        *("repeated incidents", "unrelated incidents"),
    )
    rows = []
    for share in experiment.design.shares:
        for kind, scores in _kinds(experiment, share):
            found = [one for one in scores if one.found]
            rows.append(
                (
                    _share(share),
                    kind,
                    proportion(len(found), len(scores)),
                    _quantiles([one.delay for one in _found(scores)]),
                    _median(one.faulty_runs for one in found),
                    _median(one.failed_runs for one in found),
                    str(sum(one.repeated for one in scores)),
                    str(sum(one.unrelated for one in scores)),
                )
            )
    return _table(header, rows)


def _attribution(experiment: Experiment) -> str:
    header = ("runs that reach the fault", "culprit's events", "method")
    rows = []
    for share in experiment.design.shares:
        for registered in (True, False):
            found = _found(
                one
                for one in experiment.scores
                if one.trial.share == share and one.trial.registered is registered
            )
            known = "in the log" if registered else "left out"
            for place, age in enumerate(AGES):
                verdicts = [one.verdicts[place] for one in found]
                sure = _median((one.right for one in verdicts), 3)
                causes = _causes([one.cause for one in verdicts])
                rows.append((_share(share), known, f"opwatch, {age} min", *causes, sure))
            causes = _causes([one.latest_start for one in found])
            rows.append((_share(share), known, "latest start", *causes, _NOTHING))
    named = (f"{cause.value} first" for cause in Cause)
    return _table((*header, *named, "probability of the right one: median"), rows)


def _causes(causes: Sequence[Cause]) -> Iterator[str]:
    return (proportion(causes.count(cause), len(causes)) for cause in Cause)


def _scopes(experiment: Experiment) -> str:
    header = (
        *("runs that reach the fault", "incidents", "injected failures in scope: median"),
        *("names a healthy region", "names a healthy operation"),
    )
    rows = []
    for share in experiment.design.shares:
        scopes = [
            one.scope
            for one in _found(one for one in experiment.scores if one.trial.share == share)
        ]
        rows.append(
            (
                _share(share),
                str(len(scopes)),
                f"{float(np.median([one.covered for one in scopes])):.0%}" if scopes else _NOTHING,
                proportion(sum(one.healthy_regions > 0 for one in scopes), len(scopes)),
                proportion(sum(one.healthy_operations > 0 for one in scopes), len(scopes)),
            )
        )
    return _table(header, rows)


def _quiet(experiment: Experiment) -> str:
    days = sum(one.days for one in experiment.quiet)
    incidents = sum(one.incidents for one in experiment.quiet)
    row = (
        f"{days:g}",
        f"{sum(one.operations for one in experiment.quiet):,}",
        str(incidents),
        daily_rate(incidents, days),
        str(sum(one.blamed for one in experiment.quiet)),
        str(sum(one.other_kinds for one in experiment.quiet)),
    )
    header = ("fleet-days", "operations", "incidents", "a day", "that blame a release")
    return _table((*header, "change points of other kinds"), [row])


def _components(experiment: Experiment, recordings: Recordings, share: float) -> str:
    header = (
        *("component", "faulty runs", "with a failed operation", "labelled failure", "found"),
        *(
            "delay: median",
            "faulty runs until then",
            "culprit first",
            "none first, events left out",
        ),
        "changes of other kinds in",
    )
    rows = []
    for name, members in experiment.rows.items():
        runs = [run for member in members for run in recordings.faulty[member]]
        scores = [
            one for one in experiment.scores if one.trial.row == name and one.trial.share == share
        ]
        found = _found(scores)
        rows.append(
            (
                f"{len(members)} {name}" if name in {FEW, SILENT} else f"`{name}`",
                str(len(runs)),
                str(sum(run.failures > 0 for run in runs)),
                str(sum(run.labelled_failure for run in runs)),
                proportion(len(found), len(scores)),
                _median(one.delay for one in found),
                _median(one.faulty_runs for one in scores if one.found),
                _right(scores, registered=True),
                _right(scores, registered=False),
                f"{sum(bool(one.other_kinds) for one in scores)} of {len(scores)}",
            )
        )
    return _table(header, rows)


def _right(scores: Sequence[TrialScore], *, registered: bool) -> str:
    found = _found(one for one in scores if one.trial.registered is registered)
    wanted = Cause.CULPRIT if registered else Cause.NONE
    return f"{sum(one.verdicts[-1].cause is wanted for one in found)} of {len(found)}"


def _kinds(experiment: Experiment, share: float) -> list[tuple[str, list[TrialScore]]]:
    """Split the trials of a share by whether any operation ever fails."""
    scores = [one for one in experiment.scores if one.trial.share == share]
    return [
        ("some operations fail", [one for one in scores if one.trial.row != SILENT]),
        ("no operation fails", [one for one in scores if one.trial.row == SILENT]),
    ]


def _found(scores: Iterable[TrialScore]) -> list[Found]:
    return [one.found for one in scores if one.found]


def _share(share: float) -> str:
    return "all" if share == 1 else f"one in {1 / share:.0f}"


def _median(values: Iterable[float], digits: int = 0) -> str:
    known = list(values)
    return f"{float(np.median(known)):.{digits}f}" if known else _NOTHING


def _quantiles(delays: Sequence[float]) -> str:
    if not delays:
        return _NOTHING
    middle, late = np.quantile(delays, [0.5, 0.9]).tolist()
    return f"{middle:.0f}, {late:.0f}"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["-"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
