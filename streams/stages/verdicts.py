"""What a ranking found, in names, times and sentences."""

from dataclasses import dataclass

from detectors.attribution.evidence import exoneration, sentence
from detectors.attribution.posterior import Ranking
from detectors.attribution.ties import Parting
from streams.domain.causes import CauseDetails, NextExperiment, ReleasePair, ToldApart
from streams.domain.incidents import Candidate, EvidenceStatement
from streams.domain.time import window_start
from streams.stages.rollouts import Rollout

DIGITS = 6
"""Probabilities are written with so many digits, and sum to 1 as written."""

CLEARED = 0.01
"""A release less probable than this, with all that are tied with it, is cleared; a pair is not
told."""


@dataclass(frozen=True, slots=True)
class Names:
    """What turns the indices of a ranking into names and times.

    Attributes:
        rollouts: The releases that were ranked.
        regions: Names of the regions that occur, in the order of their codes.
        first: Window that is bin 0.
        seconds: Length of a window.
    """

    rollouts: tuple[Rollout, ...]
    regions: tuple[str, ...]
    first: int
    seconds: int

    def name(self, index: int) -> str:
        """Give a release's name."""
        return self.rollouts[index].release

    def parting(self, found: Parting, index: int) -> ToldApart:
        """Tell where two releases part, from the view of one of them."""
        own, other = found.releases
        exposures = found.exposures
        if index != own:
            own, other, exposures = other, own, (exposures[1], exposures[0])
        time = window_start(self.first + found.bin, self.seconds)
        return ToldApart(self.name(other), self.regions[found.region], time, exposures)


def candidates(names: Names, ranking: Ranking) -> tuple[Candidate, ...]:
    """Give the releases, most probable first, each with its cards."""
    found = [_candidate(names, ranking, index) for index in range(len(names.rollouts))]
    return tuple(sorted(found, key=lambda one: (-one.probability, one.release)))


def _candidate(names: Names, ranking: Ranking, index: int) -> Candidate:
    rollout = names.rollouts[index]
    group = next((tie for tie in ranking.ties if index in tie), (index,))
    card = ranking.evidence[index]
    cleared = float(ranking.probabilities[list(group)].sum()) < CLEARED
    return Candidate(
        release=rollout.release,
        component=rollout.component,
        probability=round(float(ranking.probabilities[index]), DIGITS),
        tied_with=tuple(names.name(other) for other in group if other != index),
        evidence=tuple(
            EvidenceStatement(
                kind=row.kind.value,
                statement=sentence(row, rollout.release),
                log_likelihood_ratio=row.log_likelihood_ratio,
            )
            for row in card
        ),
        told_apart=tuple(
            names.parting(one, index) for one in ranking.partings if index in one.releases
        ),
        exoneration=exoneration(card, rollout.release) if cleared else None,
    )


def cause_details(names: Names, ranking: Ranking) -> CauseDetails:
    """Give what a ranking says beside the candidates."""
    best = ranking.experiment
    experiment = None
    if best is not None:
        place = names.regions[best.region]
        experiment = NextExperiment(names.name(best.release), place, best.seconds)
    return CauseDetails(
        none_forms={
            form.value: round(probability, DIGITS)
            for form, probability in ranking.none_forms.items()
        },
        pairs=tuple(
            ReleasePair(
                (names.name(pair.releases[0]), names.name(pair.releases[1])),
                round(pair.probability, DIGITS),
            )
            for pair in ranking.pairs
            if pair.probability >= CLEARED
        ),
        experiment=experiment,
    )
