"""Scores of rankings and of localisation, with the cases in which they are undefined."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from detectors.evaluation.attribution.baselines import Baseline
from detectors.evaluation.attribution.kinds import Kind
from detectors.evaluation.attribution.localisation import Found
from detectors.evaluation.attribution.results import CaseResult

BINS: Final = 10
_CERTAIN: Final = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingScore:
    """How often the right release was named.

    Attributes:
        cases: Incidents that a registered release caused.
        right_first: Share in which the most probable release is the culprit or its clone.
        right_verdict: Share in which it is, and likelier than that none is.
        baselines: Share in which each baseline chose the culprit or its clone.
    """

    cases: int
    right_first: float
    right_verdict: float
    baselines: Mapping[Baseline, float]


def ranking_score(results: Iterable[CaseResult]) -> RankingScore:
    """Score the cases that a registered release caused; shares of no cases are nan."""
    caused = [result for result in results if result.kind.by_release]
    return RankingScore(
        cases=len(caused),
        right_first=_share([result.is_right(result.first) for result in caused]),
        right_verdict=_share([result.is_right(result.verdict) for result in caused]),
        baselines={
            baseline: _share([result.is_right(result.choices[baseline]) for result in caused])
            for baseline in Baseline
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FalseBlame:
    """How often a release was blamed for what none of them did.

    Attributes:
        cases: Incidents that no registered release caused.
        above_half: Cases in which some release had more than half of the probability.
        above_none: Cases in which a release, with those it is tied with, was likelier than none.
    """

    cases: int
    above_half: int
    above_none: int

    @property
    def rate(self) -> float:
        """Share of the cases with a release above one half; nan without cases."""
        return self.above_half / self.cases if self.cases else math.nan


def false_blame(results: Iterable[CaseResult]) -> FalseBlame:
    """Count blame among the cases that no registered release caused."""
    innocent = [result for result in results if not result.kind.by_release]
    return FalseBlame(
        cases=len(innocent),
        above_half=sum(bool((result.probabilities > _HALF).any()) for result in innocent),
        above_none=sum(result.verdict is not None for result in innocent),
    )


_HALF: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliabilityBin:
    """Verdicts of about the same probability.

    Attributes:
        cases: How many.
        stated: Their mean probability.
        held: Share of them that held.
    """

    cases: int
    stated: float
    held: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Whether probabilities are what they say, over incidents of all kinds.

    Attributes:
        bins: Verdicts by probability, ten bins of equal width, empty ones left out.
        error: Expected calibration error: mean distance of stated and held, weighted by cases.
        brier: Mean of the summed squared errors over releases and none (Brier, Monthly Weather
            Review 78, 1950), 0 to 2; a clone counts with the culprit.
        log_score: Mean of minus the log probability of the truth, in nats.
    """

    bins: tuple[ReliabilityBin, ...]
    error: float
    brier: float
    log_score: float


def calibration(results: Sequence[CaseResult]) -> Calibration:
    """Compare the probabilities of verdicts with how often they hold; nan without cases."""
    stated = np.array([result.verdict_probability for result in results])
    held = np.array([result.verdict_holds for result in results], dtype=np.float64)
    place = np.minimum((stated * BINS).astype(int), BINS - 1)
    bins = tuple(
        ReliabilityBin(
            cases=int(np.count_nonzero(place == index)),
            stated=float(stated[place == index].mean()),
            held=float(held[place == index].mean()),
        )
        for index in np.unique(place)
    )
    gaps = [one.cases * abs(one.stated - one.held) for one in bins]
    truths = [max(result.truth_probability, _CERTAIN) for result in results]
    return Calibration(
        bins=bins,
        error=sum(gaps) / len(results) if results else math.nan,
        brier=_mean([_brier(result) for result in results]),
        log_score=_mean([-math.log(truth) for truth in truths]),
    )


def _brier(result: CaseResult) -> float:
    """Give the squared distance of the probabilities from the truth, clone and culprit as one."""
    guilty = {result.culprit, result.clone}
    others = [p for index, p in enumerate(result.probabilities.tolist()) if index not in guilty]
    if result.culprit is not None:
        others.append(result.none_probability)
    return float((1.0 - result.truth_probability) ** 2 + np.square(others).sum())


def clones_tied(results: Iterable[CaseResult]) -> tuple[int, int]:
    """Count the clones that are reported as tied with the culprit, and all clones."""
    cloned = [result for result in results if result.kind is Kind.CLONE]
    tied = sum(
        any({result.culprit, result.clone} <= set(tie) for tie in result.ties) for result in cloned
    )
    return tied, len(cloned)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalisationScore:
    """How exactly scopes were found.

    Attributes:
        cases: Incidents.
        exact: Share in which exactly the failing series were found.
        overlap: Mean Jaccard index of found and failing series.
        seconds: Median time of one search.
    """

    cases: int
    exact: float
    overlap: float
    seconds: float


def localisation_score(found: Sequence[Found]) -> LocalisationScore:
    """Score what one method found; everything is nan without incidents."""
    return LocalisationScore(
        cases=len(found),
        exact=_share([one.exact for one in found]),
        overlap=_mean([one.overlap for one in found]),
        seconds=float(np.median([one.seconds for one in found])) if found else math.nan,
    )


def _share(flags: Sequence[bool]) -> float:
    return sum(flags) / len(flags) if flags else math.nan


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else math.nan
