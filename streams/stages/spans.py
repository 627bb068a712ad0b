"""The durations of the incident settings, counted in windows."""

from dataclasses import dataclass
from datetime import timedelta

from streams.config import Settings


@dataclass(frozen=True, slots=True)
class Spans:
    """Numbers of windows, each named after its setting in `[incidents]`; `seconds` has one."""

    seconds: int
    merge_within: int
    spread_within: int
    relapse_within: int
    impact_every: int
    related_within: int
    mitigation_within: int
    secondary_within: int
    outlast_after: int

    @classmethod
    def of(cls, settings: Settings) -> "Spans":
        """Count the settings' durations in the settings' windows."""
        seconds, chosen = settings.windows.seconds, settings.incidents

        def windows(duration: timedelta) -> int:
            return int(duration.total_seconds()) // seconds

        return cls(
            seconds=seconds,
            merge_within=windows(chosen.merge_within),
            spread_within=windows(chosen.spread_within),
            relapse_within=windows(chosen.relapse_within),
            impact_every=windows(chosen.impact_every),
            related_within=windows(chosen.related_within),
            mitigation_within=windows(chosen.mitigation_within),
            secondary_within=windows(chosen.secondary_within),
            outlast_after=windows(chosen.outlast_after),
        )
