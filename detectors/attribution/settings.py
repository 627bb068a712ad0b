"""The constants of the attribution model, each with the reason for its value."""

from dataclasses import dataclass
from enum import Enum


class NoneForm(Enum):
    """The ways in which no known release can be the cause."""

    QUIET = "quiet"
    """Nothing happened: the failures are noise around the baseline."""
    ONE_REGION = "one_region"
    """One region fails from some bin on."""
    EVERYTHING = "everything"
    """Every region fails from one common bin on, in all strata or in the incident's."""
    UPSTREAM = "upstream"
    """Several regions, each in or out and as badly as it likes, from one common bin on."""
    SPREADING = "spreading"
    """Each region from a bin of its own: a rollout nobody registered."""


@dataclass(frozen=True, slots=True)
class LagBand:
    """A band of delays between a step and its effect.

    Attributes:
        until_seconds: End of the band; it begins where the previous one ends.
        probability: Prior probability that the delay lies in the band.
    """

    until_seconds: float
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributionSettings:
    """Priors and bounds of the attribution model.

    Attributes:
        bin_seconds: Length of a time bin. One minute is recommended while an incident is younger
            than some hours (six hours of history are 360 bins): the coincidence of a step with
            the onset earns log(number of bins), so a fine bin tells more.
        none_prior: Prior probability that no known release is the cause. It decides where the data
            do not: a lone region, or the whole fleet, long after a step that touched it.
        none_forms: Prior shares of the forms of "none"; they are normalised.
        lag_bands: Prior of the delay from a step to its effect. Delays of 0, 15 minutes, an hour
            and six hours are what latent faults show; each is widened into the band around it, as
            a fixed delay would be wrong by minutes, which a busy fleet notices.
        unfolding: Seconds over which an effect grows to its full size, with prior weights, the
            effect that is there at once first. Releases and "none" share it: an explanation that
            may grow would beat one that may not, whoever is guilty.
        pair_prior: Share of the releases' prior probability that goes to two of them at once.
        early_seconds: By how much a step may seem to come after its effect, as clocks differ and
            some events carry the time of their sending.
        early_probability: Prior probability that it does by more than a bin.
        prior_odds_bound: A release's own prior odds are clipped to [1 / bound, bound].
        susceptible_shares: Shares of the units it reaches that react to a fault at all, with their
            prior weights. Most faults hit wherever they are; few need rare circumstances.
        reached_shares: Shares of the regions that something unregistered reaches, with weights.
        declared_weight: Prior weight of the declared scope against everything in the regions the
            release touches, which covers a declaration that was too narrow.
        control_failures: Pseudo failures that hold a correction of the baseline back.
        learning_rate: Share of the evidence that is believed, as no model is the truth: a
            generalised posterior (Gruenwald and van Ommen 2017, Bayesian Analysis 12:1069).
        dispersion: What log likelihoods are divided by; None takes Pearson's phi, estimated from
            the data, over the learning rate.
        tie_nats: Two releases whose predictions differ by fewer nats are tied.
    """

    bin_seconds: float = 60.0
    none_prior: float = 0.4
    none_forms: tuple[tuple[NoneForm, float], ...] = (
        (NoneForm.QUIET, 0.05),
        (NoneForm.ONE_REGION, 0.35),
        (NoneForm.EVERYTHING, 0.25),
        (NoneForm.UPSTREAM, 0.15),
        (NoneForm.SPREADING, 0.20),
    )
    lag_bands: tuple[LagBand, ...] = (
        LagBand(until_seconds=300.0, probability=0.74),
        LagBand(until_seconds=1800.0, probability=0.16),
        LagBand(until_seconds=7200.0, probability=0.08),
        LagBand(until_seconds=28800.0, probability=0.02),
    )
    early_seconds: float = 600.0
    early_probability: float = 0.04
    unfolding: tuple[tuple[float, float], ...] = ((0.0, 0.6), (900.0, 0.25), (2700.0, 0.15))
    pair_prior: float = 0.02
    prior_odds_bound: float = 10.0
    susceptible_shares: tuple[tuple[float, float], ...] = ((0.95, 0.75), (0.6, 0.2), (0.25, 0.05))
    reached_shares: tuple[tuple[float, float], ...] = (
        (0.1, 0.25),
        (0.25, 0.25),
        (0.5, 0.25),
        (0.75, 0.25),
    )
    declared_weight: float = 0.85
    control_failures: float = 20.0
    learning_rate: float = 0.8
    dispersion: float | None = None
    tie_nats: float = 3.0

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            ValueError: A setting is out of its range.
        """
        if not self.bin_seconds > 0.0:
            raise ValueError(f"bin_seconds must be positive, not {self.bin_seconds}")
        for name in ("none_prior", "early_probability", "pair_prior"):
            value = getattr(self, name)
            if not 0.0 < value < 1.0:
                raise ValueError(f"{name} must lie inside (0, 1), not {value}")
        if self.early_seconds < 0.0:
            raise ValueError(f"early_seconds must not be negative, not {self.early_seconds}")
        if not self.unfolding or self.unfolding[0][0] != 0.0:
            raise ValueError("unfolding must begin with the effect that is there at once, 0 s")
        self._check_forms_and_bands()
        if self.prior_odds_bound < 1.0:
            raise ValueError(f"prior_odds_bound must be at least 1, not {self.prior_odds_bound}")
        if not 0.0 < self.learning_rate <= 1.0:
            raise ValueError(f"learning_rate must lie in (0, 1], not {self.learning_rate}")
        if self.dispersion is not None and not self.dispersion >= 1.0:
            raise ValueError(f"dispersion must be at least 1, not {self.dispersion}")

    def _check_forms_and_bands(self) -> None:
        if {form for form, _ in self.none_forms} != set(NoneForm):
            raise ValueError("none_forms must give every form of none exactly one share")
        ends = [band.until_seconds for band in self.lag_bands]
        if not ends or ends != sorted(ends) or any(b.probability <= 0.0 for b in self.lag_bands):
            raise ValueError("lag_bands must follow each other, each with a positive probability")
