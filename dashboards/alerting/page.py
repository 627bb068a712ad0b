"""The page of an incident: one text, filled by Prometheus or by a worker that pushes.

The rule fills the slots of the text with templates that query metrics, the worker with values from
its record. Labels and text are the same either way, and so are routes and templates.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from dashboards.alerting.alerts import AlertOptions, Dashboard, Severity, escaped
from dashboards.queries import select
from streams import telemetry

NAME = "OpwatchIncident"
SEVERITY = Severity.CRITICAL
DASHBOARD = Dashboard.INCIDENT
LABEL = "incident"

AFFECTED, SILENT, RECOVERED = 1, 2, 0
"""Values of the metric that says how a region of an open incident is."""

LIKELY = 0.5
"""Probability from which a release is named: it is likelier than all else together."""

REGIONS_TOLD = 10
"""Regions that a text names; all of them are on the dashboard."""

_SUMMARY = "VM operations fail: {scope}; regions: {affected} affected; {cause}"
_DESCRIPTION = """\
Incident {incident}, since {onset}.
Scope: {scope}
Regions: {affected} affected{named}, {recovered} recovered, {silent} without traffic
Failures beyond those expected: {excess}
Cause: {cause}; no known release: {no_release}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slots:
    """What the text is filled with: values, or templates that find them.

    Attributes:
        incident: Its id.
        scope: In one line.
        onset: When it began.
        affected: Number of its regions that fail.
        named: The first of them, in brackets; nothing where there is none.
        recovered: Number of its regions that have recovered.
        silent: Number of its regions without traffic.
        excess: Failures beyond those expected.
        cause: The release that is likelier than all else, with its probability, or that there is
            none.
        release: That release, or `none`.
        probability: Its probability.
        no_release: Probability that no known release caused it.
    """

    incident: str
    scope: str
    onset: str
    affected: str
    named: str
    recovered: str
    silent: str
    excess: str
    cause: str
    release: str
    probability: str
    no_release: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenIncident:
    """What a page tells of an incident.

    Attributes:
        incident: Its id.
        scope: In one line.
        onset: Event time at which it began, in seconds since the epoch.
        affected: Its regions that fail, sorted.
        recovered: Number of its regions that have recovered.
        silent: Number of its regions without traffic.
        excess_failures: Failures beyond those expected.
        candidate: The likeliest release, None where there is no candidate.
        probability: Its probability.
        no_release_probability: Probability that no known release caused it.
    """

    incident: str
    scope: str
    onset: float
    affected: tuple[str, ...]
    recovered: int
    silent: int
    excess_failures: float
    candidate: str | None
    probability: float
    no_release_probability: float


def labels(incident: str) -> dict[str, str]:
    """Give all labels of a page: its identity, which stays the same while the incident lasts."""
    return {"alertname": NAME, LABEL: incident, "severity": SEVERITY.value}


def annotations(found: OpenIncident, options: AlertOptions) -> dict[str, str]:
    """Give all annotations of a page, as Prometheus would fill those of the rule."""
    slots = _values(found)
    return {
        "summary": fill(_SUMMARY, slots),
        "description": fill(_DESCRIPTION, slots),
        **facts(slots),
        "runbook_url": options.runbook(NAME),
        "dashboard_url": options.dashboard(DASHBOARD, {LABEL: escaped(found.incident)}),
    }


def summary() -> str:
    """Give the template of the summary."""
    return fill(_SUMMARY, TEMPLATES)


def description() -> str:
    """Give the template of the description."""
    return fill(_DESCRIPTION, TEMPLATES)


def facts(slots: Slots) -> dict[str, str]:
    """Give the annotations that receivers show as fields of their own."""
    return {
        "scope": slots.scope,
        "onset": slots.onset,
        "regions_affected": slots.affected,
        "excess_failures": slots.excess,
        "top_candidate": slots.release,
        "top_candidate_probability": slots.probability,
        "no_release_probability": slots.no_release,
    }


def fill(text: str, slots: Slots) -> str:
    """Fill a text, in one pass: what fills a slot may contain braces."""
    return re.sub(r"\{(\w+)\}", lambda slot: str(getattr(slots, slot[1])), text)


