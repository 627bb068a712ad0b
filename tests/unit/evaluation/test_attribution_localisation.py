"""The Poisson scan, and the incidents on which searches for scopes are compared."""

import itertools

import numpy as np
import pytest

from detectors.evaluation.attribution.fleet import series_codes
from detectors.evaluation.attribution.localisation import (
    LEAST_EXCESS,
    SHAPES,
    Shape,
    draw_slices,
    localise,
)
from detectors.evaluation.attribution.locating import jaccard
from detectors.evaluation.attribution.poisson_scan import poisson_scan

CODES = series_codes((4, 2, 3))
EXPECTED = np.full(len(CODES), 10.0)


def test_the_scan_finds_one_value_of_one_dimension() -> None:
    scope = CODES[:, 0] == 2
    assert np.array_equal(poisson_scan(np.where(scope, 40, 10), EXPECTED, CODES), scope)


def test_the_scan_finds_values_of_several_dimensions_and_more_than_one_node() -> None:
    one = (CODES[:, 0] == 1) & (CODES[:, 1] == 1)
    other = (CODES[:, 0] == 3) & (CODES[:, 2] == 2)
    failures = np.where(one, 60, np.where(other, 40, 10))
    assert np.array_equal(poisson_scan(failures, EXPECTED, CODES), one | other)


def test_the_scan_takes_a_broad_node_whose_better_half_fails() -> None:
    """The known weakness of taking single nodes by their ratio: health inside costs nothing."""
    scope = (CODES[:, 0] <= 1) & (CODES[:, 1] == 1)
    found = poisson_scan(np.where(scope, 60, 10), EXPECTED, CODES)
    assert np.array_equal(found, CODES[:, 1] == 1)


def test_the_scan_finds_nothing_where_nothing_fails_more_than_expected() -> None:
    assert not poisson_scan(np.full(len(CODES), 10), EXPECTED, CODES).any()
    assert not poisson_scan(np.full(len(CODES), 5), EXPECTED, CODES).any()


def test_the_scan_prefers_the_whole_fleet_where_all_of_it_fails() -> None:
    assert poisson_scan(np.full(len(CODES), 30), EXPECTED, CODES).all()


def test_the_scan_looks_at_every_node() -> None:
    """The best single node is the one that trying all descriptions finds."""
    generator = np.random.default_rng(3)
    failures = generator.poisson(EXPECTED)
    failures[7] += 60
    best, node = 0.0, np.zeros(len(CODES), dtype=np.bool_)
    for values in itertools.product((None, *range(4)), (None, 0, 1), (None, 0, 1, 2)):
        inside = np.ones(len(CODES), dtype=np.bool_)
        for column, value in zip(CODES.T, values, strict=True):
            inside &= np.ones(len(CODES), dtype=np.bool_) if value is None else column == value
        count, mean = failures[inside].sum(), EXPECTED[inside].sum()
        ratio = count * np.log(count / mean) - (count - mean) if count > mean else 0.0
        if ratio > best:
            best, node = ratio, inside
    assert np.array_equal(poisson_scan(failures, EXPECTED, CODES), node)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_incidents_have_enough_failures_to_be_located(shape: Shape) -> None:
    for seed in range(5):
        slices = draw_slices(np.random.default_rng(seed), shape)
        excess = (slices.failures - slices.expected)[slices.scope].sum()
        assert excess > LEAST_EXCESS / 2
        assert 0 < slices.scope.sum() < slices.scope.size


def test_the_same_incident_is_drawn_and_located_again() -> None:
    one, same = (localise(draw_slices(np.random.default_rng(9), s), s) for s in 2 * SHAPES[:1])
    assert one.own.overlap == same.own.overlap
    assert one.scan.overlap == same.scan.overlap
    assert np.isnan(one.own.seconds)


def test_a_clock_times_both_searches() -> None:
    ticks = itertools.count(0.0, 2.0)
    found = localise(
        draw_slices(np.random.default_rng(2), SHAPES[0]), SHAPES[0], lambda: next(ticks)
    )
    assert (found.own.seconds, found.scan.seconds) == (2.0, 2.0)


def test_this_program_is_mostly_exact() -> None:
    results = [
        localise(draw_slices(np.random.default_rng(seed), SHAPES[0]), SHAPES[0])
        for seed in range(20)
    ]
    own, scan = (sum(getattr(one, name).exact for one in results) for name in ("own", "scan"))
    assert own >= 17
    assert own > scan


def test_the_jaccard_index_of_two_empty_sets_is_one() -> None:
    none, one = np.zeros(2, dtype=np.bool_), np.array([True, False])
    assert jaccard(none, none) == 1.0
    assert jaccard(none, one) == 0.0
    assert jaccard(one, np.ones(2, dtype=np.bool_)) == 0.5
