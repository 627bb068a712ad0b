"""Prometheus: samples in memory, and their text for a scrape.

The samples of thousands of series change once per window and are scraped several times in between,
in the same interpreter as the worker. So there are no metric objects per series: values are plain
numbers, and their text is written once per window, by a thread of its own, in small pieces that let
the worker go on. A scrape only hands the pieces out. The client library's own registry serves what
it knows better: the process itself.
"""

from streams.adapters.prometheus.exporter import CONTENT_TYPE, Exporter
from streams.adapters.prometheus.store import MetricStore
from streams.adapters.prometheus.tables import Column

__all__ = ["CONTENT_TYPE", "Column", "Exporter", "MetricStore"]
