"""Queries over many series: ratios of several taken together, and the worst few."""

from collections.abc import Sequence
from dataclasses import dataclass

from dashboards.queries import DECIDED, per_second, select, total
from streams.telemetry import (
    BASELINE_LOWER_BOUND,
    BASELINE_SUCCESS_RATIO,
    BASELINE_UPPER_BOUND,
    OPERATIONS,
    Metric,
)


def worst(choose: str, labels: Sequence[str], shown: str, measured: str, reduce: str) -> str:
    """Give the series that are worst in the whole time range, not another few at every step.

    Args:
        choose: `topk(10` or `bottomk(10`.
        labels: What tells the series apart.
        shown: What is drawn.
        measured: What decides.
        reduce: `min`, `max` or `sum` of it over the time range.
    """
    whole = f"{reduce}_over_time(({measured})[$__range:$__interval] @ end())"
    return f"{shown} and on ({', '.join(labels)}) {choose}, {whole})"


@dataclass(frozen=True, slots=True)
class Selected:
    """Series taken together, each with the weight of its operations.

    For a single series the weight cancels out: what comes is the metric itself.

    Attributes:
        labels: What tells the series apart.
        matchers: Which series.
    """

    labels: tuple[str, ...]
    matchers: tuple[str, ...]

    def mean(self, metric: Metric) -> str:
        """Give the mean of a ratio over the series."""
        weighted = f"{self._weight} * on ({self._by}) {self._of(metric)}"
        return f"{total('sum', (), weighted)} / {self._weight_where(metric)}"

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
        decided = per_second(OPERATIONS, *self.matchers, DECIDED, over="$__rate_interval")
        return total("sum", self.labels, decided)

    def _of(self, metric: Metric) -> str:
        return total("max", self.labels, select(metric, *self.matchers))

    def _weight_where(self, metric: Metric) -> str:
        return total("sum", (), f"{self._weight} and on ({self._by}) {self._of(metric)}")

    def _bound(self, sign: str, above: Metric, below: Metric) -> str:
        width = f"({self._of(above)} - {self._of(below)})"
        deviations = total("sum", (), f"({self._weight} * on ({self._by}) {width}) ^ 2")
        mean = self.mean(BASELINE_SUCCESS_RATIO)
        return f"{mean} {sign} sqrt({deviations}) / {self._weight_where(BASELINE_SUCCESS_RATIO)}"
