"""What else a ranking says about the cause of an incident: beside each release's probability."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from streams.domain.time import format_instant


@dataclass(frozen=True, slots=True)
class ToldApart:
    """Where two releases that the data cannot tell apart differ most.

    Attributes:
        release: The other one.
        region: Where they differ.
        time: Since when, in seconds since the epoch.
        exposures: Share of the region that has run this one and the other one since.
    """

    release: str
    region: str
    time: float
    exposures: tuple[float, float]

    def record(self) -> dict[str, object]:
        """Give the plain record of the contract."""
        return {
            "release": self.release,
            "region": self.region,
            "time": format_instant(self.time),
            "exposures": [round(share, 4) for share in self.exposures],
        }


@dataclass(frozen=True, slots=True)
class ReleasePair:
    """Two releases that may be the cause together, and how probable that is."""

    releases: tuple[str, str]
    probability: float

    def record(self) -> dict[str, object]:
        """Give the plain record of the contract."""
        return {"releases": list(self.releases), "probability": self.probability}


@dataclass(frozen=True, slots=True)
class NextExperiment:
    """Take a release back in one region first, and watch.

    Attributes:
        release: The release.
        region: Where the answer comes soonest.
        seconds: How long until it is settled whether the release is the cause.
    """

    release: str
    region: str
    seconds: float

    @property
    def statement(self) -> str:
        """Say the same in a sentence."""
        minutes = max(round(self.seconds / 60.0), 1)
        return (
            f"Take {self.release} back in {self.region} first: about {minutes} "
            f"minute{'' if minutes == 1 else 's'} of operations there settle, with odds of 100 to "
            "1, whether it is the cause."
        )

    def record(self) -> dict[str, object]:
        """Give the plain record of the contract."""
        return {
            "action": "roll_back",
            "release": self.release,
            "region": self.region,
            "seconds": round(self.seconds),
            "statement": self.statement,
        }


@dataclass(frozen=True, slots=True)
class CauseDetails:
    """What a ranking says beside the candidates.

    Attributes:
        none_forms: How the probability of no known release divides among its forms.
        pairs: Pairs of releases, most probable first.
        experiment: What to try next, if anything.
    """

    none_forms: Mapping[str, float] = field(default_factory=dict)
    pairs: tuple[ReleasePair, ...] = ()
    experiment: NextExperiment | None = None
