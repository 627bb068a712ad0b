"""Prometheus's own tool holds the alerts of opwatch itself to what they say."""

from pathlib import Path

import pytest
from rule_cases import Case, Firing, hold

from dashboards.alerting import worker

DOWN = Firing(worker.DOWN, "critical")
STUCK = Firing(worker.WATERMARK, "critical")
STALLED = Firing(worker.STALLED, "critical")
ARCHIVE = Firing(worker.ARCHIVE, "warning")
PUSH = Firing(worker.PUSH, "warning")
DEAD_LETTERS = Firing(worker.DEAD_LETTERS, "warning", {"topic": "vm-operations"})

UP = {
    'up{job="opwatch",instance="a"}': "1x200",
    'opwatch_stage_duration_seconds_count{stage="incidents",instance="a"}': "0+1x200",
    'opwatch_windows_closed_total{partition="0",instance="a"}': "0+1x200",
}


def worker_down(instance: str) -> Firing:
    return Firing(worker.WORKER_DOWN, "warning", {"instance": instance})


def watermark(partition: int, instance: str = "a") -> str:
    return f'opwatch_watermark_timestamp_seconds{{partition="{partition}",instance="{instance}"}}'


def test_a_worker_that_runs_is_silent_but_for_the_dead_mans_switch(tmp_path: Path) -> None:
    case = Case(UP | {watermark(0): "0+60x200"}, {minute: [] for minute in (0, 15, 60, 150)})
    labels = {"severity": "none"}
    annotations = {
        "summary": "Always fires: the way from Prometheus through Alertmanager works",
        "description": "Whoever expects this has to raise the alarm when it stops coming.",
        "runbook_url": "docs/runbook.md#opwatchdeadmansswitch",
        "dashboard_url": "http://127.0.0.1:3000/d/opwatch-pipeline",
    }
    hold(tmp_path, Case(case.series, case.firing, {0: (worker.DEAD_MAN, labels, annotations)}))


def test_a_job_without_targets_is_down_after_three_minutes(tmp_path: Path) -> None:
    hold(tmp_path, Case({'up{job="other"}': "1x30"}, {0: [], 2: [], 3: [DOWN], 30: [DOWN]}))


def test_one_worker_of_two_that_is_down_is_told_but_wakes_nobody(tmp_path: Path) -> None:
    series = UP | {'up{job="opwatch",instance="b"}': "1x9 0x19 1x20"}
    firing = {10: [], 14: [], 15: [worker_down("b")], 29: [worker_down("b")], 30: []}
    hold(tmp_path, Case(series, firing))


def test_all_workers_down_wakes_somebody(tmp_path: Path) -> None:
    series = {f'up{{job="opwatch",instance="{name}"}}': "1x9 0x20" for name in "ab"}
    firing = {12: [], 13: [DOWN], 15: [DOWN, worker_down("a"), worker_down("b")]}
    hold(tmp_path, Case(series, firing))


def test_the_slowest_partition_is_stuck_however_fast_the_others_are(tmp_path: Path) -> None:
    series = UP | {watermark(0): "0+60x100", watermark(1): "0+60x20 1200x80"}  # still from 20 on
    hold(tmp_path, Case(series, {30: [], 35: [], 36: [STUCK], 100: [STUCK]}))


def test_a_partition_that_has_moved_to_another_worker_is_not_stuck(tmp_path: Path) -> None:
    series = UP | {watermark(0): "0+60x20 1200x80", watermark(0, "b"): "_x21 1260+60x80"}
    hold(tmp_path, Case(series, {30: [], 60: [], 100: []}))


def test_a_worker_that_catches_up_is_not_stuck(tmp_path: Path) -> None:
    # Three hours behind, and four times as fast as time.
    series = UP | {watermark(0): "-10800+240x60 3600+60x100"}
    hold(tmp_path, Case(series, {minute: [] for minute in range(0, 150, 10)}))


