"""Drawn incidents: their truth, what is known of them when, and that they can be drawn again."""

import numpy as np
import pytest

from detectors.arrays import Integers
from detectors.evaluation.attribution.cases import Case, draw_case, observe
from detectors.evaluation.attribution.faults import AFTER, LEAST_EXCESS, ONSET, draw_fault
from detectors.evaluation.attribution.fleet import MINUTES, OS, REGION, REGIONS, draw_fleet
from detectors.evaluation.attribution.kinds import Kind, Pattern
from detectors.evaluation.attribution.rollouts import draw_rollout

KINDS = list(Kind)


def drawn(kind: Kind, seed: int = 5, releases: int = 3) -> Case:
    return draw_case(np.random.default_rng(seed), kind, releases)


def shared_order() -> Integers:
    return np.random.default_rng(2).permutation(REGIONS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_case_names_a_culprit_exactly_where_a_release_is_the_cause(kind: Kind) -> None:
    case = drawn(kind)
    assert (case.culprit is not None) == kind.by_release
    assert (case.clone is not None) == (kind is Kind.CLONE)
    assert len(case.releases) == 3


def test_the_same_seed_draws_the_same_case_and_another_seed_another() -> None:
    one, same, other = drawn(Kind.UPSTREAM), drawn(Kind.UPSTREAM), drawn(Kind.UPSTREAM, seed=6)
    assert np.array_equal(one.outcomes.failures, same.outcomes.failures)
    assert one.releases[0][0].minute == same.releases[0][0].minute
    assert not np.array_equal(one.outcomes.failures, other.outcomes.failures)


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_begins_at_the_onset_and_can_be_noticed(kind: Kind) -> None:
    generator = np.random.default_rng(8)
    for _ in range(2):
        fleet = draw_fleet(generator)
        fault = draw_fault(generator, kind, fleet, shared_order())
        assert fault.harm[:, 0].max() > 0.0
        assert fault.harm.max() <= 1.0
        excess = (fleet.volume[:, ONSET:] * fault.kept * fault.harm).sum()
        assert excess >= LEAST_EXCESS


def test_the_harm_follows_the_culprits_steps() -> None:
    """Without delay or an undeclared scope nothing fails before the culprit reaches it."""
    generator = np.random.default_rng(3)
    for _ in range(2):
        fleet = draw_fleet(generator)
        fault = draw_fault(generator, Kind.SHARED_ORDER, fleet, shared_order())
        assert fault.culprit is not None
        no_lag = np.zeros(len(fleet.codes))
        exposed = fault.culprit.exposure(no_lag, np.arange(ONSET, MINUTES)) > 0.0
        assert not (fault.harm[~exposed] > 1e-12).any()


def test_a_quarter_of_the_faults_spares_regions() -> None:
    generator = np.random.default_rng(6)
    fleet = draw_fleet(generator)
    faults = [draw_fault(generator, Kind.GLOBAL, fleet, shared_order()) for _ in range(60)]
    reached = [np.unique(fleet.codes[fault.harm.any(axis=1), REGION]).size for fault in faults]
    assert 7 <= sum(regions < REGIONS for regions in reached) <= 23
    assert min(reached) > REGIONS / 4


def test_a_wrong_scope_fails_only_where_nothing_was_declared() -> None:
    for seed in range(2):
        case = drawn(Kind.WRONG_SCOPE, seed)
        assert case.culprit is not None
        touched = np.logical_or.reduce([step.series for step in case.releases[case.culprit]])
        failing = case.scope(AFTER)
        assert not (failing & touched).any()
        regions = case.codes[touched, REGION]
        assert np.isin(case.codes[failing, REGION], regions).all()


def test_a_clone_tells_exactly_what_the_culprit_tells() -> None:
    case = drawn(Kind.CLONE)
    assert case.culprit is not None
    assert case.clone is not None
    assert case.clone != case.culprit
    assert case.releases[case.clone] == case.releases[case.culprit]


def test_callers_give_up_where_the_traffic_collapses() -> None:
    case = drawn(Kind.TRAFFIC_COLLAPSE)
    failing = case.failing_from == case.onset
    trials = case.outcomes.trials[failing].sum(axis=0)
    assert trials[-20:].mean() < 0.7 * trials[ONSET - 40 : ONSET].mean()


def test_nothing_after_the_cut_is_known() -> None:
    case = drawn(Kind.SKEWED_CLOCK, releases=12)
    now = ONSET + 15
    early = observe(case, minutes=15)
    assert early.cells.trials.shape[1] == now
    late = observe(case, minutes=60)
    assert np.array_equal(late.cells.failures[:, :now], early.cells.failures)
    for release, index in zip(early.releases, early.indices, strict=True):
        events = [step for step in case.releases[index] if step.known <= now]
        assert len(release.steps) == len(events) > 0
        assert [step.bin for step in release.steps] == sorted(step.minute for step in events)
        union = np.logical_or.reduce([step.series for step in release.steps])
        assert np.array_equal(release.declared, union)
    for steps in case.releases:
        assert all(step.known >= step.minute for step in steps)


def test_a_shorter_history_moves_bins_and_steps_alike() -> None:
    case = drawn(Kind.GLOBAL)
    whole, short = observe(case, 30), observe(case, 30, history=120)
    shift = short.first - whole.first
    assert short.cells.trials.shape[1] == 120
    assert np.array_equal(short.cells.failures, whole.cells.failures[:, shift:])
    moved = whole.releases[0].steps[0].bin - short.releases[0].steps[0].bin
    assert moved == pytest.approx(shift)
    with pytest.raises(ValueError, match="61"):
        observe(case, 61)


@pytest.mark.parametrize("pattern", list(Pattern))
def test_a_rollout_begins_at_zero_and_ends_everywhere(pattern: Pattern) -> None:
    generator = np.random.default_rng(4)
    codes = draw_fleet(generator).codes
    declared = codes[:, OS] == 0
    rollout = draw_rollout(generator, pattern, codes, shared_order(), declared)
    minutes = [step.minute for step in rollout.steps]
    assert minutes[0] == 0.0
    assert minutes == sorted(minutes)
    last = np.array([int(minutes[-1]) + 1])
    exposure = rollout.exposure(np.zeros(len(codes)), last)[:, 0]
    assert (exposure[declared] == 1.0).all()
    assert (exposure[~declared] == 0.0).all()
    assert (min(step.share for step in rollout.steps) == 0.0) == (pattern is Pattern.ROLLED_BACK)


def test_the_baseline_is_wrong_by_a_tenth_and_knows_half_the_season() -> None:
    fleet = draw_fleet(np.random.default_rng(12))
    true, known = fleet.ratio.mean(axis=1), fleet.known.mean(axis=1)
    assert 0.07 < np.std(np.log(known / true)) < 0.13
    true_swing = fleet.ratio.max(axis=1) / true - 1.0
    known_swing = fleet.known.max(axis=1) / known - 1.0
    assert known_swing == pytest.approx(true_swing / 2.0)
