"""The ranking names the release behind an incident, or that none is, and says why."""

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.attribution.evidence import Evidence, EvidenceKind, sentence
from detectors.attribution.exposure import ExposureStep, ReleaseExposure
from detectors.attribution.posterior import AttributionSettings, Cells, NoneForm, Ranking, rank

REGIONS, BINS, ONSET = 12, 180, 170
SETTINGS = AttributionSettings(bin_seconds=60.0)
CODES = np.array([(region, os) for region in range(REGIONS) for os in range(2)])
WINDOWS: NDArray[np.bool_] = CODES[:, 1] == 0
EVERYTHING = np.ones(CODES.shape[0], dtype=np.bool_)
NOTHING = ~EVERYTHING


def cells(trials: NDArray[np.int64], failures: NDArray[np.int64], ratio: float) -> Cells:
    """Counts with one baseline ratio."""
    expected = trials.astype(np.float64) * ratio
    return Cells(trials, failures, expected, CODES, region_dimension=0)


def fleet(effects: NDArray[np.float64], seed: int = 0, per_minute: float = 10.0) -> Cells:
    """Counts around a baseline of one percent with float64[S, T] additional failures."""
    rng = np.random.default_rng(seed)
    trials = rng.poisson(per_minute, effects.shape)
    failures = rng.binomial(trials, 0.01 + 0.99 * effects)
    return cells(trials, failures, 0.01)


def effect(series: NDArray[np.bool_], start: int, size: float) -> NDArray[np.float64]:
    effects = np.zeros((CODES.shape[0], BINS))
    effects[series, start:] = size
    return effects


def in_regions(*regions: int) -> NDArray[np.bool_]:
    inside: NDArray[np.bool_] = np.isin(CODES[:, 0], regions)
    return inside


def at_once(at: float, series: NDArray[np.bool_], exposure: float = 1.0) -> ReleaseExposure:
    return ReleaseExposure((ExposureStep(at, series, exposure),), series, at)


def staged(
    start: float, every: float, order: list[int], strata: NDArray[np.bool_] = EVERYTHING
) -> ReleaseExposure:
    steps = tuple(
        ExposureStep(start + index * every, in_regions(region) & strata, 1.0)
        for index, region in enumerate(order)
    )
    return ReleaseExposure(steps, strata, start)


def bystanders(count: int, seed: int = 5) -> list[ReleaseExposure]:
    rng = np.random.default_rng(seed)
    return [
        staged(rng.uniform(-200, 150), rng.uniform(3, 40), rng.permutation(REGIONS).tolist())
        for _ in range(count)
    ]


def row(ranking: Ranking, release: int, kind: EvidenceKind) -> Evidence:
    (found,) = (one for one in ranking.evidence[release] if one.kind is kind)
    return found


def total(ranking: Ranking) -> float:
    return float(ranking.probabilities.sum()) + ranking.none_probability


def test_a_migration_that_steps_everywhere_at_the_onset_is_named_within_ten_minutes() -> None:
    data = fleet(effect(WINDOWS, ONSET, 0.4))
    releases = [*bystanders(15), at_once(ONSET + 0.3, WINDOWS, 0.2)]
    ranking = rank(data, releases, WINDOWS, ONSET, SETTINGS)
    assert ranking.probabilities[15] > 0.9


def test_a_ramp_whose_later_step_sets_the_failures_off_is_named() -> None:
    data = fleet(effect(WINDOWS, ONSET, 0.4))
    ramp = ReleaseExposure(
        (ExposureStep(ONSET - 90, WINDOWS, 0.05), ExposureStep(ONSET, WINDOWS, 0.2)),
        WINDOWS,
        ONSET - 90.0,
    )
    assert rank(data, [*bystanders(15), ramp], WINDOWS, ONSET, SETTINGS).probabilities[15] > 0.9


def test_the_same_incident_without_the_migration_has_no_known_cause() -> None:
    data = fleet(effect(WINDOWS, ONSET, 0.4))
    ranking = rank(data, bystanders(15), WINDOWS, ONSET, SETTINGS)
    assert ranking.none_probability > 0.9
    assert max(ranking.none_forms, key=ranking.none_forms.__getitem__) is NoneForm.EVERYTHING
    assert sum(ranking.none_forms.values()) == pytest.approx(ranking.none_probability)


