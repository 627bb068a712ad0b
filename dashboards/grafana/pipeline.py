"""Pipeline: does opwatch itself work?"""

from dashboards.grafana import annotations, pipeline_workers, variables
from dashboards.grafana.assembly import Plan, Row
from dashboards.grafana.installation import Installation
from dashboards.grafana.links import Uid
from dashboards.grafana.panels import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    RED,
    About,
    PanelBuilder,
    Query,
    coloured,
    series_panel,
    stat_panel,
)
from dashboards.grafana.pipeline_workers import rate
from dashboards.queries import select, total
from streams.telemetry import (
    BUILD,
    CONSUMER_LAG,
    DEAD_LETTERS,
    DUPLICATES,
    LATE,
    OVERFLOWED,
    RECORDS_READ,
    SERIES,
    SNAPSHOT,
    WATERMARK,
    WINDOWS_CLOSED,
)


def plan(installation: Installation) -> Plan:
    """Give the dashboard for an installation."""
    return Plan(
        uid=Uid.PIPELINE,
        description="Does opwatch itself work: does it read everything, in time, and judge it?",
        rows=(
            Row(4, tuple((panel, 4) for panel in _stats(installation))),
            Row(
                8,
                ((_lag(installation), 8), (_read(installation), 8), (_set_aside(installation), 8)),
                "Reading events",
            ),
            Row(
                8,
                (
                    (_watermark(installation), 8),
                    (_series(installation), 8),
                    (_overflow(installation), 8),
                ),
                "Judging",
            ),
            Row(
                8,
                (
                    (pipeline_workers.durations(installation), 8),
                    (pipeline_workers.scrape_cost(installation), 8),
                    (pipeline_workers.snapshots(installation), 8),
                ),
                "The workers",
            ),
            Row(
                8,
                (
                    (pipeline_workers.transactions(installation), 8),
                    (pipeline_workers.outputs(installation), 8),
                    (pipeline_workers.build(installation), 8),
                ),
            ),
        ),
        variables=[variables.datasource()],
        annotations=[
            *annotations.all_rollouts(installation),
            annotations.change_points(installation),
        ],
        since="now-3h",
    )


def _stats(installation: Installation) -> tuple[PanelBuilder, ...]:
    step = installation.step
    late, read = (f"sum(increase({select(one)}[$__range]))" for one in (LATE, RECORDS_READ))
    return (
        stat_panel(
            About(
                "Watermark trails by",
                "How long ago the newest judged window ended, in the partition furthest behind.",
                "s",
                step,
            ),
            Query(
                f"time() - {total('min', (), total('max', ('partition',), select(WATERMARK)))}",
                instant=True,
            ),
            ((None, GREEN), (300, ORANGE), (900, RED)),
        ),
        stat_panel(
            About("Lag", "Records in the source topics that nobody has read yet.", "short", step),
            Query(total("sum", (), select(CONSUMER_LAG)), instant=True),
            ((None, GREEN), (100_000, ORANGE), (1_000_000, RED)),
        ),
        stat_panel(
            About(
                "Dead letters",
                "Records set aside in the time range because they can never be counted.",
                "short",
                step,
            ),
            Query(f"sum(increase({select(DEAD_LETTERS)}[$__range])) or 0 * {read}", instant=True),
            ((None, GREEN), (1, ORANGE)),
        ).decimals(0),
        stat_panel(
            About(
                "Late",
                "Share of the records of the time range that came after their window was closed. "
                "They are kept, but no detector saw them.",
                "percentunit",
                step,
            ),
            Query(f"{late} / {read}", instant=True),
            ((None, GREEN), (0.001, ORANGE), (0.01, RED)),
        ).decimals(2),
        stat_panel(
            About(
                "Oldest snapshot",
                "Age of the newest snapshot of the partition whose is oldest: after a crash so "
                "much is read again.",
                "s",
                step,
            ),
            Query(
                "time() - "
                + total("min", (), total("max", ("stage", "partition"), select(SNAPSHOT))),
                instant=True,
            ),
            ((None, GREEN), (600, ORANGE), (3600, RED)),
        ),
        stat_panel(
            About("Workers", "Worker processes that answer.", "none", step),
            Query(total("count", (), select(BUILD)), instant=True),
            ((None, RED), (1, BLUE)),
        ),
    )


def _lag(installation: Installation) -> PanelBuilder:
    return series_panel(
        About(
            "Lag by topic",
            "Unread records by source topic, and of the one partition with most of them. Growing: "
            "start more workers with the role ingest.",
            "short",
            installation.step,
        ),
        [
            Query(total("sum", ("topic",), select(CONSUMER_LAG)), "{{topic}}"),
            Query(total("max", ("topic",), select(CONSUMER_LAG)), "{{topic}}, one partition"),
        ],
    ).min(0)


def _read(installation: Installation) -> PanelBuilder:
    return series_panel(
        About("Records read", "By source topic.", "rps", installation.step),
        [Query(rate(RECORDS_READ, "topic"), "{{topic}}")],
        stacked=True,
    )


def _set_aside(installation: Installation) -> PanelBuilder:
    panel = series_panel(
        About(
            "Not counted",
            "Late outcomes, duplicates, and dead letters by reason. The dead-letter topic keeps "
            "each record with its place and what is wrong with it.",
            "rps",
            installation.step,
        ),
        [
            Query(f"{rate(DEAD_LETTERS, 'reason')} > 0", "dead letter: {{reason}}"),
            Query(rate(LATE), "late"),
            Query(rate(DUPLICATES), "duplicate"),
        ],
    ).min(0)
    return coloured(coloured(panel, "late", ORANGE), "duplicate", GREY)


def _watermark(installation: Installation) -> PanelBuilder:
    return series_panel(
        About(
            "Watermark delay",
            "How far each counts partition trails the clock. One line that climbs alone: the "
            "partition is stuck. All climb: nothing is read.",
            "s",
            installation.step,
        ),
        [
            Query(
                f"time() - {total('max', ('partition',), select(WATERMARK))}",
                "partition {{partition}}",
            )
        ],
    ).min(0)


def _series(installation: Installation) -> PanelBuilder:
    panel = series_panel(
        About(
            "Series by state",
            "Learning: the baseline is not known yet. Degraded: a change point lasts.",
            "short",
            installation.step,
        ),
        [Query(total("sum", ("state",), select(SERIES)), "{{state}}")],
        stacked=True,
    )
    panel = coloured(coloured(panel, "watched", GREEN), "learning", GREY)
    return coloured(panel, "degraded", RED)


def _overflow(installation: Installation) -> PanelBuilder:
    return series_panel(
        About(
            "Windows closed, outcomes overflowed",
            "Windows a minute by counts partition. Overflow: outcomes a minute that are counted "
            "under __other__ because their dimension has too many values.",
            "cpm",
            installation.step,
        ),
        [
            Query(f"60 * {rate(WINDOWS_CLOSED, 'partition')}", "windows, partition {{partition}}"),
            Query(f"60 * {rate(OVERFLOWED, 'dimension')}", "overflow: {{dimension}}"),
        ],
    ).min(0)
