"""The parts of the attribution likelihood agree with direct computation."""

import numpy as np
import pytest
from scipy.stats import binom

from detectors.attribution.doses import level_index, levels_of, readings
from detectors.attribution.exposure import (
    ExposureStep,
    ReleaseExposure,
    Step,
    exposure_matrix,
    onto_groups,
    widened,
)
from detectors.attribution.lags import lags_of
from detectors.attribution.likelihood import (
    EFFECTS,
    GRID,
    LOGITS,
    cell_log_ratios,
    dose_weights,
    log_integral,
    log_ratio,
    suffix_sums,
)
from detectors.attribution.settings import AttributionSettings, LagBand, NoneForm
from detectors.attribution.ties import ties
from detectors.attribution.timeline import Timeline, timeline_around
from detectors.attribution.unfolding import unfolded_steps, unfolded_sums
from detectors.attribution.unit_mixture import susceptible

EVERYWHERE = np.ones(3, dtype=np.bool_)


def grid_likelihood(trials: float, failures: float, ratio: float) -> np.ndarray:
    return cell_log_ratios(np.array(trials), np.array(failures), np.array(ratio))


def test_a_cell_ratio_is_the_ratio_of_binomial_likelihoods() -> None:
    p = 0.02 + 0.98 * EFFECTS
    direct = binom.logpmf(7, 40, p) - binom.logpmf(7, 40, 0.02)
    assert grid_likelihood(40, 7, 0.02) == pytest.approx(direct)
    data = np.full(GRID, 40.0), np.full(GRID, 7.0), np.full(GRID, 0.02)
    assert log_ratio(*data, EFFECTS) == pytest.approx(direct)


def test_a_suffix_sum_runs_from_its_bin_to_the_newest() -> None:
    cells = np.random.default_rng(0).normal(size=(2, 5, GRID))
    sums = suffix_sums(cells)
    assert sums[:, 2] == pytest.approx(cells[:, 2:].sum(axis=1))
    assert not sums[:, 5].any()


@pytest.mark.parametrize("ratio", [0.2, 0.5, 0.9])
def test_partial_exposure_is_read_off_the_grid_within_a_fraction_of_a_nat(ratio: float) -> None:
    read = dose_weights(ratio) @ grid_likelihood(2000, 400, 0.01)
    scaled = ratio * EFFECTS
    data = np.full(GRID, 2000.0), np.full(GRID, 400.0), np.full(GRID, 0.01)
    inside = scaled > EFFECTS[0]
    assert read[inside] == pytest.approx(log_ratio(*data, scaled)[inside], abs=0.5)


@pytest.mark.parametrize("trials", [0, 10, 300, 20_000])
def test_the_average_over_the_effect_matches_a_fine_integral(trials: int) -> None:
    failures = trials * 0.3
    logits = np.linspace(LOGITS[0] - 0.2, LOGITS[-1] + 0.2, 20_001)
    fine = 1.0 / (1.0 + np.exp(-logits))
    data = np.full(fine.size, float(trials)), np.full(fine.size, failures), np.full(fine.size, 0.01)
    values = log_ratio(*data, fine)
    direct = values.max() + np.log(np.mean(np.exp(values - values.max())))
    assert log_integral(grid_likelihood(trials, failures, 0.01)) == pytest.approx(direct, abs=0.6)


def test_units_that_need_not_react_cost_little_when_they_do_not() -> None:
    units = np.array([50.0, -200.0])
    assert susceptible(units, ((0.5, 1.0),)) == pytest.approx(50.0 + 2.0 * np.log(0.5))


def test_a_later_step_overwrites_an_earlier_one_where_it_touches() -> None:
    first = np.array([True, True, False])
    steps = (Step(1, first, 0.5), Step(3, np.array([True, False, False]), 0.0))
    lags = np.array([0, 1, 0])
    assert exposure_matrix(steps, lags, Timeline(np.arange(6))).tolist() == [
        [0.0, 0.5, 0.5, 0.0, 0.0],
        [0.0, 0.0, 0.5, 0.5, 0.5],
        [0.0, 0.0, 0.0, 0.0, 0.0],
    ]