def asked(expression: str, shown: str, otherwise: str) -> str:
    """Give a template that asks Prometheus about the alert's incident.

    Args:
        expression: PromQL with `%q` where the incident stands.
        shown: Template of what to show; the dot is the answer.
        otherwise: What to show when there is no answer.
    """
    query = f'query (printf "{expression}" $labels.incident)'
    return f"{{{{ with {query} }}}}{shown}{{{{ else }}}}{otherwise}{{{{ end }}}}"


LISTED_REGIONS = (
    '{{ range $place, $one := sortByLabel "region" . }}'
    f"{{{{ if lt $place {REGIONS_TOLD} }}}}{{{{ if $place }}}}, {{{{ end }}}}"
    f"{{{{ $one.Labels.region }}}}{{{{ else if eq $place {REGIONS_TOLD} }}}} and more"
    "{{ end }}{{ end }}"
)
"""Template that lists the regions of an answer."""


def _of_incident(metric: telemetry.Metric) -> str:
    return select(metric, "incident=%q")


def _regions(status: int) -> str:
    regions = f"max by (region) ({_of_incident(telemetry.INCIDENT_REGION_STATUS)} == {status})"
    return asked(f"count({regions})", '{{ . | first | value | printf "%.0f" }}', "0")


_CANDIDATES = f"max by (release) ({_of_incident(telemetry.CANDIDATE_PROBABILITY)})"
_LIKELIEST = f"topk(1, {_CANDIDATES} >= {LIKELY})"
_RELEASE = '{{ . | first | label "release" }}'
_PERCENT = "{{ . | first | value | humanizePercentage }}"
_BELOW = f"below {LIKELY:.0%}"
_NO_CAUSE = "no release stands out"

TEMPLATES = Slots(
    incident="{{ $labels.incident }}",
    scope=asked(
        f"topk(1, {_of_incident(telemetry.INCIDENT)})", '{{ . | first | label "scope" }}', "unknown"
    ),
    onset=asked(
        f"max({_of_incident(telemetry.INCIDENT_ONSET)})",
        '{{ (. | first | value | toTime).UTC.Format "2006-01-02 15:04:05" }} UTC',
        "unknown",
    ),
    affected=_regions(AFFECTED),
    named=asked(
        f"max by (region) ({_of_incident(telemetry.INCIDENT_REGION_STATUS)} == {AFFECTED})",
        f" ({LISTED_REGIONS})",
        "",
    ),
    recovered=_regions(RECOVERED),
    silent=_regions(SILENT),
    excess=asked(
        f"clamp_min(max({_of_incident(telemetry.INCIDENT_EXCESS_FAILURES)}), 0)",
        '{{ . | first | value | printf "%.0f" }}',
        "unknown",
    ),
    cause=asked(_LIKELIEST, f"release {_RELEASE} with probability {_PERCENT}", _NO_CAUSE),
    release=asked(_LIKELIEST, _RELEASE, "none"),
    probability=asked(_LIKELIEST, _PERCENT, _BELOW),
    no_release=asked(f"max({_of_incident(telemetry.NO_RELEASE_PROBABILITY)})", _PERCENT, "unknown"),
)
"""What fills the text in the rule."""


def _values(found: OpenIncident) -> Slots:
    named = found.candidate if found.probability >= LIKELY else None
    percent = _percent(found.probability)
    return Slots(
        incident=found.incident,
        scope=found.scope,
        onset=f"{datetime.fromtimestamp(found.onset, UTC):%Y-%m-%d %H:%M:%S} UTC",
        affected=str(len(found.affected)),
        named=f" ({_listed(found.affected)})" if found.affected else "",
        recovered=str(found.recovered),
        silent=str(found.silent),
        excess=f"{max(found.excess_failures, 0):.0f}",
        cause=f"release {named} with probability {percent}" if named else _NO_CAUSE,
        release=named or "none",
        probability=percent if named else _BELOW,
        no_release=_percent(found.no_release_probability),
    )


def _listed(regions: Sequence[str]) -> str:
    more = " and more" if len(regions) > REGIONS_TOLD else ""
    return ", ".join(regions[:REGIONS_TOLD]) + more


def _percent(probability: float) -> str:
    """Write a probability as Prometheus's `humanizePercentage` does."""
    return f"{probability * 100:.4g}%"


def template_annotations() -> Mapping[str, str]:
    """Give the further annotations of the rule."""
    return facts(TEMPLATES)
