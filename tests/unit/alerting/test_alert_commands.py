"""`opwatch alerts`: what is built is accepted, and what differs is named with its line."""

from pathlib import Path

import pytest

from streams.cli import main


def _run(*words: str | Path) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["alerts", *map(str, words)])
    return int(ended.value.code or 0)


@pytest.fixture
def folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    assert _run("build", "--out", tmp_path / "alerts") == 0
    capsys.readouterr()
    return tmp_path / "alerts"


def test_what_is_built_passes_the_check(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("check", "--folder", folder) == 0
    assert capsys.readouterr().out.splitlines() == [
        "all files are as they would be built",
        f"promtool: accepts {folder / 'rules.yaml'}",
        f"amtool: accepts {folder / 'alertmanager.yml'}",
    ]


@pytest.mark.parametrize("name", ["rules.yaml", "alertmanager.yml", "templates/opwatch.tmpl"])
def test_a_changed_file_is_named_with_its_line(
    folder: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / name
    lines = path.read_text().splitlines(keepends=True)
    lines[4] = f"# {lines[4]}"
    path.write_text("".join(lines))
    assert _run("check", "--folder", folder) == 2
    assert f"{path} is not what these settings give, first at line 5;" in capsys.readouterr().err


def test_a_file_that_goes_on_too_long_differs_at_its_end(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (folder / "rules.yaml").open("a") as file:
        file.write("# more\n")
    assert _run("check", "--folder", folder) == 2
    assert "first at its end" in capsys.readouterr().err


def test_a_missing_file_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "alertmanager.yml").unlink()
    assert _run("check", "--folder", folder) == 2
    assert f"cannot read {folder / 'alertmanager.yml'}" in capsys.readouterr().err


def test_without_the_servers_tools_the_check_says_that_it_has_not_asked_them(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(folder))
    assert _run("check", "--folder", folder) == 0
    told = capsys.readouterr().out
    assert "promtool: not installed" in told
    assert "amtool: not installed" in told


def test_what_a_tool_refuses_is_the_operators_fault(
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = tmp_path / "opwatch.toml"
    config.write_text('[alerts]\nwebhook_url = "no address"\npager = "webhook"\n')
    assert _run("build", "--out", folder, "--config", config) == 0
    assert _run("check", "--folder", folder, "--config", config) == 2
    assert f"amtool refuses {folder / 'alertmanager.yml'}" in capsys.readouterr().err


def test_options_win_over_the_settings(folder: Path) -> None:
    words = ("--runbook-url", "https://wiki.example/run", "--dashboard-url", "https://g.example")
    assert _run("build", "--out", folder, *words) == 0
    rules = (folder / "rules.yaml").read_text()
    assert "runbook_url: https://wiki.example/run#opwatchincident\n" in rules
    assert "dashboard_url: https://g.example/d/opwatch-pipeline\n" in rules
    assert _run("check", "--folder", folder, *words) == 0
    assert _run("check", "--folder", folder) == 2


def test_a_folder_that_cannot_be_written_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert _run("build", "--out", tmp_path / "file") == 2
    assert f"cannot write the alerts into {tmp_path / 'file'}" in capsys.readouterr().err