def test_steps_are_sorted_rounded_and_carried_to_groups() -> None:
    late = ExposureStep(7.6, np.array([True, False, True]), 1.0)
    early = ExposureStep(-3.2, EVERYWHERE, 0.2)
    release = ReleaseExposure((late, early), EVERYWHERE, -3.2)
    steps = onto_groups(release, np.array([1, 0, 1]), np.ones(3))
    assert [step.bin for step in steps] == [-3, 8]
    assert [step.exposure for step in steps] == [0.2, 1.0]
    assert steps[1].groups.tolist() == [False, True]


def test_a_group_of_which_a_part_runs_a_release_has_the_mean_exposure_of_its_operations() -> None:
    only_first = ExposureStep(1.0, np.array([True, False, False]), 1.0)
    then_second = ExposureStep(5.0, np.array([False, True, False]), 0.5)
    release = ReleaseExposure((only_first, then_second), EVERYWHERE, 1.0)
    steps = onto_groups(release, np.array([0, 0, 1]), np.array([30.0, 10.0, 7.0]))
    assert [(step.bin, step.exposure) for step in steps] == [(1, 0.75), (5, 0.875)]
    assert all(step.groups.tolist() == [True, False] for step in steps)


def test_a_widened_step_touches_everything_in_its_regions() -> None:
    (step,) = widened((Step(0, np.array([True, False, False]), 1.0),), np.array([0, 0, 1]))
    assert step.groups.tolist() == [True, True, False]


def test_exposures_are_read_in_proportion_saturating_and_all_at_once_from_either_end() -> None:
    steps = tuple(Step(0, EVERYWHERE, share) for share in (0.0, 0.09, 1.0, 0.25))
    levels = levels_of(steps)
    assert levels.tolist() == [0.09, 0.25, 1.0]
    doses = [each.tolist() for _, each in readings(levels)]
    assert doses[0] == pytest.approx([0.09, 0.25, 1.0])
    assert doses[1] == pytest.approx([0.3, 0.5, 1.0])
    assert doses[2:] == [[1.0, 1.0, 1.0], [0.0, 0.0, 1.0]]
    assert sum(weight for weight, _ in readings(levels)) == pytest.approx(1.0)
    assert [each.tolist() for _, each in readings(levels[:1])] == [[1.0]]


def test_a_ramp_in_many_steps_is_read_in_a_few_levels() -> None:
    steps = tuple(Step(index, EVERYWHERE, (index + 1) / 100.0) for index in range(100))
    levels = levels_of(steps)
    assert levels.size <= 16
    assert levels[[0, -1]] == pytest.approx([0.01, 1.0])
    assert level_index(0.0, levels) == -1
    assert level_index(0.97, levels) == levels.size - 1


def test_a_growing_effect_reaches_each_share_in_its_time_and_overlapping_steps_add_up() -> None:
    timeline = Timeline(np.arange(41))
    steps = (Step(3, np.array([True, True]), 0.5), Step(12, np.array([False, True]), 1.0))
    grown = exposure_matrix(unfolded_steps(steps, 15), np.zeros(2, np.int64), timeline)
    assert grown[0, [2, 3, 8, 13, 18]] == pytest.approx([0.0, 1 / 12, 1 / 4, 5 / 12, 0.5])
    assert grown[1, [12, 13]] == pytest.approx([1 / 4 + 1 / 12, 5 / 12 + 1 / 12])
    assert grown[1, 27:] == pytest.approx(1.0)
    assert unfolded_steps(steps, 0) == steps


def test_sums_of_a_growing_effect_are_those_of_its_pieces() -> None:
    rng = np.random.default_rng(5)
    timeline = Timeline(np.arange(41))
    trials = rng.poisson(50.0, (1, 40)).astype(np.float64)
    failures = rng.binomial(trials.astype(np.int64), 0.05).astype(np.float64)
    ratio = np.full((1, 40), 0.02)
    suffix = suffix_sums(cell_log_ratios(trials, failures, ratio))
    growing = unfolded_sums(suffix, timeline, 15)
    assert unfolded_sums(suffix, timeline, 0) is suffix
    effect = EFFECTS[12]
    step = (Step(10, np.array([True]), 1.0),)
    shares = exposure_matrix(unfolded_steps(step, 15), np.zeros(1, np.int64), timeline)
    direct = log_ratio(trials, failures, ratio, effect * shares).sum()
    assert growing[0, 10, 12] == pytest.approx(direct, abs=0.05)


