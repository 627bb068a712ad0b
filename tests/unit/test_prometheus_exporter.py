"""The metric store keeps samples and gives them in Prometheus's text format."""

import math
from collections.abc import Mapping
from threading import Thread

import pytest
from prometheus_client.parser import text_string_to_metric_families

from streams import telemetry
from streams.adapters.prometheus import Exporter, MetricStore

DIMENSIONS = ("region", "os")
SERIES = [("eu", "windows"), ("us", "linux")]


def _samples(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def _value(store: MetricStore, name: str, labels: Mapping[str, str]) -> float | None:
    return _samples(store.text()).get((name, frozenset(labels.items())))


def test_a_counter_without_labels_is_there_from_the_start() -> None:
    store = MetricStore(DIMENSIONS)
    assert _value(store, "opwatch_archive_failures_total", {}) == 0
    store.add(telemetry.ARCHIVE_FAILURES, 3)
    store.add(telemetry.ARCHIVE_FAILURES)
    assert _value(store, "opwatch_archive_failures_total", {}) == 4


def test_a_metric_that_nobody_set_is_not_there_at_all() -> None:
    assert "opwatch_watermark" not in MetricStore(DIMENSIONS).text()


def test_setting_again_replaces_the_value_in_the_next_text() -> None:
    store = MetricStore(DIMENSIONS)
    store.set(telemetry.WATERMARK, 1.5, ("0",))
    assert _value(store, "opwatch_watermark_timestamp_seconds", {"partition": "0"}) == 1.5
    store.set(telemetry.WATERMARK, 2, ("0",))
    assert _value(store, "opwatch_watermark_timestamp_seconds", {"partition": "0"}) == 2


def test_counters_of_series_add_up() -> None:
    store = MetricStore(DIMENSIONS)
    rows = [(*key, "failure", "3") for key in SERIES]
    store.add_series(telemetry.OPERATIONS, rows, [1, 2])
    store.add_series(telemetry.OPERATIONS, rows[1:], [5])
    labels = {"region": "us", "os": "linux", "outcome": "failure", "partition": "3"}
    assert _value(store, "opwatch_operations_total", labels) == 7


def test_a_series_left_out_of_its_part_disappears_and_other_parts_stay() -> None:
    store = MetricStore(DIMENSIONS)
    store.set_series(telemetry.SUCCESS_RATIO, SERIES[:1], [0.5], part=0)
    store.set_series(telemetry.SUCCESS_RATIO, SERIES[1:], [0.25], part=1)
    assert store.text().count("\nopwatch_success_ratio{") == 2
    store.set_series(telemetry.SUCCESS_RATIO, [], [], part=0)
    assert _value(store, "opwatch_success_ratio", {"region": "us", "os": "linux"}) == 0.25
    assert store.text().count("\nopwatch_success_ratio{") == 1


def test_a_series_set_by_two_parts_is_given_once() -> None:
    store = MetricStore(DIMENSIONS)
    for part in (0, 1):
        store.set_series(telemetry.SUCCESS_RATIO, SERIES, [0.5, part], part=part)
    assert store.text().count("\nopwatch_success_ratio{") == 2


def test_a_value_that_is_not_known_is_left_out() -> None:
    store = MetricStore(DIMENSIONS)
    store.set_series(telemetry.BASELINE_SUCCESS_RATIO, SERIES, [math.nan, 0.75])
    assert store.text().count("\nopwatch_baseline_success_ratio{") == 1


def test_a_histogram_counts_up_to_each_bound() -> None:
    store = MetricStore(DIMENSIONS)
    for seconds in (0.001, 0.002, 99):
        store.observe(telemetry.STAGE_DURATION, seconds, ("judge",))
    name = "opwatch_stage_duration_seconds"
    for bound, count in (("0.001", 1), ("0.003", 2), ("10", 2), ("+Inf", 3)):
        assert _value(store, f"{name}_bucket", {"stage": "judge", "le": bound}) == count
    assert _value(store, f"{name}_count", {"stage": "judge"}) == 3
    assert _value(store, f"{name}_sum", {"stage": "judge"}) == pytest.approx(99.003)


def test_a_row_with_other_labels_than_the_metric_is_refused() -> None:
    store = MetricStore(DIMENSIONS)
    for wrong in ((), ("eu",), ("eu", "windows", "failure", "0", "more")):
        with pytest.raises(ValueError, match="opwatch_operations_total has the labels"):
            store.set(telemetry.OPERATIONS, 1, wrong)
    with pytest.raises(ValueError, match="zip"):
        store.set_series(telemetry.SUCCESS_RATIO, SERIES, [1])


def test_label_values_survive_the_text_format() -> None:
    store = MetricStore(DIMENSIONS)
    odd = ('quo"te', "back\\slash\nnew line")
    store.set_series(telemetry.SUCCESS_RATIO, [odd], [1])
    found = _value(store, "opwatch_success_ratio", dict(zip(DIMENSIONS, odd, strict=True)))
    assert found == 1


def test_adding_from_several_threads_loses_nothing() -> None:
    store = MetricStore(DIMENSIONS)

    def work() -> None:
        for _ in range(500):
            store.add(telemetry.ARCHIVE_FAILURES)
            store.text()

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert _value(store, "opwatch_archive_failures_total", {}) == 2000


def test_the_page_has_the_store_and_the_process_and_no_timestamps() -> None:
    store = MetricStore(DIMENSIONS)
    store.set(telemetry.INCIDENTS_OPEN, 2)
    families = list(text_string_to_metric_families(Exporter(store).exposition().decode()))
    names = {family.name for family in families}
    assert {"opwatch_incidents_open", "python_info", "process_open_fds"} <= names
    assert all(sample.timestamp is None for family in families for sample in family.samples)
