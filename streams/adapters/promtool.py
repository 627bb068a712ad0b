"""promtool: blocks of Prometheus' database from OpenMetrics, and where they may be put."""

import contextlib
import json
import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from streams.domain.errors import OperatorError, OutsideSystemError

PROMTOOL = ("promtool",)
HOW_TO_INSTALL = "it comes with Prometheus; Debian: apt-get install prometheus"

BLOCK_OF_LITTLE, BLOCK_OF_MUCH = "1458h", "54h"
"""promtool reads its whole input once for every block, and makes each block in memory.

Blocks begin at multiples of their length, which are 2 h times powers of 3: longer ones are seldom
cut, and end with their samples anyway. A day of 2,400 series is 3 GB of text.
"""

_MUCH_BYTES = 4 * 2**30

_ULID = re.compile(r"^[0-9A-HJKMNP-TV-Z]{26}$")
_OF_PROMETHEUS = {"wal", "chunks_head", "lock", "queries.active", "lost+found"}
"""What else lies in a data folder."""


@dataclass(frozen=True, slots=True)
class Block:
    """One block of a data folder.

    Attributes:
        name: Name of its folder.
        start: First instant, in seconds since the epoch.
        end: Its last instant, in seconds since the epoch.
        series: How many series it has.
        samples: How many samples it has.
    """

    name: str
    start: float
    end: float
    series: int
    samples: int


def create_blocks(promtool: str, source: Path, target: Path) -> None:
    """Turn OpenMetrics with timestamps into blocks.

    Args:
        promtool: The program.
        source: The file.
        target: The folder for the blocks; those that are in it already stay.

    Raises:
        OperatorError: The file is no OpenMetrics with timestamps.
        OutsideSystemError: promtool could not write the blocks.
    """
    try:
        much = source.stat().st_size > _MUCH_BYTES
    except OSError as error:
        raise OperatorError(f"cannot read {source}: {_reason(error)}") from error
    command = [
        *(promtool, "tsdb", "create-blocks-from", "openmetrics", "--quiet"),
        *(
            f"--max-block-duration={BLOCK_OF_MUCH if much else BLOCK_OF_LITTLE}",
            str(source),
            str(target),
        ),
    ]
    # Its own session: Ctrl-C reaches opwatch alone, which then ends it.
    with subprocess.Popen(  # noqa: S603 our own command line
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        # A sixth less processor time for some more memory; who knows better has set it.
        env={"GOGC": "400", **os.environ},
    ) as process:
        try:
            _, said = process.communicate()
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0:
        why = " ".join(said.decode(errors="replace").split()) or "promtool gave no reason"
        if "no space left" in why or "permission denied" in why:
            raise OutsideSystemError(f"promtool cannot write blocks to {target}: {why}")
        raise OperatorError(f"promtool cannot read {source}: {why}")


def blocks_of(folder: Path) -> tuple[Block, ...]:
    """Give the blocks of a folder, in time order; half-written ones are passed over.

    Raises:
        OperatorError: The folder cannot be read.
    """
    try:
        names = sorted(path.name for path in folder.iterdir() if _ULID.match(path.name))
    except OSError as error:
        raise OperatorError(f"cannot read {folder}: {_reason(error)}") from error
    found = [_block(folder / name) for name in names]
    return tuple(sorted((one for one in found if one), key=lambda one: (one.start, one.name)))


def refuse_foreign_folder(folder: Path) -> None:
    """Make sure that a folder is a data folder of Prometheus, or empty.

    Raises:
        OperatorError: It is not.
    """
    if not folder.is_dir():
        raise OperatorError(f"{folder} is no folder; give the one in --storage.tsdb.path")
    try:
        names = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    except OSError as error:
        raise OperatorError(f"cannot read {folder}: {_reason(error)}") from error
    if names and not any(name == "wal" or _ULID.match(name) for name in names):
        there = ", ".join(sorted(names)[:3])
        raise OperatorError(
            f"{folder} is no data folder of Prometheus (there is {there}, but no wal nor block); "
            "give the one in --storage.tsdb.path"
        )


@contextlib.contextmanager
def hidden_folder(data: Path) -> Iterator[Path]:
    """Give a folder inside a data folder that Prometheus passes over; it is removed at the end.

    Raises:
        OperatorError: It cannot be made there.
    """
    hidden = data / f".opwatch-backfill-{secrets.token_hex(4)}"
    try:
        hidden.mkdir()
    except OSError as error:
        raise OperatorError(f"cannot write into {data}: {_reason(error)}") from error
    try:
        yield hidden
    finally:
        shutil.rmtree(hidden, ignore_errors=True)


def move_blocks(source: Path, data: Path) -> None:
    """Move whole blocks into a data folder, which a Prometheus may be serving.

    Prometheus looks for new blocks once a minute, and for folders named like one alone; a rename
    on the same disk shows it all of a block or nothing.

    Args:
        source: A folder on the same disk.
        data: The data folder; blocks get its owner, so that its Prometheus may compact them.

    Raises:
        OutsideSystemError: The disk failed.
    """
    owner = data.stat()
    try:
        for block in blocks_of(source):
            if os.geteuid() == 0:
                for path in (source / block.name, *(source / block.name).rglob("*")):
                    os.chown(path, owner.st_uid, owner.st_gid)
            (source / block.name).rename(data / block.name)
        _sync(data)
    except OSError as error:
        raise OutsideSystemError(f"cannot write into {data}: {_reason(error)}") from error


def _block(path: Path) -> Block | None:
    try:
        meta = json.loads((path / "meta.json").read_bytes())
        stats = meta["stats"]
        return Block(
            path.name,
            meta["minTime"] / 1000,
            (meta["maxTime"] - 1) / 1000,
            stats.get("numSeries", 0),
            stats.get("numSamples", 0),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _sync(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