@pytest.mark.parametrize("seconds", [10.0, 60.0, 300.0, 3600.0])
def test_delays_ascend_from_clocks_that_differ_and_their_prior_falls_and_sums_to_one(
    seconds: float,
) -> None:
    grid = lags_of(AttributionSettings(bin_seconds=seconds)).fine
    assert grid.bins[0] == min(-round(600.0 / seconds), -1)
    early = np.exp(grid.log_prior)[grid.bins < -1].sum()
    assert early < 0.05
    assert (np.diff(grid.bins) > 0).all()
    assert np.exp(grid.log_prior).sum() == pytest.approx(1.0)
    assert grid.bins[np.argmax(grid.log_prior)] == 0


def test_pinskers_shortcut_never_hides_a_tie() -> None:
    rng = np.random.default_rng(3)
    base = np.where(rng.random(200) < 0.5, 1.0, 0.0)
    almost = base.copy()
    almost[:2] = 1.0 - almost[:2]
    trials, ratio = np.full(200, 20.0), np.full(200, 0.01)
    exposures = np.stack((base, almost, base, np.zeros(200), np.zeros(200)))
    assert ties(exposures, trials, ratio, 0.3, [1, 0, 2, 3, 4], 3.0) == ((0, 2),)
    assert ties(exposures, trials / 50.0, ratio, 0.3, [1, 0, 2, 3, 4], 3.0) == ((0, 1, 2),)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: ExposureStep(0.0, EVERYWHERE, 1.2), "exposure"),
        (lambda: ExposureStep(float("nan"), EVERYWHERE, 1.0), "bin"),
        (lambda: AttributionSettings(bin_seconds=0.0), "bin_seconds"),
        (lambda: AttributionSettings(none_prior=1.0), "none_prior"),
        (lambda: AttributionSettings(none_forms=((NoneForm.QUIET, 1.0),)), "none_forms"),
        (lambda: AttributionSettings(prior_odds_bound=0.5), "prior_odds_bound"),
        (lambda: AttributionSettings(dispersion=0.9), "dispersion"),
        (lambda: AttributionSettings(lag_bands=()), "lag_bands"),
        (lambda: AttributionSettings(lag_bands=(LagBand(60.0, 0.0),)), "lag_bands"),
    ],
)
def test_values_out_of_range_are_refused(build: object, message: str) -> None:
    assert callable(build)
    with pytest.raises(ValueError, match=message):
        build()


def test_spans_are_bins_from_the_onset_on_and_long_before_it() -> None:
    timeline = timeline_around(1200, 1440, 60.0)
    lengths = np.diff(timeline.edges)
    assert timeline.edges[[0, -1]].tolist() == [0, 1440]
    assert set(lengths[timeline.edges[:-1] >= 1170]) == {1}
    assert lengths.max() == 15
    assert timeline.spans < 400
    assert 1200 in timeline.edges
    assert np.exp(timeline.log_shares).sum() == pytest.approx(1.0)


@pytest.mark.parametrize("onset", [0, 3, 11])
def test_a_short_history_is_kept_bin_by_bin(onset: int) -> None:
    assert timeline_around(onset, 12, 60.0).edges.tolist() == list(range(13))


def test_moments_go_to_the_nearest_edge_of_a_span() -> None:
    timeline = Timeline(np.array([0, 15, 16, 21]))
    moments = np.array([-40, 7, 8, 15, 16, 18, 19, 500])
    assert timeline.nearest(moments).tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert timeline.sums(np.arange(21.0)).tolist() == [105.0, 15.0, 90.0]


def test_delays_between_two_that_differ_near_the_best_are_tried_as_well() -> None:
    lags = lags_of(AttributionSettings(bin_seconds=60.0))
    coarse = lags.coarse
    scores = np.zeros(coarse.bins.size)
    scores[np.flatnonzero(coarse.bins == 45)] = 100.0
    tried = lags.refined(scores).bins
    assert set(range(40, 51)) <= set(tried.tolist())
    assert 33 not in tried
    assert lags.refined(np.zeros_like(scores)).bins.tolist() == coarse.bins.tolist()


def test_a_coarse_grid_keeps_the_whole_prior() -> None:
    lags = lags_of(AttributionSettings(bin_seconds=60.0))
    assert lags.coarse.bins.size < lags.fine.bins.size / 2
    assert np.exp(lags.coarse.log_prior).sum() == pytest.approx(1.0)
    assert np.exp(lags.coarse.log_prior)[:5] == pytest.approx(np.exp(lags.fine.log_prior)[:5])