def test_a_staged_release_is_named_when_failures_follow_its_regions() -> None:
    culprit = staged(100, 18, [3, 7, 1, 9], WINDOWS)
    effects = sum(
        (effect(step.series, int(step.bin), 0.15) for step in culprit.steps),
        start=np.zeros((CODES.shape[0], BINS)),
    )
    releases = [*bystanders(8), culprit]
    ranking = rank(fleet(effects), releases, WINDOWS & in_regions(1, 3, 7, 9), 100, SETTINGS)
    assert ranking.probabilities[8] > 0.99


def test_one_region_that_fails_on_its_own_is_blamed_on_no_release() -> None:
    data = fleet(effect(in_regions(4), ONSET, 0.3))
    ranking = rank(data, bystanders(12, seed=2), in_regions(4), ONSET, SETTINGS)
    assert ranking.none_probability > 0.9
    assert max(ranking.none_forms, key=ranking.none_forms.__getitem__) is NoneForm.ONE_REGION


def test_a_rollout_that_began_in_the_failing_region_an_hour_before_stays_in_doubt() -> None:
    data = fleet(effect(in_regions(4), ONSET, 0.3))
    began_there = staged(ONSET - 75.0, 80.0, [4, *range(4)])
    ranking = rank(data, [*bystanders(11, seed=2), began_there], in_regions(4), ONSET, SETTINGS)
    assert 0.05 < ranking.probabilities[11] < 0.95


def test_a_dependency_that_takes_some_regions_at_once_is_upstream() -> None:
    hit = in_regions(1, 2, 6, 8, 11)
    ranking = rank(fleet(effect(hit, ONSET, 0.3)), bystanders(8), hit, ONSET, SETTINGS)
    assert max(ranking.none_forms, key=ranking.none_forms.__getitem__) is NoneForm.UPSTREAM


def test_a_rollout_that_nobody_registered_is_seen_as_spreading() -> None:
    hidden = staged(60, 23, [5, 0, 8, 2, 10])
    effects = sum(
        (effect(step.series, int(step.bin), 0.2) for step in hidden.steps),
        start=np.zeros((CODES.shape[0], BINS)),
    )
    ranking = rank(fleet(effects), bystanders(6), in_regions(0, 2, 5, 8, 10), 60, SETTINGS)
    assert ranking.none_forms[NoneForm.SPREADING] > 0.9


def test_a_release_that_only_starts_after_the_onset_is_not_the_cause() -> None:
    data = fleet(effect(WINDOWS, ONSET - 30, 0.3))
    ranking = rank(data, [at_once(ONSET, WINDOWS)], WINDOWS, ONSET - 30, SETTINGS)
    assert ranking.probabilities[0] < 1e-6
    unexposed = row(ranking, 0, EvidenceKind.UNEXPOSED_BUT_FAILING)
    assert unexposed.log_likelihood_ratio < -10.0
    assert "failed" in sentence(unexposed, "late")


def test_a_release_that_was_out_long_before_earns_no_coincidence() -> None:
    data = fleet(effect(WINDOWS, ONSET, 0.3))
    old, new = at_once(-500.0, WINDOWS), at_once(float(ONSET), WINDOWS)
    ranking = rank(data, [old, new], WINDOWS, ONSET, SETTINGS)
    assert ranking.probabilities[0] < 0.01
    assert ranking.probabilities[1] > 0.9


def test_a_rollback_that_heals_counts_for_a_release() -> None:
    effects = effect(in_regions(2, 3), 120, 0.2)
    effects[:, 150:] = 0.0
    steps = (ExposureStep(120, in_regions(2, 3), 1.0), ExposureStep(150, in_regions(2, 3), 0.0))
    rolled_back = ReleaseExposure(steps, in_regions(2, 3), 120.0)
    stayed = ReleaseExposure(steps[:1], in_regions(2, 3), 120.0)
    ranking = rank(fleet(effects), [stayed, rolled_back], in_regions(2, 3), 120, SETTINGS)
    assert ranking.probabilities[1] > 0.99


