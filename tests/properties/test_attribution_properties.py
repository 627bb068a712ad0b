"""Properties of the ranking that hold for any counts and any rollouts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from detectors.attribution.exposure import ExposureStep, ReleaseExposure
from detectors.attribution.posterior import AttributionSettings, Cells, Ranking, rank

REGIONS, OSES = 4, 2
CODES = np.array([(region, os) for region in range(REGIONS) for os in range(OSES)])
SERIES = CODES.shape[0]
SETTINGS = AttributionSettings(bin_seconds=300.0)


@st.composite
def masks(draw: st.DrawFn) -> NDArray[np.bool_]:
    return np.array(draw(st.lists(st.booleans(), min_size=SERIES, max_size=SERIES)))


@st.composite
def rollouts(draw: st.DrawFn) -> ReleaseExposure:
    steps = draw(
        st.lists(
            st.builds(
                ExposureStep,
                bin=st.floats(-20.0, 30.0),
                series=masks(),
                exposure=st.sampled_from([0.0, 0.03, 0.2, 0.5, 1.0]),
            ),
            max_size=4,
        )
    )
    ordered = tuple(sorted(steps, key=lambda step: step.bin))
    declared = np.zeros(SERIES, dtype=np.bool_)
    for step in ordered:
        declared |= step.series
    return ReleaseExposure(ordered, declared, ordered[0].bin if ordered else 0.0)


@st.composite
def fleets(draw: st.DrawFn) -> Cells:
    bins = draw(st.integers(1, 25))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size = draw(st.sampled_from([0.0, 0.2, 5.0, 3000.0]))
    trials = rng.poisson(size, (SERIES, bins))
    failures = rng.binomial(trials, rng.choice([0.0, 0.01, 0.5, 1.0], (SERIES, bins)))
    expected = trials.astype(np.float64) * draw(st.sampled_from([0.0, 0.01, 0.9, 1.0]))
    return Cells(trials, failures, expected, CODES, region_dimension=0)


Case = tuple[Cells, list[ReleaseExposure], NDArray[np.bool_], int]
CASES = st.tuples(fleets(), st.lists(rollouts(), max_size=4), masks(), st.integers(-2, 30))


def whole(ranking: Ranking) -> NDArray[np.float64]:
    return np.append(ranking.probabilities, ranking.none_probability)


@given(CASES)
@settings(max_examples=60)
def test_probabilities_are_finite_and_sum_to_one(case: Case) -> None:
    probabilities = whole(rank(*case, SETTINGS))
    assert np.isfinite(probabilities).all()
    assert probabilities.sum() == pytest.approx(1.0)


@given(CASES)
@settings(max_examples=40)
def test_evidence_rows_add_up_to_the_log_posterior_odds(case: Case) -> None:
    ranking = rank(*case, SETTINGS)
    for index, rows in enumerate(ranking.evidence):
        pairs = sum(pair.probability for pair in ranking.pairs if index in pair.releases)
        probability = ranking.probabilities[index] - pairs / 2.0
        odds = sum(row.log_likelihood_ratio for row in rows)
        assert np.isfinite(odds)
        if probability > 1e-200 and ranking.none_probability > 1e-200:
            direct = np.log(probability) - np.log(ranking.none_probability)
            assert odds == pytest.approx(direct, rel=1e-6, abs=1e-6)


@given(CASES, st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_the_order_of_the_releases_does_not_matter(case: Case, random: object) -> None:
    cells, releases, scope, onset = case
    shuffle = getattr(random, "shuffle")  # noqa: B009 - hypothesis types it as object
    order = list(range(len(releases)))
    shuffle(order)
    plain = rank(cells, releases, scope, onset, SETTINGS)
    mixed = rank(cells, [releases[index] for index in order], scope, onset, SETTINGS)
    assert mixed.probabilities == pytest.approx(plain.probabilities[order], abs=1e-6)
    assert mixed.none_probability == pytest.approx(plain.none_probability, abs=1e-6)


@given(CASES, st.permutations(range(REGIONS)), st.permutations(range(OSES)))
@settings(max_examples=40)
def test_the_codes_of_the_values_do_not_matter(
    case: Case, regions: list[int], oses: list[int]
) -> None:
    cells, releases, scope, onset = case
    codes = np.stack((np.array(regions)[CODES[:, 0]], np.array(oses)[CODES[:, 1]]), axis=1)
    relabelled = Cells(cells.trials, cells.failures, cells.expected, codes, region_dimension=0)
    plain = rank(cells, releases, scope, onset, SETTINGS)
    other = rank(relabelled, releases, scope, onset, SETTINGS)
    assert whole(other) == pytest.approx(whole(plain), abs=1e-6)


@given(CASES)
@settings(max_examples=20)
def test_the_same_input_gives_the_same_bytes(case: Case) -> None:
    first, second = rank(*case, SETTINGS), rank(*case, SETTINGS)
    assert whole(first).tobytes() == whole(second).tobytes()
    assert first.ties == second.ties
    assert first.evidence == second.evidence


@given(CASES, rollouts())
@settings(max_examples=40)
def test_clones_have_equal_probabilities(case: Case, release: ReleaseExposure) -> None:
    cells, releases, scope, onset = case
    ranking = rank(cells, [release, *releases, release], scope, onset, SETTINGS)
    assert ranking.probabilities[0] == ranking.probabilities[-1]
