"""The scan for the smallest scope finds planted scopes exactly and prices descriptions."""

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.scope import Scope, ScopeSettings, smallest_scope

CARDINALITIES = (20, 2, 3, 6)
Planted = tuple[frozenset[int] | None, ...]


def lattice(cardinalities: tuple[int, ...] = CARDINALITIES) -> NDArray[np.int64]:
    grid = np.stack(np.meshgrid(*map(np.arange, cardinalities), indexing="ij"), axis=-1)
    return grid.reshape(-1, len(cardinalities)).astype(np.int64)


def members(codes: NDArray[np.int64], planted: Planted) -> NDArray[np.bool_]:
    inside = np.ones(codes.shape[0], dtype=np.bool_)
    for dimension, values in enumerate(planted):
        if values is not None:
            inside &= np.isin(codes[:, dimension], sorted(values))
    return inside


def scan(planted: Planted, seed: int, *, operations: float, effect: float) -> tuple[Scope, float]:
    """Plant a scope, scan for it; also return the excess failures planted."""
    rng = np.random.default_rng(seed)
    codes = lattice()
    inside = members(codes, planted)
    trials = rng.poisson(operations * rng.lognormal(0.0, 0.7, inside.size))
    base = np.clip(rng.lognormal(np.log(0.01), 0.5, inside.size), 0.001, 0.1)
    effects = effect * rng.uniform(0.6, 1.4, inside.size)
    failures = rng.binomial(trials, np.where(inside, base + (1.0 - base) * effects, base))
    expected = trials * base
    scope = smallest_scope(trials, failures, expected, codes, CARDINALITIES, ScopeSettings())
    return scope, float((failures - expected)[inside].sum())


@pytest.mark.parametrize(
    ("planted", "operations", "effect"),
    [
        pytest.param((None, frozenset({0}), None, None), 35.0, 0.3, id="one os"),
        pytest.param((None, frozenset({0}), None, None), 10.0, 0.1, id="one os, weakly"),
        pytest.param(
            (None, frozenset({0}), None, frozenset({0, 1, 2, 3})), 35.0, 0.3, id="os, 4 operations"
        ),
        pytest.param((frozenset({7}), None, None, None), 35.0, 0.4, id="one region"),
        pytest.param((frozenset({3, 11}), None, None, None), 35.0, 0.3, id="two regions"),
        pytest.param(
            (frozenset(range(20)) - {5}, None, None, None), 35.0, 0.1, id="all regions but one"
        ),
        pytest.param((None, None, None, None), 35.0, 0.05, id="everything"),
        pytest.param(
            tuple(frozenset({code}) for code in (4, 1, 2, 5)), 900.0, 0.6, id="a single series"
        ),
    ],
)
def test_a_planted_scope_with_200_excess_failures_is_recovered_exactly(
    planted: Planted, operations: float, effect: float
) -> None:
    exact = 0
    for seed in range(5):
        scope, excess = scan(planted, seed, operations=operations, effect=effect)
        assert excess >= 200
        exact += scope.values == planted
        assert scope.log_likelihood_ratio > 100.0
    assert exact == 5


def test_the_series_of_a_scope_are_those_its_values_describe() -> None:
    scope, _ = scan((frozenset({3}), frozenset({1}), None, None), 1, operations=50, effect=0.4)
    assert np.array_equal(scope.series, members(lattice(), scope.values))


def test_a_healthy_fleet_scores_next_to_nothing() -> None:
    scope, _ = scan((frozenset(), None, None, None), 3, operations=35.0, effect=0.0)
    assert scope.log_likelihood_ratio < 20.0


def test_a_region_without_operations_does_not_make_the_description_longer() -> None:
    codes = lattice((6, 2))
    trials = np.where(codes[:, 0] == 4, 0, 100)
    failures = np.where(codes[:, 1] == 1, trials // 2, 1)
    failures = np.minimum(failures, trials)
    scope = smallest_scope(
        trials, failures, 0.01 * trials.astype(np.float64), codes, (6, 2), ScopeSettings()
    )
    assert scope.values == (None, frozenset({1}))


def test_values_that_no_series_has_are_neither_named_nor_priced() -> None:
    codes = np.array([[3, 1], [3, 5], [8, 1], [8, 5]])
    trials = np.full(4, 1000)
    failures = np.array([10, 400, 10, 400])
    scope = smallest_scope(
        trials, failures, 0.01 * trials.astype(np.float64), codes, (50, 50), ScopeSettings()
    )
    assert scope.values == (None, frozenset({5}))


def test_overdispersed_counts_need_more_evidence() -> None:
    codes = lattice((20,))
    trials = np.full(20, 1000)
    failures = np.where(codes[:, 0] == 2, 22, 10)
    expected = 0.01 * trials.astype(np.float64)
    binomial, noisy = (
        smallest_scope(trials, failures, expected, codes, (20,), ScopeSettings(dispersion=phi))
        for phi in (1.0, 5.0)
    )
    assert binomial.log_likelihood_ratio > 4.0
    assert noisy.log_likelihood_ratio < 1.0


def test_relabelled_codes_give_the_relabelled_scope() -> None:
    codes = lattice((6, 3))
    rng = np.random.default_rng(4)
    trials = rng.poisson(80.0, 18)
    hit = np.isin(codes[:, 0], [1, 4]) & (codes[:, 1] == 2)
    failures = rng.binomial(trials, np.where(hit, 0.5, 0.01))
    new = np.array([3, 0, 5, 1, 2, 4])
    relabelled = codes.copy()
    relabelled[:, 0] = new[codes[:, 0]]
    before = smallest_scope(
        trials, failures, 0.01 * trials.astype(np.float64), codes, (6, 3), ScopeSettings()
    )
    after = smallest_scope(
        trials, failures, 0.01 * trials.astype(np.float64), relabelled, (6, 3), ScopeSettings()
    )
    assert before.values == (frozenset({1, 4}), frozenset({2}))
    assert after.values == (frozenset({0, 2}), frozenset({2}))


@pytest.mark.parametrize(
    ("codes", "cardinalities", "message"),
    [
        (np.zeros((3, 1), np.int64), (1,), "shapes differ"),
        (np.zeros((2, 1), np.int64), (1, 1), "dimensions"),
        (np.full((2, 1), 4), (4,), "cardinalities"),
    ],
)
def test_codes_that_do_not_fit_are_refused(
    codes: NDArray[np.int64], cardinalities: tuple[int, ...], message: str
) -> None:
    counts = np.ones(2, np.int64)
    with pytest.raises(ValueError, match=message):
        smallest_scope(counts, counts, np.full(2, 0.1), codes, cardinalities, ScopeSettings())


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="dispersion"):
        ScopeSettings(dispersion=0.5)
    with pytest.raises(ValueError, match="starts"):
        ScopeSettings(starts=-1)
