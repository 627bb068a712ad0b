"""What may have caused an incident, and how releases are rolled out."""

from enum import Enum


class Kind(Enum):
    """What caused an incident."""

    SHARED_ORDER = "shared order"
    """A release that goes through the regions in nearly the order that most releases share."""
    CLONE = "clone"
    """Another release has exactly the culprit's schedule: no data can tell them apart."""
    WRONG_SCOPE = "wrong scope"
    """What fails lies in the regions the culprit reached, but outside the scope it declared."""
    DELAYED = "delayed"
    """The failures follow the steps by half an hour in the median, by three hours at most."""
    PARTIAL = "partial"
    """A percentage that grows everywhere; the dose response saturates."""
    GLOBAL = "global"
    """One step everywhere: only time tells."""
    LATENT_TRIGGER = "latent trigger"
    """A release finished days ago does harm only where a second one, the trigger, has arrived."""
    TRAFFIC_COLLAPSE = "traffic collapse"
    """Callers give up: most operations of what fails are missing."""
    LOW_VOLUME = "low volume"
    """A tenth of the operations."""
    SKEWED_CLOCK = "skewed clock"
    """Each release's events are wrong by a common error, and some become known late."""
    REGION_OUTAGE = "region outage"
    """One region fails, and no release is to blame."""
    THIRD_PARTY = "third party"
    """Everything, or one operating system, fails everywhere at once."""
    UPSTREAM = "upstream"
    """Several regions fail at one moment."""
    UNREGISTERED_ROLLOUT = "unregistered rollout"
    """A staged rollout of which no event tells."""

    @property
    def by_release(self) -> bool:
        """Whether a registered release is the cause."""
        return self not in WITHOUT_RELEASE


WITHOUT_RELEASE = frozenset(
    {Kind.REGION_OUTAGE, Kind.THIRD_PARTY, Kind.UPSTREAM, Kind.UNREGISTERED_ROLLOUT}
)
"""Kinds whose cause is no registered release."""


class Pattern(Enum):
    """How a release is rolled out."""

    SHARED_RINGS = "shared rings"
    """Rings of regions in the fleet's order, a few neighbours swapped."""
    RANDOM_RINGS = "random rings"
    """Rings of regions in an order of its own."""
    GROWING = "growing"
    """1, 10, 50, 100 % everywhere."""
    CANARY_THEN_ALL = "canary, then all"
    """One region, then all others."""
    AT_ONCE = "at once"
    """One step everywhere."""
    PAUSED = "paused"
    """Shared rings with a pause of hours between two of them."""
    ROLLED_BACK = "rolled back"
    """Shared rings, taken back after some of them and started again."""


class Noise(Enum):
    """What makes the healthy counts vary beyond chance."""

    GAMMA = "gamma"
    """Minutes vary by series, and regions wander slowly."""
    RETRIES = "retries"
    """Failed operations are repeated, and there are rare bad minutes."""
