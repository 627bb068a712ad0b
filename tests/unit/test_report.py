"""The report: what a person reads after a replay, safe to open and without the network."""

import re
from html.parser import HTMLParser

import numpy as np
from cell_tables import Cell, cell_table
from incident_records import incident_record, incident_region

from streams.config import IngestSettings, Settings
from streams.replay.chart import Mark, chart
from streams.replay.curves import Curve
from streams.replay.report import Report
from streams.replay.windows_table import archive_rows

SETTINGS = Settings(ingest=IngestSettings(dimensions=("region", "os")))
ONSET = 1634106420 // 60


def _page(*records: dict[str, object], points: int = 0) -> str:
    point = {
        "series": {"region": "eu", "os": "windows"},
        "kind": "success_ratio",
        "direction": "degraded",
        "onset": "2021-10-13T06:27:00Z",
        "raised": "2021-10-13T06:29:00Z",
        "baseline_ratio": 0.99,
        "ratio": 0.5,
    }
    report = Report(SETTINGS, records, [point] * points)
    cells = [
        Cell(ONSET + minute, ("eu", system), 100, 50 if system == "windows" and minute >= 0 else 1)
        for minute in range(-90, 30)
        for system in ("windows", "linux")
    ]
    table = cell_table(("region", "os"), cells)
    report.add_rows(archive_rows(table, np.full(len(table), 0.01)))
    return report.render()


