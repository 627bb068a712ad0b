"""`opwatch backfill`: the metrics of replays into a Prometheus, by blocks or by remote write."""

import contextlib
import os
import socket
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from streams.adapters import local_servers, promtool
from streams.adapters.local_servers import LocalServer
from streams.adapters.promtool import Block
from streams.adapters.remote_write import Refusal, RemoteWrite
from streams.config import Settings
from streams.domain.errors import OperatorError
from streams.domain.time import format_instant
from streams.replay.openmetrics_slices import OpenMetricsSlices
from streams.replay.outputs import METRICS
from streams.replay.request import Progress

SLICE_S = 3000
"""Event time that is sent at once: Prometheus takes no sample that is an hour older than its newest
one, and in a slice the samples of one series come after those of another."""

_CONFIGURATION = "global:\n  scrape_interval: {seconds}s\n"


@dataclass(frozen=True, slots=True)
class Backfilled:
    """What has been put into a Prometheus.

    Attributes:
        start: Time of the first sample, in seconds since the epoch.
        end: Time of the last, in seconds since the epoch.
        samples: How many samples.
        newest: End of the newest block that was there before; None where there was none.
    """

    start: float
    end: float
    samples: int
    newest: float | None = None

    def text(self) -> str:
        """Give it in one line."""
        return (
            f"{self.samples:,} samples from {format_instant(self.start)} to "
            f"{format_instant(self.end)}"
        )


@dataclass(frozen=True, slots=True)
class ReplayPrometheus:
    """A Prometheus that serves what has been backfilled.

    Attributes:
        server: The running server.
        filled: What it serves.
        window_seconds: Time between two of its samples.
    """

    server: LocalServer
    filled: Backfilled
    window_seconds: int


def metrics_files(sources: Sequence[Path]) -> tuple[Path, ...]:
    """Give the file of each source: itself, or the one in the folder of a replay.

    Raises:
        OperatorError: There is none.
    """
    files = tuple(path / METRICS if path.is_dir() else path for path in sources)
    for source, file in zip(sources, files, strict=True):
        if not file.is_file():
            if source.is_dir():
                raise OperatorError(f"{source} is no folder of a replay: it has no {METRICS}")
            raise OperatorError(
                f"there is no file {source}; give the folder of a replay, or its {METRICS}"
            )
    return files


def fill_folder(sources: Sequence[Path], data: Path) -> Backfilled:
    """Put blocks into the data folder of a Prometheus, which may be running.

    Args:
        sources: Folders of replays, or files of OpenMetrics with timestamps.
        data: The data folder.

    Raises:
        OperatorError: A source is missing or no OpenMetrics, the folder is not one of Prometheus,
            or promtool is not installed.
        OutsideSystemError: The disk failed.
    """
    files = metrics_files(sources)
    promtool.refuse_foreign_folder(data)
    before = promtool.blocks_of(data)
    with promtool.hidden_folder(data) as hidden:
        blocks = _create(files, hidden)
        promtool.move_blocks(hidden, data)
    newest = max((block.end for block in before), default=None)
    return _summary(blocks, newest)


@contextlib.contextmanager
def serve(sources: Sequence[Path], settings: Settings, port: int) -> Iterator[ReplayPrometheus]:
    """Serve backfilled metrics from a Prometheus of their own while the context is open.

    Args:
        sources: Folders of replays, or files of OpenMetrics with timestamps.
        settings: For the length of the windows.
        port: Port on loopback; 0 takes a free one.

    Raises:
        OperatorError: A source is missing or no OpenMetrics, the port is taken, or Prometheus is
            not installed.
        OutsideSystemError: Prometheus did not start, or the disk failed.
    """
    files, seconds = metrics_files(sources), settings.windows.seconds
    if port:
        _refuse_taken(port)  # before blocks are made for long
    with tempfile.TemporaryDirectory(prefix="opwatch-replayed-") as name:
        folder = Path(name)
        blocks = _create(files, folder / "data")
        # There is a sample for every window: one that is older has ended, as it would have live.
        flags = (f"--query.lookback-delta={seconds + 1}s",)
        configuration = _CONFIGURATION.format(seconds=seconds)
        with local_servers.prometheus(folder, configuration, port=port, flags=flags) as server:
            yield ReplayPrometheus(server, _summary(blocks, None), seconds)


def send(sources: Sequence[Path], url: str, headers: Path | None, progress: Progress) -> int:
    """Send metrics to a server that takes Prometheus' remote write, in time order.

    Args:
        sources: Folders of replays, or files of OpenMetrics with timestamps; the older first.
        url: The address.
        headers: A file with further headers, a line each, such as `Authorization: Bearer ...`.
        progress: Hears how far it is: of samples, and of slices of time.

    Returns:
        How many samples it took.

    Raises:
        OperatorError: A source is missing or no OpenMetrics, or the server takes no remote write,
            or refused some samples for good.
        OutsideSystemError: The server does not answer, or the disk failed.
    """
    remote = RemoteWrite(url, _headers(headers), time.sleep)
    files = [OpenMetricsSlices.of(path, SLICE_S) for path in metrics_files(sources)]
    total, done, slices = sum(file.samples for file in files), 0, 0
    refused: list[Refusal] = []
    for file in files:
        for series in file.slices():
            refused += remote.send(series)
            done += sum(len(one.values) for one in series)
            slices += 1
            progress.advance(done, total, done, slices)
    if refused:
        raise OperatorError(_refusals(url, refused, total))
    return total


def _refusals(url: str, refused: Sequence[Refusal], total: int) -> str:
    first = format_instant(min(one.first for one in refused))
    last = format_instant(max(one.last for one in refused))
    return (
        f"{url} refused {sum(one.samples for one in refused):,} of {total:,} samples, from {first} "
        f"to {last}: {refused[0].why}; what is further behind its newest sample than it allows "
        "(storage.tsdb.out_of_order_time_window) can be put in as blocks: opwatch backfill --data"
    )


def _headers(path: Path | None) -> dict[str, str]:
    if path is None:
        return {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise OperatorError(f"cannot read {path}: {error}") from error
    pairs = [line.partition(":") for line in lines if line.strip()]
    if not all(colon for _, colon, _ in pairs):
        raise OperatorError(f"{path}: each line must be a header, such as `Name: value`")
    return {name.strip(): value.strip() for name, _, value in pairs}


def _create(files: Sequence[Path], target: Path) -> tuple[Block, ...]:
    program = local_servers.installed("promtool", promtool.PROMTOOL, promtool.HOW_TO_INSTALL)
    for file in files:
        promtool.create_blocks(program, file, target)
    blocks = promtool.blocks_of(target) if target.is_dir() else ()
    if not blocks:
        raise OperatorError(f"{', '.join(map(str, files))}: there is no sample in it")
    return blocks


def _refuse_taken(port: int) -> None:
    try:
        socket.create_server((local_servers.LOOPBACK, port)).close()
    except OSError as error:
        raise OperatorError(
            f"cannot serve on port {port}: {os.strerror(error.errno or 0).lower()}; give another "
            "--port"
        ) from error


def _summary(blocks: Sequence[Block], newest: float | None) -> Backfilled:
    return Backfilled(
        min(block.start for block in blocks),
        max(block.end for block in blocks),
        sum(block.samples for block in blocks),
        newest,
    )