def test_a_worker_that_falls_behind_more_and_more_is_stuck(tmp_path: Path) -> None:
    series = UP | {watermark(0): "0+30x100"}
    hold(tmp_path, Case(series, {20: [], 30: [STUCK], 100: [STUCK]}))


def test_no_watermark_at_all_is_no_stuck_one(tmp_path: Path) -> None:
    hold(tmp_path, Case(UP, {60: []}))


def test_windows_that_nobody_takes_wake_somebody(tmp_path: Path) -> None:
    series = UP | {
        'opwatch_stage_duration_seconds_count{stage="incidents",instance="a"}': "0+1x19 19x80"
    }
    hold(tmp_path, Case(series, {28: [], 31: [], 36: [STALLED], 80: [STALLED]}))


def test_a_fleet_without_a_worker_for_incidents_is_stalled(tmp_path: Path) -> None:
    series = dict(UP)
    del series['opwatch_stage_duration_seconds_count{stage="incidents",instance="a"}']
    hold(tmp_path, Case(series, {5: [], 10: [STALLED]}))


def test_without_windows_the_incidents_are_not_stalled(tmp_path: Path) -> None:
    series = UP | {
        'opwatch_stage_duration_seconds_count{stage="incidents",instance="a"}': "19x80",
        'opwatch_windows_closed_total{partition="0",instance="a"}': "30x80",
    }
    hold(tmp_path, Case(series, {60: []}))


@pytest.mark.parametrize(
    ("dead", "read", "firing"),
    [
        ("0+20x60", "0+1000x60", [DEAD_LETTERS]),  # 2 %
        ("0+9x60", "0+1000x60", []),  # 0.9 %
        ("0 1x60", "0+1x60", []),  # one bad record of a quiet topic
    ],
)
def test_dead_letters_are_told_by_their_share(
    tmp_path: Path, dead: str, read: str, firing: list[Firing]
) -> None:
    letters = 'opwatch_dead_letters_total{{topic="vm-operations",reason="{}",instance="a"}}'
    series = UP | {
        letters.format("missing_field"): dead,
        letters.format("invalid_json"): "0x60",
        'opwatch_records_read_total{topic="vm-operations",instance="a"}': read,
    }
    hold(tmp_path, Case(series, {3: [], 9: firing, 60: firing}))


def test_dead_letters_that_have_stopped_are_forgotten(tmp_path: Path) -> None:
    series = UP | {
        'opwatch_dead_letters_total{topic="vm-operations",reason="x"}': "0+20x20 400x40",
        'opwatch_records_read_total{topic="vm-operations"}': "0+1000x60",
    }
    hold(tmp_path, Case(series, {20: [DEAD_LETTERS], 35: []}))


def test_an_archive_that_only_fails_is_told_and_one_that_also_succeeds_is_not(
    tmp_path: Path,
) -> None:
    failures = "opwatch_archive_failures_total"
    written = 'opwatch_archived_windows_total{partition="0"}'
    hold(tmp_path, Case(UP | {failures: "0+1x60", written: "9x60"}, {15: [], 20: [ARCHIVE]}))
    hold(tmp_path, Case(UP | {failures: "0+1x60", written: "0+1x60"}, {20: [], 60: []}))
    hold(tmp_path, Case(UP | {failures: "0x60", written: "9x60"}, {60: []}))


def test_pushes_that_only_fail_are_told(tmp_path: Path) -> None:
    failed, accepted = (
        f'opwatch_alerts_pushed_total{{result="{one}"}}' for one in ("failed", "accepted")
    )
    hold(tmp_path, Case(UP | {failed: "0+6x30", accepted: "4x30"}, {3: [], 7: [PUSH]}))
    hold(tmp_path, Case(UP | {failed: "0+1x30", accepted: "0+1x30"}, {30: []}))
    hold(tmp_path, Case(UP | {failed: "0x30", accepted: "0+1x30"}, {30: []}))
