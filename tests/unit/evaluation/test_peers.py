"""The peers: each runs, rises after a change, and is not needed."""

import dataclasses
import importlib.util

import numpy as np
import pytest

from detectors.evaluation.cells import CHANGE_CELLS, ChangeCell
from detectors.evaluation.method import Method
from detectors.evaluation.streams import Size, change_streams
from detectors.simulation import Nuisance
from streams.adapters import peers

OBVIOUS = ChangeCell(name="obvious", before=0.02, after=0.2, volume=50.0, horizon=30)


@pytest.mark.parametrize("peer", peers.installed()[0], ids=lambda peer: str(peer.name))
@pytest.mark.parametrize("rho", [0.0, 0.02])
def test_a_peer_rises_after_a_change(peer: Method, rho: float) -> None:
    cell = dataclasses.replace(OBVIOUS, nuisance=Nuisance(rho=rho))
    size = Size(lead=120, observed=30, control=2, changed=2)
    streams = change_streams(cell, size, np.random.default_rng(6), known=True)
    statistic = peer.run(streams).statistic
    assert statistic.shape == streams.failures.shape
    assert np.all(np.isfinite(statistic))
    late = statistic[-1]
    assert late[streams.changed].min() > 2.0 * max(late[~streams.changed].max(), 1.0)


def test_peers_refuse_cells_that_they_cannot_take() -> None:
    moving = next(cell for cell in CHANGE_CELLS if cell.nuisance.volume_swing)
    assert not peers.Focus().suits(moving)
    assert not peers.Bocpd().suits(moving)
    assert peers.PageHinkley().suits(moving)


def test_missing_peers_are_named_and_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "river" else find(name)
    )
    methods, missing = peers.installed()
    assert missing == ["river"]
    assert [method.name for method in methods] == [
        "FOCuS (changepoint_online)",
        "BOCPD (fast_bocpd)",
    ]
