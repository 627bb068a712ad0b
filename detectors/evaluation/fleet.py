"""A whole fleet with incidents: what its operators would see."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from detectors.arrays import Flags
from detectors.evaluation.calibration import WINDOWS_PER_FALSE_ALARM
from detectors.evaluation.cells import seed_of
from detectors.evaluation.method import Alarm, Method
from detectors.evaluation.references import cusum, log_likelihood_ratio
from detectors.evaluation.scores import Delays, FalseAlarms
from detectors.evaluation.streams import Streams
from detectors.odds import shift_odds
from detectors.simulation import Nuisance, draw, failure_ratio, mean_volume

AFTERMATH: Final = 10
"""Windows after an incident in which an alarm still is about the incident, though too late."""
_UGLY: Final = Nuisance(rho=0.002, volume_swing=0.5)
_GROUPS: Final = 20


@dataclass(frozen=True, slots=True)
class Incident:
    """A stretch in which one series fails more.

    Attributes:
        row: The series.
        onset: First window of it.
        end: First window after it.
        odds: Odds ratio while it lasts.
    """

    row: int
    onset: int
    end: int
    odds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetSize:
    """How large the fleet is.

    Attributes:
        series: Number of series.
        learning: Windows before any incident.
        windows: Windows in which incidents happen.
        incidents: How many, each in a series of its own.
    """

    series: int
    learning: int
    windows: int
    incidents: int


FULL_FLEET: Final = FleetSize(series=2000, learning=3 * 1440, windows=2 * 1440, incidents=200)
QUICK_FLEET: Final = FleetSize(series=150, learning=480, windows=480, incidents=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetResult:
    """What one method made of the fleet.

    Attributes:
        name: Of the method.
        false_alarms: Alarms about nothing, against its promise (or that of this program).
        visible: Incidents that the information shows: the oracle CUSUM with the fleet's threshold,
            which promises the same by theory and needs no calibration, finds them before they end.
        found: How many of the visible incidents were found before they ended.
        found_at_all: How many of all incidents were.
        incidents: How many there were.
        delays: Of the visible incidents.
        oracle: Delays of the oracle, of the same.
        operations: How many operations were simulated.
        windows: How many windows.
    """

    name: str
    false_alarms: FalseAlarms
    visible: int
    found: int
    found_at_all: int
    incidents: int
    delays: Delays
    oracle: Delays
    operations: int
    windows: int


def run_fleet(size: FleetSize, seed: int, method: Method) -> FleetResult:
    """Measure a fleet.

    Args:
        size: How large.
        seed: Of the whole benchmark.
        method: One with a threshold of its own.
    """
    generator = np.random.default_rng(seed_of(seed, "fleet", "incidents"))
    streams, incidents = fleet_streams(size, generator)
    run = method.run(streams)
    alarms = run.alarms or _crossings(run.statistic >= run.threshold)
    oracle = np.array([oracle_delay(streams, incident) for incident in incidents])
    own = np.array([_delay(alarms, incident) for incident in incidents])
    visible = np.isfinite(oracle)
    return FleetResult(
        name=method.name,
        false_alarms=_false_alarms(alarms, incidents, size),
        visible=int(np.count_nonzero(visible)),
        found=int(np.count_nonzero(np.isfinite(own[visible]))),
        found_at_all=int(np.count_nonzero(np.isfinite(own))),
        incidents=len(incidents),
        delays=Delays(found=own[visible]),
        oracle=Delays(found=oracle[visible]),
        operations=int(streams.trials.sum()),
        windows=streams.windows,
    )


def fleet_streams(
    size: FleetSize, generator: np.random.Generator
) -> tuple[Streams, list[Incident]]:
    """Draw a fleet of unequal series with incidents.

    Volumes are log-normal around 20 a window (standard deviation 1.2 of the logarithm) and swing by
    half with the day; levels are those of 20 groups, from 0.1 % to 2 %, with a spread of 0.3 of the
    log odds inside a group; overdispersion 0.002. Incidents begin at any time, multiply the odds by
    2 to 100 and last 15 minutes to four hours, both log-uniform.

    Args:
        size: How large.
        generator: Source of randomness.
    """
    windows, series = size.learning + size.windows, size.series
    groups = np.arange(series) % _GROUPS
    centres = np.exp(generator.uniform(math.log(0.001), math.log(0.02), _GROUPS))
    levels = shift_odds(centres[groups], np.exp(generator.normal(0.0, 0.3, series)))
    volumes = np.exp(generator.normal(math.log(20.0), 1.2, series))
    phase = generator.uniform(0.0, 2.0 * np.pi, series)
    before = failure_ratio(windows, levels, _UGLY, phase, generator)
    incidents = _incidents(size, generator)
    actual = before.copy()
    for incident in incidents:
        stretch = slice(incident.onset, incident.end), incident.row
        actual[stretch] = shift_odds(before[stretch], np.array(incident.odds))
    trials, failures = draw(mean_volume(windows, volumes, _UGLY, phase), actual, _UGLY, generator)
    changed = np.zeros(series, dtype=np.bool_)
    changed[[incident.row for incident in incidents]] = True
    streams = Streams(
        trials=trials,
        failures=failures,
        before=before,
        odds=1.0,
        rho=_UGLY.rho,
        level=levels,
        known=False,
        onset=size.learning,
        changed=changed,
        groups=groups,
    )
    return streams, incidents


def _incidents(size: FleetSize, generator: np.random.Generator) -> list[Incident]:
    rows = generator.choice(size.series, size.incidents, replace=False)
    odds = np.exp(generator.uniform(math.log(2.0), math.log(100.0), rows.size))
    lasting = np.exp(generator.uniform(math.log(15.0), math.log(240.0), rows.size))
    last = size.learning + size.windows
    onsets = generator.integers(size.learning, last - 15, rows.size)
    ends = np.minimum(onsets + np.rint(lasting).astype(np.int64), last)
    return [
        Incident(*values)
        for values in zip(rows.tolist(), onsets.tolist(), ends.tolist(), odds.tolist(), strict=True)
    ]


def oracle_delay(streams: Streams, incident: Incident) -> float:
    """Give when the oracle CUSUM finds an incident; infinite if it ends before.

    It starts at the onset, knows all, and alarms at ln A, which promises one false alarm of a
    series in A windows without calibration.

    Args:
        streams: The fleet.
        incident: One of its incidents.
    """
    stretch = slice(incident.onset, incident.end), slice(incident.row, incident.row + 1)
    before = streams.before[stretch]
    increments = log_likelihood_ratio(
        streams.trials[stretch],
        streams.failures[stretch],
        before,
        shift_odds(before, np.array(incident.odds)),
        streams.rho,
    )
    reached = np.flatnonzero(cusum(increments)[:, 0] >= math.log(WINDOWS_PER_FALSE_ALARM))
    return float(reached[0]) + 1.0 if reached.size else math.inf


def _delay(alarms: tuple[Alarm, ...], incident: Incident) -> float:
    """Give the delay of the first alarm in an incident; infinite without one."""
    inside = (
        alarm.window
        for alarm in alarms
        if alarm.row == incident.row
        and alarm.rising
        and incident.onset <= alarm.window < incident.end
    )
    first = next(inside, None)
    return math.inf if first is None else float(first - incident.onset + 1)


def _false_alarms(
    alarms: tuple[Alarm, ...], incidents: list[Incident], size: FleetSize
) -> FalseAlarms:
    """Count alarms that are about no incident, once learning is over."""
    of_row = {incident.row: incident for incident in incidents}
    count = 0
    for alarm in alarms:
        incident = of_row.get(alarm.row)
        about = incident and incident.onset <= alarm.window < incident.end + AFTERMATH
        count += alarm.window >= size.learning and not about
    promised = size.series * size.windows / WINDOWS_PER_FALSE_ALARM
    return FalseAlarms(count=count, promised=promised)


def _crossings(above: Flags) -> tuple[Alarm, ...]:
    """Take every rise of a statistic above its threshold for an alarm."""
    rises = above.copy()
    rises[1:] &= ~above[:-1]
    return tuple(
        Alarm(row=row, window=window, rising=True, onset=window, low=window, high=window)
        for window, row in np.argwhere(rises).tolist()
    )
