"""Changes beside the success ratio: volume, error codes, durations, as far as they are asked for.

Pure: closed windows in, change points out. They go to the topic and the file of change points and
are counted in a metric; incidents are made of success ratios alone.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from streams.config import Settings
from streams.domain.change_points import ChangePoint
from streams.domain.series import SeriesKey
from streams.stages.kinds.durations import DurationChanges
from streams.stages.kinds.error_codes import ErrorCodeChanges
from streams.stages.kinds.volume import VolumeChanges
from streams.windows.cells import CellTable


class OtherChanges:
    """Asks each kind that `detectors.kinds` names; each keeps the promise for itself."""

    def __init__(self, settings: Settings) -> None:
        kinds = settings.detectors.kinds
        self._volume = VolumeChanges(settings) if "volume" in kinds else None
        self._error_codes = ErrorCodeChanges(settings) if "error_code" in kinds else None
        self._durations = DurationChanges(settings) if "duration" in kinds else None

    def on_window(
        self, keys: list[SeriesKey], table: CellTable, alarmed: npt.NDArray[np.bool_]
    ) -> tuple[ChangePoint, ...]:
        """Take in a closed window; call `on_silence` for the empty ones before it first.

        Args:
            keys: Series of its cells.
            table: Its cells, at least one.
            alarmed: (N,) whether the success ratio of the cell's series has an open degradation.

        Returns:
            The change points it raised, by series and kind.
        """
        window = int(table.windows[0])
        points: list[ChangePoint] = []
        if self._volume is not None:
            points += [
                point
                for _, several in self._volume.on_window(window, keys, table)
                for point in several
            ]
        if self._error_codes is not None:
            points += self._error_codes.on_window(window, keys, table, alarmed)
        if self._durations is not None:
            points += self._durations.on_window(window, keys, table)
        return tuple(sorted(points, key=lambda point: point.place))

    def on_silence(self, through: int) -> list[tuple[int, tuple[ChangePoint, ...]]]:
        """Take in that there were no operations up to and including a window.

        Returns:
            Windows that raised change points, in time order, with them. The same, however often
            this is called on the way.
        """
        found = [] if self._volume is None else self._volume.on_silence(through)
        return [
            (window, tuple(sorted(points, key=lambda point: point.place)))
            for window, points in found
        ]

    def state(self) -> dict[str, Any]:
        """Give the state as plain data, by kind."""
        return {name: kind.state() for name, kind in self._named().items()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state of the same settings."""
        for name, kind in self._named().items():
            kind.restore(state[name])

    def _named(self) -> dict[str, VolumeChanges | ErrorCodeChanges | DurationChanges]:
        kinds = {
            "volume": self._volume,
            "error_code": self._error_codes,
            "duration": self._durations,
        }
        return {name: kind for name, kind in kinds.items() if kind is not None}
