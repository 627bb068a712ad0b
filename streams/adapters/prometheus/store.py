"""Samples in memory: the few of the worker and its incidents, and tables of those of the series."""

import threading
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from streams.adapters.prometheus.tables import Labels, SeriesTables
from streams.telemetry import CATALOGUE, Kind, Metric, label_text, number_text


@dataclass(slots=True)
class _Family:
    """Samples of one metric.

    Attributes:
        metric: Its entry in the catalogue.
        names: Names of its labels.
        parts: For each part its samples, by label values.
        prefixes: Text before the value, for the samples rendered last.
        text: Text as rendered last; None once a value has changed.
    """

    metric: Metric
    names: Labels
    parts: dict[int, dict[Labels, float]] = field(default_factory=dict)
    prefixes: dict[Labels, str] = field(default_factory=dict)
    text: str | None = None


@dataclass(slots=True)
class _Distribution:
    """Observations of one labelled histogram: counts per bucket (the last has no bound), sum."""

    counts: list[int]
    total: float = 0.0


class MetricStore:
    """Samples of all metrics in the catalogue. Any thread may write and read.

    Attributes:
        tables: Samples of series, a table for each of their partitions.
    """

    def __init__(self, dimensions: Sequence[str]) -> None:
        """Start with the counters that have no labels at 0, so that their first increase is seen.

        Args:
            dimensions: The configured dimensions, in the order of a series key.
        """
        self.tables = SeriesTables(dimensions)
        self._lock = threading.Lock()
        self._distributions: dict[Metric, dict[Labels, _Distribution]] = {}
        self._families: dict[Metric, _Family] = {}
        for metric in CATALOGUE:
            family = _Family(metric, metric.served_label_names(dimensions))
            if metric.kind is Kind.COUNTER and not family.names:
                family.parts[0] = {(): 0.0}
            self._families[metric] = family

    def set(self, metric: Metric, value: float, labels: Labels = ()) -> None:
        """Set one sample.

        Args:
            metric: A counter, gauge or info of the catalogue.
            value: Its new value.
            labels: Values of its labels: those of the dimensions first, then its own.

        Raises:
            ValueError: The number of labels is not that of the metric.
        """
        with self._lock:
            self._open(metric, [labels]).setdefault(0, {})[labels] = float(value)

    def add(self, metric: Metric, amount: float = 1, labels: Labels = ()) -> None:
        """Add to one sample, which starts at 0; arguments and errors as for `set`."""
        self.add_series(metric, [labels], [amount])

    def add_series(self, metric: Metric, rows: Sequence[Labels], amounts: Iterable[float]) -> None:
        """Add to many samples of one metric.

        Args:
            metric: A counter or gauge of the catalogue.
            rows: (N,) label values of each sample.
            amounts: (N,) what to add to each.

        Raises:
            ValueError: A row has another number of labels than the metric, or the lengths differ.
        """
        with self._lock:
            samples = self._open(metric, rows).setdefault(0, {})
            for labels, amount in zip(rows, amounts, strict=True):
                samples[labels] = samples.get(labels, 0.0) + float(amount)

    def set_series(
        self, metric: Metric, rows: Sequence[Labels], values: Iterable[float], part: int = 0
    ) -> None:
        """Replace all samples of a metric that the same part set: a row left out disappears.

        Args:
            metric: A counter, gauge or info of the catalogue.
            rows: (N,) label values of each sample.
            values: (N,) values; NaN leaves the row out.
            part: Who sets them, such as the number of a counts partition.

        Raises:
            ValueError: A row has another number of labels than the metric, or the lengths differ.
        """
        pairs = zip(rows, values, strict=True)
        samples = {labels: float(value) for labels, value in pairs if value == value}  # noqa: PLR0124 NaN
        with self._lock:
            self._open(metric, rows)[part] = samples

    def observe(self, metric: Metric, value: float, labels: Labels = ()) -> None:
        """Count one observation of a histogram.

        Args:
            metric: A histogram of the catalogue.
            value: The observation, in the metric's unit.
            labels: Values of its labels.

        Raises:
            ValueError: The number of labels is not that of the metric.
        """
        with self._lock:
            self._open(metric, [labels])
            known = self._distributions.setdefault(metric, {})
            if labels not in known:
                known[labels] = _Distribution([0] * (len(metric.buckets) + 1))
            known[labels].counts[bisect_left(metric.buckets, value)] += 1
            known[labels].total += value

    def page(self) -> list[bytes]:
        """Give all samples in the Prometheus text format, in pieces in the catalogue's order.

        Tables are as they were written last.
        """
        pieces: list[bytes] = []
        for family in self._families.values():
            table = self.tables.pieces(family.metric) if family.metric.per_series else []
            with self._lock:
                text = self._rendered(family)
            if text or table:
                pieces += [_header(family.metric).encode(), text.encode(), *table]
        return pieces

    def text(self) -> str:
        """Give all samples as they are now, tables too."""
        self.tables.write(lambda: None)
        return b"".join(self.page()).decode()

    def _open(self, metric: Metric, rows: Iterable[Labels]) -> dict[int, dict[Labels, float]]:
        """Give the parts of a metric that is about to change."""
        family = self._families[metric]
        width = len(family.names)
        for row in rows:
            if len(row) != width:
                raise ValueError(f"{metric.name} has the labels {family.names}, not {row!r}")
        family.text = None
        return family.parts

    def _rendered(self, family: _Family) -> str:
        if family.text is None:
            samples = (
                self._histogram_samples(family)
                if family.metric.kind is Kind.HISTOGRAM
                else _plain_samples(family)
            )
            family.text = samples
        return family.text

    def _histogram_samples(self, family: _Family) -> str:
        metric, lines = family.metric, []
        for labels, distribution in self._distributions.get(metric, {}).items():
            own = label_text(family.names, labels)
            head = f"{own}," if own else ""
            reached = 0
            for bound, count in zip((*metric.buckets, None), distribution.counts, strict=True):
                reached += count
                limit = "+Inf" if bound is None else number_text(bound)
                lines.append(f'{metric.name}_bucket{{{head}le="{limit}"}} {reached}\n')
            braces = f"{{{own}}}" if own else ""
            lines.append(f"{metric.name}_sum{braces} {number_text(distribution.total)}\n")
            lines.append(f"{metric.name}_count{braces} {reached}\n")
        return "".join(lines)


def _header(metric: Metric) -> str:
    # The text format has no info type: an info is a gauge that stays at 1.
    kind = "gauge" if metric.kind is Kind.INFO else metric.kind.value
    return f"# HELP {metric.name} {metric.help}\n# TYPE {metric.name} {kind}\n"


def _plain_samples(family: _Family) -> str:
    known, used, lines = family.prefixes, {}, []
    for labels, value in _merged(family.parts).items():
        prefix = known.get(labels)
        if prefix is None:
            own = label_text(family.names, labels)
            prefix = f"{family.metric.name}{{{own}}} " if own else f"{family.metric.name} "
        used[labels] = prefix
        lines.append(f"{prefix}{number_text(value)}\n")
    family.prefixes = used
    return "".join(lines)


def _merged(parts: Mapping[int, dict[Labels, float]]) -> Mapping[Labels, float]:
    """Give each sample once: two equal lines would make Prometheus refuse the whole page."""
    if len(parts) == 1:
        return next(iter(parts.values()))
    return {labels: value for part in parts.values() for labels, value in part.items()}
