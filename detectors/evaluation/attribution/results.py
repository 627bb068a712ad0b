"""What the ranking and the baselines made of one case at one minute."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from detectors.arrays import Floats
from detectors.evaluation.attribution.baselines import Baseline
from detectors.evaluation.attribution.kinds import Kind, Noise


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CaseResult:
    """A ranking with its truth.

    Attributes:
        kind: What caused the incident.
        noise: Family of noise.
        culprit: Index of the guilty release; None if no registered release is.
        clone: Index of the release with exactly the culprit's events, if there is one.
        minutes: Minutes since the onset.
        operations: Operations in the history that was looked at.
        bins: Length of that history.
        probabilities: Posterior probability of each registered release, 0 where nothing was known
            of it; shape [K].
        none_probability: That of none of them.
        ties: Groups of releases that cannot be told apart.
        choices: What each baseline chose.
        overlap: Jaccard index of estimated and true scope.
        onset_error: Estimated minus true onset in minutes.
        seconds: Time that the ranking alone took; nan without a clock.
    """

    kind: Kind
    noise: Noise
    culprit: int | None
    clone: int | None
    minutes: int
    operations: int
    bins: int
    probabilities: Floats
    none_probability: float
    ties: tuple[tuple[int, ...], ...]
    choices: Mapping[Baseline, int | None]
    overlap: float
    onset_error: int
    seconds: float

    @property
    def releases(self) -> int:
        """Number of registered releases, K."""
        return self.probabilities.size

    @property
    def first(self) -> int:
        """The most probable release."""
        return int(np.argmax(self.probabilities))

    @property
    def leading(self) -> tuple[int, ...]:
        """The most probable release with those it is tied with: one suspect, as far as data go."""
        first = self.first
        return next((tie for tie in self.ties if first in tie), (first,))

    @property
    def leading_probability(self) -> float:
        """Joint posterior probability of `leading`."""
        return float(self.probabilities[list(self.leading)].sum())

    @property
    def verdict(self) -> int | None:
        """The most probable release; None if none is likelier than it and its ties together."""
        return self.first if self.leading_probability > self.none_probability else None

    @property
    def verdict_probability(self) -> float:
        """How sure the verdict is, for a release together with its ties."""
        return max(self.leading_probability, self.none_probability)

    @property
    def verdict_holds(self) -> bool:
        """Whether the truth is what the verdict names: the culprit among the tied, or none."""
        if self.verdict is None:
            return self.culprit is None
        return any(self.is_right(index) for index in self.leading)

    @property
    def truth_probability(self) -> float:
        """Posterior probability of the truth; a clone's counts as the culprit's."""
        if self.culprit is None:
            return self.none_probability
        guilty = [index for index in (self.culprit, self.clone) if index is not None]
        return float(self.probabilities[guilty].sum())

    def is_right(self, choice: int | None) -> bool:
        """Tell whether a choice is the truth; nothing can tell a clone from the culprit."""
        return choice == self.culprit or (choice is not None and choice == self.clone)
