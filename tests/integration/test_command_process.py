"""The command as a process of its own: exit status, one line, and no traceback."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    ours = {name: text for name, text in os.environ.items() if not name.startswith("OPWATCH_")}
    return ours | dict(more)


def _opwatch(
    *words: str | Path, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 our own words
        [sys.executable, "-m", "streams.cli", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        env=_environment(environment or {}),
        timeout=60,
    )


def test_help_explains_every_command() -> None:
    done = _opwatch("--help")
    assert done.returncode == 0
    for command in ("run", "replay", "simulate", "demo", "topics", "config", "version"):
        assert command in done.stdout


def test_help_does_not_load_what_it_does_not_need() -> None:
    script = (
        "import sys; from streams import cli\n"
        "try: cli.main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'pyarrow', 'faust', 'pydantic', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run(  # noqa: S603 our own words
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("words", "environment", "expected"),
    [
        (("run", "--config", "none.toml"), {}, "cannot read settings file none.toml"),
        (("config", "check"), {"OPWATCH_HTTP__PORT": "x"}, "OPWATCH_HTTP__PORT: http.port: must"),
        (("replay", "--out", "x"), {}, "give either --outcomes FILE"),
        (("rerun",), {}, "No such command 'rerun'"),
    ],
)
def test_what_is_wrong_is_one_line_on_standard_error_and_status_2(
    words: tuple[str, ...], environment: Mapping[str, str], expected: str
) -> None:
    done = _opwatch(*words, environment=environment)
    assert done.returncode == 2
    assert done.stdout == ""
    assert expected in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_settings_shown_are_a_file_that_is_valid(tmp_path: Path) -> None:
    shown = _opwatch("config", "show", environment={"OPWATCH_HTTP__PORT": "1"})
    path = tmp_path / "shown.toml"
    path.write_text(shown.stdout, "utf-8")
    checked = _opwatch("config", "check", "--config", path)
    assert (checked.returncode, checked.stdout) == (0, f"{path}: valid\n")
    assert "port = 1\n" in shown.stdout


def test_ctrl_c_is_one_line_and_status_130(tmp_path: Path) -> None:
    # A named pipe that nobody writes to: reading the settings from it waits for ever.
    pipe = tmp_path / "settings.toml"
    os.mkfifo(pipe)
    with subprocess.Popen(  # noqa: S603 our own words
        [sys.executable, "-m", "streams.cli", "config", "check", "--config", str(pipe)],
        stderr=subprocess.PIPE,
        text=True,
        env=_environment({}),
    ) as process:
        writer = os.open(pipe, os.O_WRONLY)  # returns once the command has opened it
        process.send_signal(signal.SIGINT)
        _, printed = process.communicate(timeout=60)
        os.close(writer)
    assert process.returncode == 130
    assert printed == "opwatch: interrupted\n"
