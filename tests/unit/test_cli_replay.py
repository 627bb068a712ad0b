"""The commands of a replay: what they hand on, what they print, and how they end."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import pytest

import streams
from streams import cli
from streams.config import Settings
from streams.replay.request import KafkaContent, Progress, ReplayRequest, ReplaySummary
from streams.replay.what_if import Variant

RANGE = ("--from", "2021-10-13T06:00:00Z", "--to", "2021-10-13T07:00:00Z")
START, END = 1634104800.0, 1634108400.0
RATE = "detectors.false_alarms_per_day"


class Wiring(ModuleType):
    """A composition root that remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__("streams.wiring")
        self.replays: list[tuple[Settings, ReplayRequest]] = []
        self.tries: list[tuple[Sequence[Variant], ReplayRequest, Path | None]] = []

    def replay(self, settings: Settings, request: ReplayRequest, _: Progress) -> ReplaySummary:
        self.replays.append((settings, request))
        return ReplaySummary(
            events=1, duplicates=0, late=0, dead_letters=0, windows=1, change_points=0, incidents=0
        )

    def what_if(
        self, variants: Sequence[Variant], request: ReplayRequest, truth: Path | None, _: Progress
    ) -> list[str]:
        self.tries.append((variants, request, truth))
        return [f"{one.name}: never pages." for one in variants]


@pytest.fixture
def wiring(monkeypatch: pytest.MonkeyPatch) -> Wiring:
    module = Wiring()
    monkeypatch.setitem(sys.modules, "streams.wiring", module)
    monkeypatch.setattr(streams, "wiring", module, raising=False)
    monkeypatch.delenv("OPWATCH_CONFIG", raising=False)
    monkeypatch.setattr("streams.adapters.logging.configure", lambda _: None)
    return module


def status(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.mark.parametrize(
    ("words", "content"),
    [
        (["--kafka"], KafkaContent.RAW),
        (["--kafka", "raw"], KafkaContent.RAW),
        (["--kafka", "windows"], KafkaContent.WINDOWS),
    ],
)
def test_kafka_is_read_raw_unless_windows_are_asked_for(
    wiring: Wiring, words: list[str], content: KafkaContent
) -> None:
    for order in ([*words, *RANGE], [*RANGE, *words]):
        assert status("replay", *order, "--margin", "PT5M", "--out", "x") == 0
    wanted = ReplayRequest((), None, None, Path("x"), START, END, content, 300.0)
    assert [request for _, request in wiring.replays] == [wanted, wanted]


def test_settings_can_be_changed_for_one_replay(wiring: Wiring, tmp_path: Path) -> None:
    path = tmp_path / "opwatch.toml"
    path.write_text("[detectors]\nfalse_alarms_per_day = 3\nerror_codes = 7\n")
    words = ["--windows", "w.parquet", "--out", "x", "--config", str(path)]
    assert status("replay", *words, "--set", f"{RATE}=0.2", "--set", "incidents.history=PT5H") == 0
    settings, _ = wiring.replays[0]
    assert settings.detectors.false_alarms_per_day == 0.2
    assert settings.detectors.error_codes == 7
    assert settings.incidents.history.total_seconds() == 5 * 3600


def test_what_if_tries_what_is_set_and_other_files(
    wiring: Wiring, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base, other = tmp_path / "base.toml", tmp_path / "other.toml"
    base.write_text("[detectors]\nfalse_alarms_per_day = 3\n")
    other.write_text("[detectors]\nerror_codes = 7\n")
    words = ["--outcomes", "a.jsonl", "b.jsonl", "--out", "x", "--config", str(base)]
    tried = ["--set", f"{RATE}=5; detectors.pool_below=0", "--against", str(other)]
    assert status("replay", "what-if", *words, *tried, "--truth", "truth.json") == 0
    variants, request, truth = wiring.tries[0]
    assert [
        (
            one.settings.detectors.false_alarms_per_day,
            one.settings.detectors.pool_below,
            one.settings.detectors.error_codes,
        )
        for one in variants
    ] == [(3, 12, 50), (5, 0, 50), (1, 12, 7)]
    assert request.outcomes == (Path("a.jsonl"), Path("b.jsonl"))
    assert truth == Path("truth.json")
    assert capsys.readouterr().out.splitlines() == [
        "as it is: never pages.",
        f"with {RATE}=5; detectors.pool_below=0: never pages.",
        f"with {other}: never pages.",
        "see x/what_if.html",
    ]


def test_compare_says_equal_or_what_differs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [tmp_path / f"{name}.jsonl" for name in "abc"]
    for path, revision in zip(paths, (1, 1, 2), strict=True):
        path.write_text(json.dumps({"revision": revision}) + "\n")
    same, again, other = map(str, paths)
    assert status("replay", "compare", same, again) == 0
    assert capsys.readouterr().out == f"{same} and {again} are equal\n"
    assert status("replay", "compare", same, other) == 2
    ended = capsys.readouterr()
    assert ended.out == f"first difference: revision\n  {same}:1: 1\n  {other}:1: 2\n"
    assert ended.err == ""


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["replay", "--kafka", "--out", "x"], "--kafka needs --from TIME and --to TIME"),
        (["replay", "--kafka", "--windows", "w", *RANGE, "--out", "x"], "give either --outcomes"),
        (["replay", "--windows", "w", "--out", "x", "--margin", "soon"], "--margin 'soon' is no"),
        (["replay", "--windows", "w", "--out", "x", "--margin", "-PT5M"], "must not be negative"),
        (["replay", "--windows", "w", "--out", "x", "--set", "a=1"], "must be SECTION.NAME=VALUE"),
        (
            ["replay", "--windows", "w", "--out", "x", "--set", f"{RATE}=no"],
            f"--set: {RATE}: must be a valid number",
        ),
        (
            ["replay", "--windows", "w", "--out", "x", "--set", "detectors.bogus=1"],
            "--set: detectors.bogus: no such setting",
        ),
        (["replay", "what-if", "--windows", "w", "--out", "x"], "what-if needs something to try"),
        (["replay", "compare", "only-one"], "Missing argument 'REPLAYED'; see opwatch replay"),
        (["replay", "--windows", "w"], "Missing option '--out'; see opwatch replay --help"),
    ],
)
def test_a_wrong_command_line_is_one_line_and_status_2(
    wiring: Wiring, capsys: pytest.CaptureFixture[str], words: list[str], expected: str
) -> None:
    assert status(*words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("opwatch: ")
    assert expected in line
    assert (wiring.replays, wiring.tries) == ([], [])
