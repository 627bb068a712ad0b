"""Settings of alerts that cannot work are refused, in one line."""

from pathlib import Path

import pytest

from streams.config_reading import load
from streams.config_text import render_toml
from streams.domain.errors import OperatorError


@pytest.mark.parametrize(
    ("variables", "complaint"),
    [
        ({"URL": "alertmanager:9093"}, "must be an address such as http://127.0.0.1:9093"),
        ({"URL": "ftp://alertmanager"}, "must be an address such as http://127.0.0.1:9093"),
        ({"URL": "http://me:secret@host"}, "must not contain a password"),
        ({"EVERY": "0.5"}, "must be at least 1 second"),
        ({"TIMEOUT": "0"}, "must be at least 1 second"),
        ({"USERNAME": "me"}, "needs both username and password_file"),
        ({"PASSWORD_FILE": "/x"}, "needs both username and password_file"),
        (
            {"USERNAME": "me", "PASSWORD_FILE": "/x", "TOKEN_FILE": "/y"},
            "give a token_file or a username, not both",
        ),
    ],
)
def test_an_alertmanager_that_cannot_be_reached_so_is_refused(
    variables: dict[str, str], complaint: str
) -> None:
    environment = {f"OPWATCH_ALERTMANAGER__{name}": value for name, value in variables.items()}
    with pytest.raises(OperatorError, match=complaint):
        load(None, environment)


def test_a_slash_at_the_end_of_the_address_is_dropped() -> None:
    settings = load(None, {"OPWATCH_ALERTMANAGER__URL": "https://am.example/prefix/"})
    assert settings.alertmanager.url == "https://am.example/prefix"


def test_a_job_that_would_end_its_quotes_is_refused() -> None:
    with pytest.raises(OperatorError, match=r"alerts\.job"):
        load(None, {"OPWATCH_ALERTS__JOB": 'a"} or up{job="'})


def test_shown_settings_name_the_file_of_a_password_and_never_the_password(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("very-secret")
    shown = render_toml(
        load(
            None,
            {
                "OPWATCH_ALERTMANAGER__USERNAME": "me",
                "OPWATCH_ALERTMANAGER__PASSWORD_FILE": str(tmp_path / "password"),
            },
        )
    )
    assert f'password_file = "{tmp_path / "password"}"' in shown
    assert "very-secret" not in shown
