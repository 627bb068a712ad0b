"""`metrics.om`: what the live worker would have served at the end of every window."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from cell_tables import Cell, cell_table
from closed_windows import closed_window, closed_windows
from incident_records import incident_record

from detectors.detections import Direction
from streams import telemetry
from streams.config import DetectorSettings, IngestSettings, Settings, TopicSettings
from streams.domain.change_points import ChangeKind, ChangePoint
from streams.domain.outcomes import DeadLetterReason
from streams.domain.releases import ReleaseAction, ReleaseEvent
from streams.incident_samples import INCIDENT_METRICS
from streams.replay import sample_files
from streams.replay.openmetrics import OpenMetricsWriter
from streams.replay.sample_files import SeriesNumbers
from streams.replay.window_metrics import LONGEST_SILENCE
from streams.replay.windows_table import archive_rows
from streams.stages.records import IngestStatistics
from streams.telemetry import CATALOGUE, Metric
from streams.windows.closed import ClosedWindow
from streams.windows.merging import merge

DIMENSIONS = ("region", "os")
EU, US = ("eu", "windows"), ("us", "linux")
START = 1634106420
FIRST = START // 60
NAN = float("nan")

LIVE_ONLY = {
    telemetry.CONSUMER_LAG,
    telemetry.TRANSACTIONS,
    telemetry.ALERTS_PUSHED,
    telemetry.ARCHIVED_WINDOWS,
    telemetry.ARCHIVE_FAILURES,
    telemetry.STAGE_DURATION,
    telemetry.SNAPSHOT,
    telemetry.BUILD,
}


def settings_of(partitions: int = 1) -> Settings:
    return Settings(
        ingest=IngestSettings(dimensions=DIMENSIONS),
        topics=TopicSettings(counts_partitions=partitions),
        detectors=DetectorSettings(error_codes=2),
    )


def written(
    folder: Path,
    steps: Sequence[ClosedWindow | IngestStatistics],
    *,
    incidents: Sequence[Mapping[str, Any]] = (),
    releases: Sequence[ReleaseEvent] = (),
    partitions: int = 1,
) -> list[str]:
    """Write the metrics of a replay and give their lines."""
    writer = OpenMetricsWriter(folder, settings_of(partitions))
    for step in steps:
        if isinstance(step, ClosedWindow):
            writer.add_closed(step)
        else:
            writer.add_read(step)
    closed = [step.cells for step in steps if isinstance(step, ClosedWindow)]
    writer.add_rows(archive_rows(merge(closed, DIMENSIONS)))
    target = folder / "metrics.om"
    writer.finish(target, incidents, releases)
    assert [path.name for path in folder.iterdir()] == ["metrics.om"]
    return target.read_text().splitlines()


def windows(*cells: Sequence[Cell], baseline: float = 0.01) -> list[ClosedWindow]:
    return [one for each in cells for one in closed_windows(DIMENSIONS, each, baseline)]


def samples(lines: Sequence[str], metric: Metric) -> list[tuple[str, float, float]]:
    """Give labels, value and minutes since the start for each sample of a metric."""
    found = []
    for line in lines:
        name, _, rest = line.partition("{" if "{" in line else " ")
        if name == metric.name:
            labels, _, rest = rest.rpartition("} ") if "} " in rest else ("", "", rest)
            value, instant = rest.split()
            found.append((labels, float(value), (int(instant) - START) / 60))
    return found


def test_counters_begin_at_0_and_have_a_sample_at_the_end_of_every_window(tmp_path: Path) -> None:
    lines = written(
        tmp_path,
        windows([Cell(FIRST, EU, 10, 1)], [Cell(FIRST + 2, EU, 5, 5, cancelled=2)]),
    )
    series = 'region="eu",os="windows",outcome='
    assert sorted(samples(lines, telemetry.OPERATIONS)) == [
        *((f'{series}"cancelled"', value, at) for value, at in ((0, 2), (2, 3))),
        *((f'{series}"failure"', value, at) for value, at in ((0, 0), (1, 1), (1, 2), (6, 3))),
        *((f'{series}"success"', value, at) for value, at in ((0, 0), (9, 1), (9, 2), (9, 3))),
    ]


def test_late_outcomes_count_in_their_window_and_are_told_when_they_came(tmp_path: Path) -> None:
    lines = written(
        tmp_path,
        windows(
            [Cell(FIRST, EU, 10, 1)],
            [Cell(FIRST + 1, EU, 5)],
            [Cell(FIRST, EU, 4, 2, late=True), Cell(FIRST + 2, EU, 1)],
        ),
    )
    failures = [one for one in samples(lines, telemetry.OPERATIONS) if "failure" in one[0]]
    assert [value for _, value, _ in failures] == [0, 3, 3, 3]
    assert samples(lines, telemetry.LATE) == [("", 0, 0), ("", 0, 1), ("", 0, 2), ("", 4, 3)]


def test_gauges_of_a_series_are_there_when_its_window_is_and_what_they_say_is_known(
    tmp_path: Path,
) -> None:
    lines = written(
        tmp_path,
        [
            *windows([Cell(FIRST, EU, 4, 1), Cell(FIRST, US, cancelled=1)], baseline=NAN),
            *windows([Cell(FIRST + 1, US, 200, 2)], baseline=0.125),
        ],
    )
    eu, us = 'region="eu",os="windows"', 'region="us",os="linux"'
    assert samples(lines, telemetry.SUCCESS_RATIO) == [(eu, 0.75, 1), (us, 0.99, 2)]
    assert samples(lines, telemetry.BASELINE_SUCCESS_RATIO) == [(us, 0.875, 2)]
    assert samples(lines, telemetry.STATISTIC) == [(us, 2, 2)]
    ((_, lower, _),) = samples(lines, telemetry.BASELINE_LOWER_BOUND)
    ((_, upper, _),) = samples(lines, telemetry.BASELINE_UPPER_BOUND)
    assert 0.7 < lower < 0.875 < upper < 1
    assert samples(lines, telemetry.SERIES)[:3] == [
        ('partition="0",state="degraded"', 0, 1),
        ('partition="0",state="learning"', 2, 1),
        ('partition="0",state="watched"', 0, 1),
    ]
    assert samples(lines, telemetry.THRESHOLD)[0] == ('partition="0"', 9.5, 1)


def test_failures_are_counted_by_code_and_what_is_beyond_the_bound_as_other(
    tmp_path: Path,
) -> None:
    cells = [
        Cell(FIRST, EU, 10, 6, errors={"a": 3, "b": 2}),
        Cell(FIRST + 1, US, 10, 4, errors={"a": 1, "c": 3}),
    ]
    lines = written(tmp_path, windows(cells[:1], cells[1:]))
    last = {one[0]: one[1] for one in samples(lines, telemetry.FAILURES_BY_CODE)}
    assert last == {
        'region="eu",error_code="a"': 3,
        'region="eu",error_code="b"': 2,
        'region="eu",error_code="unknown"': 1,
        'region="us",error_code="a"': 1,
        'region="us",error_code="__other__"': 3,
    }


def change(kind: ChangeKind, direction: Direction, raised: float) -> ChangePoint:
    return ChangePoint(
        series={"region": "eu", "os": "windows"},
        direction=direction,
        onset=raised - 120,
        raised=raised,
        baseline_ratio=0.99,
        ratio=0.5,
        statistic=12.0,
        threshold=9.5,
        kind=kind,
    )


def test_change_points_are_counted_in_the_window_that_raised_them_from_0_on(
    tmp_path: Path,
) -> None:
    table = [cell_table(DIMENSIONS, [Cell(FIRST + minute, EU, 9)]) for minute in range(2)]
    raised = change(ChangeKind.SUCCESS_RATIO, Direction.DEGRADED, START + 120)
    silent = change(ChangeKind.VOLUME, Direction.DEGRADED, START + 300)
    nothing = cell_table(DIMENSIONS, [])
    lines = written(
        tmp_path,
        [
            closed_window(table[0]),
            closed_window(table[1], points=[raised]),
            closed_window(nothing, through=FIRST + 4, points=[silent]),
        ],
    )
    found = samples(lines, telemetry.CHANGE_POINTS)
    of = {
        kind: [one[1:] for one in found if one[0] == f'kind="{kind}",direction="degraded"']
        for kind in ("success_ratio", "volume", "error_code")
    }
    assert of["success_ratio"] == [(0, 0), (0, 1), (1, 2), (1, 5)]
    assert of["volume"] == [(0, 0), (0, 1), (0, 2), (1, 5)]
    assert of["error_code"] == [(0, 0), (0, 1), (0, 2), (0, 5)]


def test_what_is_read_is_counted_before_the_window_that_it_closes(tmp_path: Path) -> None:
    reasons = dict.fromkeys(DeadLetterReason, 0) | {DeadLetterReason.EMPTY: 2}
    read = [
        IngestStatistics(10, {}, 0, 0, 3, reasons),
        IngestStatistics(5, {}, 0, 0, 0, dict.fromkeys(DeadLetterReason, 0)),
    ]
    first, second = windows([Cell(FIRST, EU, 5)], [Cell(FIRST + 1, EU, 5)])
    lines = written(tmp_path, [read[0], first, read[1], second])
    assert [one[1:] for one in samples(lines, telemetry.RECORDS_READ)] == [(0, 0), (10, 1), (15, 2)]
    assert [one[1:] for one in samples(lines, telemetry.DUPLICATES)] == [(0, 0), (3, 1), (3, 2)]
    dead = samples(lines, telemetry.DEAD_LETTERS)
    assert ('topic="vm-operations",reason="empty"', 2, 1) in dead
    assert {one[1] for one in dead if "malformed" in one[0]} == {0}


def test_partitions_in_another_order_give_the_same_bytes(tmp_path: Path) -> None:
    pieces = [
        [
            closed_window(cell_table(DIMENSIONS, [Cell(FIRST + minute, key, 9, 1)]), partition)
            for minute in range(3)
        ]
        for partition, key in enumerate((EU, US))
    ]
    (one, other) = pieces
    results = []
    for name, order in (
        ("a", [one[0], other[0], one[1], other[1], one[2], other[2]]),
        ("b", [*other, *one]),
    ):
        (tmp_path / name).mkdir()
        results.append(written(tmp_path / name, order, partitions=2))
    assert results[0] == results[1]
    assert {one[0] for one in samples(results[0], telemetry.WINDOWS_CLOSED)} == {
        'partition="0"',
        'partition="1"',
    }
    assert samples(results[0], telemetry.WATERMARK)[-1] == ('partition="1"', START + 180, 3)


def test_metrics_go_on_while_a_fleet_rests_but_not_for_a_month(tmp_path: Path) -> None:
    later = FIRST + 100_000
    lines = written(tmp_path, windows([Cell(FIRST, EU, 9)], [Cell(later, EU, 9)]))
    minutes = [at for _, _, at in samples(lines, telemetry.OPERATIONS)]
    assert minutes == [*range(LONGEST_SILENCE + 2), 100_000, 100_001]
    assert [at for _, _, at in samples(lines, telemetry.LATE)] == minutes


def test_an_incident_has_samples_from_when_it_was_raised_until_it_is_resolved(
    tmp_path: Path,
) -> None:
    records = [
        incident_record(raised="2021-10-13T06:30:00Z"),
        incident_record(raised="2021-10-13T06:32:00Z", revision=2, status="recovering"),
        incident_record(raised="2021-10-13T06:34:30Z", revision=3, status="resolved"),
    ]
    minutes = [[Cell(FIRST + minute, EU, 10, 5)] for minute in range(10)]
    lines = written(tmp_path, windows(*minutes), incidents=records)
    found = [
        (labels.split('status="')[1].split('"')[0], at)
        for labels, _, at in samples(lines, telemetry.INCIDENT)
    ]
    assert found == [("open", 3), ("open", 4), *(("recovering", at) for at in (5, 6, 7))]
    numbers = [value for _, value, _ in samples(lines, telemetry.INCIDENTS_OPEN)]
    assert numbers == [0, 0, 1, 1, 1, 1, 1, 0, 0, 0]


def test_an_incident_that_is_not_resolved_has_samples_up_to_the_last_window(
    tmp_path: Path,
) -> None:
    minutes = [[Cell(FIRST + minute, EU, 10, 5)] for minute in range(5)]
    records = [incident_record(raised="2021-10-13T06:29:30Z")]
    lines = written(tmp_path, windows(*minutes), incidents=records)
    for metric in INCIDENT_METRICS:
        assert {at for _, _, at in samples(lines, metric)} == {3, 4, 5}


def release(number: int, action: ReleaseAction, minute: int, exposure: float) -> ReleaseEvent:
    return ReleaseEvent(
        id=f"e{number}",
        time=START + 60.0 * minute,
        release="r",
        action=action,
        scope={"region": ("eu",)},
        exposure=exposure,
        component="agent",
    )


def test_a_release_has_its_exposure_from_its_first_step_on(tmp_path: Path) -> None:
    events = [
        release(1, ReleaseAction.STARTED, 1, 0.25),
        release(2, ReleaseAction.ROLLED_BACK, 3, 0.0),
    ]
    minutes = [[Cell(FIRST + minute, key, 10) for key in (EU, US)] for minute in range(4)]
    lines = written(tmp_path, windows(*minutes), releases=events)
    labels = 'release="r",component="agent",region="eu"'
    assert samples(lines, telemetry.RELEASE_EXPOSURE) == [
        (labels, 0.25, 1),
        (labels, 0.25, 2),
        (labels, 0, 3),
        (labels, 0, 4),
    ]


@pytest.mark.parametrize("bits", [62, 0])
def test_series_are_told_apart_however_many_values_there_are(
    monkeypatch: pytest.MonkeyPatch, bits: int
) -> None:
    monkeypatch.setattr(sample_files, "_MOST_BITS", bits)
    numbers = SeriesNumbers(("region", "os", "zone"))
    known: dict[tuple[str, ...], int] = {}
    for count in (1, 2, 3, 9, 40):
        keys = [(f"r{one % 7}", f"o{one % 3}", f"z{one}") for one in range(0, count, 2)]
        table = cell_table(("region", "os", "zone"), [Cell(FIRST, key, 1) for key in keys])
        found = numbers.of_cells(table).tolist()
        for key, number in zip(table.keys(), found, strict=True):
            assert known.setdefault(key, number) == number
        assert len(set(found)) == len(keys)
    assert len(numbers) == len(known) == 20
    first = next(iter(known))
    text = f'region="{first[0]}",os="{first[1]}",zone="{first[2]}"'
    assert numbers.texts(0)[known[first]] == text


@pytest.fixture
def everything(tmp_path: Path) -> list[str]:
    """The metrics of a replay in which everything happens."""
    overflowed = Cell(FIRST + 1, ("__other__", "windows"), 5)
    cells = [[Cell(FIRST, EU, 10, 5, errors={"x": 5})], [Cell(FIRST + 1, EU, 10, 9), overflowed]]
    return written(
        tmp_path,
        windows(*cells),
        incidents=[incident_record(raised="2021-10-13T06:28:00Z")],
        releases=[release(1, ReleaseAction.STARTED, 0, 0.5)],
    )


def test_every_metric_that_means_anything_in_a_replay_has_samples(everything: list[str]) -> None:
    missing = {metric for metric in CATALOGUE if not samples(everything, metric)}
    # The windows above are of series that are well.
    assert missing == LIVE_ONLY | {telemetry.CHANGE_POINTS_ACTIVE}


def test_the_samples_of_a_metric_stand_together_behind_its_header(everything: list[str]) -> None:
    names: list[str] = []
    for line in everything:
        name = line.split()[2] if line.startswith("# TYPE") else ""
        if name:
            names.append(name)
        elif not line.startswith("#"):
            own = line.split("{")[0].split()[0]
            assert own.removesuffix("_total").removesuffix("_info") == names[-1]
    assert len(names) == len(set(names))
    assert everything[-1] == "# EOF"


def test_each_series_is_in_time_order(everything: list[str]) -> None:
    latest: dict[str, int] = {}
    for line in everything:
        if not line.startswith("#"):
            series, _, instant = line.rsplit(" ", 2)
            assert int(instant) > latest.get(series, 0)
            latest[series] = int(instant)
