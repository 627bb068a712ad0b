"""Settings: read from a file and the environment, or refused in a line that says where and why."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from streams.config import Settings
from streams.config_reading import load
from streams.config_text import describe, render_toml
from streams.domain.errors import OperatorError


def _file(folder: Path, text: str) -> Path:
    path = folder / "opwatch.toml"
    path.write_text(text, "utf-8")
    return path


def test_nothing_given_means_the_defaults() -> None:
    assert load(None, {}) == Settings()


def test_settings_do_not_look_at_the_environment_by_themselves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPWATCH_KAFKA__BOOTSTRAP", "elsewhere:9092")
    assert Settings().kafka.bootstrap == "127.0.0.1:9092"


def test_the_environment_wins_over_the_file_setting_by_setting(tmp_path: Path) -> None:
    path = _file(tmp_path, '[kafka]\nbootstrap = "file:1"\napplication = "mine"\n')
    settings = load(path, {"OPWATCH_KAFKA__BOOTSTRAP": "environment:2", "OPWATCH_DEBUG": "1"})
    assert settings.kafka.bootstrap == "environment:2"
    assert settings.kafka.application == "mine"


def test_lists_tables_and_durations_are_read_from_both(tmp_path: Path) -> None:
    path = _file(
        tmp_path,
        '[ingest]\nallowed_disorder = 45\nidle_after = "PT2M"\n'
        'error_rules = [{ code = "Client.*", fault = "caller" }]\n',
    )
    settings = load(
        path,
        {
            "OPWATCH_WORKER__ROLES": '["ingest"]',
            "OPWATCH_KAFKA__CLIENT": '{"sasl.username": "me"}',
        },
    )
    assert settings.ingest.allowed_disorder == timedelta(seconds=45)
    assert settings.ingest.idle_after == timedelta(minutes=2)
    assert settings.ingest.error_rules[0].fault == "caller"
    assert settings.worker.roles == ("ingest",)
    assert settings.kafka.client == {"sasl.username": "me"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[kafka\n", "is not valid TOML"),
        ("[kafka]\nboot = 1\n", "kafka.boot: no such setting"),
        ("[kaffka]\n", "kaffka: no such setting"),
        ("kafka = 1\n", "kafka: must be a table"),
        ("[http]\nport = 70000\n", "http.port: must be less than or equal to 65535"),
        ('[windows]\nlength = "1 minute"\n', "windows.length: must be a duration: seconds"),
        ("[kafka]\nsession_timeout = -1\n", "session_timeout: a duration must not be negative"),
        ("[windows]\nlength = 5\n", "windows.length: window length must be a whole number"),
        ('[ingest]\ndimensions = ["os"]\n', "ingest.dimensions: dimensions must contain 'region'"),
        ('[ingest]\ndimensions = ["os", "os"]\n', "each once"),
        (
            '[ingest]\nerror_rules = [{ code = "x", fault = "nobody" }]\n',
            "ingest.error_rules.0.fault: must be 'platform' or 'caller'",
        ),
    ],
)
def test_a_wrong_file_is_refused_in_one_line_with_file_key_and_reason(
    tmp_path: Path, text: str, expected: str
) -> None:
    path = _file(tmp_path, text)
    with pytest.raises(OperatorError) as caught:
        load(path, {})
    line = str(caught.value)
    assert "\n" not in line
    assert str(path) in line
    assert expected in line


def test_a_file_that_is_no_text_or_not_there_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "latin.toml"
    path.write_bytes(b"a = '\xff'")
    with pytest.raises(OperatorError, match=r"latin\.toml is not UTF-8"):
        load(path, {})
    with pytest.raises(OperatorError, match=r"cannot read .*none\.toml: no such file"):
        load(tmp_path / "none.toml", {})
    with pytest.raises(OperatorError, match="is a directory"):
        load(tmp_path, {})


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"OPWATCH_HTTP__PORT": "70000"}, "environment variable OPWATCH_HTTP__PORT: http.port"),
        ({"OPWATCH_HTTP__PROT": "1"}, "OPWATCH_HTTP__PROT: http.prot: no such setting"),
        ({"OPWATCH_HTPP__PORT": "1"}, "OPWATCH_HTPP__PORT: no such section; there are kafka,"),
        ({"OPWATCH_WORKER__ROLES": "ingest"}, "OPWATCH_WORKER__ROLES: must be JSON"),
        ({"OPWATCH_WORKER__ROLES": '["x"]'}, "OPWATCH_WORKER__ROLES: worker.roles.0: must be"),
    ],
)
def test_a_wrong_variable_is_refused_by_its_name(
    environment: Mapping[str, str], expected: str
) -> None:
    with pytest.raises(OperatorError) as caught:
        load(None, environment)
    assert expected in str(caught.value)


def test_every_setting_has_a_meaning_and_an_environment_variable_that_works() -> None:
    for setting in describe(Settings()):
        assert setting.meaning.endswith("."), setting
        assert setting.variable == f"OPWATCH_{setting.section}__{setting.name}".upper()
    assert load(None, {describe(Settings())[0].variable: "x:1"}).kafka.bootstrap == "x:1"


def test_settings_shown_as_toml_give_the_same_settings_again(tmp_path: Path) -> None:
    settings = load(
        None,
        {
            "OPWATCH_KAFKA__CLIENT": '{"client.rack": "a\\"b\\\\c"}',
            "OPWATCH_INGEST__FLUSH_INTERVAL": "0.25",
            "OPWATCH_INGEST__ERROR_RULES": '[{"code": "Client.*", "fault": "caller"}]',
            "OPWATCH_DETECTORS__FALSE_ALARMS_PER_DAY": "0.5",
        },
    )
    assert load(_file(tmp_path, render_toml(settings)), {}) == settings


def test_secrets_are_not_shown() -> None:
    text = render_toml(
        load(None, {"OPWATCH_KAFKA__CLIENT": '{"sasl.password": "hunter2", "ssl.key.pem": "k3y"}'})
    )
    assert "hunter2" not in text
    assert "k3y" not in text
    assert '"sasl.password" = "[hidden]"' in text


STATEMENTS = """
[[detectors.known_baselines]]
series = { operation = "delete", os = "linux" }
failure_ratio = 0.002

