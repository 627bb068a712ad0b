"""Alerts of incidents: the page, its regions, which release it was, relapses.

No label tells of a scope, a status or a candidate: those change while an incident lasts, and an
alert whose label changes is another alert, with another notification.
"""

from dashboards.alerting import page
from dashboards.alerting.alerts import Alert, Dashboard, Severity
from dashboards.queries import select, total
from streams import telemetry

REGION = "OpwatchRegionAffected"
ATTRIBUTION = "OpwatchAttributionFound"
RELAPSE = "OpwatchRelapse"

FOUND = 0.8
"""Probability from which a release is told to people as the cause."""

STABLE = "2m"
"""How long it must hold: the first rankings of an incident may still turn."""

KEPT = "5m"
"""Longer than a worker takes to restart and to restore its open incidents."""

STAGE = 'stage="incidents"'


def alerts() -> tuple[Alert, ...]:
    """Give the alerts of incidents."""
    return (_page(), _region(), _attribution(), _relapse())


def _page() -> Alert:
    """Page once for each incident, and go on while nobody can tell whether it is over.

    Which worker follows the incidents may change, hence the maximum. Without any such worker the
    page goes on by itself: "resolved" would be a guess.
    """
    known = total("max", [page.LABEL], select(telemetry.INCIDENT))
    firing = f'ALERTS{{alertname="{page.NAME}", alertstate="firing"}}'
    blind = f"absent({select(telemetry.STAGE_DURATION, STAGE, suffix='_count')})"
    return Alert(
        name=page.NAME,
        expression=f"{known}\nor\n({total('max', [page.LABEL], firing)} and on () {blind})",
        severity=page.SEVERITY,
        keep=KEPT,
        summary=page.summary(),
        description=page.description(),
        annotations=page.template_annotations(),
        dashboard=page.DASHBOARD,
        chosen=(page.LABEL,),
    )


def _region() -> Alert:
    """Tell each region apart; it ends before the page does, so that it is never told alone."""
    status = f"{select(telemetry.INCIDENT_REGION_STATUS)} == {page.AFFECTED}"
    return Alert(
        name=REGION,
        expression=total("max", [page.LABEL, "region"], status),
        severity=Severity.WARNING,
        summary="Region {{ $labels.region }} is affected by incident {{ $labels.incident }}",
        description="Told by the page of incident {{ $labels.incident }}, which inhibits this.\n"
        f"Scope: {page.TEMPLATES.scope}\n"
        f"Failures beyond those expected in the region: {_region_excess()}",
        dashboard=Dashboard.INCIDENT,
        chosen=(page.LABEL, "region"),
    )


def _region_excess() -> str:
    metric = select(telemetry.INCIDENT_REGION_EXCESS_FAILURES, "incident=%q", "region=%q")
    query = f'query (printf "max({metric})" $labels.incident $labels.region)'
    shown = '{{ . | first | value | printf "%.0f" }}'
    return f"{{{{ with {query} }}}}{shown}{{{{ else }}}}unknown{{{{ end }}}}"


def _attribution() -> Alert:
    """Tell the cause once it is known.

    A page whose text changes does not notify again, so that the news is an alert of its own.
    """
    probability = total("max", [page.LABEL, "release"], select(telemetry.CANDIDATE_PROBABILITY))
    return Alert(
        name=ATTRIBUTION,
        expression=f"{probability} >= {FOUND}",
        severity=Severity.INFO,
        hold=STABLE,
        keep="15m",
        summary="Release {{ $labels.release }} most probably caused incident "
        "{{ $labels.incident }}: {{ $value | humanizePercentage }}",
        description=f"Scope: {page.TEMPLATES.scope}\n"
        f"Regions: {page.TEMPLATES.affected} affected{page.TEMPLATES.named}, "
        f"{page.TEMPLATES.recovered} recovered\n"
        f"Failures beyond those expected: {page.TEMPLATES.excess}\n"
        f"No known release: {page.TEMPLATES.no_release}",
        annotations={
            "scope": page.TEMPLATES.scope,
            "top_candidate": "{{ $labels.release }}",
            "top_candidate_probability": "{{ $value | humanizePercentage }}",
            "no_release_probability": page.TEMPLATES.no_release,
        },
        dashboard=Dashboard.RELEASES,
        chosen=(page.LABEL, "release"),
    )


def _relapse() -> Alert:
    keys = [page.LABEL, "region"]
    relapses = total("max", keys, f"{select(telemetry.INCIDENT_REGION_RELAPSES)} > 0")
    status = f"{select(telemetry.INCIDENT_REGION_STATUS)} == {page.AFFECTED}"
    again = f"{relapses} and on ({', '.join(keys)}) {total('max', keys, status)}"
    return Alert(
        name=RELAPSE,
        expression=total("count", [page.LABEL], again),
        severity=Severity.WARNING,
        keep=KEPT,
        summary='Incident {{ $labels.incident }} is back in {{ $value | printf "%.0f" }} regions '
        "that had recovered",
        description=f"Scope: {page.TEMPLATES.scope}\nRegions: {_regions_back()}\n"
        f"Cause: {page.TEMPLATES.cause}",
        annotations={"scope": page.TEMPLATES.scope},
        dashboard=Dashboard.INCIDENT,
        chosen=(page.LABEL,),
    )


def _regions_back() -> str:
    of = "incident=%q"
    relapses = total("max", ["region"], f"{select(telemetry.INCIDENT_REGION_RELAPSES, of)} > 0")
    status = f"{select(telemetry.INCIDENT_REGION_STATUS, of)} == {page.AFFECTED}"
    query = f"{relapses} and on (region) {total('max', ['region'], status)}"
    twice = f'query (printf "{query}" $labels.incident $labels.incident)'
    return f"{{{{ with {twice} }}}}{page.LISTED_REGIONS}{{{{ end }}}}"
