"""Tables of series: written in pieces, slot by slot, and only what has changed."""

import math

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from streams import telemetry
from streams.adapters.prometheus import Column, Exporter, MetricStore
from streams.adapters.prometheus.tables import PIECE_ROWS, SPARE_TEXTS, SeriesTables

DIMENSIONS = ("region", "os")
KEYS = [("eu", "linux"), ('u"s\\', "windows\n")]


def put(store: MetricStore, values: list[float], part: int = 0) -> None:
    columns = [Column(telemetry.SUCCESS_RATIO, np.array(values))]
    store.tables.put(("gauges", part), KEYS[: len(values)], columns)


def samples(text: str, name: str) -> dict[tuple[str, ...], float]:
    return {
        tuple(sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    }


def test_a_table_stands_under_the_name_of_its_metric_with_all_its_labels() -> None:
    store = MetricStore(DIMENSIONS)
    put(store, [0.5, 1.0])
    counts = Column(telemetry.OPERATIONS, np.array([7, 0]), ("failure", "3"))
    store.tables.put(("counters", 0), KEYS, [counts])
    text = store.text()
    assert samples(text, "opwatch_success_ratio") == {KEYS[0]: 0.5, KEYS[1]: 1.0}
    assert samples(text, "opwatch_operations_total") == {
        (*KEYS[0], "failure", "3"): 7.0,
        (*KEYS[1], "failure", "3"): 0.0,
    }
    assert text.count("# TYPE opwatch_success_ratio gauge\n") == 1
    assert text.index("# TYPE opwatch_operations") < text.index("# TYPE opwatch_success_ratio")


def test_what_is_not_known_has_no_line() -> None:
    store = MetricStore(DIMENSIONS)
    put(store, [math.nan, 0.25])
    counts = Column(telemetry.OPERATIONS, np.array([-1, 2]), ("cancelled", "0"))
    store.tables.put(("counters", 0), KEYS, [counts])
    assert samples(store.text(), "opwatch_success_ratio") == {KEYS[1]: 0.25}
    assert len(samples(store.text(), "opwatch_operations_total")) == 1
    put(store, [math.nan, math.nan])
    assert "opwatch_success_ratio" not in store.text()


def test_evidence_without_bounds_is_written_as_prometheus_reads_it() -> None:
    store = MetricStore(DIMENSIONS)
    store.tables.put(("g", 0), KEYS, [Column(telemetry.STATISTIC, np.array([math.inf, 1e30]))])
    found = samples(store.text(), "opwatch_change_point_statistic")
    assert list(found.values()) == [math.inf, 1e30]


def test_a_slot_replaces_and_drops_its_own_rows_only() -> None:
    store = MetricStore(DIMENSIONS)
    put(store, [0.5])
    store.tables.put(("gauges", 1), KEYS[1:], [Column(telemetry.SUCCESS_RATIO, np.array([0.75]))])
    put(store, [0.25])
    assert samples(store.text(), "opwatch_success_ratio") == {KEYS[0]: 0.25, KEYS[1]: 0.75}
    store.tables.drop(("gauges", 0))
    assert samples(store.text(), "opwatch_success_ratio") == {KEYS[1]: 0.75}
    store.tables.drop(("gauges", 7))


def test_a_long_table_is_written_in_pieces_with_a_rest_after_each() -> None:
    tables, rests = SeriesTables(("number",)), [0]
    keys = [(str(number),) for number in range(2 * PIECE_ROWS + 1)]
    tables.put(("g", 0), keys, [Column(telemetry.SUCCESS_RATIO, np.arange(len(keys)) / 8)])

    def rest() -> None:
        rests[0] += 1

    tables.write(rest)
    pieces = tables.pieces(telemetry.SUCCESS_RATIO)
    assert [piece.count(b"\n") for piece in pieces] == [PIECE_ROWS, PIECE_ROWS, 1]
    assert rests[0] >= len(pieces)
    assert b"".join(pieces).splitlines()[9] == b'opwatch_success_ratio{number="9"} 1.125'


def test_a_table_dropped_while_it_is_written_does_not_come_back() -> None:
    tables = SeriesTables(DIMENSIONS)
    tables.put(("g", 0), KEYS, [Column(telemetry.SUCCESS_RATIO, np.array([1.0, 0.5]))])
    tables.write(lambda: tables.drop(("g", 0)))
    assert tables.pieces(telemetry.SUCCESS_RATIO) == []


def test_a_page_has_the_tables_as_they_were_written_last() -> None:
    store = MetricStore(DIMENSIONS)
    put(store, [0.5])
    store.text()
    put(store, [0.25])
    store.set(telemetry.INCIDENTS_OPEN, 3)
    before = b"".join(store.page()).decode()
    assert samples(before, "opwatch_success_ratio") == {KEYS[0]: 0.5}
    assert samples(before, "opwatch_incidents_open") == {(): 3.0}
    assert not store.tables.is_current
    store.text()
    assert samples(b"".join(store.page()).decode(), "opwatch_success_ratio") == {KEYS[0]: 0.25}


def test_labels_of_series_that_are_no_more_are_let_go() -> None:
    tables, size = SeriesTables(("number",)), 5_000
    for first in range(0, 20 * size, size):
        keys = [(str(number),) for number in range(first, first + size)]
        tables.put(("g", 0), keys, [Column(telemetry.SUCCESS_RATIO, np.ones(len(keys)))])
        tables.write(lambda: None)
    assert len(tables._texts) <= 3 * size + SPARE_TEXTS  # noqa: SLF001 what the bound is about
    assert sum(piece.count(b"\n") for piece in tables.pieces(telemetry.SUCCESS_RATIO)) == size


def test_a_page_whose_tables_cannot_be_written_is_refused() -> None:
    store = MetricStore(DIMENSIONS)
    with Exporter(store) as exporter:
        wrong = [("eu",)]  # one label where there are two dimensions
        store.tables.put(("g", 0), wrong, [Column(telemetry.SUCCESS_RATIO, np.ones(1))])
        while not store.tables.is_current:
            pass
    with pytest.raises(RuntimeError, match="not written any more"):
        exporter.page()


def test_an_open_exporter_writes_by_itself_and_tells_what_it_costs() -> None:
    store = MetricStore(DIMENSIONS)
    with Exporter(store) as exporter:
        put(store, [0.5])
        while not store.tables.is_current:
            pass
        page = b"".join(exporter.page()).decode()
        assert samples(page, "opwatch_success_ratio") == {KEYS[0]: 0.5}
    text = b"".join(exporter.page()).decode()
    stages = samples(text, "opwatch_stage_duration_seconds_count")
    assert stages == {("exposition",): 1.0, ("rendering",): 1.0}
