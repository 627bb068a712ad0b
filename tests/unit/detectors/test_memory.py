"""Forgetting that slows down with age."""

import itertools
import math

import pytest

from detectors.memory import Memory

MEMORY = Memory(1.0, 2880.0)


@pytest.mark.parametrize("cuts", [(0, 30, 500), (0, 59, 61, 3000), (100, 2880, 2881, 9000), (5, 5)])
def test_factors_of_stretches_multiply_to_that_of_the_whole(cuts: tuple[int, ...]) -> None:
    product = math.prod(MEMORY.factor(*pair) for pair in itertools.pairwise(cuts))
    assert product == pytest.approx(MEMORY.factor(cuts[0], cuts[-1]))


def test_nothing_is_forgotten_while_no_time_passes_or_before_the_beginning() -> None:
    assert MEMORY.factor(700, 700) == 1.0
    assert MEMORY.factor(-20, 0) == 1.0
    assert MEMORY.factor(-20, 100) == MEMORY.factor(0, 100)


def test_a_young_fleet_forgets_by_the_hour() -> None:
    assert MEMORY.factor(0, 60) == pytest.approx(math.exp(-1))


def test_between_its_limits_what_is_left_is_the_ratio_of_the_ages() -> None:
    assert MEMORY.factor(200, 1000) == pytest.approx(0.2)
    assert Memory(0.5, 2880.0).factor(200, 1000) == pytest.approx(0.2**2)


def test_an_old_fleet_forgets_with_the_longest_time_constant() -> None:
    assert MEMORY.factor(10_000, 12_880) == pytest.approx(math.exp(-1))


def test_a_memory_shorter_than_an_hour_is_that_short_from_the_beginning() -> None:
    short = Memory(1.0, 10.0)
    assert short.factor(0, 10) == pytest.approx(math.exp(-1))
    assert short.factor(100, 110) == pytest.approx(math.exp(-1))


def test_an_age_of_any_size_leaves_something_between_nothing_and_all() -> None:
    assert MEMORY.factor(0, 10**12) == 0.0
    assert 0.0 < MEMORY.factor(10**12, 10**12 + 1) < 1.0
