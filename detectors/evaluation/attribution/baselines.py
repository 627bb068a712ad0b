"""Ways of choosing a release that the ranking has to beat."""

from collections.abc import Sequence
from enum import Enum

import numpy as np

from detectors.attribution.exposure import ReleaseExposure


class Baseline(Enum):
    """A way of choosing a release."""

    LATEST_START = "latest start"
    """The release whose last step before the onset is the latest."""


def latest_start(releases: Sequence[ReleaseExposure], onset: int) -> int | None:
    """Choose the release whose last step up to the onset is the latest.

    Args:
        releases: The known releases.
        onset: Estimated first bin of the incident.

    Returns:
        Its index; None without any release that had begun.
    """
    last = [
        max((step.bin for step in release.steps if step.bin <= onset), default=-np.inf)
        for release in releases
    ]
    return int(np.argmax(last)) if last and max(last) > -np.inf else None
