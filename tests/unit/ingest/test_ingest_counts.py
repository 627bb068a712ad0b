"""Ingest counts every event once, in the cell it belongs to, or sets it aside."""

import numpy as np
import pytest
from outcome_events import LONG_AFTER, SOURCE, START, event, flush_of, ingest, records, totals_of

from streams.config import ErrorRule, IngestSettings, Settings, TopicSettings, WindowSettings
from streams.domain.outcomes import DeadLetterReason, Outcome, SourcePartition
from streams.stages.ingest import RecordBatch
from streams.windows.durations import bin_of

WINDOW = int(START) // 60
WESTUS = ("westus", "unknown", "unknown", "create")


def test_each_outcome_is_counted_in_its_own_column() -> None:
    names = ["success", "success", "failure", "timeout", "cancelled"]
    flush = flush_of([event(str(number), 0, name) for number, name in enumerate(names)])
    totals = totals_of([flush])
    cell = (WINDOW, False, WESTUS)
    assert totals.trials == {cell: 4}
    assert totals.failures == {cell: 2}
    assert totals.cancelled == {cell: 1}
    assert not totals.caller_faults
    assert flush.statistics.outcomes == {
        Outcome.SUCCESS: 2,
        Outcome.FAILURE: 1,
        Outcome.TIMEOUT: 1,
        Outcome.CANCELLED: 1,
    }


def test_a_callers_fault_is_counted_apart_and_has_no_error_code() -> None:
    flush = flush_of([event("1", 0, "failure", fault="caller", error_code="Quota")])
    totals = totals_of([flush])
    assert totals.caller_faults == {(WINDOW, False, WESTUS): 1}
    assert not totals.trials
    assert not totals.error_codes
    assert flush.statistics.caller_faults == 1
    assert flush.statistics.outcomes[Outcome.FAILURE] == 0


