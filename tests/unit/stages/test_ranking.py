"""When a ranking is renewed, and what of a healed region it sees."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from cell_tables import Cell, cell_table

from detectors.attribution.posterior import Ranking
from streams.config import AttributionSection, Component, Settings
from streams.domain.releases import ReleaseAction, ReleaseEvent
from streams.stages import ranking
from streams.stages.history import History
from streams.stages.prior_odds import BOUND, prior_odds
from streams.stages.ranking import rank_releases
from streams.stages.region_counts import RegionCounts
from streams.stages.rollouts import ReleaseLog
from streams.stages.tracking import TrackedIncident, TrackedRegion
from streams.stages.verdicts import DIGITS

SETTINGS = Settings()
DIMENSIONS = ("region", "os")
KEYS = [(region, system) for region in ("east", "west") for system in ("linux", "windows")]
ONSET = 200
BASE = 0.02


def history(last: int, healed: dict[str, int] | None = None, length: int = 400) -> History:
    random = np.random.default_rng(2)
    made = History(DIMENSIONS, length)
    for window in range(100, last + 1):
        cells = [
            Cell(window, key, 60, int(random.binomial(60, _level(window, key, healed or {}))))
            for key in KEYS
        ]
        made.append(window, cell_table(DIMENSIONS, cells), np.full(4, BASE))
    return made


def _level(window: int, key: tuple[str, str], healed: dict[str, int]) -> float:
    fails = key[1] == "windows" and ONSET <= window < healed.get(key[0], 10**6)
    return 0.4 if fails else BASE


def incident(opened: int = ONSET + 2) -> TrackedIncident:
    nothing = np.zeros((2, 1), np.int64)
    return TrackedIncident(
        id="i",
        opened=opened,
        onset=ONSET,
        onset_low=ONSET,
        onset_high=ONSET,
        scope={"os": ("windows",)},
        baseline=np.full(4, BASE),
        counts=RegionCounts(ONSET, nothing, nothing, np.zeros((2, 1))),
        regions={name: TrackedRegion(ONSET) for name in ("east", "west")},
    )


def event(
    name: str, window: float, exposure: float = 1.0, **scope: tuple[str, ...]
) -> ReleaseEvent:
    action = ReleaseAction.PROGRESSED if exposure else ReleaseAction.ROLLED_BACK
    return ReleaseEvent(f"{name}@{window}", window * 60.0, name, action, scope, exposure)


def log_of(*events: ReleaseEvent) -> ReleaseLog:
    log = ReleaseLog()
    log.add(events)
    return log


CULPRIT = event("culprit", ONSET, os=("windows",))


def test_candidates_come_most_probable_first_and_probabilities_sum_to_one() -> None:
    tracked = incident()
    rank_releases(tracked, history(210), log_of(CULPRIT, event("other", 120)), 210, SETTINGS)
    assert [one.release for one in tracked.candidates] == ["culprit", "other"]
    assert tracked.candidates[0].probability > 0.9
    assert tracked.candidates[0].evidence
    total = sum(one.probability for one in tracked.candidates) + tracked.none_probability
    assert round(total, DIGITS) == 1


def test_releases_that_cannot_be_told_apart_are_tied() -> None:
    tracked = incident()
    twin = event("twin", ONSET, os=("windows",))
    rank_releases(tracked, history(210), log_of(CULPRIT, twin), 210, SETTINGS)
    first, second = tracked.candidates
    assert (first.tied_with, second.tied_with) == (("twin",), ("culprit",))
    assert first.probability == pytest.approx(second.probability)


def ranked_windows(log: ReleaseLog, last: int = ONSET + 180) -> list[int]:
    """Give the windows in which a ranking was renewed, without working it out."""
    tracked, made = incident(), history(ONSET)
    seen = []
    for window in range(tracked.opened, last):
        rank_releases(tracked, made, log, window, SETTINGS)
        if tracked.ranked == window:
            seen.append(window)
    return seen


def test_a_young_incident_is_ranked_every_window_an_old_one_seldom(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    unknown = Ranking(np.zeros(0), 1.0, {}, (), (), (), (), None, 1.0)
    monkeypatch.setattr(ranking, "rank", lambda *_: unknown)
    windows = ranked_windows(ReleaseLog())
    opened = ONSET + 2
    assert windows[:16] == list(range(opened, opened + 16))
    assert set(np.diff([one for one in windows if opened + 15 <= one <= opened + 120])) == {5}
    assert set(np.diff([one for one in windows if one > opened + 120])) == {15}


def test_news_of_a_release_renew_a_ranking_at_any_age() -> None:
    tracked, made = incident(opened=ONSET - 60), history(230)
    tracked.ranked, tracked.ranked_events = 229, log_of(event("other", 120)).known(1e9)
    rank_releases(tracked, made, log_of(event("other", 120)), 230, SETTINGS)
    assert tracked.ranked == 229
    rank_releases(tracked, made, log_of(event("other", 120), CULPRIT), 230, SETTINGS)
    assert tracked.ranked == 230
    assert tracked.candidates[0].release == "culprit"


def test_once_the_time_before_the_onset_is_forgotten_the_ranking_stays() -> None:
    tracked = incident()
    rank_releases(tracked, history(262, length=122), log_of(CULPRIT), 262, SETTINGS)
    assert tracked.ranked is None
    rank_releases(tracked, history(261, length=122), log_of(CULPRIT), 261, SETTINGS)
    assert tracked.ranked == 261


def test_a_recovery_that_comes_with_a_rollback_is_evidence() -> None:
    made = history(290, healed={"east": 230})
    tracked = incident()
    tracked.regions["east"].recovered = 230
    early = event("early", ONSET - 1, os=("windows",))
    rollback = event("culprit", 229, 0.0, region=("east",), os=("windows",))
    rank_releases(tracked, made, log_of(CULPRIT, early, rollback), 290, SETTINGS)
    assert tracked.candidates[0].release == "culprit"
    assert tracked.candidates[0].probability > 0.99


def test_a_recovery_nobody_announced_says_nothing_about_who_broke_it() -> None:
    made = history(290, healed={"east": 230})
    with_recovery, without = incident(), incident()
    with_recovery.regions["east"].recovered = 230
    for tracked in (with_recovery, without):
        rank_releases(tracked, made, log_of(CULPRIT), 290, SETTINGS)
    assert with_recovery.candidates[0].probability > 0.9
    assert with_recovery.candidates[0].probability > without.candidates[0].probability


def test_a_corrected_event_renews_a_ranking_though_there_are_no_more_events_than_before() -> None:
    tracked, made = incident(opened=ONSET - 60), history(230)
    log = log_of(event("culprit", 120, os=("windows",)))
    rank_releases(tracked, made, log, 229, SETTINGS)
    rank_releases(tracked, made, log, 230, SETTINGS)
    assert tracked.ranked == 229
    log.add([replace(CULPRIT, id="culprit@120")])
    rank_releases(tracked, made, log, 230, SETTINGS)
    assert tracked.ranked == 230
    assert tracked.candidates[0].probability > 0.9


def test_cleared_releases_have_a_card_for_their_owner_and_the_culprit_has_none() -> None:
    tracked = incident()
    rank_releases(tracked, history(230), log_of(CULPRIT, event("other", 120)), 230, SETTINGS)
    culprit, other = tracked.candidates
    assert culprit.exoneration is None
    assert other.exoneration is not None
    assert "other" in other.exoneration


def test_ties_say_where_the_releases_part() -> None:
    tracked = incident()
    twin = event("twin", ONSET, os=("windows",))
    wider = event("twin", ONSET + 5, os=("linux",), region=("east",))
    rank_releases(tracked, history(206), log_of(CULPRIT, twin, wider), 206, SETTINGS)
    by_name = {one.release: one for one in tracked.candidates}
    (parting,) = by_name["culprit"].told_apart
    assert (parting.release, parting.region) == ("twin", "east")
    assert parting.time == (ONSET + 5) * 60.0
    assert parting.exposures == (0.0, 1.0)
    (back,) = by_name["twin"].told_apart
    assert (back.release, back.exposures) == ("culprit", (1.0, 0.0))


def test_the_next_experiment_names_release_region_and_time() -> None:
    tracked = incident()
    rank_releases(tracked, history(210), log_of(CULPRIT), 210, SETTINGS)
    experiment = tracked.causes.experiment
    assert experiment is not None
    assert experiment.release == "culprit"
    assert experiment.region in {"east", "west"}
    assert "Take culprit back in" in experiment.statement


def odds(
    section: AttributionSection, scope: Mapping[str, tuple[str, ...]], **event_: object
) -> float:
    log = log_of(replace(CULPRIT, **event_))  # type: ignore[arg-type]
    (rollout,) = log.rollouts(history(210), 210 * 60.0, 0.0, 60.0)
    return prior_odds(rollout, scope, section)


def test_history_path_and_way_of_a_release_shape_its_odds_within_bounds() -> None:
    images = Component(component="images", odds=4.0, serves={"os": ("windows",)})
    section = AttributionSection(components=(images,))
    windows, linux = {"os": ("windows",)}, {"os": ("linux",)}
    assert odds(section, windows) == 1.0
    assert odds(section, windows, component="images") == 4.0
    assert odds(section, linux, component="images") == pytest.approx(0.4)
    assert odds(section, {}, component="images") == 4.0
    assert odds(section, windows, off_system=True) == 3.0
    assert odds(section, windows, component="images", off_system=True) == BOUND


def test_what_another_incident_explains_says_nothing_about_this_one() -> None:
    random = np.random.default_rng(4)
    made = History(DIMENSIONS, 400)
    for window in range(100, 231):
        cells = []
        for key in KEYS:
            theirs = key == ("west", "linux") and window >= ONSET + 5
            mine = key == ("east", "windows") and window >= ONSET
            level = 0.6 if theirs else 0.3 if mine else BASE
            cells.append(Cell(window, key, 60, int(random.binomial(60, level))))
        made.append(window, cell_table(DIMENSIONS, cells), np.full(4, BASE))
    elsewhere = event("elsewhere", ONSET + 5, region=("west",), os=("linux",))
    tracked = replace_scope(incident(), {"os": ("windows",), "region": ("east",)})
    other = replace_scope(incident(), {"os": ("linux",), "region": ("west",)})
    other.onset, other.regions = ONSET + 5, {"west": TrackedRegion(ONSET + 5)}
    log = log_of(elsewhere, event("culprit", ONSET, region=("east",)))
    rank_releases(tracked, made, log, 230, SETTINGS, others=(tracked, other))
    by_name = {one.release: one.probability for one in tracked.candidates}
    assert by_name["culprit"] > 0.9
    assert by_name["elsewhere"] < 0.01


def replace_scope(tracked: TrackedIncident, scope: dict[str, tuple[str, ...]]) -> TrackedIncident:
    tracked.scope = scope
    return tracked
