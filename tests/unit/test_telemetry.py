"""The catalogue of metrics follows Prometheus's conventions, whatever the dimensions are called."""

import re

import pytest

from streams.telemetry import (
    CATALOGUE,
    OPERATIONS,
    WATERMARK,
    Kind,
    Metric,
    Unit,
    dimension_labels,
    label_text,
    number_text,
)

EVERY = pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.name)


def test_no_two_metrics_share_a_name() -> None:
    names = [metric.name for metric in CATALOGUE]
    assert len(set(names)) == len(names)


@EVERY
def test_a_name_is_ours_and_ends_in_its_kind_and_unit(metric: Metric) -> None:
    assert re.fullmatch(r"opwatch_[a-z]+(_[a-z]+)*", metric.name)
    assert metric.name.endswith("_total") == (metric.kind is Kind.COUNTER)
    assert metric.name.endswith("_info") == (metric.kind is Kind.INFO)
    if metric.unit is not Unit.NONE:
        assert metric.name.endswith(f"_{metric.unit.value}")


@EVERY
def test_only_a_histogram_has_buckets_and_they_ascend(metric: Metric) -> None:
    assert bool(metric.buckets) == (metric.kind is Kind.HISTOGRAM)
    assert list(metric.buckets) == sorted(set(metric.buckets))


@EVERY
def test_the_help_is_one_sentence_without_anything_to_escape(metric: Metric) -> None:
    assert metric.help.endswith(".")
    assert not set(metric.help) & set('\\"\n|')


def test_a_metric_per_series_has_the_dimensions_before_its_own_labels() -> None:
    assert OPERATIONS.label_names(("region", "os")) == ("region", "os", "outcome")
    assert WATERMARK.label_names(("region", "os")) == ("partition",)


def test_a_counter_of_a_counts_partition_is_served_with_its_number() -> None:
    assert OPERATIONS.served_label_names(("os",)) == ("os", "outcome", "partition")
    assert WATERMARK.served_label_names(("os",)) == ("partition",)
    assert dimension_labels(("partition",)) == ("dimension_partition",)


def test_dimensions_become_labels_that_prometheus_allows() -> None:
    found = dimension_labels(("region", "cluster.name", "job", "outcome", "9to5", "__x", "größe"))
    assert found == (
        "region",
        "cluster_name",
        "dimension_job",
        "dimension_outcome",
        "dimension_9to5",
        "dimension___x",
        "gr__e",
    )


def test_dimensions_that_look_alike_get_different_labels() -> None:
    assert dimension_labels(("a.b", "a_b", "a-b")) == ("a_b", "a_b_", "a_b__")


def test_a_label_value_is_escaped() -> None:
    assert label_text(("a", "b"), ('x"\n', "\\")) == r'a="x\"\n",b="\\"'


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-3.0, "-3"),
        (0.1, "0.1"),
        (1e300, "1e+300"),
        (float("inf"), "+Inf"),
        (float("-inf"), "-Inf"),
        (float("nan"), "NaN"),
    ],
)
def test_a_value_is_written_so_that_prometheus_reads_the_same(value: float, text: str) -> None:
    assert number_text(value) == text
