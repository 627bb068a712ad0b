"""Change detectors of other people, for `opwatch evaluate`: thin wrappers, imported when used.

None of them is needed to run opwatch. Each takes one series at a time, so the wrappers loop.
"""

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from detectors.arrays import Floats, Integers
from detectors.evaluation.cells import ChangeCell
from detectors.evaluation.method import Method, Run
from detectors.evaluation.streams import Streams

_SMALLEST: Final = 1e-300


@dataclass(frozen=True, slots=True)
class PageHinkley:
    """Page-Hinkley test of river, on failure ratios in standard deviations.

    Statistic: the larger of both one-sided sums less their extremes, as river computes them, for
    its `threshold` to be compared with. river suggests no allowance for data of unit variance; its
    defaults (0.005 for a mean that it learns, forgetting 0.0001) were kept except for `delta`,
    where of 0.05, 0.1, 0.25 and 0.5 standard deviations 0.25 did best over the cells.
    """

    delta: float = 0.25
    name: str = "Page-Hinkley (river)"
    lead: int = 1440
    most: int | None = 100
    steady: int | None = None

    def suits(self, cell: ChangeCell) -> bool:
        """Take any cell; see `Method`."""
        del cell
        return True

    def run(self, streams: Streams) -> Run:
        """Update series by series; see `Method`."""
        drift = importlib.import_module("river.drift")
        level, trials = streams.level, np.maximum(streams.trials, 1)
        deviation = np.sqrt(level * (1.0 - level) * (1.0 + (trials - 1) * streams.rho) / trials)
        scaled = (streams.failures / trials - level) / deviation

        def build(_: int) -> Any:  # noqa: ANN401 - river has no types of its own
            return drift.PageHinkley(delta=self.delta, threshold=float("inf"))

        def statistic(detector: Any, value: float) -> float:  # noqa: ANN401
            detector.update(value)
            if detector._x_mean.n < detector.min_instances:  # noqa: SLF001 - nothing public tells
                return 0.0
            rise = detector._sum_increase - detector._min_increase  # noqa: SLF001
            return float(max(rise, detector._max_decrease - detector._sum_decrease))  # noqa: SLF001

        return Run(statistic=_loop(scaled, build, statistic))


@dataclass(frozen=True, slots=True)
class Focus:
    """FOCuS of changepoint_online for Poisson counts whose mean before the change is known.

    Statistic: the likelihood ratio maximised over onset and level after the change, two-sided.
    Under overdispersion counts and mean are divided by 1 + (n - 1) rho (quasi-likelihood). It knows
    one mean for all windows, so it cannot take a volume that moves.
    """

    name: str = "FOCuS (changepoint_online)"
    lead: int = 480
    most: int | None = 100
    steady: int | None = None

    def suits(self, cell: ChangeCell) -> bool:
        """Take cells of constant volume; see `Method`."""
        return not cell.nuisance.volume_swing

    def run(self, streams: Streams) -> Run:
        """Update series by series; see `Method`."""
        package = importlib.import_module("changepoint_online")
        deflated = streams.failures / _inflation(streams)
        mean = (streams.trials * streams.level / _inflation(streams))[0]

        def build(row: int) -> Any:  # noqa: ANN401 - the package has no types
            return package.Focus(package.Poisson(float(mean[row])))

        def statistic(detector: Any, value: float) -> float:  # noqa: ANN401
            detector.update(value)
            return float(detector.statistic())

        return Run(statistic=_loop(deflated, build, statistic))


@dataclass(frozen=True, slots=True)
class Bocpd:
    """Bayesian online change point detection of fast_bocpd, binomial with a Beta prior.

    Statistic: log odds that the level has changed since the first window. It learns the level
    before the change, too; the prior is that of opwatch (half a failure in 25 operations), the
    hazard one change in a day. Under overdispersion n and k are divided by 1 + (n - 1) rho; k is
    kept whole by carrying the remainder over, because the model takes whole counts only.
    """

    hazard: float = 1440.0
    name: str = "BOCPD (fast_bocpd)"
    lead: int = 240
    most: int | None = 100
    steady: int | None = 480  # what an update costs grows with the length of the stream

    def suits(self, cell: ChangeCell) -> bool:
        """Take some cells of constant volume; see `Method`."""
        return cell.slow_peers and not cell.nuisance.volume_swing

    def run(self, streams: Streams) -> Run:
        """Update series by series; see `Method`."""
        package = importlib.import_module("fast_bocpd")
        trials = np.maximum(np.rint(streams.trials / _inflation(streams)), 1.0)[0]
        deflated = np.cumsum(streams.failures / _inflation(streams) + 1e-9, axis=0)
        whole = np.diff(np.floor(deflated), axis=0, prepend=0.0)
        whole = np.minimum(whole, trials)

        def build(row: int) -> Any:  # noqa: ANN401 - the package has no complete types
            model = package.BinomialBeta(0.5, 24.5, int(trials[row]))
            hazard = package.ConstantHazard(self.hazard)
            return [package.BOCPD(model, hazard, max_run_length=streams.windows), 0]

        def statistic(detector: Any, value: float) -> float:  # noqa: ANN401
            run_length, _ = detector[0].update(value)
            detector[1] += 1
            since = max(float(run_length[: detector[1]].sum()), _SMALLEST)
            unchanged = max(float(run_length[detector[1]]), _SMALLEST)
            return float(np.log(since) - np.log(unchanged))

        return Run(statistic=_loop(whole, build, statistic))


_PEERS: Final[dict[str, tuple[str, Method]]] = {
    "changepoint_online": ("changepoint-online", Focus()),
    "fast_bocpd": ("fast-bocpd", Bocpd()),
    "river": ("river", PageHinkley()),
}


def installed() -> tuple[list[Method], list[str]]:
    """Look for the peers.

    Returns:
        Those that are there, and the names of the distributions that are not.
    """
    found = {package: importlib.util.find_spec(package) is not None for package in _PEERS}
    methods = [method for package, (_, method) in _PEERS.items() if found[package]]
    missing = [distribution for package, (distribution, _) in _PEERS.items() if not found[package]]
    return methods, missing


def _inflation(streams: Streams) -> Floats:
    """Give 1 + (n - 1) rho, shape [T, S]."""
    inflation: Floats = 1.0 + np.maximum(streams.trials - 1.0, 0.0) * streams.rho
    return inflation


def _loop(
    values: Floats | Integers, build: Callable[[int], Any], statistic: Callable[[Any, float], float]
) -> Floats:
    """Feed every series to a detector of its own; give the running statistic [T, S]."""
    result = np.zeros(values.shape)
    for row in range(values.shape[1]):
        detector = build(row)
        series = values[:, row].tolist()
        result[:, row] = [statistic(detector, float(value)) for value in series]
    return result
