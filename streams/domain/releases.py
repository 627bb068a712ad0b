"""Release events: the steps of everything that is rolled out."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from streams.domain.time import format_instant


class ReleaseAction(enum.Enum):
    """What a step did, by the release contract."""

    STARTED = "started"
    PROGRESSED = "progressed"
    COMPLETED = "completed"
    PAUSED = "paused"
    RESUMED = "resumed"
    ROLLED_BACK = "rolled_back"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class ReleaseEvent:
    """One step of one release.

    Attributes:
        id: Unique per event; a later event with the same id corrects the earlier one.
        time: When the step took effect, in seconds since the epoch.
        release: The same for all steps of one release.
        action: What the step did.
        scope: Dimension -> values the step touches; a dimension that is absent means all its
            values.
        exposure: Share of the scope, 0 to 1, that runs the release after this step.
        component: What is deployed, if known.
        version: Its version, if known.
        stage: Rollout stage, if known.
        url: Where to read more, if known.
        off_system: Whether it happens outside the staged release system.
    """

    id: str
    time: float
    release: str
    action: ReleaseAction
    scope: Mapping[str, tuple[str, ...]]
    exposure: float
    component: str | None = None
    version: str | None = None
    stage: str | None = None
    url: str | None = None
    off_system: bool = False

    def record(self) -> dict[str, object]:
        """Give the plain record of the contract; what is not known is left out."""
        record: dict[str, object] = {
            "id": self.id,
            "time": format_instant(self.time),
            "release": self.release,
            "component": self.component,
            "version": self.version,
            "action": self.action.value,
            "stage": self.stage,
            "scope": {name: list(values) for name, values in self.scope.items()},
            "exposure": self.exposure,
            "url": self.url,
            "off_system": self.off_system or None,
        }
        return {name: value for name, value in record.items() if value is not None}
