"""From facts to plots: which points, over how long, and what each plot says in a sentence."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from streams.replay.report.clock import ReportClock
from streams.replay.report.counts import RegionWindows, span_of
from streams.replay.report.facts import IncidentFacts, ReportFacts
from streams.replay.report.plots import (
    Band,
    Dot,
    ExposurePlot,
    HeatPlot,
    Mark,
    PosteriorPlot,
    Sign,
    SuccessPlot,
    Ticks,
)
from streams.replay.report.records import RaisedPoint
from streams.replay.report.wording import percent, probability

CURVE_POINTS = 600
HEAT_COLUMNS = 96
HEAT_REGIONS = 60
DOTS = 500
LEAST_TRIALS = 5
"""A dot of fewer operations says nothing about a share."""

SHOWN_CAUSES = 5
LEAST_PROBABILITY = 0.01
"""What never was as probable as that is no line of the posterior."""

NO_RELEASE = "no known release"


def fleet_plot(facts: ReportFacts, clock: ReportClock) -> SuccessPlot:
    """Draw the success ratio of everything, with the onsets and ends of all incidents."""
    numbers: dict[Mark, list[str]] = {}
    for incident in facts.incidents:
        for mark in _marks(incident):
            numbers.setdefault(mark, []).append(str(incident.number))
    marks = [
        replace(mark, label=f"{mark.label} {', '.join(several)}")
        for mark, several in numbers.items()
    ]
    return success_plot(facts.fleet, "Success ratio of all operations", clock, marks=marks)


def incident_plot(facts: IncidentFacts, clock: ReportClock) -> SuccessPlot:
    """Draw the success ratio within an incident's scope and regions, and what happened."""
    baseline = facts.last.impact.baseline_success_ratio
    title = "Success ratio in the incident's scope and regions"
    page = Mark(facts.page.raised.timestamp(), "page", Sign.BAD)
    marks = sorted([page, *_marks(facts)], key=lambda mark: mark.time)
    plot = success_plot(facts.affected, title, clock, baseline, marks)
    return replace(
        plot,
        ticks=_ticks(facts.points, plot.width),
        bands=tuple(Band(course.release, course.shares) for course in facts.courses),
    )


def heat_plot(facts: IncidentFacts, clock: ReportClock) -> HeatPlot:
    """Draw which region failed when: affected regions first, the busiest of the others below."""
    binned = _busiest(facts).binned(HEAT_COLUMNS)
    trials, failures = binned.counts[0], binned.counts[1]
    shares = np.where(trials >= LEAST_TRIALS, failures / np.maximum(trials, 1), 0.0)
    sentence = "No region had operations."
    if shares.size:
        region, column = np.unravel_index(int(shares.argmax()), shares.shape)
        sentence = (
            f"Of {len(binned.regions)} regions, {binned.regions[int(region)]} failed most: "
            f"{percent(float(shares.max()))} at {clock.instant(float(binned.starts()[column]))}."
        )
    return HeatPlot(
        title="Share of failures by region and time",
        alternative=sentence,
        regions=binned.regions,
        starts=tuple(binned.starts().tolist()),
        width=binned.seconds,
        trials=tuple(map(tuple, trials.tolist())),
        failures=tuple(map(tuple, failures.tolist())),
    )