[[detectors.accepted_levels]]
series = { region = "westeurope" }
at = 2026-11-25T03:10:00+01:00
"""


def test_statements_about_levels_are_read_and_shown_again(tmp_path: Path) -> None:
    settings = load(_file(tmp_path, STATEMENTS), {})
    known, accepted = settings.detectors.known_baselines, settings.detectors.accepted_levels
    assert known[0].series == {"operation": "delete", "os": "linux"}
    assert accepted[0].at.isoformat() == "2026-11-25T03:10:00+01:00"
    assert load(_file(tmp_path, render_toml(settings)), {}) == settings


def test_statements_about_levels_do_not_shape_the_state(tmp_path: Path) -> None:
    stated = load(_file(tmp_path, STATEMENTS), {}).detectors
    assert stated.shaping() == Settings().detectors.shaping()
    other = stated.model_copy(update={"false_alarms_per_day": 2.0})
    assert other.shaping() != stated.shaping()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (STATEMENTS.replace("os =", "planet ="), "there is no dimension 'planet'"),
        (STATEMENTS.replace("0.002", "1.5"), "failure_ratio: must be less than 1"),
        (STATEMENTS.replace("+01:00", ""), "timezone"),
        ("[detectors]\nforget_after = 60\n", "at least 1 day"),
    ],
)
def test_statements_that_cannot_be_are_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(OperatorError, match=message):
        load(_file(tmp_path, text), {})


@pytest.mark.parametrize(
    "text",
    [
        '[[incidents.dependencies]]\nof = {planet = ["mars"]}\non = {os = ["windows"]}\n',
        '[[attribution.components]]\ncomponent = "images"\nserves = {planet = ["mars"]}\n',
    ],
)
def test_statements_about_dimensions_that_there_are_not_are_refused(
    text: str, tmp_path: Path
) -> None:
    path = tmp_path / "opwatch.toml"
    path.write_text(text)
    with pytest.raises(
        OperatorError, match=r"there is no dimension 'planet' in ingest\.dimensions"
    ):
        load(path, {})