@pytest.mark.parametrize(
    ("code", "fault", "callers"),
    [
        ("Client.Quota", None, True),
        ("Client.Internal", None, False),
        ("Server.Quota", None, False),
        ("Client.Quota", "platform", False),
        ("Client.Internal", "caller", True),
        ("client.quota", None, False),
    ],
)
def test_the_first_rule_that_matches_decides_unless_the_event_does(
    code: str,
    fault: str | None,
    callers: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    rules = (
        ErrorRule(code="Client.Internal", fault="platform"),
        ErrorRule(code="Client.*", fault="caller"),
    )
    settings = Settings(ingest=IngestSettings(error_rules=rules))
    statistics = flush_of(
        [event("1", 0, "failure", error_code=code, fault=fault)], settings
    ).statistics
    assert statistics.caller_faults == int(callers)


def test_every_failure_has_an_error_code() -> None:
    values = [
        event("1", 0, "failure", error_code="Allocation"),
        event("2", 0, "failure"),
        event("3", 0, "timeout"),
        event("4", 0, "timeout", error_code="Allocation"),
        event("5", 0, "success", error_code="Ignored"),
    ]
    cell = (WINDOW, False, WESTUS)
    assert totals_of([flush_of(values)]).error_codes == {
        (cell, "Allocation"): 2,
        (cell, "unknown"): 1,
        (cell, "timeout"): 1,
    }


def test_durations_are_those_of_finished_operations_that_started_before_they_ended() -> None:
    values = [
        event("1", 30, "success", started="2021-10-13T06:00:00Z"),
        event("2", 30, "timeout", started="2021-10-13T08:00:00+02:00"),
        event("3", 30, "cancelled", started="2021-10-13T06:00:00Z"),
        event("4", 30, "failure", started="2021-10-13T06:00:00Z", fault="caller"),
        event("5", 30, "success", started="2021-10-13T06:00:31Z"),
        event("6", 30, "success"),
    ]
    (half_minute,) = bin_of(np.array([30.0])).tolist()
    totals = totals_of([flush_of(values)])
    assert totals.durations == {((WINDOW, False, WESTUS), half_minute): 2}


def test_dimensions_come_from_fields_and_attributes_and_are_unknown_where_empty() -> None:
    names = ("region", "zone", "cluster")
    settings = Settings(ingest=IngestSettings(dimensions=names))
    values = [
        event("1", zone="1", attributes={"cluster": "c7"}),
        event("2", zone="", attributes={"cluster": ""}),
        event("3"),
    ]
    totals = totals_of([flush_of(values, settings)])
    assert totals.trials == {
        (WINDOW, False, ("westus", "1", "c7")): 1,
        (WINDOW, False, ("westus", "unknown", "unknown")): 2,
    }


def test_missing_null_and_empty_values_are_one_series_and_one_row() -> None:
    null = event("2").replace(b"}", b', "os": null}')
    flush = flush_of([event("1"), null, event("3", os=""), event("4", os="unknown")])
    rows = [key for blocks in flush.blocks.values() for key in blocks[0].cells.keys()]  # noqa: SIM118
    assert rows == [WESTUS]


def test_a_single_dimension_is_a_key_of_one() -> None:
    settings = Settings(ingest=IngestSettings(dimensions=("region",)))
    assert totals_of([flush_of([event()], settings)]).trials == {(WINDOW, False, ("westus",)): 1}


def test_windows_are_as_long_as_configured_and_half_open() -> None:
    settings = Settings(windows=WindowSettings.model_validate({"length": 10}))
    values = [event("1", 9.999), event("2", 10.0)]
    windows = [cell[0] for cell in totals_of([flush_of(values, settings)]).trials]
    assert windows == [int(START) // 10, int(START) // 10 + 1]


def test_an_event_is_late_from_the_moment_its_window_ends_at_the_watermark() -> None:
    # watermark = latest - 30 s:  |--- window 0 ---|--- window 1 ---|
    #                             0               60    89.9  90
    values = [event("1", 89.999), event("2", 5), event("3", 90), event("4", 5), event("5", 60)]
    flush = flush_of(values)
    totals = totals_of([flush])
    assert totals.trials[WINDOW, False, WESTUS] == 1
    assert totals.trials[WINDOW, True, WESTUS] == 1
    assert [(late.offset, late.window, late.value) for late in flush.late] == [
        (3, WINDOW, values[3])
    ]
    assert flush.statistics.late == 1
    assert flush.statistics.records == sum(flush.statistics.outcomes.values()) == 5


def test_the_first_event_of_a_partition_is_never_late() -> None:
    other = SourcePartition(SOURCE.topic, 1)
    stage = ingest(None, SOURCE, other)
    stage.process(records([event("1", 10_000)]), LONG_AFTER)
    stage.process(records([event("2", 0)], source=other), LONG_AFTER)
    assert stage.flush().statistics.late == 0


def test_an_id_counts_once_over_all_partitions_of_a_worker() -> None:
    other = SourcePartition(SOURCE.topic, 1)
    stage = ingest(None, SOURCE, other)
    stage.process(records([event("a"), event("b")]), LONG_AFTER)
    stage.process(records([event("b"), event("c")], source=other), LONG_AFTER)
    statistics = stage.flush().statistics
    assert statistics.duplicates == 1
    assert statistics.outcomes[Outcome.SUCCESS] == 3


@pytest.mark.parametrize(
    ("first", "second", "duplicates"),
    [(0, 0, 1), (0, 599, 1), (599, 0, 1), (599, 1200, 0), (0, 1199, 1), (0, 1800, 0)],
)
def test_an_id_counts_again_only_when_the_horizon_has_passed(
    first: float, second: float, duplicates: int
) -> None:
    # Generations of 600 s; START is the beginning of one.
    flush = flush_of([event("a", first), event("a", second)])
    assert flush.statistics.duplicates == duplicates


def test_a_redelivered_event_is_found_up_to_a_horizon_behind_the_watermark() -> None:
    stage = ingest()
    for offset, second in enumerate((0, 630, 1229)):
        stage.process(records([event(str(second), second)], offset), LONG_AFTER)
    stage.process(records([event("0", 0)], 3), LONG_AFTER)
    stage.process(records([event("1230", 1230)], 4), LONG_AFTER)
    stage.process(records([event("0", 0)], 5), LONG_AFTER)
    statistics = stage.flush().statistics
    assert statistics.duplicates == 1
    assert statistics.late == 1


def test_a_duplicate_moves_the_watermark() -> None:
    flush = flush_of([event("a", 0), event("a", 500), event("b", 0)])
    assert flush.statistics.duplicates == 1
    assert flush.statistics.late == 1


def test_an_event_too_far_ahead_of_its_record_is_set_aside_and_closes_nothing() -> None:
    stage = ingest()
    values = [event("1", 0), event("2", 3601), event("3", 0)]
    stage.process(RecordBatch(SOURCE, values, range(3), times=[START] * 3), LONG_AFTER)
    flush = stage.flush()
    assert [letter.reason for letter in flush.dead_letters] == [DeadLetterReason.TIME_AHEAD]
    assert flush.statistics.late == 0
    assert flush.positions[SOURCE].latest == START


def test_without_record_times_processing_time_is_the_reference() -> None:
    stage = ingest()
    stage.process(records([event("1", 3600), event("2", 3600.001)]), START)
    assert [letter.offset for letter in stage.flush().dead_letters] == [1]


def test_an_event_ahead_of_its_record_may_be_delivered_again_in_time() -> None:
    stage = ingest()
    value = event("1", 7200)
    stage.process(RecordBatch(SOURCE, [value], [0], times=[START]), LONG_AFTER)
    stage.process(RecordBatch(SOURCE, [value], [1], times=[START + 7200]), LONG_AFTER)
    statistics = stage.flush().statistics
    assert statistics.duplicates == 0
    assert statistics.outcomes[Outcome.SUCCESS] == 1


def test_all_series_of_a_group_meet_in_one_counts_partition() -> None:
    values = [
        event(f"{region}-{operation}", 0, region=region, operation=operation)
        for region in ("a", "b", "c")
        for operation in ("create", "start", "stop", "delete", "resize")
    ]
    flush = flush_of(values, Settings(topics=TopicSettings(counts_partitions=7)))
    homes: dict[str, set[int]] = {}
    for partition, blocks in flush.blocks.items():
        for key in blocks[-1].cells.keys():  # noqa: SIM118 - a table, no dictionary
            homes.setdefault(key[3], set()).add(partition)
    assert sorted(flush.blocks) == list(range(7))
    assert all(len(partitions) == 1 for partitions in homes.values())
    assert len(set[int]().union(*homes.values())) > 1


def test_progress_comes_with_the_last_block_of_every_partition() -> None:
    flush = flush_of([event("1", 90)])
    for blocks in flush.blocks.values():
        (progress,) = blocks[-1].sources
        assert (progress.first_offset, progress.next_offset) == (0, 1)
        assert (progress.latest, progress.watermark) == (START + 90, START + 60)
        assert progress.partitions == 1
        assert not progress.idle


def test_a_flush_starts_where_the_last_one_ended() -> None:
    stage = ingest()
    stage.process(records([event("1"), event("2")]), LONG_AFTER)
    stage.flush()
    assert not stage.has_news
    assert stage.pending_cells == 0
    stage.process(records([event("2"), event("3")], 5), LONG_AFTER)
    flush = stage.flush()
    (progress,) = flush.blocks[0][-1].sources
    assert (progress.first_offset, progress.next_offset) == (2, 7)
    assert flush.statistics.duplicates == 1
    assert sum(totals_of([flush]).trials.values()) == 1


def test_idleness_is_news_once_and_ends_with_the_next_record() -> None:
    stage = ingest()
    assert not stage.has_news
    stage.set_idle(SOURCE, idle=True)
    assert stage.has_news
    assert stage.flush().blocks[0][-1].sources[0].idle
    stage.set_idle(SOURCE, idle=True)
    assert not stage.has_news
    stage.process(records([event()]), LONG_AFTER)
    assert not stage.flush().blocks[0][-1].sources[0].idle


def test_what_has_not_been_flushed_is_forgotten_when_partitions_are_revoked() -> None:
    stage = ingest()
    stage.process(records([event("1"), b"?"]), LONG_AFTER)
    stage.revoke_all()
    assert not stage.has_news
    assert stage.pending_cells == 0
    stage.assign(SOURCE, None)
    stage.process(records([event("1")]), LONG_AFTER)
    statistics = stage.flush().statistics
    assert (statistics.records, statistics.duplicates) == (1, 0)


def test_no_records_are_no_news() -> None:
    stage = ingest()
    stage.process(records([]), LONG_AFTER)
    assert not stage.has_news


def test_a_million_regions_stay_within_what_a_flush_may_hold() -> None:
    settings = Settings(ingest=IngestSettings(flush_cells=1000))
    stage = ingest(settings)
    flushes = []
    for first in range(0, 20_000, 500):
        values = [
            event(str(number), number / 1000, region=f"r{number}")
            for number in range(first, first + 500)
        ]
        stage.process(records(values, first), LONG_AFTER)
        assert stage.pending_cells <= 1500
        if stage.pending_cells >= 1000:
            flushes.append(stage.flush())
    assert len(flushes) == 20
    totals = totals_of(flushes)
    assert len(totals.trials) == sum(totals.trials.values()) == 20_000


def test_cells_that_wait_are_counted_exactly_once_there_are_enough() -> None:
    stage = ingest(Settings(ingest=IngestSettings(flush_cells=100)))
    for first in range(0, 2000, 100):
        values = [event(str(first + number), 0, region=f"r{number}") for number in range(100)]
        stage.process(records(values, first), LONG_AFTER)
        assert stage.pending_cells == 100


def test_error_codes_late_outcomes_and_dead_letters_count_as_waiting_too() -> None:
    stage = ingest(Settings(ingest=IngestSettings(flush_cells=100)))
    failures = [
        event(str(number), 600, "failure", error_code=f"c{number}") for number in range(200)
    ]
    stage.process(records(failures), LONG_AFTER)
    assert stage.pending_cells == 200
    stage.process(records([event("late", 0), b"?"], 200), LONG_AFTER)
    assert stage.pending_cells == 202


def test_an_idle_partition_holds_no_ids_back_and_loses_those_the_others_have_passed() -> None:
    other = SourcePartition(SOURCE.topic, 1)
    stage = ingest(None, SOURCE, other)
    stage.process(records([event("a", 0)], source=other), LONG_AFTER)
    stage.process(records([event("b", 0), event("c", 9000)]), LONG_AFTER)
    assert stage.flush().positions[SOURCE].rebuild_offset == 0
    stage.set_idle(other, idle=True)
    stage.process(records([event("d", 9001)], 2), LONG_AFTER)
    positions = stage.flush().positions
    assert positions[SOURCE].rebuild_offset == 1
    assert positions[other].rebuild_offset == positions[other].next_offset == 1
    stage.process(records([event("a", 0)], 1, other), LONG_AFTER)
    assert stage.flush().statistics.duplicates == 0


def test_what_was_refused_as_ahead_is_not_learned_after_a_restart() -> None:
    stage = ingest()
    stage.process(records([event("1", 0), event("2", 7200)]), START)
    position = stage.flush().positions[SOURCE]
    restarted = ingest()
    restarted.assign(SOURCE, position)
    restarted.remember(records([event("1", 0), event("2", 7200)]))
    restarted.process(records([event("2", 7200), event("1", 0)], 2), LONG_AFTER)
    statistics = restarted.flush().statistics
    assert statistics.duplicates == 0
    assert statistics.outcomes[Outcome.SUCCESS] == 2


def test_a_restart_before_the_first_event_has_nothing_to_learn() -> None:
    stage = ingest()
    stage.process(records([b"?"]), LONG_AFTER)
    position = stage.flush().positions[SOURCE]
    assert (position.next_offset, position.latest, position.rebuild_offset) == (1, None, 1)
    restarted = ingest()
    restarted.assign(SOURCE, position)
    restarted.remember(records([event("1")]))
    restarted.process(records([event("1")], 1), LONG_AFTER)
    assert restarted.flush().statistics.duplicates == 0


def test_series_are_numbered_anew_when_there_were_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("streams.stages.folding.SERIES_KEPT", 10)
    stage, flushes = ingest(), []
    for first in range(0, 60, 20):
        values = [event(str(first + one), 0, region=f"r{one}") for one in range(20)]
        stage.process(records(values, first), LONG_AFTER)
        flushes.append(stage.flush())
    assert set(totals_of(flushes).trials.values()) == {3}
