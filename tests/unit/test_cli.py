"""The command: what it hands on, what it prints, and the exit status of every way it can end."""

import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from types import ModuleType

import pytest
import typer

import streams
from streams import cli
from streams.config import Settings
from streams.domain.errors import OperatorError, OutsideSystemError
from streams.replay.request import Progress, ReplayRequest, ReplaySummary
from streams.wiring import SimulationRequest

NOTHING_FOUND = ReplaySummary(
    events=10, duplicates=1, late=2, dead_letters=3, windows=4, change_points=0, incidents=0
)


@pytest.fixture
def wiring(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """An empty composition root; a test gives it the functions that may be called."""
    module = ModuleType("streams.wiring")
    monkeypatch.setitem(sys.modules, "streams.wiring", module)
    monkeypatch.setattr(streams, "wiring", module, raising=False)
    for name in ("OPWATCH_CONFIG", "OPWATCH_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("streams.adapters.logging.configure", lambda _: None)
    return module


def _exit_status(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    assert isinstance(ended.value.code, int)
    return ended.value.code


def _raising(error: BaseException) -> Callable[..., None]:
    def function(*_: object) -> None:
        raise error

    return function


def test_run_hands_on_settings_roles_and_id(wiring: ModuleType, tmp_path: Path) -> None:
    calls: list[tuple[Settings, str | None]] = []
    wiring.run_worker = lambda settings, worker_id: calls.append((settings, worker_id))  # type: ignore[attr-defined]
    path = tmp_path / "opwatch.toml"
    path.write_text("[http]\nport = 1\n")
    words = ["run", "--config", str(path), "--roles", "judge, ingest,judge", "--worker-id", "w1"]
    assert _exit_status(*words) == 0
    assert _exit_status("run") == 0
    (first, first_id), (second, second_id) = calls
    assert (first.http.port, first.worker.roles, first_id) == (1, ("judge", "ingest"), "w1")
    assert (second, second_id) == (Settings(), None)


def test_the_settings_file_can_come_from_the_environment(
    wiring: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Settings] = []
    wiring.run_worker = lambda settings, _: seen.append(settings)  # type: ignore[attr-defined]
    path = tmp_path / "opwatch.toml"
    path.write_text("[http]\nport = 7\n")
    monkeypatch.setenv("OPWATCH_CONFIG", str(path))
    assert _exit_status("run") == 0
    assert seen[0].http.port == 7


def test_replay_hands_on_all_of_its_request_and_prints_a_summary(
    wiring: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    requests: list[ReplayRequest] = []

    def replay(_: Settings, request: ReplayRequest, progress: Progress) -> ReplaySummary:
        requests.append(request)
        progress.advance(1, 2, 3, 4)
        return NOTHING_FOUND

    wiring.replay = replay  # type: ignore[attr-defined]
    words = "replay --outcomes a.jsonl b.jsonl --outcomes c.parquet --releases r.jsonl --out x"
    times = "--from 2021-10-13T06:00:00Z --to 2021-10-13T09:00:00+02:00"
    assert _exit_status(*words.split(), *times.split()) == 0
    assert requests == [
        ReplayRequest(
            outcomes=(Path("a.jsonl"), Path("c.parquet"), Path("b.jsonl")),
            windows=None,
            releases=Path("r.jsonl"),
            out=Path("x"),
            start=1634104800.0,
            end=1634108400.0,
        )
    ]
    printed = capsys.readouterr().out
    assert printed == (
        "10 events (1 duplicates, 2 late, 3 dead letters), 4 windows, 0 change points, "
        "0 incidents; see x/report.html\n"
    )


def test_replay_starts_from_a_windows_table_too(wiring: ModuleType) -> None:
    requests: list[ReplayRequest] = []

    def replay(_: Settings, request: ReplayRequest, __: Progress) -> ReplaySummary:
        requests.append(request)
        return NOTHING_FOUND

    wiring.replay = replay  # type: ignore[attr-defined]
    assert _exit_status("replay", "--windows", "w.parquet", "--out", "x") == 0
    assert (requests[0].windows, requests[0].outcomes) == (Path("w.parquet"), ())


def test_simulate_hands_on_and_says_what_it_wrote(
    wiring: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    calls: list[SimulationRequest] = []

    def simulate(request: SimulationRequest, _: Progress) -> None:
        calls.append(request)
        (request.out / "truth.json").touch()

    wiring.simulate = simulate  # type: ignore[attr-defined]
    wiring.SimulationRequest = SimulationRequest  # type: ignore[attr-defined]
    words = ["simulate", "founding-incident", "--out", str(tmp_path), "--seed", "7"]
    assert _exit_status(*words, "--volume", "0.5", "--incident-duration", "90") == 0
    whole = timedelta(minutes=90)
    expected = SimulationRequest(
        name="founding-incident", out=tmp_path, seed=7, volume=0.5, incident_duration=whole
    )
    assert calls == [expected]
    assert capsys.readouterr().out == f"wrote {tmp_path}: truth.json\n"


def test_simulate_lists_the_scenarios(
    wiring: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    wiring.list_scenarios = lambda: [("quiet-day", "Nothing happens.")]  # type: ignore[attr-defined]
    assert _exit_status("simulate", "--list") == 0
    assert capsys.readouterr().out.split(maxsplit=1) == ["quiet-day", "Nothing happens.\n"]


def test_demo_gets_the_settings(wiring: ModuleType) -> None:
    seen: list[Settings] = []
    wiring.demo = lambda settings, _: seen.append(settings)  # type: ignore[attr-defined]
    assert _exit_status("demo") == 0
    assert seen == [Settings()]


def test_topics_are_created_and_checked(
    wiring: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    wiring.create_topics = lambda _: ["created opwatch.counts"]  # type: ignore[attr-defined]
    wiring.check_topics = lambda _: []  # type: ignore[attr-defined]
    assert _exit_status("topics", "create") == 0
    assert _exit_status("topics", "check") == 0
    assert capsys.readouterr().out.splitlines() == [
        "created opwatch.counts",
        "all topics are as they must be",
    ]
    wiring.check_topics = lambda _: ["opwatch.counts is missing", "b is odd"]  # type: ignore[attr-defined]
    assert _exit_status("topics", "check") == 2
    assert capsys.readouterr().err == "opwatch: opwatch.counts is missing; b is odd\n"


def test_config_show_prints_a_file_that_config_check_accepts(
    wiring: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not vars(wiring).get("run_worker")
    assert _exit_status("config", "show") == 0
    path = tmp_path / "shown.toml"
    path.write_text(capsys.readouterr().out)
    assert _exit_status("config", "check", "--config", str(path)) == 0
    assert capsys.readouterr().out == f"{path}: valid\n"


def test_version_prints_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "version_of", lambda name: f"1.2.3 of {name}")
    assert _exit_status("version") == 0
    assert capsys.readouterr().out == "opwatch 1.2.3 of opwatch\n"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["nonsense"], "No such command 'nonsense'; see opwatch --help"),
        (["run", "--bogus"], "No such option: --bogus"),
        (["run", "--roles", "judge,cook"], "there is no role 'cook'"),
        (["run", "--config", "/nonexistent.toml"], "cannot read settings file /nonexistent.toml"),
        (["replay", "--outcomes", "a"], "Missing option '--out'"),
        (["replay", "--out", "x"], "give either --outcomes FILE"),
        (["replay", "--out", "x", "y.jsonl"], "what is y.jsonl?"),
        (["replay", "--outcomes", "a", "--windows", "b", "--out", "x"], "give either --outcomes"),
        (
            ["replay", "--outcomes", "a", "--out", "x", "--from", "2021-10-13T06:00:00"],
            "--from '2021-10-13T06:00:00' is no RFC 3339 time with an offset",
        ),
        (
            [
                *["replay", "--outcomes", "a", "--out", "x", "--from", "2021-10-13T06:00:00Z"],
                *["--to", "2021-10-13T06:00:00Z"],
            ],
            "--from must be before --to",
        ),
        (["simulate"], "simulate needs a SCENARIO"),
        (["simulate", "x", "--out", "y", "--seed", "-1"], "Invalid value for '--seed'"),
    ],
)
def test_a_wrong_command_line_is_one_line_and_status_2(
    wiring: ModuleType, capsys: pytest.CaptureFixture[str], words: Sequence[str], expected: str
) -> None:
    assert not vars(wiring).get("run_worker")
    assert _exit_status(*words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("opwatch: ")
    assert expected in captured.err


@pytest.mark.parametrize("words", [[], ["topics"], ["config"]])
def test_too_few_words_give_the_help_and_status_2(
    capsys: pytest.CaptureFixture[str], words: Sequence[str]
) -> None:
    assert _exit_status(*words) == 2
    captured = capsys.readouterr()
    assert (captured.out + captured.err).count("Usage:") == 1


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (OperatorError("topic 'x'\nis missing"), 2, "opwatch: topic 'x' is missing"),
        (OutsideSystemError("no broker at a:1"), 2, "opwatch: no broker at a:1"),
        (KeyboardInterrupt(), 130, "opwatch: interrupted"),
        (typer.Abort(), 130, "opwatch: interrupted"),
        (
            ZeroDivisionError("division\nby zero"),
            1,
            (
                "opwatch: this is a defect in opwatch: ZeroDivisionError: division by zero; "
                "for the traceback, run it again with --debug or OPWATCH_DEBUG=1"
            ),
        ),
    ],
)
def test_every_error_is_one_line_with_its_status(
    wiring: ModuleType,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    status: int,
    line: str,
) -> None:
    wiring.run_worker = _raising(error)  # type: ignore[attr-defined]
    assert _exit_status("run") == status
    assert capsys.readouterr().err == f"{line}\n"


@pytest.mark.parametrize("error", [OperatorError("wrong"), ZeroDivisionError("wrong")])
def test_debug_shows_the_traceback_before_the_line(
    wiring: ModuleType,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    wiring.run_worker = _raising(error)  # type: ignore[attr-defined]
    _exit_status("run", "--debug")
    by_option = capsys.readouterr().err
    monkeypatch.setenv("OPWATCH_DEBUG", "1")
    _exit_status("run")
    for text in (by_option, capsys.readouterr().err):
        assert text.startswith("Traceback")
        assert text.splitlines()[-1].startswith("opwatch: ")


def test_a_command_that_exits_by_itself_keeps_its_status(wiring: ModuleType) -> None:
    wiring.run_worker = _raising(typer.Exit(3))  # type: ignore[attr-defined]
    assert _exit_status("run") == 3
