"""Reports over a fleet of two regions and two systems, minute by minute, for tests."""

from collections.abc import Sequence
from html.parser import HTMLParser
from typing import Any

from cell_tables import Cell, cell_table
from incident_records import incident_record, incident_region

from streams.config import IngestSettings, Settings
from streams.domain.releases import ReleaseAction, ReleaseEvent
from streams.domain.time import parse_instant
from streams.replay.report import Report
from streams.replay.windows_table import ArchiveRows, archive_rows

DIMENSIONS = ("region", "os")
SETTINGS = Settings(ingest=IngestSettings(dimensions=DIMENSIONS))
ONSET_TEXT = "2021-10-13T06:27:00Z"
END_TEXT = "2021-10-13T06:47:00Z"
ONSET = int(parse_instant(ONSET_TEXT)) // 60
END = int(parse_instant(END_TEXT)) // 60

Record = dict[str, Any]


def fleet_rows(first: int = ONSET - 90, end: int = END + 10) -> ArchiveRows:
    """Give windows in which half of eu/windows fails from the onset until the end.

    Every series has 100 operations a minute and one failure that is ordinary; in the fifth minute
    of the incident three operations of eu/windows, two of them failures, came late.
    """
    cells = []
    for window in range(first, end):
        for region in ("eu", "us"):
            for system in ("windows", "linux"):
                bad = region == "eu" and system == "windows" and ONSET <= window < END
                cells.append(Cell(window, (region, system), 100, 50 if bad else 1))
    cells.append(Cell(ONSET + 5, ("eu", "windows"), 3, 2, late=True))
    return archive_rows(cell_table(DIMENSIONS, cells))


def resolved_record(**changed: Any) -> Record:  # noqa: ANN401 the values of JSON
    """Give the record of the incident in `fleet_rows`, its end known, with some fields changed."""
    region = incident_region(
        status="recovered",
        recovered=END_TEXT,
        recovered_interval=[END_TEXT, "2021-10-13T06:48:00Z"],
        operations=2000,
        failures=1000,
        expected_failures=20.0,
        excess_failures=980.0,
        excess_interval=[970, 990],
    )
    record = {
        "revision": 3,
        "status": "resolved",
        "raised": "2021-10-13T06:50:00Z",
        "resolved": END_TEXT,
        "regions": [region],
        "impact": {
            "operations": 2000,
            "failures": 1000,
            "expected_failures": 20.0,
            "excess_failures": 980.0,
            "excess_interval": [970, 990],
            "baseline_success_ratio": 0.99,
            "success_ratio": 0.5,
        },
    }
    return incident_record(**(record | changed))


def course_of_records() -> list[Record]:
    """Give the page, a revision in which the cause is surer, and the end."""
    surer = [
        {"release": "migration", "probability": 0.95},
        {"release": "agent-2", "probability": 0},
    ]
    return [
        incident_record(),
        incident_record(
            revision=2,
            raised="2021-10-13T06:40:00Z",
            candidates=surer,
            no_release_probability=0.05,
        ),
        resolved_record(),
    ]


def change_point(**changed: Any) -> Record:  # noqa: ANN401 the values of JSON
    """Give a change point in the incident's scope, with some fields changed."""
    point: Record = {
        "series": {"region": "eu", "os": "windows"},
        "kind": "success_ratio",
        "direction": "degraded",
        "onset": ONSET_TEXT,
        "raised": "2021-10-13T06:29:00Z",
        "baseline_ratio": 0.99,
        "ratio": 0.5,
        "statistic": 12.5,
        "threshold": 9.5,
    }
    return point | changed


def step(
    minute: int, exposure: float, release: str = "migration", **scope: tuple[str, ...]
) -> ReleaseEvent:
    """Give a release step so many minutes after the onset; one to nothing is a rollback."""
    action = ReleaseAction.PROGRESSED if exposure else ReleaseAction.ROLLED_BACK
    time = (ONSET + minute) * 60.0
    return ReleaseEvent(f"{release}/{minute}", time, release, action, scope, exposure)


STEPS = (step(-60, 0.2, region=("us",)), step(0, 1.0, region=("eu",)), step(20, 0, region=("eu",)))
"""Migration: a fifth of us long before, all of eu at the onset, taken back at the end."""


def small_report(
    records: Sequence[Record],
    points: Sequence[Record] = (),
    steps: Sequence[ReleaseEvent] = STEPS,
    rows: ArchiveRows | None = None,
) -> Report:
    """Give a report over `fleet_rows`, or over other rows."""
    report = Report(SETTINGS, records, points, steps)
    report.add_rows(fleet_rows() if rows is None else rows)
    return report


class Page(HTMLParser):
    """What is on a page: its text, elements, identifiers and links; tags must match.

    Attributes:
        texts: Text outside of scripts and styles, in order.
        tags: (name, attributes) of all elements, in order.
        rows: Text of each table row that has an identifier.
        figures: (text, target) of each link within the page.
    """

    _VOID = frozenset({"meta", "br"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.rows: dict[str, list[str]] = {}
        self.figures: list[tuple[str, str]] = []
        self._open: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append((tag, found))
        if tag in self._VOID:
            return
        self._open.append((tag, found))
        if tag == "tr" and "id" in found:
            self.rows[str(found["id"])] = []
        if tag == "a":
            self.figures.append(("", str(found["href"]).removeprefix("#")))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        opened, _ = self._open.pop()
        assert opened == tag

    def handle_data(self, data: str) -> None:
        names = [name for name, _ in self._open]
        if {"script", "style"} & set(names):
            return
        self.texts.append(data)
        for name, found in self._open:
            if name == "tr" and "id" in found:
                self.rows[str(found["id"])].append(data)
        if "a" in names and self.figures:
            text, target = self.figures[-1]
            self.figures[-1] = (text + data, target)

    @property
    def text(self) -> str:
        """All text, in one line."""
        return " ".join("".join(self.texts).split())

    def named(self, tag: str) -> list[dict[str, str | None]]:
        """Give the attributes of all elements of a kind."""
        return [attributes for name, attributes in self.tags if name == tag]
