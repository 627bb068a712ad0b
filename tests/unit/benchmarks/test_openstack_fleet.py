"""Fleets of recorded runs: runs stay whole, and faults stay where the release is."""

import json
from collections import Counter, defaultdict
from importlib.resources import files
from itertools import pairwise
from typing import Any

import numpy as np
from jsonschema import Draft202012Validator
from recorded_runs import SCRIPT, experiments

from benchmarks.openstack.fleet import Fault, PlacedRun, draw_fleet, outcome_lines, place_runs
from benchmarks.openstack.records import join
from benchmarks.openstack.rollouts import draw_harmless, draw_rollout, exposed_regions
from streams.domain.time import parse_instant

HOUR = 3600.0
RECORDINGS = join(*experiments(["a", "b", "c"], failing=["c"]))
FLEET = draw_fleet(np.random.default_rng(1), 6, 30.0)


def placed(fault: Fault | None = None, hours: float = 10, seed: int = 2) -> list[PlacedRun]:
    random = np.random.default_rng(seed)
    return place_runs(random, FLEET, RECORDINGS.ordinary, fault, 0.0, hours * HOUR)


def events(runs: list[PlacedRun], begin: float, end: float) -> list[dict[str, Any]]:
    return [json.loads(line) for line in outcome_lines(runs, begin, end)]


def test_runs_come_at_the_rate_of_the_fleet_and_of_each_region() -> None:
    runs = placed()
    # Four standard deviations of a Poisson count.
    assert abs(len(runs) - 18_000) < 4 * 18_000**0.5
    counts = Counter(run.region for run in runs)
    for region, share in zip(FLEET.regions, FLEET.shares, strict=True):
        assert abs(counts[region] - 18_000 * share) < 4 * (18_000 * share) ** 0.5
    assert sorted(runs, key=lambda run: run.start) == runs


def test_a_run_stays_together() -> None:
    found = defaultdict(list)
    for event in events(placed(hours=1), 0.0, 2 * HOUR):
        found[event["id"].rpartition("/")[0]].append(event)
    for ones in found.values():
        assert [one["operation"] for one in ones] == list(SCRIPT)
        assert len({one["region"] for one in ones}) == 1
        times = [parse_instant(one["time"]) for one in ones]
        assert np.allclose(np.diff(times), 60.0, atol=0.002)


def test_pieces_of_time_add_up_to_the_whole() -> None:
    runs = placed(hours=1)
    cuts = [0.0, 1000.0, 1001.0, 2 * HOUR]
    pieces = [events(runs, *cut) for cut in pairwise(cuts)]
    assert [event for piece in pieces for event in piece] == events(runs, 0.0, 2 * HOUR)


def test_outcomes_follow_the_contract_and_tell_nothing_of_the_truth() -> None:
    schema = json.loads((files("streams") / "schemas" / "outcome.schema.json").read_text("utf-8"))
    fault = Fault(RECORDINGS.faulty["c"], dict.fromkeys(FLEET.regions, 0.0), 0.5)
    found = events(placed(fault, hours=0.2), 0.0, HOUR)
    assert {event["outcome"] for event in found} == {"success", "failure"}
    for event in found:
        Draft202012Validator(schema).validate(event)
        assert set(event) == {
            *("id", "time", "started", "operation", "outcome", "region", "os", "vm_type"),
            "error_code",
        }


def test_faulty_runs_start_only_where_and_when_the_release_runs() -> None:
    first, second = FLEET.regions[:2]
    fault = Fault(RECORDINGS.faulty["c"], {first: HOUR, second: 2 * HOUR}, 1.0)
    runs = placed(fault)
    for run in runs:
        assert run.run.faulty == (run.start >= fault.exposed.get(run.region, np.inf))


def test_some_runs_in_an_exposed_region_do_not_reach_the_fault() -> None:
    fault = Fault(RECORDINGS.faulty["c"], dict.fromkeys(FLEET.regions, 0.0), 0.1)
    runs = placed(fault)
    faulty = sum(run.run.faulty for run in runs)
    assert abs(faulty - 0.1 * len(runs)) < 4 * (0.09 * len(runs)) ** 0.5


def test_traffic_before_the_fault_is_that_without_it() -> None:
    fault = Fault(RECORDINGS.faulty["c"], dict.fromkeys(FLEET.regions, HOUR), 1.0)
    calm, broken = placed(), placed(fault)
    assert [run for run in calm if run.start < HOUR] == [run for run in broken if run.start < HOUR]
    assert [run.start for run in calm] == [run.start for run in broken]


def test_a_rollout_reaches_every_region_once_the_canary_first() -> None:
    (run,) = RECORDINGS.faulty["c"]
    for seed in range(20):
        plan = draw_rollout(np.random.default_rng(seed), run, 7, FLEET.regions, 1e9)
        reached = exposed_regions(plan)
        assert plan.release == "release-c/0-7"
        assert set(reached) == set(FLEET.regions)
        times = list(reached.values())
        assert times == sorted(times)
        assert times[0] == 1e9
        assert len(set(times)) == len(times)
        assert times[1] - times[0] >= 15 * 60


def test_half_of_the_rollouts_take_the_order_of_the_fleet() -> None:
    (run,) = RECORDINGS.faulty["c"]
    plans = [
        draw_rollout(np.random.default_rng(seed), run, 0, FLEET.regions, 1e9) for seed in range(200)
    ]
    common = sum(tuple(exposed_regions(plan)) == FLEET.regions for plan in plans)
    assert 70 < common < 130


def test_harmless_releases_are_of_other_components_and_all_different() -> None:
    starts = [1e9 + 60.0 * number for number in range(30)]
    random = np.random.default_rng(3)
    plans = draw_harmless(random, RECORDINGS.ordinary, "c", FLEET.regions, starts)
    assert [plan.started.timestamp() for plan in plans] == starts
    assert {plan.component for plan in plans} == {"a", "b"}
    assert {plan.version for plan in plans} == {"original"}
    assert len({plan.release for plan in plans}) == 30
