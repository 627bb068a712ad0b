"""Reads the settings from a TOML file and the environment, which wins over the file.

`OPWATCH_KAFKA__BOOTSTRAP` sets `[kafka] bootstrap`.
"""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import EnvSettingsSource, SettingsError

from streams.config import DELIMITER, PREFIX, Settings
from streams.domain.errors import OperatorError


def load(
    path: Path | None, environment: Mapping[str, str], changes: Sequence[str] = ()
) -> Settings:
    """Read the settings.

    Args:
        path: A TOML file; None for the defaults.
        environment: Environment variables, which win over the file.
        changes: Single settings, such as `detectors.false_alarms_per_day=0.2`, which win over both.
            A value is TOML, or text without quotes.

    Raises:
        OperatorError: The file cannot be read, or it, a variable or a change says something that is
            no setting.
    """
    of_file = _read_file(path) if path else {}
    of_environment = _read_environment(environment)
    of_changes = _read_changes(changes)
    try:
        return Settings.model_validate(_overlaid(_overlaid(of_file, of_environment), of_changes))
    except ValidationError as error:
        problems = [
            _problem(
                path,
                of_environment,
                of_changes,
                found["loc"],
                _reason(found["type"], found["msg"]),
            )
            for found in error.errors(include_url=False, include_context=False)
        ]
        raise OperatorError("; ".join(problems)) from error


class _Environment(EnvSettingsSource):
    """The library's reading of environment variables, from a given environment."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        super().__init__(Settings)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return {name.lower(): value for name, value in self._environment.items()}


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        reason = error.strerror or str(error)
        raise OperatorError(f"cannot read settings file {path}: {reason.lower()}") from error
    except UnicodeDecodeError as error:
        raise OperatorError(f"settings file {path} is not UTF-8: {error.reason}") from error
    except tomllib.TOMLDecodeError as error:
        raise OperatorError(f"settings file {path} is not valid TOML: {error}") from error


def _read_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name in sorted(environment):
        section, delimiter, _ = name.upper().removeprefix(PREFIX).partition(DELIMITER)
        unknown = section.lower() not in Settings.model_fields
        if name.upper().startswith(PREFIX) and delimiter and unknown:
            known = ", ".join(Settings.model_fields)
            raise OperatorError(f"environment variable {name}: no such section; there are {known}")
        try:
            result = _overlaid(result, _Environment({name: environment[name]})())
        except SettingsError as error:
            raise OperatorError(
                f'environment variable {name}: must be JSON, such as ["a", "b"] for a list'
            ) from error
    return result


def _read_changes(changes: Sequence[str]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for change in changes:
        name, sign, text = change.partition("=")
        section, dot, setting = name.strip().partition(".")
        if not (sign and section and dot and setting):
            raise OperatorError(
                f"--set {change}: must be SECTION.NAME=VALUE, "
                "such as detectors.false_alarms_per_day=0.2"
            )
        tree: Any = _toml_value(text.strip())
        for part in reversed([section, *setting.split(".")]):
            tree = {part: tree}
        result = _overlaid(result, tree)
    return result


def _toml_value(text: str) -> Any:  # noqa: ANN401 whatever TOML has
    """Read a value; what is no TOML stands for itself, so that text needs no quotes."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _overlaid(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one tree of settings over another."""
    result = dict(below)
    for key, value in above.items():
        under = result.get(key)
        if isinstance(under, dict) and isinstance(value, dict):
            value = _overlaid(under, value)  # noqa: PLW2901
        result[key] = value
    return result


def _problem(
    path: Path | None,
    of_environment: Mapping[str, Any],
    of_changes: Mapping[str, Any],
    location: tuple[int | str, ...],
    reason: str,
) -> str:
    """Say in one line where a wrong value stands and what is wrong with it."""
    key = ".".join(str(part) for part in location)
    named = PREFIX + DELIMITER.join(str(part) for part in location[:2]).upper()
    if _stands_in(of_changes, location):
        where = "--set"
    elif _stands_in(of_environment, location):
        where = f"environment variable {named}"
    else:
        where = f"settings file {path}"
    return f"{where}: {key}: {reason}"


def _stands_in(tree: Mapping[str, Any], location: tuple[int | str, ...]) -> bool:
    value: Any = tree
    for part in location[:2]:
        value = value.get(part) if isinstance(value, dict) else None
    return value is not None


def _reason(kind: str, message: str) -> str:
    """Put the library's commonest complaints into the words of a settings file."""
    if kind == "extra_forbidden":
        return "no such setting"
    if kind == "model_type":
        return "must be a table"
    if kind.startswith("time_delta"):
        return 'must be a duration: seconds, such as 30, or ISO 8601, such as "PT30S"'
    return message.removeprefix("Value error, ").replace("Input should", "must")
