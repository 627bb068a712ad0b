"""What the stages do becomes metrics, log lines, health and readiness."""

import re
from collections.abc import Mapping
from dataclasses import replace

import pytest
from cell_tables import Cell, cell_table
from manual_clock import ManualClock
from observed_fleet import MENDED, ONSET, WINDOWS, FleetRun
from outcome_events import LONG_AFTER, SOURCE, event, flush_of, ingest, records
from prometheus_client.parser import text_string_to_metric_families
from small_fleets import FIRST, REGIONS, SERIES, SETTINGS, progress
from structlog.testing import capture_logs

from streams.adapters.prometheus import MetricStore
from streams.domain.outcomes import DeadLetterReason
from streams.domain.series import OTHER, partition_of
from streams.stages.judge import Judge
from streams.stages.records import PartitionPosition
from streams.windows.blocks import CountsBlock
from streams.wiring.observation import RESOLVED_SECONDS, STUCK_SECONDS, Observation

PARTITIONS = SETTINGS.topics.counts_partitions
OWNERS = {partition_of(key, SETTINGS.group_positions, PARTITIONS) for key in SERIES}
"""The counts partitions that have any series."""


class Watched:
    """An observation and what its store says."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.store = MetricStore(SETTINGS.ingest.dimensions)
        self.observation = Observation(SETTINGS, self.store, self.clock)

    def samples(self, name: str) -> dict[tuple[str, ...], float]:
        """Give a metric's samples by the values of their labels, in the order of their names."""
        return {
            tuple(value for _, value in sorted(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(self.store.text())
            for sample in family.samples
            if sample.name == name
        }


@pytest.fixture
def watched() -> Watched:
    return Watched()


@pytest.fixture(scope="module")
def lived() -> Mapping[str, tuple[Watched, FleetRun]]:
    """The fleet watched up to its trouble, and to its end."""
    stages = {}
    for name, until in (("in trouble", MENDED - 1), ("resolved", WINDOWS)):
        watched, run = Watched(), FleetRun()
        run.go_on(watched.observation, until)
        stages[name] = watched, run
    return stages


Lived = Mapping[str, tuple[Watched, FleetRun]]


def test_a_flush_is_counted_by_what_became_of_its_records(watched: Watched) -> None:
    events = [event("1"), event("1"), event("2", 600.0), event("3"), b"{", None]
    with capture_logs() as logs:
        watched.observation.flushed(flush_of(events), {0: 7, 1: 2})
    assert watched.samples("opwatch_records_read_total") == {("0", "vm-operations"): 6.0}
    assert watched.samples("opwatch_duplicates_total") == {("0",): 1.0}
    assert watched.samples("opwatch_late_total") == {("0",): 1.0}
    letters = watched.samples("opwatch_dead_letters_total")
    assert {key: count for key, count in letters.items() if count} == {
        ("0", "malformed", "vm-operations"): 1.0,
        ("0", "empty", "vm-operations"): 1.0,
    }
    assert {one[1] for one in letters} == {reason.value for reason in DeadLetterReason}
    lag = watched.samples("opwatch_consumer_lag_records")
    assert lag == {("0", "vm-operations"): 7.0, ("1", "vm-operations"): 2.0}
    (warning,) = logs
    assert (warning["event"], warning["count"]) == ("dead_letters", 2)
    assert (warning["first_partition"], warning["first_offset"]) == (0, 4)


def test_what_was_counted_of_a_source_partition_goes_on_with_it_and_leaves_with_it(
    watched: Watched,
) -> None:
    stage = ingest()
    stage.process(records([event("1"), event("1"), b"{"]), LONG_AFTER)
    position = stage.flush().positions[SOURCE]
    fresh = replace(SOURCE, partition=1)
    watched.observation.reading({SOURCE: position, fresh: PartitionPosition(0, None, 0)})
    read = watched.samples("opwatch_records_read_total")
    assert read == {("0", "vm-operations"): 3.0, ("1", "vm-operations"): 0.0}
    stage = ingest()
    stage.assign(SOURCE, position)
    stage.process(records([event("2")], 3), LONG_AFTER)
    watched.observation.flushed(stage.flush(), {0: 0})
    assert watched.samples("opwatch_records_read_total")["0", "vm-operations"] == 4.0
    assert watched.samples("opwatch_duplicates_total") == {("0",): 1.0, ("1",): 0.0}

    watched.observation.reading({fresh: PartitionPosition(0, None, 0)})
    for name in ("records_read", "duplicates", "late"):
        (left,) = watched.samples(f"opwatch_{name}_total")
        assert left[0] == "1"
    watched.observation.reading({})
    for name in ("records_read_total", "dead_letters_total", "consumer_lag_records"):
        assert watched.samples(f"opwatch_{name}") == {}


def test_transactions_are_counted_by_how_they_ended(watched: Watched) -> None:
    watched.observation.flushed(flush_of([event("1")]), {})
    with capture_logs() as logs:
        watched.observation.aborted()
    assert watched.samples("opwatch_transactions_total") == {("committed",): 1.0, ("aborted",): 1.0}
    assert [one["event"] for one in logs] == ["transaction_aborted"]


def test_steps_and_snapshots_are_timed(watched: Watched) -> None:
    watched.observation.stepped("judge", 0.02)
    watched.observation.stepped("judge", 0.04)
    watched.observation.kept("judge", 3)
    assert watched.samples("opwatch_stage_duration_seconds_count") == {("judge",): 2.0}
    assert watched.samples("opwatch_stage_duration_seconds_sum") == {("judge",): 0.06}
    assert watched.samples("opwatch_snapshot_timestamp_seconds") == {
        ("3", "judge"): watched.clock.time
    }


def test_the_snapshot_of_a_partition_that_was_given_up_does_not_grow_old_here(
    watched: Watched,
) -> None:
    for stage, partition in (("judge", 3), ("judge", 1), ("incidents", 0)):
        watched.observation.kept(stage, partition)
    watched.observation.released("judge", 3)
    watched.observation.released("incidents", 0)
    assert watched.samples("opwatch_snapshot_timestamp_seconds").keys() == {("1", "judge")}


def test_a_role_is_ready_after_its_first_work(watched: Watched) -> None:
    assert watched.observation.readiness().keys() == {"ingest", "judge", "incidents"}
    watched.observation.flushed(flush_of([event("1")]), {})
    assert watched.observation.readiness().keys() == {"judge", "incidents"}
    FleetRun().go_on(watched.observation, 2)
    assert watched.observation.readiness() == {}


def test_a_worker_whose_event_loop_does_not_turn_is_not_healthy(watched: Watched) -> None:
    assert watched.observation.health() is None
    watched.clock.time += STUCK_SECONDS + 1
    assert watched.observation.health() == "the event loop is stuck for 31 s"
    watched.observation.beat()
    assert watched.observation.health() is None


def test_every_operation_of_a_closed_window_is_counted_by_its_outcome(lived: Lived) -> None:
    watched, run = lived["resolved"]
    operations = watched.samples("opwatch_operations_total")
    by_outcome = {"success": 0.0, "failure": 0.0}
    for labels, count in operations.items():
        by_outcome[next(label for label in labels if label in by_outcome)] += count
    assert by_outcome == {
        "success": run.told.trials - run.told.failures,
        "failure": run.told.failures,
    }
    closed = watched.samples("opwatch_windows_closed_total")
    assert {labels: count for labels, count in closed.items() if count} == {
        (str(one),): float(WINDOWS) for one in OWNERS
    }
    codes = watched.samples("opwatch_failures_total")
    assert {labels[0] for labels in codes} == {"Broken", "Internal"}
    assert sum(codes.values()) == run.told.failures
    assert set(watched.samples("opwatch_overflowed_total").values()) == {0.0}
    changes = watched.samples("opwatch_change_points_total")
    assert sum(changes.values()) == run.told.change_points > 0


def test_series_are_told_as_they_are_in_the_last_window(lived: Lived) -> None:
    watched, _ = lived["in trouble"]
    ratios = watched.samples("opwatch_success_ratio")
    assert len(ratios) == len(SERIES)
    windows = [ratio for labels, ratio in ratios.items() if "windows" in labels]
    assert max(windows) < 0.75
    assert len(watched.samples("opwatch_baseline_success_ratio")) == len(SERIES)
    active = watched.samples("opwatch_change_points_active")
    assert active
    assert all("windows" in labels for labels in active)
    states = watched.samples("opwatch_series")
    assert sum(states.values()) == len(SERIES)
    assert sum(count for labels, count in states.items() if "degraded" in labels) == len(active)
    marks = watched.samples("opwatch_watermark_timestamp_seconds")
    assert marks == {(str(one),): (FIRST + MENDED - 1) * 60.0 for one in range(PARTITIONS)}


def test_an_open_incident_is_told_with_its_candidates_and_gone_when_it_is_resolved(
    lived: Lived,
) -> None:
    watched, _ = lived["in trouble"]
    assert watched.samples("opwatch_incidents_open") == {(): 1.0}
    (info,) = watched.samples("opwatch_incident_info")
    assert "os=windows" in info
    (onset,) = watched.samples("opwatch_incident_onset_timestamp_seconds").values()
    assert onset == pytest.approx((FIRST + ONSET) * 60.0, abs=120)
    candidates = watched.samples("opwatch_candidate_probability")
    assert any("culprit" in labels for labels in candidates)
    exposures = watched.samples("opwatch_release_exposure_ratio")
    assert {region for labels in exposures for region in labels} >= set(REGIONS)
    resolved, _ = lived["resolved"]
    assert resolved.samples("opwatch_incidents_open") == {(): 0.0}
    assert resolved.samples("opwatch_incident_info") == {}
    assert resolved.samples("opwatch_candidate_probability") == {}


def test_what_happens_is_logged_once_each(watched: Watched) -> None:
    run = FleetRun()
    with capture_logs() as logs:
        run.go_on(watched.observation, WINDOWS)
    told = [one for one in logs if one["event"] == "incident"]
    assert [one["revision"] for one in told] == list(range(1, len(told) + 1))
    assert (told[0]["status"], told[-1]["status"]) == ("open", "resolved")
    changes = [one for one in logs if one["event"] == "change_point"]
    assert changes
    assert all(one["direction"] == "degraded" for one in changes)


def test_open_incidents_can_be_asked_for_and_resolved_ones_for_a_while(lived: Lived) -> None:
    watched, _ = lived["in trouble"]
    ((name, record),) = watched.observation.open_incidents().items()
    assert (record["incident"], record["status"]) == (name, "open")
    assert watched.observation.resolved_incidents() == {}
    later, _ = lived["resolved"]
    assert later.observation.open_incidents() == {}
    ((gone, last),) = later.observation.resolved_incidents().items()
    assert (gone, last["status"]) == (name, "resolved")
    later.clock.time += RESOLVED_SECONDS + 1
    assert later.observation.resolved_incidents() == {}


def test_a_successor_tells_of_open_incidents_once_it_is_where_its_predecessor_was(
    lived: Lived,
) -> None:
    before, run = lived["in trouble"]
    after = Watched()
    after.observation.incidents_resumed(run.incidents)
    assert after.observation.open_incidents() == {}
    assert after.samples("opwatch_incident_info") == {}
    after.observation.caught_up("incidents", 0)
    assert after.observation.open_incidents() == before.observation.open_incidents() != {}
    assert after.samples("opwatch_incidents_open") == {(): 1.0}
    for name in ("incident_info", "incident_region_status", "candidate_probability"):
        assert after.samples(f"opwatch_{name}") == before.samples(f"opwatch_{name}") != {}
    after.observation.released("incidents", 0)
    assert after.observation.open_incidents() == {}
    assert after.samples("opwatch_incident_info") == {}


def test_the_counters_of_a_successor_go_on_where_they_were_and_are_not_told_before() -> None:
    before, run = Watched(), FleetRun()
    for partition, judge in enumerate(run.judges):
        before.observation.judge_resumed(partition, judge)
        before.observation.caught_up("judge", partition)
    run.go_on(before.observation, ONSET + 3)
    snapshots = [judge.snapshot() for judge in run.judges]
    run.go_on(before.observation, MENDED)
    counters = ("operations", "failures", "windows_closed", "change_points")
    told = {name: before.samples(f"opwatch_{name}_total") for name in counters}

    after = Watched()
    run.judges = [
        Judge.resume(SETTINGS, partition, data) for partition, data in enumerate(snapshots)
    ]
    for partition, judge in enumerate(run.judges):
        after.observation.judge_resumed(partition, judge)
    run.repeat(after.observation, ONSET + 3, MENDED)
    for name in (*counters, "series"):
        assert after.samples(f"opwatch_{name}_total") == {}
    for partition in range(PARTITIONS):
        after.observation.caught_up("judge", partition)
    for name in counters:
        assert after.samples(f"opwatch_{name}_total") == told[name] != {}
    assert len(after.samples("opwatch_success_ratio")) == len(SERIES)


def test_series_are_told_with_what_is_normal_and_what_speaks_against_it(lived: Lived) -> None:
    watched, _ = lived["in trouble"]
    lower = watched.samples("opwatch_baseline_lower_success_ratio")
    upper = watched.samples("opwatch_baseline_upper_success_ratio")
    assert lower.keys() == upper.keys() == watched.samples("opwatch_success_ratio").keys()
    for labels, ratio in watched.samples("opwatch_success_ratio").items():
        assert lower[labels] <= upper[labels]
        assert (ratio < lower[labels]) == ("windows" in labels)
    thresholds = watched.samples("opwatch_change_point_threshold")
    assert thresholds.keys() == {(str(one),) for one in OWNERS}
    evidence = watched.samples("opwatch_change_point_statistic")
    well = [value for labels, value in evidence.items() if "linux" in labels]
    assert 0 < max(well) < min(thresholds.values())


def test_a_series_that_is_other_in_several_partitions_is_told_once(watched: Watched) -> None:
    """What is beyond the bound of a grouping dimension may have been of any partition."""
    cells = [Cell(FIRST, ("east", OTHER, "create"), 40, 2)]
    judges = [Judge(SETTINGS, partition) for partition in range(PARTITIONS)]
    for partition, judge in enumerate(judges):
        block = CountsBlock(60, (progress(1, 0),), cell_table(SETTINGS.ingest.dimensions, cells))
        watched.observation.judged(partition, judge, judge.on_block(block))
    assert watched.samples("opwatch_success_ratio") == {("create", OTHER, "east"): 0.95}
    assert watched.store.text().count("\nopwatch_success_ratio{") == 1
    assert len(watched.samples("opwatch_operations_total")) == 2 * PARTITIONS


def test_transactions_begin_at_0(watched: Watched) -> None:
    assert watched.samples("opwatch_transactions_total") == {("committed",): 0.0, ("aborted",): 0.0}


def test_nothing_remains_of_a_partition_that_was_given_up(watched: Watched) -> None:
    FleetRun().go_on(watched.observation, MENDED - 1)
    left = [len(watched.samples("opwatch_success_ratio"))]
    for partition in range(PARTITIONS):
        watched.observation.released("judge", partition)
        left.append(len(watched.samples("opwatch_success_ratio")))
        still = {(str(one),) for one in range(partition + 1, PARTITIONS)}
        assert watched.samples("opwatch_watermark_timestamp_seconds").keys() == still
    assert left == sorted(left, reverse=True)
    assert (left[0], left[-1]) == (len(SERIES), 0)
    assert watched.samples("opwatch_series") == {}
    watched.observation.released("incidents", 0)
    assert watched.samples("opwatch_incidents_open") == {(): 0.0}
    for name in ("incident_info", "candidate_probability", "release_exposure_ratio"):
        assert watched.samples(f"opwatch_{name}") == {}
    # What has been counted goes with the partition.
    for name in ("operations", "failures", "windows_closed", "change_points", "overflowed"):
        assert watched.samples(f"opwatch_{name}_total") == {}


def test_the_build_says_which_version_runs(watched: Watched) -> None:
    ((python, version),) = watched.samples("opwatch_build_info")
    assert re.fullmatch(r"3\.\d+\.\d+\S*", python)
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", version)
