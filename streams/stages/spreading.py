"""An incident that reaches one region after the other is one incident.

A scope is found in the sums since an incident's onset. A region that fails since minutes hardly
shows in the sums of hours, so it would open an incident of its own with each step of a rollout.
"""

from streams.stages import regions
from streams.stages.following import recount
from streams.stages.incident_state import IncidentsState
from streams.stages.spans import Spans
from streams.stages.tracking import LOOKBACK, TrackedIncident


def spreads_from(
    candidate: TrackedIncident, state: IncidentsState, window: int, spans: Spans
) -> TrackedIncident | None:
    """Give the open incident that has reached another region, if a new one is just that.

    It is if both have the same scope but for the region, and the new region follows the latest one
    within `incidents.spread_within`.

    Args:
        candidate: What would be a new incident.
        state: The state of the stage.
        window: The window just closed.
        spans: Durations in windows.
    """
    for incident in state.tracked:
        kept = window - incident.onset + LOOKBACK < state.history.length
        if incident.resolved is not None or incident.is_secondary or not kept:
            continue
        latest = max(region.onset for region in incident.regions.values())
        soon = 0 <= candidate.onset - latest <= spans.spread_within
        if soon and _elsewhere(candidate.scope, incident.scope):
            return incident
    return None


def reach(
    incident: TrackedIncident, candidate: TrackedIncident, state: IncidentsState, window: int
) -> None:
    """Let an incident take in the regions of what would have been a new one."""
    both = {*incident.scope["region"], *candidate.scope["region"]}
    incident.scope = {**incident.scope, "region": tuple(sorted(both))}
    recount(state, incident, window)
    regions.follow(incident, state.regions, window, recounted=True)


def _elsewhere(one: dict[str, tuple[str, ...]], other: dict[str, tuple[str, ...]]) -> bool:
    """Tell whether two scopes that name regions are the same but for them."""
    if "region" not in one or "region" not in other:
        return False
    return {**one, "region": ()} == {**other, "region": ()}
