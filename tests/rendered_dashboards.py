"""Dashboards drawn by Grafana's own front end from a running Prometheus, as pictures.

The drawing is done by `tests/rendering`, which `make .cache/stamps/rendering` installs and bundles.
"""

import json
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dashboards.checking.presence import LIVE_ONLY

ROOT = Path(__file__).resolve().parents[1]
GENERATED = ROOT / "dashboards" / "generated"
JOB = ROOT / ".cache" / "rendering" / "render.mjs"
STAMP = ".cache/stamps/rendering"
BUNDLE = JOB.parent / "bundle" / "page.js"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Drawing:
    """What to draw.

    Attributes:
        prometheus: Address of the Prometheus that is asked.
        start: Start of the time range that is shown, in ISO 8601.
        end: Its end.
        values: Name of a variable -> the value to take instead of the first.
        theme: `light` or `dark`.
    """

    prometheus: str
    start: str
    end: str
    values: Mapping[str, str]
    theme: str = "light"

    def command(self, files: Sequence[Path], may_be_empty: Sequence[str], out: Path) -> list[str]:
        """Give the job as a command."""
        return [
            *(_installed("node"), str(JOB), "--prometheus", self.prometheus),
            *("--from", self.start, "--to", self.end, "--theme", self.theme, "--out", str(out)),
            *("--chromium", _installed("chromium")),
            *_repeated("--dashboard", map(str, files)),
            *_repeated("--var", (f"{name}={value}" for name, value in self.values.items())),
            *_repeated("--empty", may_be_empty),
        ]


@dataclass(frozen=True, slots=True)
class Drawn:
    """What came of it.

    Attributes:
        status: Exit status of the job: 0 is well, 1 something was wrong with a dashboard.
        complaints: What it said, a line each.
        boards: Uid -> its state, as in the job's report.
    """

    status: int
    complaints: list[str]
    boards: Mapping[str, Json]

    def panels(self) -> Iterator[tuple[str, Json]]:
        """Give every panel by `uid:id`."""
        for uid, board in self.boards.items():
            for panel in board["panels"]:
                yield f"{uid}:{panel['id']}", panel


def build() -> None:
    """Install and bundle the job, unless it is there and newer than its sources."""
    subprocess.run(  # noqa: S603 no outside words
        [_installed("make"), "--no-print-directory", STAMP], cwd=ROOT, check=True
    )


def draw(drawing: Drawing, files: Sequence[Path], out: Path, *, replay: bool = True) -> Drawn:
    """Draw dashboards into a folder: a picture for each, by its uid.

    Args:
        drawing: What is shown.
        files: The dashboards.
        out: The folder.
        replay: Whether panels of metrics that no replay has may be empty.

    Raises:
        RuntimeError: The job could not be tried.
    """
    boards = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    may_be_empty = sorted(live_only(boards)) if replay else []
    told = subprocess.run(  # noqa: S603 no outside words
        drawing.command(files, may_be_empty, out), capture_output=True, text=True, check=False
    )
    complaints = told.stderr.splitlines()
    if told.returncode not in (0, 1):
        raise RuntimeError("\n".join(complaints))
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    return Drawn(told.returncode, complaints, {board["uid"]: board for board in report})


def live_only(boards: Sequence[Json]) -> Iterator[str]:
    """Give the panels, as `uid:id`, all of whose queries ask for what a replay does not have."""
    names = [metric.name for metric in LIVE_ONLY]
    for board in boards:
        for panel in board["panels"]:
            expressions = [target["expr"] for target in panel.get("targets", [])]
            if expressions and all(any(name in one for name in names) for one in expressions):
                yield f"{board['uid']}:{panel['id']}"


def _repeated(option: str, values: Iterable[str]) -> list[str]:
    return [word for value in values for word in (option, value)]


def _installed(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        raise RuntimeError(f"{program} is not installed: make test looks for it")
    return path