def exposure_plot(facts: IncidentFacts) -> ExposurePlot:
    """Draw how much of each region ran the likeliest releases against how much of it failed."""
    binned = facts.everywhere.binned(max(DOTS // max(len(facts.everywhere.regions), 1), 4))
    starts = binned.starts().tolist()
    dots = []
    for number in range(len(facts.courses)):
        own = []
        for place, region in enumerate(binned.regions):
            columns = (
                binned.counts[0, place],
                binned.counts[1, place],
                binned.exposed[number, place],
            )
            for start, *counted in zip(
                starts, *(column.tolist() for column in columns), strict=True
            ):
                trials, failures, exposed = counted
                if trials >= LEAST_TRIALS:
                    share = round(exposed / trials, 4)
                    own.append(Dot(region, start, share, int(trials), int(failures)))
        dots.append(tuple(own))
    return ExposurePlot(
        title="Exposure against failures",
        alternative=" ".join(
            _told(course.release, several)
            for course, several in zip(facts.courses, dots, strict=True)
        )
        or "No release is known.",
        releases=tuple(course.release for course in facts.courses),
        dots=tuple(dots),
        width=binned.seconds,
    )


def posterior_plot(facts: IncidentFacts) -> PosteriorPlot:
    """Draw how probable each cause was, revision after revision."""
    courses: dict[str, list[float]] = {}
    for place, revision in enumerate(facts.revisions):
        for candidate in revision.record.candidates:
            course = courses.setdefault(candidate.release, [0.0] * len(facts.revisions))
            course[place] = candidate.probability
    likely = [name for name, course in courses.items() if max(course) >= LEAST_PROBABILITY]
    likely.sort(key=lambda name: (-courses[name][-1], -max(courses[name]), name))
    shown = [(name, courses[name]) for name in likely[:SHOWN_CAUSES]]
    shown.append((NO_RELEASE, [one.record.no_release_probability for one in facts.revisions]))
    best, course = max(shown, key=lambda pair: pair[1][-1])
    return PosteriorPlot(
        title="Probability of each cause over time",
        alternative=f"From {probability(course[0])} on the page to "
        f"{probability(course[-1])} at the end for {best}.",
        times=tuple(revision.record.raised.timestamp() for revision in facts.revisions),
        names=tuple(name for name, _ in shown),
        probabilities=tuple(tuple(course) for _, course in shown),
    )


def success_plot(
    counts: RegionWindows,
    title: str,
    clock: ReportClock,
    baseline: float | None = None,
    marks: Sequence[Mark] = (),
    points: int = CURVE_POINTS,
) -> SuccessPlot:
    """Draw the success ratio of all regions together.

    Args:
        counts: What to add up.
        title: What it is.
        clock: For what the plot says in a sentence.
        baseline: Success ratio in control, 0 to 1; None where it is not known.
        marks: Instants to mark.
        points: How many points there may be.
    """
    binned = counts.binned(points)
    trials, failures = binned.counts[0].sum(axis=0), binned.counts[1].sum(axis=0)
    busy = np.flatnonzero(trials)
    starts, trials, failures = binned.starts()[busy], trials[busy], failures[busy]
    sentence = "No operations."
    if len(busy):
        ratios = 1 - failures / trials
        lowest, (begin, end) = int(ratios.argmin()), span_of(counts)
        sentence = (
            f"From {clock.instant(begin)} to {clock.instant(end, begin)}; lowest at "
            f"{clock.instant(max(float(starts[lowest]), begin), begin)} "
            f"with {percent(float(ratios[lowest]))}."
        )
        if baseline is not None:
            sentence += f" Before the onset {percent(baseline)} succeeded."
    return SuccessPlot(
        title=title,
        alternative=sentence,
        starts=tuple(starts.tolist()),
        width=binned.seconds,
        trials=tuple(trials.tolist()),
        failures=tuple(failures.tolist()),
        baseline=baseline,
        marks=tuple(marks),
    )


def _marks(facts: IncidentFacts) -> list[Mark]:
    marks = [Mark(facts.last.onset.timestamp(), "onset", Sign.BAD)]
    if facts.last.resolved is not None:
        marks.append(Mark(facts.last.resolved.timestamp(), "resolved", Sign.GOOD))
    return marks


def _ticks(points: Sequence[RaisedPoint], width: float) -> tuple[Ticks, ...]:
    found = []
    for direction, sign in (("degraded", Sign.BAD), ("recovered", Sign.GOOD)):
        raised = [p.record.raised.timestamp() for p in points if p.record.direction == direction]
        times, counts = np.unique(np.floor(np.array(raised) / width) * width, return_counts=True)
        found.append(Ticks(direction, tuple(times.tolist()), tuple(counts.tolist()), sign))
    return tuple(found)


def _busiest(facts: IncidentFacts) -> RegionWindows:
    everywhere = facts.everywhere
    affected = len(facts.affected.regions)
    room = max(HEAT_REGIONS - affected, 0)
    others = everywhere.counts[0, affected:].sum(axis=1)
    busiest = sorted(np.argsort(-others, kind="stable")[:room].tolist())
    names = everywhere.regions
    return everywhere.select([*names[:affected], *(names[affected + place] for place in busiest)])


def _told(release: str, dots: Sequence[Dot]) -> str:
    without = [dot for dot in dots if dot.exposure == 0]
    exposed = [dot for dot in dots if dot.exposure > 0]
    return f"{release}: {_failed(exposed)} where it ran, {_failed(without)} where it did not."


def _failed(dots: Sequence[Dot]) -> str:
    trials = sum(dot.trials for dot in dots)
    if not trials:
        return "no operations"
    return f"{percent(sum(dot.failures for dot in dots) / trials)} failed"
