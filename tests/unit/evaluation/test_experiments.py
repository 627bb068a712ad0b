"""Experiments: who sees which streams, and what counts as a false alarm."""

from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from detectors.evaluation.bank_method import BankMethod
from detectors.evaluation.cells import (
    CHANGE_CELLS,
    NUISANCE_CELLS,
    Blips,
    ChangeCell,
    NuisanceCell,
    seed_of,
)
from detectors.evaluation.experiments import QUICK, Sizes, run_change, run_nuisance
from detectors.evaluation.goals import all_goals
from detectors.evaluation.method import Alarm, Method, Run
from detectors.evaluation.references import Ewma, OracleCusum
from detectors.evaluation.streams import Size, Streams, change_streams

SMALL = Sizes(
    known=Size(lead=60, observed=60, control=30, changed=10),
    learned=Size(lead=180, observed=0, control=30, changed=5, spread=0.2),
    in_control=Size(lead=150, observed=50, control=20, spread=0.2),
    most=4,
)
OBVIOUS = ChangeCell(name="obvious", before=0.01, after=0.5, volume=50.0, horizon=20)


@dataclass
class Told:
    """A method that raises what it is told to, and remembers what it was shown."""

    alarms: tuple[Alarm, ...] = ()
    name: str = "told"
    lead: int = 30
    most: int | None = None
    steady: int | None = None
    seen: list[Streams] = field(default_factory=list)

    def suits(self, cell: ChangeCell) -> bool:
        return bool(cell.name)

    def run(self, streams: Streams) -> Run:
        self.seen.append(streams)
        statistic = streams.failures.astype(np.float64)
        return Run(statistic=statistic, threshold=43_200.0, alarms=self.alarms)


def test_the_bank_finds_an_obvious_change_as_soon_as_the_oracle_or_nearly() -> None:
    others: list[Method] = [OracleCusum(), Ewma()]
    for known in (True, False):
        result = run_change(OBVIOUS, SMALL, 1, BankMethod(), others, known=known)
        assert result.scores[0].delays.median == 1.0
        assert result.promised.delays.late <= 3.0
        assert result.onsets.median == 0.0
        assert result.false_alarms.count == 0
    assert not any(goal.value != goal.value for goal in all_goals([result], [], []))


def test_every_method_sees_the_same_series_and_no_more_than_it_wants() -> None:
    oracle, slow = Told(lead=60), Told(lead=10, most=3, steady=20)
    slow_run = run_change(OBVIOUS, SMALL, 1, Told(), [oracle, slow], known=True)
    changed, whole = slow.seen[0], oracle.seen[0]
    assert (changed.windows, changed.series, changed.onset) == (10 + 20, 3, 10)
    np.testing.assert_array_equal(changed.failures, whole.failures[50:, :3])
    assert slow_run.scores[1].oracle.found.size == 3


def test_series_that_change_and_blips_raise_no_false_alarms() -> None:
    """Row 0 to 29 stay in control, 30 to 39 change in window 60."""
    alarms = (
        Alarm(3, 59, rising=True, onset=59, low=59, high=59),  # before the onset: not observed
        Alarm(3, 70, rising=True, onset=70, low=70, high=70),
        Alarm(35, 70, rising=True, onset=60, low=60, high=60),
    )
    result = run_change(OBVIOUS, SMALL, 1, Told(alarms), [OracleCusum()], known=True)
    assert result.false_alarms.count == 1
    assert result.false_alarms.promised == pytest.approx(30 * 60 / 43_200)


def test_an_alarm_about_a_blip_is_excused() -> None:
    alarms = tuple(
        Alarm(3, window, rising=True, onset=window, low=window, high=window)
        for window in (130, 160)
    )
    everywhere = Blips(per_day=1440.0 * 10, windows=3, odds=2.0)
    cell = NuisanceCell(name="blips", ratio=0.1, volume=10.0, blips=everywhere)
    excused = run_nuisance(cell, SMALL, 1, Told(alarms), known=False)
    assert (excused.cold.count, excused.settled.count, excused.excused) == (0, 0, 2)
    false = run_nuisance(replace(cell, blips=None), SMALL, 1, Told(alarms), known=False)
    assert (false.cold.count, false.settled.count, false.excused) == (1, 1, 0)


def test_what_is_known_from_the_start_has_no_cold_start() -> None:
    cell = NuisanceCell(name="quiet", ratio=0.1, volume=10.0)
    result = run_nuisance(cell, SMALL, 1, Told(), known=True)
    assert result.cold.promised == 0.0
    assert result.settled.promised == 20 * 50 / 43_200
    assert [goal.subject.split(":")[0] for goal in all_goals([], [result], [])] == [
        "false alarms, settled"
    ]


def test_a_calibrated_bank_never_needs_more_than_its_promise() -> None:
    result = run_change(OBVIOUS, QUICK, 1, Told(), [OracleCusum()], known=True)
    assert result.scores[-1].threshold <= result.promised.threshold


def test_streams_are_those_of_their_seed_cell_and_variant_alone() -> None:
    seeds = [seed_of(1, "A", "known"), seed_of(1, "A", "learned"), seed_of(2, "A", "known")]
    drawn = {tuple(seed.generate_state(2).tolist()) for seed in seeds}
    assert len(drawn) == 3
    again = tuple(seed_of(1, "A", "known").generate_state(2).tolist())
    assert again in drawn


def test_series_change_by_the_odds_ratio_of_their_cell() -> None:
    size = replace(SMALL.learned, observed=400, changed=40)
    cell = replace(OBVIOUS, after=0.05)
    streams = change_streams(cell, size, np.random.default_rng(5), known=False)
    late = streams.failures[streams.onset :].sum(axis=0) / streams.trials[streams.onset :].sum(
        axis=0
    )
    after = streams.after()[0]
    np.testing.assert_allclose(late[streams.changed], after[streams.changed], rtol=0.25)
    np.testing.assert_allclose(late[~streams.changed], streams.level[~streams.changed], rtol=0.6)


def test_cells_have_names_of_their_own_without_commas() -> None:
    """`--cells` takes names with commas between them."""
    names = [cell.name for cell in CHANGE_CELLS] + [cell.name for cell in NUISANCE_CELLS]
    assert len(set(names)) == len(names)
    assert not any("," in name for name in names)


def test_odds_ratios_beyond_the_grid_and_at_its_mild_end_are_among_the_cells() -> None:
    odds = [cell.odds for cell in CHANGE_CELLS]
    grid = BankMethod().settings.degradation_odds
    assert min(ratio for ratio in odds if ratio > 1) < sorted(grid)[1]
    assert max(odds) > 1e4