class _Checker(HTMLParser):
    """Collects the text, and fails on tags that do not match or would reach for the network."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in {"script", "link", "img", "iframe"}
        assert not {name for name, _ in attrs} & {"href", "src"}
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in {"line", "polyline"}
        assert attrs

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def _text(page: str) -> str:
    checker = _Checker()
    checker.feed(page)
    checker.close()
    assert checker.open == []
    return " ".join(" ".join(checker.texts).split())


def test_the_page_says_what_when_where_how_bad_and_who() -> None:
    text = _text(_page(incident_record()))
    for expected in (
        "1 incident",
        "os=windows",
        "2021-10-13T06:27:00Z (90 %: 2021-10-13T06:26:00Z to 2021-10-13T06:28:00Z)",
        "Raised 2021-10-13T06:30:00Z",
        "Resolved not yet",
        "50 of 100 operations failed, 48 more than the 2 expected",
        "success 50.00% instead of 98.50%",
        "migration 0.750 fails <only> where exposed cannot be told from twin",
        "E<1> 40",
        "eu affected 2021-10-13T06:27:00Z not yet 50 of 100 48 (90 %: 45 to 50) 0",
    ):
        assert expected in text


def test_causes_are_ranked_with_no_known_release_among_them() -> None:
    text = _text(_page(incident_record()))
    places = [text.index(name) for name in ("migration 0.750", "no known release 0.200", "agent-2")]
    assert places == sorted(places)


def test_only_the_newest_revision_is_shown_with_the_time_of_the_first_page() -> None:
    later = incident_record(
        revision=7,
        status="resolved",
        raised="2021-10-13T08:00:00Z",
        resolved="2021-10-13T07:50:00Z",
    )
    text = _text(_page(incident_record(), later))
    assert "1 incident" in text
    assert "Raised 2021-10-13T06:30:00Z" in text
    assert "Resolved 2021-10-13T07:50:00Z" in text
    assert "revision 7" in text


def test_names_from_outside_cannot_become_markup() -> None:
    evil = "<script>alert(1)</script>"
    record = incident_record(
        incident=evil,
        scope={"os": [evil]},
        regions=[incident_region(region=evil, onset=evil)],
        errors=[{"error_code": evil, "failures": 1}],
        candidates=[{"release": evil, "probability": 0.9, "tied_with": [evil]}],
        related=[{"incident": evil, "relation": "follows", "statement": evil}],
        secondary=[
            {
                "scope": {"os": [evil]},
                "regions": [evil],
                "onset": evil,
                "resolved": None,
                "impact": incident_record()["impact"],
            }
        ],
        unaffected={evil: [{"value": evil, "operations": 1, "failures": 0}]},
    )
    assert _text(_page(record)).count(evil) == 14
    assert "<script" not in _page(record)


def test_the_page_says_what_else_there_is_and_what_there_is_not() -> None:
    recovered = incident_region(
        status="recovered",
        recovered="2021-10-13T07:50:00Z",
        recovered_interval=["2021-10-13T07:49:00Z", "2021-10-13T07:52:00Z"],
        relapses=2,
    )
    record = incident_record(
        regions=[recovered, incident_region(region="us", status="no_traffic")],
        related=[
            {"incident": "i-0", "relation": "after_mitigation", "statement": "Began soon after."}
        ],
        secondary=[
            {
                "scope": {"os": ["linux"]},
                "regions": ["eu", "us"],
                "onset": "2021-10-13T06:35:00Z",
                "resolved": None,
                "impact": incident_record()["impact"],
            }
        ],
        unaffected={"os": [{"value": "mac", "operations": 900, "failures": 3}]},
        unknown={"os": [{"value": "bsd", "operations": 4, "failures": 0}]},
    )
    text = _text(_page(record))
    for expected in (
        "2021-10-13T07:50:00Z (90 %: 2021-10-13T07:49:00Z to 2021-10-13T07:52:00Z)",
        "48 (90 %: 45 to 50) 2",
        "us no traffic",
        "after mitigation i-0 Began soon after.",
        "os=linux eu, us 2021-10-13T06:35:00Z not yet 50 of 100 operations failed",
        "os mac healthy 3 of 900",
        "os bsd too little traffic to tell 0 of 4",
    ):
        assert expected in text


def test_a_quiet_replay_says_so() -> None:
    assert "No incident" in _text(_page())


def test_a_long_list_of_change_points_is_cut_and_says_where_the_rest_is() -> None:
    text = _text(_page(points=250))
    assert "250 change points" in text
    assert text.count("degraded: 99.00% to 50.00%") == 200
    assert "the rest is in change_points.jsonl" in text


def _curve(scope: dict[str, list[str]], first: int | None, last: int | None) -> Curve:
    curve = Curve(scope, first, last)
    for window in range(4):
        cells = [Cell(window, ("eu", "w"), 10, window), Cell(window, ("us", "l"), 30, 0)]
        table = cell_table(("region", "os"), cells)
        curve.add_rows(archive_rows(table, np.full(2, 0.01)))
    return curve


def test_a_curve_is_the_success_ratio_of_its_scope() -> None:
    windows, ratios = _curve({}, None, None).points(10)
    assert windows.tolist() == [0, 1, 2, 3]
    assert np.allclose(ratios, [1, 39 / 40, 38 / 40, 37 / 40])
    _, ratios = _curve({"os": ["w", "x"]}, None, None).points(10)
    assert np.allclose(ratios, [1, 0.9, 0.8, 0.7])


def test_a_curve_keeps_to_its_windows() -> None:
    assert _curve({}, 1, 2).points(10)[0].tolist() == [1, 2]
    assert len(_curve({}, 7, None).points(10)[0]) == 0
    assert len(_curve({}, None, -1).points(10)[0]) == 0


def test_a_long_curve_is_drawn_from_sums_over_neighbours() -> None:
    windows, ratios = _curve({"os": ["w"]}, None, None).points(2)
    assert windows.tolist() == [0.5, 2.5]
    assert np.allclose(ratios, [1 - 1 / 20, 1 - 5 / 20])


def test_a_chart_has_the_curve_and_the_marks_within_it() -> None:
    marks = [Mark(90, "onset", good=False), Mark(1e9, "resolved", good=True)]
    drawn = chart(_curve({"os": ["w"]}, None, None), 60, marks)
    (points,) = re.findall(r'polyline class="plot" points="([^"]*)"', drawn)
    places = [tuple(map(float, point.split(","))) for point in points.split()]
    assert len(places) == 4
    assert [y for _, y in places] == sorted(y for _, y in places)
    assert all(50 <= x <= 890 and 14 <= y <= 190 for x, y in places)
    assert "onset" in drawn
    assert "resolved" not in drawn


def test_a_chart_over_several_days_names_them() -> None:
    curve = Curve()
    for window in (0, 5000):
        table = cell_table(("region",), [Cell(window, ("eu",), 10, 1)])
        curve.add_rows(archive_rows(table, np.zeros(1)))
    assert ">01-01 00:00<" in chart(curve, 60, [])
    assert ">00:00<" in chart(_curve({}, None, None), 60, [])
