"""When a ranking is renewed, and what of a healed region it sees."""

import numpy as np
import pytest
from cell_tables import Cell, cell_table

from detectors.attribution.posterior import Ranking
from streams.domain.releases import ReleaseAction, ReleaseEvent
from streams.stages import ranking
from streams.stages.history import History
from streams.stages.ranking import DIGITS, rank_releases
from streams.stages.region_counts import RegionCounts
from streams.stages.rollouts import ReleaseLog
from streams.stages.tracking import TrackedIncident, TrackedRegion

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
    rank_releases(tracked, history(210), log_of(CULPRIT, event("other", 120)), 210, 60)
    assert [one.release for one in tracked.candidates] == ["culprit", "other"]
    assert tracked.candidates[0].probability > 0.9
    assert tracked.candidates[0].evidence
    total = sum(one.probability for one in tracked.candidates) + tracked.none_probability
    assert round(total, DIGITS) == 1


def test_releases_that_cannot_be_told_apart_are_tied() -> None:
    tracked = incident()
    twin = event("twin", ONSET, os=("windows",))
    rank_releases(tracked, history(210), log_of(CULPRIT, twin), 210, 60)
    first, second = tracked.candidates
    assert (first.tied_with, second.tied_with) == (("twin",), ("culprit",))
    assert first.probability == pytest.approx(second.probability)


def ranked_windows(log: ReleaseLog, last: int = ONSET + 180) -> list[int]:
    """Give the windows in which a ranking was renewed, without working it out."""
    tracked, made = incident(), history(ONSET)
    seen = []
    for window in range(tracked.opened, last):
        rank_releases(tracked, made, log, window, 60)
        if tracked.ranked == window:
            seen.append(window)
    return seen


def test_a_young_incident_is_ranked_every_window_an_old_one_seldom(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    unknown = Ranking(np.zeros(0), 1.0, {}, (), (), 1.0)
    monkeypatch.setattr(ranking, "rank", lambda *_: unknown)
    windows = ranked_windows(ReleaseLog())
    opened = ONSET + 2
    assert windows[:16] == list(range(opened, opened + 16))
    assert set(np.diff([one for one in windows if opened + 15 <= one <= opened + 120])) == {5}
    assert set(np.diff([one for one in windows if one > opened + 120])) == {15}


def test_news_of_a_release_renew_a_ranking_at_any_age() -> None:
    tracked, made = incident(opened=ONSET - 60), history(230)
    tracked.ranked, tracked.ranked_events = 229, 1
    rank_releases(tracked, made, log_of(event("other", 120)), 230, 60)
    assert tracked.ranked == 229
    rank_releases(tracked, made, log_of(event("other", 120), CULPRIT), 230, 60)
    assert (tracked.ranked, tracked.ranked_events) == (230, 2)
    assert tracked.candidates[0].release == "culprit"


def test_once_the_time_before_the_onset_is_forgotten_the_ranking_stays() -> None:
    tracked = incident()
    rank_releases(tracked, history(262, length=122), log_of(CULPRIT), 262, 60)
    assert tracked.ranked is None
    rank_releases(tracked, history(261, length=122), log_of(CULPRIT), 261, 60)
    assert tracked.ranked == 261


def test_a_recovery_that_comes_with_a_rollback_is_evidence() -> None:
    made = history(290, healed={"east": 230})
    tracked = incident()
    tracked.regions["east"].recovered = 230
    early = event("early", ONSET - 1, os=("windows",))
    rollback = event("culprit", 229, 0.0, region=("east",), os=("windows",))
    rank_releases(tracked, made, log_of(CULPRIT, early, rollback), 290, 60)
    assert tracked.candidates[0].release == "culprit"
    assert tracked.candidates[0].probability > 0.99


def test_a_recovery_nobody_announced_says_nothing_about_who_broke_it() -> None:
    made = history(290, healed={"east": 230})
    with_recovery, without = incident(), incident()
    with_recovery.regions["east"].recovered = 230
    for tracked in (with_recovery, without):
        rank_releases(tracked, made, log_of(CULPRIT), 290, 60)
    assert with_recovery.candidates[0].probability > 0.9
    assert with_recovery.candidates[0].probability > without.candidates[0].probability
