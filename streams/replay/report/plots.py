"""The plots of a report as data: what is drawn on paper, in the browser and as a table."""

import enum
from dataclasses import dataclass
from typing import TypeAlias


class Sign(enum.Enum):
    """Whether a mark is bad news or good news."""

    BAD = "bad"
    GOOD = "good"


@dataclass(frozen=True, slots=True)
class Mark:
    """An instant worth a line, in seconds since the epoch."""

    time: float
    label: str
    sign: Sign


@dataclass(frozen=True, slots=True)
class Ticks:
    """How many change points were raised in each of several windows, degraded or recovered."""

    label: str
    times: tuple[float, ...]
    counts: tuple[int, ...]
    sign: Sign


@dataclass(frozen=True, slots=True)
class Band:
    """A release through time: (start, end, share of the scope that ran it), shares 0 to 1."""

    release: str
    shares: tuple[tuple[float, float, float], ...]


@dataclass(frozen=True, slots=True)
class SuccessPlot:
    """Success ratio over time, with what happened meanwhile.

    Attributes:
        title: What it shows.
        alternative: The same in a sentence, for whoever cannot see it.
        starts: (M,) starts of the points' windows, in seconds since the epoch.
        width: Seconds that each point sums up.
        trials: (M,) operations.
        failures: (M,) of these.
        baseline: Success ratio in control, 0 to 1; None where it is not known.
        marks: Instants to mark.
        ticks: Change points.
        bands: Releases.
    """

    title: str
    alternative: str
    starts: tuple[float, ...]
    width: float
    trials: tuple[int, ...]
    failures: tuple[int, ...]
    baseline: float | None = None
    marks: tuple[Mark, ...] = ()
    ticks: tuple[Ticks, ...] = ()
    bands: tuple[Band, ...] = ()


@dataclass(frozen=True, slots=True)
class HeatPlot:
    """Share of failures by region and time.

    Attributes:
        title: What it shows.
        alternative: The same in a sentence.
        regions: (R,) regions, from the top.
        starts: (M,) starts of the columns' windows, in seconds since the epoch.
        width: Seconds that each column sums up.
        trials: R tuples of M operations.
        failures: R tuples of M failures.
    """

    title: str
    alternative: str
    regions: tuple[str, ...]
    starts: tuple[float, ...]
    width: float
    trials: tuple[tuple[int, ...], ...]
    failures: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Dot:
    """A region through a stretch of time: how much of it ran a release, how much of it failed."""

    region: str
    time: float
    exposure: float
    trials: int
    failures: int


@dataclass(frozen=True, slots=True)
class ExposurePlot:
    """Exposure to a release against failures.

    Attributes:
        title: What it shows.
        alternative: The same in a sentence.
        releases: (K,) releases, the likeliest first.
        dots: K tuples of dots.
        width: Seconds that each dot sums up.
    """

    title: str
    alternative: str
    releases: tuple[str, ...]
    dots: tuple[tuple[Dot, ...], ...]
    width: float


@dataclass(frozen=True, slots=True)
class PosteriorPlot:
    """Probability of each cause, revision after revision.

    Attributes:
        title: What it shows.
        alternative: The same in a sentence.
        times: (M,) when each revision was written, in seconds since the epoch.
        names: (K,) causes.
        probabilities: K tuples of M probabilities, 0 to 1.
    """

    title: str
    alternative: str
    times: tuple[float, ...]
    names: tuple[str, ...]
    probabilities: tuple[tuple[float, ...], ...]


Plot: TypeAlias = SuccessPlot | HeatPlot | ExposurePlot | PosteriorPlot
