"""Alerts of opwatch itself: whether it runs, sees, and is heard."""

from dashboards.alerting.alerts import Alert, AlertOptions, Dashboard, Severity
from dashboards.queries import per_second, select, total
from streams import telemetry

DOWN = "OpwatchDown"
WORKER_DOWN = "OpwatchWorkerDown"
WATERMARK = "OpwatchWatermarkStuck"
STALLED = "OpwatchIncidentsStalled"
DEAD_LETTERS = "OpwatchDeadLetters"
ARCHIVE = "OpwatchArchiveFails"
PUSH = "OpwatchPushFails"
DEAD_MAN = "OpwatchDeadMansSwitch"

TRAILS_S = 600
"""How far the watermark may trail the clock before it is asked whether it still catches up."""

DEAD_LETTER_RATIO = 0.01
FEWEST_DEAD_LETTERS = 10
"""Within ten minutes; below, a single bad record of a quiet topic would be an alert."""

STAGE = 'stage="incidents"'


def alerts(options: AlertOptions) -> tuple[Alert, ...]:
    """Give the alerts of opwatch itself."""
    return (
        *_running(options),
        _watermark(),
        _stalled(),
        _dead_letters(),
        _archive(),
        _push(),
        _dead_man(),
    )


def _running(options: AlertOptions) -> tuple[Alert, Alert]:
    up = f'up{{job="{options.job}"}}'
    return (
        Alert(
            name=DOWN,
            expression=f"absent({up} == 1)",
            severity=Severity.CRITICAL,
            hold="3m",
            summary="No opwatch worker runs: nobody watches the VM operations",
            description=f"Prometheus reaches no target of the job {options.job}. Incidents are "
            "neither found nor followed; pages that were open stay open.",
            dashboard=Dashboard.PIPELINE,
        ),
        Alert(
            name=WORKER_DOWN,
            expression=total("max", ["instance"], up) + " == 0",
            severity=Severity.WARNING,
            hold="5m",
            summary="The opwatch worker {{ $labels.instance }} is down",
            description="Prometheus has not reached it for five minutes. The other workers have "
            "its partitions, if there are any with its roles.",
            dashboard=Dashboard.PIPELINE,
        ),
    )


def _watermark() -> Alert:
    """Look at the slowest partition; workers that once had it do not count."""
    newest = total("max", ["partition"], select(telemetry.WATERMARK))
    before = total("max", ["partition"], f"{select(telemetry.WATERMARK)} offset 10m")
    query = f'query "bottomk(1, {newest})"'
    return Alert(
        name=WATERMARK,
        expression=f"time() - min({newest}) > {TRAILS_S}\n"
        f"and\nmin({newest}) - min({before}) <= 600",
        severity=Severity.CRITICAL,
        hold="5m",
        summary="opwatch is {{ $value | humanizeDuration }} behind and does not catch up",
        description="The slowest counts partition is "
        f'{{{{ with {query} }}}}{{{{ . | first | label "partition" }}}}{{{{ end }}}}. '
        "No window closes before its watermark, so that nothing is found in any partition.",
        dashboard=Dashboard.PIPELINE,
    )


def _stalled() -> Alert:
    closed = total("sum", [], per_second(telemetry.WINDOWS_CLOSED, over="10m"))
    steps = total(
        "sum", [], per_second(telemetry.STAGE_DURATION, STAGE, over="10m", suffix="_count")
    )
    return Alert(
        name=STALLED,
        expression=f"{closed} > 0\nunless\n{steps} > 0",
        severity=Severity.CRITICAL,
        hold="5m",
        summary="opwatch judges but opens no incidents",
        description="Windows are closed and no worker with the role incidents takes them.",
        dashboard=Dashboard.PIPELINE,
    )


def _dead_letters() -> Alert:
    lost = total("sum", ["topic"], per_second(telemetry.DEAD_LETTERS, over="10m"))
    read = total("sum", ["topic"], per_second(telemetry.RECORDS_READ, over="10m"))
    reasons = total("sum", ["reason"], per_second(telemetry.DEAD_LETTERS, "topic=%q", over="10m"))
    query = f'query (printf "topk(1, {reasons})" $labels.topic)'
    return Alert(
        name=DEAD_LETTERS,
        expression=f"{lost} / {read} > {DEAD_LETTER_RATIO}\n"
        f"and\n{lost} * 600 >= {FEWEST_DEAD_LETTERS}",
        severity=Severity.WARNING,
        hold="5m",
        summary="{{ $value | humanizePercentage }} of the records of {{ $labels.topic }} cannot be "
        "counted",
        description="Most frequent reason: "
        f'{{{{ with {query} }}}}{{{{ . | first | label "reason" }}}}{{{{ end }}}}. '
        "They are kept in the dead-letter topic.",
        dashboard=Dashboard.PIPELINE,
    )


def _archive() -> Alert:
    failed = total("sum", [], f"increase({select(telemetry.ARCHIVE_FAILURES)}[15m])")
    written = total("sum", [], f"increase({select(telemetry.ARCHIVED_WINDOWS)}[15m])")
    return Alert(
        name=ARCHIVE,
        expression=f"{failed} > 0\nunless\n{written} > 0",
        severity=Severity.WARNING,
        hold="15m",
        summary="opwatch cannot write its archive",
        description='{{ $value | printf "%.0f" }} attempts failed within 15 minutes and none '
        "succeeded. They are made again; nothing is lost while Kafka keeps the windows.",
        dashboard=Dashboard.PIPELINE,
    )


def _push() -> Alert:
    failed, accepted = (
        total("sum", [], f"increase({select(telemetry.ALERTS_PUSHED, result)}[10m])")
        for result in ('result="failed"', 'result="accepted"')
    )
    return Alert(
        name=PUSH,
        expression=f"{failed} > 0\nunless\n{accepted} > 0",
        severity=Severity.WARNING,
        hold="5m",
        summary="opwatch cannot push incidents to Alertmanager",
        description='{{ $value | printf "%.0f" }} pushes failed within 10 minutes and none '
        "succeeded. An incident that pages by push alone pages nobody.",
        dashboard=Dashboard.PIPELINE,
    )


def _dead_man() -> Alert:
    return Alert(
        name=DEAD_MAN,
        expression="vector(1)",
        severity=Severity.NONE,
        summary="Always fires: the way from Prometheus through Alertmanager works",
        description="Whoever expects this has to raise the alarm when it stops coming.",
        dashboard=Dashboard.PIPELINE,
    )
