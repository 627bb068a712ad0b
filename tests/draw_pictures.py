"""Draw the pictures of the documentation: `make pictures`.

The founding incident is simulated and replayed, its metrics are put into a Prometheus, and
Grafana's own front end draws the dashboards from it, as they were meanwhile or afterwards.
"""

import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from rendered_dashboards import GENERATED, Drawing, draw

from streams.config import Settings
from streams.wiring import backfill

OPWATCH = Path(sys.executable).with_name("opwatch")
SCENARIO = "founding-incident"
START = "2021-10-13T05:34:00Z"
"""An hour before it is noticed."""

MEANWHILE, AFTERWARDS = "2021-10-13T11:34:00Z", "2021-10-13T13:10:00Z"
"""While regions recover one after the other, and when all is over."""

RELEASE = {"release": "image-template-migration"}
SERIES = {"region": "westeurope", "os": "windows"}
PICTURES: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "fleet": (MEANWHILE, {}),
    "incident": (AFTERWARDS, {}),
    "releases": (MEANWHILE, RELEASE),
    "series": (AFTERWARDS, SERIES),
}
"""Picture, called like its dashboard without the prefix -> (end of its time range, variables)."""


def replayed(folder: Path) -> Path:
    """Replay the founding incident; give the folder of its results."""
    events, result = folder / "events", folder / "result"
    outcomes, releases = events / "outcomes.jsonl.zst", events / "releases.jsonl"
    commands = (
        ["simulate", SCENARIO, "--out", str(events)],
        ["replay", "--outcomes", str(outcomes), "--releases", str(releases), "--out", str(result)],
    )
    for command in commands:
        subprocess.run([OPWATCH, *command], check=True)  # noqa: S603 no outside words
    return result


def pictures(result: Path, out: Path) -> int:
    """Draw the pictures from the results of a replay; give an exit status."""
    status = 0
    with tempfile.TemporaryDirectory() as name, backfill.serve([result], Settings(), 0) as served:
        for picture, (end, values) in PICTURES.items():
            drawing = Drawing(served.server.url, START, end, values)
            uid = f"opwatch-{picture}"
            drawn = draw(drawing, [GENERATED / f"{uid}.json"], Path(name))
            sys.stdout.write("".join(f"{line}\n" for line in drawn.complaints))
            (Path(name) / f"{uid}.png").replace(out / f"{picture}.png")
            status = max(status, drawn.status)
    return status


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        sys.exit(pictures(replayed(Path(scratch)), Path(sys.argv[1])))
