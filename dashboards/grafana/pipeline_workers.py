"""The panels of Pipeline about the worker processes, not about what goes through them."""

from dashboards.grafana.installation import Installation
from dashboards.grafana.panels import (
    GREEN,
    RED,
    About,
    PanelBuilder,
    Query,
    coloured,
    series_panel,
    table_panel,
)
from dashboards.queries import per_second, select, total
from streams.telemetry import (
    ALERTS_PUSHED,
    ARCHIVE_FAILURES,
    ARCHIVED_WINDOWS,
    BUILD,
    SNAPSHOT,
    STAGE_DURATION,
    TRANSACTIONS,
    Metric,
)

_OVER = "$__rate_interval"


def rate(metric: Metric, *labels: str) -> str:
    """Give how often a counter counts in a second, by some labels."""
    return total("sum", labels, per_second(metric, over=_OVER))


def _slow(matcher: str, *labels: str) -> str:
    buckets = per_second(STAGE_DURATION, matcher, over=_OVER, suffix="_bucket")
    return f"histogram_quantile(0.95, {total('sum', ('le', *labels), buckets)})"


def durations(installation: Installation) -> PanelBuilder:
    """How long the steps of the stages take."""
    return series_panel(
        About(
            "Step of a stage, 95 %",
            "Processing time that 95 % of the steps of a stage stay below.",
            "s",
            installation.step,
        ),
        [Query(_slow('stage!="exposition"', "stage"), "{{stage}}")],
        logarithmic=True,
    )


def scrape_cost(installation: Installation) -> PanelBuilder:
    """What a scrape costs the worker."""
    exposition = 'stage="exposition"'
    spent, times = (
        total("sum", (), per_second(STAGE_DURATION, exposition, over=_OVER, suffix=suffix))
        for suffix in ("_sum", "_count")
    )
    return series_panel(
        About(
            "Cost of /metrics",
            "Time it takes to write the page that Prometheus scrapes.",
            "s",
            installation.step,
        ),
        [Query(_slow(exposition), "95 %"), Query(f"{spent} / {times}", "mean")],
    ).min(0)


def snapshots(installation: Installation) -> PanelBuilder:
    """How old the snapshots are."""
    newest = total("max", ("stage", "partition"), select(SNAPSHOT))
    return series_panel(
        About(
            "Snapshot age",
            "Age of the newest snapshot, of the partition whose is oldest, by stage.",
            "s",
            installation.step,
        ),
        [Query(f"time() - {total('min', ('stage',), newest)}", "{{stage}}")],
    ).min(0)


def transactions(installation: Installation) -> PanelBuilder:
    """How the transactions of ingest end."""
    panel = series_panel(
        About(
            "Transactions",
            "Kafka transactions of ingest a minute. An aborted one loses nothing: its input is "
            "read again.",
            "cpm",
            installation.step,
        ),
        [Query(f"60 * {rate(TRANSACTIONS, 'result')}", "{{result}}")],
    ).min(0)
    return coloured(coloured(panel, "committed", GREEN), "aborted", RED)


def outputs(installation: Installation) -> PanelBuilder:
    """What goes to the archive and to Alertmanager."""
    return series_panel(
        About(
            "Archive and alerts",
            "Windows archived, attempts that failed, and pushes to Alertmanager a minute; nothing "
            "where neither is switched on.",
            "cpm",
            installation.step,
        ),
        [
            Query(f"60 * {rate(ARCHIVED_WINDOWS)}", "windows archived"),
            Query(f"60 * {rate(ARCHIVE_FAILURES)}", "archive failed"),
            Query(f"60 * {rate(ALERTS_PUSHED, 'result')}", "push {{result}}"),
        ],
    ).min(0)


def build(installation: Installation) -> PanelBuilder:
    """Which versions run."""
    return table_panel(
        About(
            "Builds",
            "What is running; one row unless an upgrade is under way.",
            "none",
            installation.step,
        ),
        [Query(total("count", ("version", "python"), select(BUILD)), instant=True)],
        {"version": "opwatch", "python": "Python", "Value": "Workers"},
    )