def test_healthy_regions_that_run_a_release_acquit_it() -> None:
    data = fleet(effect(in_regions(4), ONSET, 0.3))
    wide = ReleaseExposure(
        (
            ExposureStep(60.0, in_regions(0, 1, 2, 3, 5, 6, 7, 8), 1.0),
            ExposureStep(float(ONSET), in_regions(4), 1.0),
        ),
        EVERYTHING,
        60.0,
    )
    narrow = at_once(float(ONSET), in_regions(4))
    ranking = rank(data, [wide, narrow], in_regions(4), ONSET, SETTINGS)
    assert ranking.probabilities[1] > 5.0 * ranking.probabilities[0]
    healthy = row(ranking, 0, EvidenceKind.EXPOSED_BUT_HEALTHY)
    assert healthy.figures["regions"] == 8
    assert "8 regions ran wide and stayed healthy" in sentence(healthy, "wide")


def test_a_declared_scope_that_is_too_wide_or_too_narrow_still_leads_to_the_release() -> None:
    both = staged(120, 8, [3, 7, 1, 9, 5])
    effects = sum(
        (effect(step.series & WINDOWS, int(step.bin), 0.3) for step in both.steps),
        start=np.zeros((CODES.shape[0], BINS)),
    )
    scope = WINDOWS & in_regions(1, 3, 5, 7, 9)
    too_wide = rank(fleet(effects), [*bystanders(6), both], scope, 120, SETTINGS)
    assert too_wide.probabilities[6] > 0.95
    wrong = staged(120, 8, [3, 7, 1, 9, 5], ~WINDOWS)
    too_narrow = rank(fleet(effects), [*bystanders(6), wrong], scope, 120, SETTINGS)
    assert too_narrow.probabilities[6] > 0.9


@pytest.mark.parametrize("minutes", [0, 7, 43])
def test_a_fault_that_shows_late_still_leads_to_its_stages(minutes: int) -> None:
    culprit = staged(60, 25, [3, 7, 1, 9])
    effects = sum(
        (effect(step.series, int(step.bin) + minutes, 0.3) for step in culprit.steps),
        start=np.zeros((CODES.shape[0], BINS)),
    )
    data = fleet(effects, per_minute=60.0)
    scope = in_regions(1, 3, 7, 9)
    ranking = rank(data, [*bystanders(8), culprit], scope, 60 + minutes, SETTINGS)
    assert ranking.probabilities[8] > 0.99


def test_identical_exposures_are_tied_and_share_their_probability() -> None:
    data = fleet(effect(WINDOWS, ONSET, 0.3))
    clones = [at_once(float(ONSET), WINDOWS) for _ in range(2)]
    ranking = rank(data, [clones[0], *bystanders(3), clones[1]], WINDOWS, ONSET, SETTINGS)
    assert (0, 4) in ranking.ties
    assert ranking.probabilities[0] == pytest.approx(ranking.probabilities[4])


def test_prior_odds_shift_a_tie_and_are_bounded() -> None:
    data = fleet(effect(WINDOWS, ONSET, 0.3))
    step = (ExposureStep(float(ONSET), WINDOWS, 1.0),)
    plain = ReleaseExposure(step, WINDOWS, float(ONSET))
    suspect = ReleaseExposure(step, WINDOWS, float(ONSET), prior_odds=1e9)
    ranking = rank(data, [plain, suspect], WINDOWS, ONSET, SETTINGS)
    assert ranking.probabilities[1] / ranking.probabilities[0] == pytest.approx(10.0)


def test_a_dimension_nested_in_the_region_does_not_hide_healthy_regions() -> None:
    data = fleet(effect(in_regions(4), ONSET, 0.3))
    clusters = np.stack((CODES[:, 0], CODES[:, 0], CODES[:, 1]), axis=1)
    nested = Cells(data.trials, data.failures, data.expected, clusters, region_dimension=0)
    release = at_once(ONSET - 20.0, EVERYTHING)
    ranking = rank(nested, [release], in_regions(4), ONSET, SETTINGS)
    assert row(ranking, 0, EvidenceKind.EXPOSED_BUT_HEALTHY).figures["regions"] == REGIONS - 1
    assert ranking.none_probability > 0.9


def test_a_drift_of_the_whole_fleet_is_not_blamed_on_a_release() -> None:
    drift = np.tile(np.interp(np.arange(BINS), [60, BINS], [0.0, 0.01]), (CODES.shape[0], 1))
    releases = [at_once(ONSET - 90.0, WINDOWS)]
    shared = rank(fleet(drift, per_minute=60.0), releases, WINDOWS, ONSET, SETTINGS)
    assert shared.probabilities[0] < 1.0 - SETTINGS.none_prior  # less than before the data
    drift[~WINDOWS] = 0.0
    apart = rank(fleet(drift, per_minute=60.0), releases, WINDOWS, ONSET, SETTINGS)
    assert apart.none_forms[NoneForm.QUIET] < 0.001 < shared.none_forms[NoneForm.QUIET]


