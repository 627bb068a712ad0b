"""Queries over many series: ratios of several taken together, and the worst few."""

from collections.abc import Sequence
from dataclasses import dataclass

from dashboards.queries import DECIDED, select, total
from streams.telemetry import (
    BASELINE_LOWER_BOUND,
    BASELINE_SUCCESS_RATIO,
    BASELINE_UPPER_BOUND,
    OPERATIONS,
    Metric,
)


def worst(number: int, labels: Sequence[str], shown: str, measured: str, reduce: str) -> str:
    """Give the series that are worst in the whole time range, not another few at every step.

    Args:
        number: How many.
        labels: What tells the series apart.
        shown: What is drawn.
        measured: What decides: the largest are the worst.
        reduce: `max` or `sum` of it over the time range.
    """
    whole = f"{reduce}_over_time(({measured})[$__range:$__interval] @ end())"
    return f"{shown} and on ({', '.join(labels)}) topk({number}, {whole})"


@dataclass(frozen=True, slots=True)
class Selected:
    """Series taken together, each with the weight of its operations in the time range.

    For a single series the weight cancels out: what comes is the metric itself. The weight is the
    same at every step, so that Prometheus works it out once, and so that a change in what is done
    is not taken for a change in how well it is done.

    Attributes:
        labels: What tells the series apart.
        matchers: Which series.
    """

    labels: tuple[str, ...]
    matchers: tuple[str, ...]

    def mean(self, metric: Metric) -> str:
        """Give the mean of a ratio over the series."""
        chosen = select(metric, *self.matchers)
        return f"sum({self._weighted(chosen)}) / {self._weight_of(chosen)}"

    def lower_bound(self) -> str:
        """Give the lower bound of the mean in control.

        The deviations of independent series add as squares: the half-widths h with weights w give
        sqrt(sum((w h)^2)) / sum(w).
        """
        return self._bound("-", BASELINE_SUCCESS_RATIO, BASELINE_LOWER_BOUND)

    def upper_bound(self) -> str:
        """Give the upper bound of the mean in control."""
        return self._bound("+", BASELINE_UPPER_BOUND, BASELINE_SUCCESS_RATIO)

    @property
    def _by(self) -> str:
        return ", ".join(self.labels)

    @property
    def _weight(self) -> str:
        operations = select(OPERATIONS, *self.matchers, DECIDED)
        return total("sum", self.labels, f"increase({operations}[$__range] @ end())")

    def _weighted(self, ratio: str) -> str:
        # The side of the metric may have a series twice: of two workers, as one takes over.
        return f"{ratio} * on ({self._by}) group_left () {self._weight}"

    def _weight_of(self, ratio: str) -> str:
        return f"sum({self._weight} and on ({self._by}) {ratio})"

    def _bound(self, sign: str, above: Metric, below: Metric) -> str:
        baseline = select(BASELINE_SUCCESS_RATIO, *self.matchers)
        width = f"({select(above, *self.matchers)} - {select(below, *self.matchers)})"
        deviation = f"sqrt(sum(({self._weighted(width)}) ^ 2))"
        mean = f"sum({self._weighted(baseline)})"
        return f"({mean} {sign} {deviation}) / {self._weight_of(baseline)}"
