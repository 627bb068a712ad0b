"""All dashboards of an installation."""

from dashboards.grafana import fleet, incident, pipeline, releases, series
from dashboards.grafana.assembly import Json, assemble
from dashboards.grafana.installation import Installation

PLANS = (fleet.plan, series.plan, releases.plan, incident.plan, pipeline.plan)


def dashboards(installation: Installation) -> dict[str, Json]:
    """Give the dashboards, by uid.

    Args:
        installation: What of the settings shapes them.

    Returns:
        Uid -> the dashboard's JSON as plain values.
    """
    boards = [assemble(plan(installation)) for plan in PLANS]
    return {board["uid"]: board for board in boards}
