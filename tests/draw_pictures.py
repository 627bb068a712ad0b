"""Draw the pictures of the documentation: `make pictures`.

The founding incident is simulated and replayed, its metrics are put into a Prometheus, and
Grafana's own front end draws the dashboards from it, as they were while regions recovered.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from rendered_dashboards import GENERATED, Drawing, draw

from streams.config import Settings
from streams.wiring import backfill

OPWATCH = Path(sys.executable).with_name("opwatch")
SCENARIO = "founding-incident"
START, END = "2021-10-13T05:30:00Z", "2021-10-13T11:34:00Z"
"""From an hour before the onset until regions recover one after the other."""

RELEASE = "image-template-migration"
SERIES = {"region": "westeurope", "os": "windows"}
PICTURES = {
    "fleet": {},
    "incident": {},
    "releases": {"release": RELEASE},
    "series": SERIES,
}
"""Picture, which is also the dashboard's name without its prefix -> values of its variables."""


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
        for picture, values in PICTURES.items():
            drawing = Drawing(served.server.url, START, END, values)
            uid = f"opwatch-{picture}"
            drawn = draw(drawing, [GENERATED / f"{uid}.json"], Path(name))
            sys.stdout.write("".join(f"{line}\n" for line in drawn.complaints))
            (Path(name) / f"{uid}.png").replace(out / f"{picture}.png")
            status = max(status, drawn.status)
    return status


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        sys.exit(pictures(replayed(Path(scratch)), Path(sys.argv[1])))
