"""The monitor of the experiment is the replay, batch by batch, and its forks go their own ways."""

from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
from recorded_runs import experiments

from benchmarks.openstack.fleet import Fault, draw_fleet, outcome_lines, place_runs
from benchmarks.openstack.monitor import SETTINGS, Monitor
from benchmarks.openstack.records import join
from benchmarks.openstack.rollouts import draw_rollout, exposed_regions
from streams.replay.driver import replay
from streams.replay.request import ReplayRequest
from streams.scenarios.encoding import release_line

BEGIN, ONSET, END = 1_609_459_200.0, 1_609_461_600.0, 1_609_464_000.0

RECORDINGS = join(*experiments(["a", "b"], failing=["b"], gap=0.2))
FLEET = draw_fleet(np.random.default_rng(1), 5, 40.0)
CULPRIT = draw_rollout(np.random.default_rng(2), RECORDINGS.faulty["b"][0], 0, FLEET.regions, ONSET)
RUNS = place_runs(
    np.random.default_rng(3),
    FLEET,
    RECORDINGS.ordinary,
    Fault(RECORDINGS.faulty["b"], exposed_regions(CULPRIT), 1.0),
    BEGIN,
    END,
)


class Then:
    """A clock that stands long after all events."""

    def now(self) -> float:
        return END


class Deaf:
    """Does not care how far a replay is."""

    def advance(self, done_bytes: int, total_bytes: int, events: int, windows: int) -> None: ...


def fed(monitor: Monitor, *cuts: float) -> Monitor:
    for begin, end in pairwise(cuts):
        monitor.feed(outcome_lines(RUNS, begin, end), end)
    return monitor


def fresh() -> Monitor:
    monitor = Monitor()
    monitor.add_releases(CULPRIT.events())
    return monitor


def records(monitor: Monitor) -> list[bytes]:
    return [msgspec.json.encode(record.record()) for record in monitor.records]


def test_what_it_says_is_what_a_replay_of_the_same_events_says(tmp_path: Path) -> None:
    outcomes, releases = tmp_path / "outcomes.jsonl", tmp_path / "releases.jsonl"
    outcomes.write_bytes(b"\n".join([*outcome_lines(RUNS, BEGIN, END), b""]))
    releases.write_bytes(b"\n".join([*map(release_line, CULPRIT.events()), b""]))
    out = tmp_path / "out"
    replay(SETTINGS, ReplayRequest((outcomes,), None, releases, out), Deaf(), Then())
    monitor = fed(fresh(), BEGIN, ONSET, ONSET + 1000.0, END)
    monitor.finish()
    assert records(monitor) == (out / "incidents.jsonl").read_bytes().splitlines()
    assert records(monitor)


def test_forks_of_one_monitor_go_on_as_it_does_and_leave_it_alone() -> None:
    warm = fed(fresh(), BEGIN, ONSET + 300.0)
    before = records(warm)
    one, other = warm.fork(), warm.fork()
    fed(one, ONSET + 300.0, END)
    assert records(warm) == before
    fed(other, ONSET + 300.0, ONSET + 1500.0, END)
    assert records(one) == records(other) == records(fed(fresh(), BEGIN, END))
    assert len(records(one)) > len(before)