def test_noise_before_the_onset_raises_the_dispersion() -> None:
    swings = np.repeat(np.random.default_rng(1).uniform(0.0, 0.05, (24, BINS // 30)), 30, axis=1)
    quiet = rank(fleet(np.zeros((24, BINS))), [], WINDOWS, ONSET, SETTINGS)
    noisy = rank(fleet(swings, per_minute=100.0), [], WINDOWS, ONSET, SETTINGS)
    assert 1.0 <= quiet.dispersion * SETTINGS.learning_rate < 1.2
    assert noisy.dispersion > 3.0
    fixed = rank(fleet(swings), [], WINDOWS, ONSET, AttributionSettings(dispersion=2.5))
    assert fixed.dispersion == 2.5


def test_every_kind_of_evidence_becomes_a_sentence_about_the_release() -> None:
    data = fleet(effect(WINDOWS, ONSET, 0.4))
    releases = [at_once(float(ONSET), WINDOWS, 0.2), at_once(ONSET + 4.0, ~WINDOWS)]
    ranking = rank(data, releases, WINDOWS, ONSET, SETTINGS)
    guilty = {one.kind: sentence(one, "M") for one in ranking.evidence[0]}
    other = {one.kind: sentence(one, "N") for one in ranking.evidence[1]}
    assert list(guilty) == list(EvidenceKind)
    assert guilty[EvidenceKind.ONSET_AGAINST_EXPOSURE].startswith("The last step of M came 0 min")
    assert guilty[EvidenceKind.EXPOSED_BUT_HEALTHY] == (
        "No region of the incident that ran M stayed healthy."
    )
    assert guilty[EvidenceKind.UNEXPOSED_BUT_FAILING] == (
        "Everything in the scope of the incident ran M."
    )
    assert "12 regions that ran M at up to 20% exposure" in guilty[EvidenceKind.DOSE_RESPONSE]
    assert other[EvidenceKind.ONSET_AGAINST_EXPOSURE].startswith("No step of N came before")
    assert other[EvidenceKind.DOSE_RESPONSE] == "No failing region ran N."


@pytest.mark.parametrize("bins", [1, 2, 30])
@pytest.mark.parametrize("releases", [0, 2])
def test_tiny_histories_and_empty_cells_give_finite_probabilities(bins: int, releases: int) -> None:
    trials = np.zeros((CODES.shape[0], bins), np.int64)
    trials[3] = 1
    for one in (cells(trials, trials, 0.01), cells(0 * trials, 0 * trials, 0.0)):
        candidates = [at_once(0.0, EVERYTHING), ReleaseExposure((), NOTHING, 0.0)][:releases]
        ranking = rank(one, candidates, NOTHING, bins + 7, SETTINGS)
        assert total(ranking) == pytest.approx(1.0)
        assert np.isfinite(ranking.probabilities).all()


def test_without_releases_the_cause_is_none_of_them() -> None:
    data = fleet(effect(WINDOWS, ONSET, 0.4))
    assert rank(data, [], WINDOWS, ONSET, SETTINGS).none_probability == pytest.approx(1.0)


def test_masks_and_arrays_that_do_not_fit_are_refused() -> None:
    data = fleet(np.zeros((CODES.shape[0], BINS)))
    with pytest.raises(ValueError, match="scope_series"):
        rank(data, [], WINDOWS[:3], ONSET, SETTINGS)
    with pytest.raises(ValueError, match="release 1"):
        rank(data, [at_once(0.0, WINDOWS), at_once(0.0, WINDOWS[:2])], WINDOWS, ONSET, SETTINGS)
    with pytest.raises(ValueError, match="shapes differ"):
        Cells(data.trials, data.failures[:, 1:], data.expected, CODES, region_dimension=0)
    with pytest.raises(ValueError, match="codes"):
        Cells(data.trials, data.failures, data.expected, CODES[1:], region_dimension=0)
    with pytest.raises(ValueError, match="dimension 2"):
        Cells(data.trials, data.failures, data.expected, CODES, region_dimension=2)
    with pytest.raises(ValueError, match="a series and a bin"):
        Cells(data.trials[:, :0], data.failures, data.expected, CODES, region_dimension=0)
