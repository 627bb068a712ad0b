"""PromQL over the catalogue of metrics: names come from `streams.telemetry`, never by hand."""

from collections.abc import Sequence

from streams.telemetry import Metric

DECIDED = 'outcome=~"success|failure"'
"""Matcher of the operations that a success ratio counts."""
SUCCEEDED = 'outcome="success"'
FAILED = 'outcome="failure"'


def select(metric: Metric, *matchers: str, suffix: str = "") -> str:
    """Select a metric's series.

    Args:
        metric: Of the catalogue.
        matchers: For example `region=~"eu.*"`; empty ones are left out.
        suffix: `_bucket`, `_sum` or `_count` of a histogram.
    """
    inside = ",".join(matcher for matcher in matchers if matcher)
    return f"{metric.name}{suffix}{{{inside}}}" if inside else f"{metric.name}{suffix}"


def total(operator: str, labels: Sequence[str], expression: str) -> str:
    """Aggregate: `sum by (region) (...)`, or over everything without labels.

    Args:
        operator: `sum`, `max`, `count`, ...
        labels: Those that remain.
        expression: What is aggregated.
    """
    by = f" by ({', '.join(labels)}) " if labels else ""
    return f"{operator}{by}({expression})"


def per_second(metric: Metric, *matchers: str, over: str, suffix: str = "") -> str:
    """Give the rate of a counter.

    Args:
        metric: A counter or a histogram of the catalogue.
        matchers: As of `select`.
        over: A duration or a variable of Grafana.
        suffix: As of `select`.
    """
    return f"rate({select(metric, *matchers, suffix=suffix)}[{over}])"
