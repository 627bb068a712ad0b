"""Running the monitor over a fleet: warm-up, quiet days, and a fault in a fork of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.openstack.design import Design, Trial
from benchmarks.openstack.fleet import (
    Fault,
    Fleet,
    PlacedRun,
    draw_fleet,
    outcome_lines,
    place_runs,
)
from benchmarks.openstack.monitor import Monitor
from benchmarks.openstack.records import Recordings
from benchmarks.openstack.rollouts import draw_harmless, draw_rollout, exposed_regions
from benchmarks.openstack.scores import (
    AGES,
    Evidence,
    Said,
    TrialScore,
    first_cause,
    first_sign,
    score,
)
from streams.scenarios.releases import ReleasePlan

DAY, HOUR, MINUTE = 86_400.0, 3_600.0, 60.0

EPOCH = 1_609_459_200.0
"""2021-01-01T00:00:00Z, when every fleet begins; the recorded dates mean nothing here."""

BATCH = 10 * MINUTE
"""How much is fed at once; what comes out does not depend on it."""

LEAD = 10 * MINUTE
"""From the fork to the culprit's first step, at most."""

HORIZON = 3 * HOUR
"""How long after the culprit's first step its fault has to be found."""

AFTERMATH = max(AGES) * MINUTE
"""How long an incident is followed."""

SLACK = 2 * MINUTE
"""By when a window has surely closed: its length, and the allowed disorder."""

HARMLESS_BEFORE, HARMLESS_AFTER = 4 * HOUR, 1 * HOUR
"""When the harmless releases begin, around the culprit's first step."""


@dataclass(frozen=True, slots=True)
class Warm:
    """A fleet that a monitor has learned.

    Attributes:
        fleet: The fleet.
        monitor: What has seen all outcomes before `now`.
        under_way: Runs that may still have outcomes.
        now: In seconds since the epoch.
    """

    fleet: Fleet
    monitor: Monitor
    under_way: tuple[PlacedRun, ...]
    now: float


@dataclass(frozen=True, slots=True)
class Quiet:
    """What came of days without any fault.

    Attributes:
        days: How many.
        operations: Outcomes counted.
        incidents: Incidents opened, each of them false.
        blamed: Those of them whose last record puts a release before "no release".
        other_kinds: Change points of other kinds than success ratios.
    """

    days: float
    operations: int
    incidents: int
    blamed: int
    other_kinds: int


def warm_up(design: Design, recordings: Recordings, number: int) -> Warm:
    """Draw a fleet and let a monitor learn it."""
    random = design.random("fleet", number)
    fleet = draw_fleet(random, design.regions, design.runs_per_minute)
    end = EPOCH + design.warm_up_days * DAY
    placed = place_runs(random, fleet, recordings.ordinary, None, EPOCH, end)
    monitor = Monitor()
    for lines, now in batches(placed, EPOCH, end, recordings.longest):
        monitor.feed(lines, now)
    under_way = tuple(one for one in placed if one.start > end - recordings.longest)
    return Warm(fleet, monitor, under_way, end)


def run_quiet(design: Design, recordings: Recordings, warm: Warm, number: int) -> Quiet:
    """Go on for some days without any fault, while harmless releases roll out."""
    random = design.random("quiet", number)
    monitor, end = warm.monitor.fork(), warm.now + design.quiet_days * DAY
    # As many at a time as around a fault.
    every = (HARMLESS_BEFORE + HARMLESS_AFTER) / max(design.harmless, 1)
    starts = np.arange(warm.now - HARMLESS_BEFORE, end, every).tolist()
    for plan in draw_harmless(random, recordings.ordinary, None, warm.fleet.regions, starts):
        monitor.add_releases(plan.events())
    placed = place_runs(random, warm.fleet, recordings.ordinary, None, warm.now, end)
    operations = 0
    for lines, now in batches((*warm.under_way, *placed), warm.now, end, recordings.longest):
        monitor.feed(lines, now)
        operations += len(lines)
    monitor.finish()
    last = {one.incident: one for one in said(monitor, warm.now)}
    points = [point for point in monitor.change_points if point.raised > warm.now]
    return Quiet(
        days=design.quiet_days,
        operations=operations,
        incidents=len(last),
        blamed=sum(first_cause(one) is not None for one in last.values()),
        other_kinds=sum(not point.breaks_success for point in points),
    )


def run_trial(design: Design, recordings: Recordings, warm: Warm, trial: Trial) -> TrialScore:
    """Inject a fault into a fork of a fleet, and score what is made of it."""
    random = design.random("trial", trial.number)
    onset = warm.now + float(random.uniform(0.0, LEAD))
    culprit, harmless = _releases(random, design, recordings, warm.fleet, trial, onset)
    fault = Fault(recordings.faulty[trial.component], exposed_regions(culprit), trial.share)
    told = [*harmless, culprit] if trial.registered else harmless
    end = onset + HORIZON + AFTERMATH + SLACK
    placed = place_runs(random, warm.fleet, recordings.ordinary, fault, warm.now, end)
    monitor = warm.monitor.fork()
    for plan in told:
        monitor.add_releases(plan.events())
    last = onset + HORIZON
    for lines, now in batches((*warm.under_way, *placed), warm.now, end, recordings.longest):
        monitor.feed(lines, now)
        seen = first_sign(said(monitor, warm.now), fault.exposed, onset, onset + HORIZON)
        last = seen.raised + AFTERMATH if seen else onset + HORIZON
        if now > last + SLACK:
            break
    evidence = Evidence(
        records=tuple(one for one in said(monitor, warm.now) if one.raised <= last),
        change_points=tuple(one for one in monitor.change_points if warm.now < one.raised <= last),
        injected=tuple(one for one in placed if one.run.faulty),
        operations=recordings.operations,
        exposed=fault.exposed,
        onset=onset,
        horizon=onset + HORIZON,
        culprit=culprit.release,
        steps=tuple(event for plan in told for event in plan.events()),
    )
    return score(trial, evidence)


def said(monitor: Monitor, since: float) -> list[Said]:
    """Give what a monitor has said since an instant, in seconds since the epoch."""
    return [Said.by(record) for record in monitor.records if record.raised > since]


def batches(
    placed: Sequence[PlacedRun], begin: float, end: float, longest: float
) -> Iterator[tuple[list[bytes], float]]:
    """Give the outcomes of a stretch of time piece by piece, each with the instant it ends at.

    Args:
        placed: Runs in the order in which they start.
        begin: In seconds since the epoch.
        end: In seconds since the epoch.
        longest: Seconds from the start of a run to its last outcome, at most.
    """
    starts = np.array([one.start for one in placed])
    for first in np.arange(begin, end, BATCH).tolist():
        last = min(first + BATCH, end)
        low, high = np.searchsorted(starts, [first - longest, last]).tolist()
        yield outcome_lines(placed[low:high], first, last), last


def _releases(
    random: np.random.Generator,
    design: Design,
    recordings: Recordings,
    fleet: Fleet,
    trial: Trial,
    onset: float,
) -> tuple[ReleasePlan, list[ReleasePlan]]:
    """Draw the culprit, and the harmless releases around it."""
    runs = recordings.faulty[trial.component]
    run = runs[int(random.integers(len(runs)))]
    culprit = draw_rollout(random, run, design.harmless, fleet.regions, onset)
    starts = onset + random.uniform(-HARMLESS_BEFORE, HARMLESS_AFTER, design.harmless)
    harmless = draw_harmless(
        random, recordings.ordinary, trial.component, fleet.regions, starts.tolist()
    )
    return culprit, harmless
