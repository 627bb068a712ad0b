"""Every query of the dashboards gives data on a real Prometheus, and one that does not is told."""

import copy
import http.server
import json
import re
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from dashboard_samples import END, INCIDENT_ID, ONSET, RELEASE, START, open_metrics

from dashboards.checking.asking import TimeRange, questions
from dashboards.checking.presence import LIVE_ONLY, OCCASIONAL
from dashboards.checking.promql import variables
from dashboards.checking.queries_of import queries_of
from streams.adapters import local_servers, promtool
from streams.adapters.prometheus_api import PrometheusApi, QueryRefusedError
from streams.cli import main
from streams.config import IngestSettings, Settings
from streams.domain.errors import OperatorError, OutsideSystemError
from streams.domain.time import format_instant
from streams.telemetry import CHANGE_POINTS_ACTIVE, DEAD_LETTERS, OVERFLOWED, Metric
from streams.wiring import dashboards
from streams.wiring.dashboards import Findings

Json = dict[str, Any]

RANGE = ("--from", format_instant(START), "--to", format_instant(END))


@contextmanager
def _prometheus(folder: Path, without: tuple[Metric, ...] = ()) -> Iterator[str]:
    """Run a Prometheus that holds two hours of all metrics but some."""
    source = folder / "metrics.om"
    source.write_text(open_metrics(without))
    promtool.create_blocks("promtool", source, folder / "data")
    with local_servers.prometheus(folder, "global: {}\n") as server:
        yield server.url


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with _prometheus(tmp_path_factory.mktemp("full")) as url:
        yield url


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One that holds what a replay has, and nothing that only now and then happens."""
    with _prometheus(tmp_path_factory.mktemp("part"), (*LIVE_ONLY, *OCCASIONAL)) as url:
        yield url


@pytest.fixture(scope="module")
def boards() -> dict[str, Json]:
    return dashboards.built(Settings())


def _ask(url: str, boards: dict[str, Json], *, replay: bool = False) -> Findings:
    return dashboards.ask(url, boards, START, END, replay=replay)


def _queries(boards: dict[str, Json]) -> int:
    """Count panel targets, annotations and variables that ask."""
    return sum(
        len([one for panel in board["panels"] for one in panel.get("targets", [])])
        + len(board["annotations"]["list"])
        + len([one for one in board["templating"]["list"] if one["type"] == "query"])
        for board in boards.values()
    )


def test_every_panel_variable_and_annotation_gives_data(
    prometheus: str, boards: dict[str, Json]
) -> None:
    found = _ask(prometheus, boards)
    assert found.problems == []
    assert (found.left_out, found.quiet) == ([], [])
    assert found.queries == _queries(boards) > 90


def test_what_a_replay_cannot_have_is_left_out_and_told(
    replayed: str, boards: dict[str, Json]
) -> None:
    found = _ask(replayed, boards, replay=True)
    assert found.problems == []
    assert (
        'opwatch-pipeline: panel "Lag": A: a replay reads files to their end and trails nobody'
        in (found.left_out)
    )
    assert {line.partition(":")[0] for line in found.left_out} == {"opwatch-pipeline"}
    assert len(found.empty_panels) == 10
    assert 'opwatch-pipeline: panel "Workers"' in found.empty_panels
    assert 'opwatch-pipeline: panel "Not counted"' not in found.empty_panels
    assert found.quiet == [
        f'opwatch-pipeline: panel "Not counted": A: {OCCASIONAL[DEAD_LETTERS]}',
        'opwatch-pipeline: panel "Windows closed, outcomes overflowed": B: '
        + OCCASIONAL[OVERFLOWED],
    ]
    told = len(found.left_out) + len(found.quiet)
    assert found.queries + told == _queries(boards)


def test_without_saying_so_the_lack_of_live_metrics_is_a_problem(
    replayed: str, boards: dict[str, Json]
) -> None:
    lines = _ask(replayed, boards).problems
    assert 'opwatch-pipeline: panel "Workers": A: no data: count(opwatch_build_info)' in lines


BREAKS: dict[str, tuple[str, str, Callable[[str], str], str]] = {
    "a misspelt metric": (
        "opwatch-fleet",
        "Series degraded",
        lambda expr: expr.replace("opwatch_series", "opwatch_serie"),
        'opwatch-fleet: panel "Series degraded": A: no data: sum(opwatch_serie{state="degraded"})',
    ),
    "a misspelt label value": (
        "opwatch-fleet",
        "Series degraded",
        lambda expr: expr.replace("degraded", "degradet"),
        'opwatch-fleet: panel "Series degraded": A: no data: sum(opwatch_series{state="degradet"})',
    ),
    "a misspelt function": (
        "opwatch-pipeline",
        "Lag",
        lambda expr: expr.replace("sum(", "summ("),
        'opwatch-pipeline: panel "Lag": A: refused: bad_data:',
    ),
    "an empty part that another hides": (
        "opwatch-fleet",
        "Regions affected",
        lambda expr: expr.replace("region_status", "region_state"),
        'opwatch-fleet: panel "Regions affected": A: nothing is selected by opwatch_incident',
    ),
    "a misspelt row of a table": (
        "opwatch-incident",
        "Regions",
        lambda expr: expr.replace("by (region)", "by (region").replace("${incident}", "x"),
        'opwatch-incident: panel "Regions": A: refused: bad_data:',
    ),
}


@pytest.mark.parametrize("case", BREAKS)
def test_a_panel_with_a_mistake_is_told_in_one_line(
    prometheus: str, boards: dict[str, Json], case: str
) -> None:
    uid, title, change, line = BREAKS[case]
    broken = copy.deepcopy(boards)
    target = next(one for one in broken[uid]["panels"] if one["title"] == title)["targets"][0]
    target["expr"] = change(target["expr"])
    (problem,) = _ask(prometheus, {uid: broken[uid]}).problems
    assert problem.startswith(line)
    assert "\n" not in problem


def test_an_annotation_and_a_variable_with_a_mistake_are_told(
    prometheus: str, boards: dict[str, Json]
) -> None:
    broken = copy.deepcopy(boards["opwatch-releases"])
    broken["annotations"]["list"][0]["target"]["expr"] = "opwatch_release_exposed"
    broken["templating"]["list"][1]["query"]["query"] = "label_values(opwatch_releases, release)"
    assert _ask(prometheus, {"opwatch-releases": broken}).problems == [
        'opwatch-releases: variable "release": no values: release of opwatch_releases',
        'opwatch-releases: annotation "Rollouts": Anno: no data: opwatch_release_exposed',
    ]


def test_a_variable_that_prometheus_refuses_is_told_once(
    prometheus: str, boards: dict[str, Json]
) -> None:
    broken = copy.deepcopy(boards["opwatch-incident"])
    listed = broken["templating"]["list"][1]
    listed["query"]["query"] = "label_values(opwatch_incident_info{, incident)"
    found = _ask(prometheus, {"opwatch-incident": broken})
    refused, *others = found.problems
    assert refused.startswith('opwatch-incident: variable "incident": refused: bad_data: ')
    assert others == []


def test_a_query_whose_variable_is_not_understood_is_told(
    prometheus: str, boards: dict[str, Json]
) -> None:
    mine = copy.deepcopy(boards["opwatch-incident"])
    mine["templating"]["list"][1]["query"]["query"] = "query_result(opwatch_incident_info)"
    problems = _ask(prometheus, {"opwatch-incident": mine}).problems
    assert 'opwatch-incident: panel "Status": A: not asked: no values for incident' in problems


def test_every_choice_of_a_fixed_list_has_to_give_data(
    prometheus: str, boards: dict[str, Json]
) -> None:
    broken = copy.deepcopy(boards["opwatch-fleet"])
    listed = next(one for one in broken["templating"]["list"] if one["name"] == "rows")
    listed["query"] += ",and nothing"
    (problem,) = _ask(prometheus, {"opwatch-fleet": broken}).problems
    assert problem.startswith('opwatch-fleet: panel "Where": A: refused: bad_data')


def test_a_fleet_without_degradations_shows_its_rows_all_the_same(
    tmp_path: Path, boards: dict[str, Json]
) -> None:
    with _prometheus(tmp_path, (CHANGE_POINTS_ACTIVE,)) as url:
        board = copy.deepcopy(boards["opwatch-fleet"])
        board["panels"] = [panel for panel in board["panels"] if panel["title"] == "Where"]
        (problem,) = _ask(url, {"opwatch-fleet": board}).problems
        assert "nothing is selected by opwatch_change_points_active" in problem
        (query,) = (one for one in queries_of(board) if one.where == 'panel "Where"')
        question = next(questions(query, {"rows": ["vm_type"]}, TimeRange(START, END)))
        states = PrometheusApi(url).query_range(question.expr, START, END, 60)
        assert set(states) == {0.0}


def test_the_worst_ten_are_those_with_most_failures_beyond_the_expected(
    prometheus: str, boards: dict[str, Json]
) -> None:
    api = PrometheusApi(prometheus)
    excess, success, baseline = (
        next(questions(query, {}, TimeRange(START, END))).expr
        for query in queries_of(boards["opwatch-fleet"])
        if query.where == 'panel "Worst ten series"'
    )
    # All fail 2 times in 202 a minute, and eight of them 150 times more for half an hour.
    usual, failed = (2 - 0.015 * 202) * 120, 150 * 30
    values = sorted(api.query(excess, END))
    assert values == pytest.approx([usual] * 2 + [usual + failed] * 8, rel=0.02)
    ratios = sorted(api.query(success, END))
    assert ratios == pytest.approx([19500 / 24240] * 8 + [200 / 202] * 2, rel=0.02)
    assert api.query(baseline, END) == pytest.approx([0.985] * 10)


def test_a_rollout_is_a_band_while_it_moves(prometheus: str, boards: dict[str, Json]) -> None:
    """One reaches its regions from minute 30 to 70, the other is everywhere at once.

    minute     0        30        40                            70        80
    agent-2    |        [moves-----------------------------------)still    |
    billing-7  |        [new------)still                                   |
    """
    (query,) = (
        one
        for one in queries_of(boards["opwatch-fleet"])
        if one.where == 'annotation "All rollouts"'
    )
    question = next(questions(query, {}, TimeRange(START, END)))
    api = PrometheusApi(prometheus)
    moving = [minute for minute in range(120) if api.query(question.expr, START + 60 * minute + 1)]
    assert moving == list(range(30, 79))
    both = [len(api.query(question.expr, START + 60 * minute)) for minute in (29, 35, 41, 75, 85)]
    assert both == [0, 2, 1, 1, 0]


def test_without_being_asked_only_suspected_rollouts_are_drawn(
    prometheus: str, boards: dict[str, Json]
) -> None:
    listed = {one["name"]: one["enable"] for one in boards["opwatch-fleet"]["annotations"]["list"]}
    assert listed["Suspected rollouts"]
    assert not listed["All rollouts"]
    (query,) = (
        one
        for one in queries_of(boards["opwatch-fleet"])
        if one.where == 'annotation "Suspected rollouts"'
    )
    question = next(questions(query, {}, TimeRange(START, END)))
    # Both were candidates, one with 5 % at the end, and 10 % before.
    api = PrometheusApi(prometheus)
    assert len(api.query_range(question.expr, START, END, 60)) == 49 + 10
    only = question.expr.replace("> 0.05", "> 0.5")
    assert len(api.query_range(only, START, END, 60)) == 49


def test_a_wave_of_change_points_is_marked_once(prometheus: str, boards: dict[str, Json]) -> None:
    api = PrometheusApi(prometheus)
    marks = {
        uid: next(
            questions(
                query,
                {name: [".*"] for name in ("region", "os", "vm_type", "operation")},
                TimeRange(START, END),
            )
        ).expr
        for uid in ("opwatch-fleet", "opwatch-series")
        for query in queries_of(boards[uid])
        if query.where == 'annotation "Change points"'
    }
    minutes = {
        uid: [at for at in range(1, 120) if api.query(expr, START + 60 * at + 1)]
        for uid, expr in marks.items()
    }
    assert minutes == {"opwatch-fleet": [ONSET + 1, ONSET + 2], "opwatch-series": [ONSET]}


def test_one_series_is_drawn_as_its_own_metrics_say(
    prometheus: str, boards: dict[str, Json]
) -> None:
    """The weights that take several series together cancel out for one."""
    one = {"region": ["eu"], "os": ["windows"], "vm_type": ["small"], "operation": ["start"]}
    middle = START + 70 * 60
    api = PrometheusApi(prometheus)
    values = [
        api.query(next(questions(query, one, TimeRange(START, END))).expr, middle)
        for query in queries_of(boards["opwatch-series"])
        if query.where == 'panel "Success ratio"'
    ]
    assert values == [pytest.approx([number]) for number in (0.4, 0.985, 0.9, 1.0)]


def test_the_band_of_several_series_is_narrower_than_that_of_each(
    prometheus: str, boards: dict[str, Json]
) -> None:
    """24 series of the same volume: half-widths are divided by the square root of 24."""
    everything = {name: [".*"] for name in ("region", "os", "vm_type", "operation")}
    lower, upper = (
        PrometheusApi(prometheus).query(
            next(questions(query, everything, TimeRange(START, END))).expr, START + 70 * 60
        )
        for query in list(queries_of(boards["opwatch-series"]))[2:4]
    )
    assert lower == pytest.approx([0.985 - 0.085 / 24**0.5])
    assert upper == pytest.approx([0.985 + 0.015 / 24**0.5])


def test_all_queries_are_promql_for_any_dimensions(tmp_path: Path) -> None:
    """Held by promtool, as rules: a Prometheus that has no data refuses nothing."""
    settings = Settings(ingest=IngestSettings(dimensions=("cluster.name", "region", "release")))
    found = [
        question
        for board in dashboards.built(settings).values()
        for query in queries_of(board)
        for question in questions(
            query, {name: ["x"] for name in variables(query.expr)}, TimeRange(START, END)
        )
    ]
    rules = [
        {"record": f"query:{number}", "expr": question.expr}
        for number, question in enumerate(found)
    ]
    path = tmp_path / "rules.yaml"
    path.write_text(json.dumps({"groups": [{"name": "queries", "rules": rules}]}))
    done = subprocess.run(  # noqa: S603 our own words
        ["promtool", "check", "rules", path],  # noqa: S607 wherever the system has it
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert f"SUCCESS: {len(rules)} rules found" in done.stdout


def _status(*words: str) -> int | str | None:
    with pytest.raises(SystemExit) as ended:
        main(["dashboards", *words])
    return ended.value.code


def test_the_command_ends_well_where_all_is_well(
    prometheus: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _status("check", "--prometheus", prometheus, *RANGE) == 0
    out = capsys.readouterr().out
    assert "5 dashboards are in order in themselves" in out
    assert re.search(r"\d+ queries give data at .*; 0 left out as live only \(0 .*, 0 empty", out)


def test_the_command_tells_what_it_left_out_of_a_replay(
    replayed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _status("check", "--prometheus", replayed, "--replay", *RANGE) == 0
    out = capsys.readouterr().out
    assert 'left out, live only: opwatch-pipeline: panel "Workers": A: the version that runs' in out
    assert "14 left out as live only (10 panels show nothing else)" in out
    assert 'empty, and may be: opwatch-pipeline: panel "Not counted": A: begins' in out


def test_the_command_ends_with_two_where_a_query_of_a_file_gives_nothing(
    prometheus: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _status("build", "--out", str(tmp_path / "built")) == 0
    path = tmp_path / "built" / "opwatch-fleet.json"
    text = path.read_text("utf-8")
    path.write_text(text.replace('\\"degraded\\"', '\\"degradet\\"'))
    words = ("check", str(path), "--prometheus", prometheus, *RANGE)
    assert _status(*words) == 2
    errors = capsys.readouterr().err
    assert 'opwatch-fleet: panel "Series degraded": A: no data: ' in errors
    assert "problems at http" in errors
    path.write_text(text.replace("opwatch_series", "opwatch_serie"))
    assert _status(*words) == 2
    assert "no metric of the catalogue is called opwatch_serie" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("check", "--replay"), "--from, --to and --replay need --prometheus URL"),
        (("check", "--prometheus", "localhost:9090"), "'localhost:9090' is no address"),
        (("check", "--prometheus", "http://127.0.0.1:1"), "http://127.0.0.1:1 does not answer"),
        (("check", "--prometheus", "http://x", "--to", "now"), "--to 'now' is no RFC 3339 time"),
        (
            ("check", "--prometheus", "http://x", *("--from", format_instant(END)), *RANGE[2:]),
            "--from must be earlier than --to",
        ),
        (("check", "/nowhere/at-all.json"), "cannot read /nowhere/at-all.json"),
        (("check", __file__), "is no dashboard's JSON with a uid"),
        (("build", "--out", __file__), "cannot write dashboards into"),
    ],
)
def test_what_the_operator_did_wrong_is_one_line(
    words: tuple[str, ...], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _status(*words) == 2
    error = capsys.readouterr().err
    assert line in error
    assert len(error.splitlines()) == 1


def test_labels_and_values_are_asked_as_they_are(prometheus: str) -> None:
    api = PrometheusApi(prometheus)
    selector = f'opwatch_candidate_probability{{incident="{INCIDENT_ID}"}}'
    assert RELEASE in api.label_values("release", selector, START, END)
    assert api.label_values("release", selector, START - 200, START - 100) == []
    assert api.query("0 / 0", END) == []
    assert api.query("vector(2)", END) == api.query("2", END) == [2.0]
    with pytest.raises(QueryRefusedError, match="bad_data"):
        api.label_values("release", "{", START, END)


class _Page(http.server.BaseHTTPRequestHandler):
    """Answers like something that is no Prometheus."""

    def do_POST(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>hello")

    def log_message(self, format: str, *words: object) -> None:  # noqa: A002 the base class's
        """Say nothing."""


def test_a_query_without_an_answer_in_time_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        api = PrometheusApi(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=0.2)
        with pytest.raises(QueryRefusedError, match=r"no answer within 0\.2 s"):
            api.query("up", END)


def test_another_server_than_a_prometheus_is_told() -> None:
    with http.server.HTTPServer(("127.0.0.1", 0), _Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        api = PrometheusApi(f"http://127.0.0.1:{server.server_port}")
        with pytest.raises(OutsideSystemError, match="no Prometheus: '<html>hello'; check"):
            api.query("up", END)
        server.shutdown()
    with pytest.raises(OperatorError, match="no address"):
        PrometheusApi("ftp://127.0.0.1")
