"""Rollouts: the release log, and what of it could explain an incident at a given moment."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from detectors.attribution.exposure import ExposureStep, ReleaseExposure
from streams.domain.releases import ReleaseAction, ReleaseEvent
from streams.stages.history import Bool, History

MAXIMUM_CANDIDATES = 64
"""Releases ranked at once: those with the newest steps."""

_DIGESTS = 2**63

HORIZON_SECONDS = 14 * 86_400.0
"""A release whose last step is older than this is part of the baseline."""


@dataclass(frozen=True, slots=True)
class Rollout:
    """One release as far as it is known at some moment, with its exposure over the history."""

    release: str
    component: str | None
    off_system: bool
    exposure: ReleaseExposure

    def rollbacks(self) -> Iterator[tuple[float, Bool]]:
        """Give each moment at which it was taken back, as a bin, and the (S,) series concerned."""
        level = np.zeros(self.exposure.declared.shape)
        for step in self.exposure.steps:
            lowered = step.series & (level > step.exposure)
            if lowered.any():
                yield step.bin, lowered
            level[step.series] = step.exposure


@dataclass(slots=True)
class ReleaseLog:
    """All release events read so far, by id: a later event of the same id corrects the earlier.

    The log may run ahead of the windows: only events up to a given event time are ever used, so
    that a restart, which reads the log again from its beginning, changes nothing.
    """

    events: dict[str, ReleaseEvent] = field(default_factory=dict)
    _digests: dict[str, int] = field(default_factory=dict)

    def add(self, events: Iterable[ReleaseEvent]) -> None:
        """Take in release events."""
        for event in events:
            self.events[event.id] = event
            self._digests[event.id] = _digest(event)

    def known(self, instant: float) -> int:
        """Give a digest of the events up to an instant: a correction changes it, too."""
        total = sum(
            self._digests[name] for name, event in self.events.items() if event.time <= instant
        )
        return total % _DIGESTS

    def rollouts(
        self, history: History, instant: float, first: float, bin_seconds: float
    ) -> tuple[Rollout, ...]:
        """Give the releases that could explain what is seen at an instant, by name.

        Args:
            history: Tells the series apart.
            instant: Events after it are not known yet.
            first: Start of bin 0, in seconds since the epoch.
            bin_seconds: Length of a bin.
        """
        recent = self.steps(instant)
        recent.sort(key=lambda steps: (-steps[-1].time, steps[0].release))
        chosen = sorted(recent[:MAXIMUM_CANDIDATES], key=lambda steps: steps[0].release)
        return tuple(_rollout(steps, history, first, bin_seconds) for steps in chosen)

    def steps(self, instant: float) -> list[list[ReleaseEvent]]:
        """Give each release recent enough to matter as its steps up to an instant, by name."""
        recent = [
            steps
            for steps in self._by_release(instant).values()
            if steps[-1].time > instant - HORIZON_SECONDS
        ]
        return sorted(recent, key=lambda steps: steps[0].release)

    def _by_release(self, instant: float) -> Mapping[str, list[ReleaseEvent]]:
        found: dict[str, list[ReleaseEvent]] = {}
        known = (event for event in self.events.values() if event.time <= instant)
        for event in sorted(known, key=lambda event: (event.time, event.id)):
            found.setdefault(event.release, []).append(event)
        return found


def _rollout(
    events: list[ReleaseEvent], history: History, first: float, bin_seconds: float
) -> Rollout:
    declared = np.zeros(len(history), np.bool_)
    steps = []
    for event in events:
        touched = history.matches(event.scope)
        declared |= touched
        exposure = 0.0 if event.action is ReleaseAction.ROLLED_BACK else event.exposure
        steps.append(
            ExposureStep(bin=(event.time - first) / bin_seconds, series=touched, exposure=exposure)
        )
    components = [event.component for event in events if event.component is not None]
    return Rollout(
        release=events[0].release,
        component=components[-1] if components else None,
        off_system=any(event.off_system for event in events),
        exposure=ReleaseExposure(steps=tuple(steps), declared=declared, first_seen=steps[0].bin),
    )


def _digest(event: ReleaseEvent) -> int:
    named = json.dumps(
        [
            event.id,
            event.time,
            event.release,
            event.action.value,
            sorted(event.scope.items()),
            event.exposure,
            event.component,
            event.off_system,
        ]
    )
    return int.from_bytes(hashlib.blake2b(named.encode(), digest_size=7).digest())
