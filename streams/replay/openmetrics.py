"""`metrics.om`: a replay's windows and incidents as OpenMetrics with timestamps, ready to backfill.

`opwatch backfill` puts it into a Prometheus. It has what the live worker would have served at the
end of every window; unlike a scrape it counts what came late in the window it belongs to. A counter
begins with 0, because Prometheus cannot see an increase from nothing.
"""

import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from streams.config import Settings
from streams.domain.releases import ReleaseEvent
from streams.replay.incident_metrics import exposure_lines, incident_lines
from streams.replay.operation_metrics import OperationMetrics
from streams.replay.sample_files import SampleFile, header
from streams.replay.window_metrics import WindowMetrics
from streams.replay.windows_table import ArchiveRows
from streams.stages.records import IngestStatistics
from streams.telemetry import CATALOGUE, OPERATIONS, RELEASE_EXPOSURE, Metric
from streams.windows.closed import ClosedWindow

_COPIED = 8 * 1024 * 1024


class OpenMetricsWriter:
    """Writes `metrics.om`. Memory grows with the number of series and incidents, not of windows.

    A metric's samples must stand together, so each metric is written into a file of its own first.
    """

    def __init__(self, folder: Path, settings: Settings) -> None:
        """Open the files of the metrics that come window by window.

        Args:
            folder: Where they are kept until `finish`.
            settings: The installation's settings.

        Raises:
            OSError: They cannot be written.
        """
        self._folder = folder
        self._seconds = settings.windows.seconds
        self._windows = WindowMetrics(folder, settings)
        self._operations = OperationMetrics(folder, settings)
        self._regions: set[str] = set()

    def add_read(self, found: IngestStatistics) -> None:
        """Count what has been read, before the windows that it closes."""
        self._windows.add_read(found)

    def add_closed(self, closed: ClosedWindow) -> None:
        """Write the samples of a closed window.

        Args:
            closed: Of any partition; windows of one partition come in time order.

        Raises:
            OSError: A file cannot be written.
        """
        self._windows.add_closed(closed)

    def add_rows(self, rows: ArchiveRows) -> None:
        """Write the counts of some windows.

        Args:
            rows: Whole windows, later than all before.

        Raises:
            OSError: A file cannot be written.
        """
        self._operations.add_rows(rows)
        cells = rows.cells
        self._regions.update(cells.values[cells.dimensions.index("region")])

    def finish(
        self,
        target: Path,
        incidents: Iterable[Mapping[str, Any]],
        releases: Sequence[ReleaseEvent],
    ) -> None:
        """Write the whole file.

        Args:
            target: Where to.
            incidents: All incident records, in the order they were written.
            releases: The release log.

        Raises:
            OSError: A file cannot be written.
        """
        self._windows.finish()
        self._operations.finish()
        ends = (np.array(self._operations.windows, np.int64) + 1) * self._seconds
        written: dict[Metric, SampleFile] = {**self._windows.files, **self._operations.files}
        said = incident_lines(incidents, ends)
        # The largest is not copied: the others come behind it.
        written.pop(OPERATIONS).path.replace(target)
        with target.open("ab") as out:
            for metric in CATALOGUE:
                if metric in written:
                    _move(written[metric].path, out)
                elif metric in said:
                    out.write(header(metric))
                    out.writelines(text.encode() for text in said[metric])
                elif metric is RELEASE_EXPOSURE:
                    out.write(header(metric))
                    lines = exposure_lines(releases, sorted(self._regions), ends)
                    out.writelines(line.encode() for line in lines)
            out.write(b"# EOF\n")

    def close(self) -> None:
        """Close the files; may be called again."""
        for file in (*self._windows.files.values(), *self._operations.files.values()):
            file.close()


def _move(part: Path, out: BinaryIO) -> None:
    """Append a file and remove it: a day's metrics are gigabytes, and should not be there twice."""
    with part.open("rb") as file:
        shutil.copyfileobj(file, out, _COPIED)
    part.unlink()
