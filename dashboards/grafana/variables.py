"""Template variables: what can be chosen at the top of a dashboard."""

from collections.abc import Sequence

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard

from dashboards.grafana.installation import REGION, Installation
from dashboards.grafana.panels import SOURCE
from streams.telemetry import INCIDENT, OPERATIONS, RELEASE_EXPOSURE, Metric

VariableBuilder = Builder[dashboard.VariableModel]

DATASOURCE, INCIDENT_VARIABLE, RELEASE_VARIABLE, ROWS = "datasource", "incident", "release", "rows"


def datasource() -> builders.DatasourceVariable:
    """Let the reader choose which Prometheus is asked."""
    return builders.DatasourceVariable(DATASOURCE).label("Data source").type("prometheus")


def dimensions(installation: Installation) -> list[VariableBuilder]:
    """Let the reader choose series: one variable a dimension, everything by default."""
    pairs = zip(installation.labels, installation.variables, strict=True)
    return [_several(variable, OPERATIONS, label) for label, variable in pairs]


def region() -> builders.QueryVariable:
    """Let the reader choose regions, all by default."""
    return _several(REGION, OPERATIONS, REGION)


def incident() -> builders.QueryVariable:
    """Let the reader choose one of the incidents of the time range, the latest by default."""
    return _single(INCIDENT_VARIABLE, INCIDENT, "incident")


def release() -> builders.QueryVariable:
    """Let the reader choose one of the releases of the time range."""
    return _single(RELEASE_VARIABLE, RELEASE_EXPOSURE, "release")


def rows(installation: Installation) -> list[VariableBuilder]:
    """Let the reader choose by what, beside the region, the fleet is broken down."""
    labels = installation.breakdowns
    if not labels:
        return []
    options = [
        dashboard.VariableOption(text=label, value=label, selected=label == _usual(labels))
        for label in labels
    ]
    usual = _usual(labels)
    return [
        builders.CustomVariable(ROWS)
        .label("Rows: region by")
        .values(",".join(labels))
        .options(options)
        .current(dashboard.VariableOption(text=usual, value=usual, selected=True))
    ]


def _usual(labels: Sequence[str]) -> str:
    """Give the second of the breakdowns where there are two: the first is the coarsest."""
    return labels[min(1, len(labels) - 1)]


def _several(name: str, metric: Metric, label: str) -> builders.QueryVariable:
    everything = dashboard.VariableOption(text="All", value="$__all", selected=True)
    return (
        _query(name, metric, label)
        .sort(dashboard.VariableSort.ALPHABETICAL_ASC)
        .multi(multi=True)
        .include_all(include_all=True)
        .all_value(".*")
        .current(everything)
    )


def _single(name: str, metric: Metric, label: str) -> builders.QueryVariable:
    return _query(name, metric, label).sort(dashboard.VariableSort.ALPHABETICAL_DESC)


def _query(name: str, metric: Metric, label: str) -> builders.QueryVariable:
    words = f"label_values({metric.name}, {label})"
    return (
        builders.QueryVariable(name)
        .label(label.replace("_", " ").capitalize())
        .datasource(SOURCE)
        .query(
            {
                "query": words,
                "refId": f"variable-{name}",
                "qryType": 1,
                "label": label,
                "metric": metric.name,
            }
        )
        .refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED)
    )
