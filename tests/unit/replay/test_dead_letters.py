"""Dead letters of a replay: all in a file, the first few in the log, and a line for each reason."""

import json
from pathlib import Path

import pytest
from outcome_events import event
from structlog.testing import capture_logs

from streams.config import Settings
from streams.replay.driver import replay
from streams.replay.request import ReplayRequest, ReplaySummary


class Then:
    """A clock that stands long after all events, and hears no progress."""

    def now(self) -> float:
        return 1_893_456_000.0

    def advance(self, *_: int) -> None:
        """Hear nothing."""


def replayed(lines: list[bytes], folder: Path) -> ReplaySummary:
    path = folder / "events.jsonl"
    path.write_bytes(b"\n".join(lines))
    return replay(Settings(), ReplayRequest((path,), None, None, folder / "out"), Then(), Then())


def test_all_are_in_the_file_and_the_log_stays_short(tmp_path: Path) -> None:
    lines = [event(), b"{", *[b'{"id": "x"}'] * 6, event(id="2")]
    with capture_logs() as logged:
        summary = replayed(lines, tmp_path)
    assert summary.dead_letters == 7
    letters = [
        json.loads(line)
        for line in (tmp_path / "out" / "dead_letters.jsonl").read_text().splitlines()
    ]
    where = str(tmp_path / "events.jsonl")
    assert [(one["file"], one["line"]) for one in letters] == [
        (where, number) for number in range(2, 9)
    ]
    assert [one["reason"] for one in letters] == ["malformed", *["invalid"] * 6]
    assert all(one["detail"] for one in letters)
    single = [one for one in logged if one["event"] == "dead_letter"]
    assert [one["line"] for one in single] == [2, 3, 4, 5, 6]
    assert single[0]["file"] == where
    see = str(tmp_path / "out" / "dead_letters.jsonl")
    assert [one for one in logged if one["event"] == "dead_letters"] == [
        {"event": "dead_letters", "log_level": "warning", "reason": reason, "count": n, "see": see}
        for reason, n in (("invalid", 6), ("malformed", 1))
    ]


@pytest.mark.parametrize("bad", [0, 5])
def test_few_need_no_summary_and_the_file_is_always_there(tmp_path: Path, bad: int) -> None:
    with capture_logs() as logged:
        replayed([event(), *[b"{"] * bad], tmp_path)
    assert [one["event"] for one in logged] == ["dead_letter"] * bad
    letters = (tmp_path / "out" / "dead_letters.jsonl").read_text().splitlines()
    assert len(letters) == bad
