"""Settings as text: what `opwatch config show` prints, and `docs/configuration.md`.

`docs/configuration.md` is rendered from here: `python -m streams.config_text >
docs/configuration.md`.
"""

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel

from streams.config import (
    DELIMITER,
    PREFIX,
    AcceptedLevel,
    Dependency,
    ErrorRule,
    KnownBaseline,
    Settings,
)
from streams.config_section import Section

_SECRET = re.compile(r"password|secret|token|credential|jaas|key(\.pem)?$", re.IGNORECASE)
_HIDDEN = "[hidden]"

_TABLES: dict[str, type[Section]] = {
    "ingest.error_rules": ErrorRule,
    "detectors.known_baselines": KnownBaseline,
    "detectors.accepted_levels": AcceptedLevel,
    "incidents.dependencies": Dependency,
}
"""The settings that are lists of tables."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting.

    Attributes:
        section: The table it stands in.
        name: Its name there.
        value: Its value: the default in a description of the models.
        meaning: One sentence.
    """

    section: str
    name: str
    value: object
    meaning: str

    @property
    def variable(self) -> str:
        """Give the environment variable that sets it."""
        return f"{PREFIX}{self.section}{DELIMITER}{self.name}".upper()


def describe(settings: Settings) -> tuple[Setting, ...]:
    """Give every setting with its value and meaning, in the order of the models."""
    return tuple(
        Setting(section, name, getattr(getattr(settings, section), name), field.description or "")
        for section in Settings.model_fields
        for name, field in type(getattr(settings, section)).model_fields.items()
    )


def sections() -> dict[str, str]:
    """Give every section with what it is about."""
    return {
        name: (field.annotation.__doc__ or "")
        for name, field in Settings.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section)
    }


def render_toml(settings: Settings) -> str:
    """Write settings as a file that gives the same settings again; secrets alone are hidden."""
    about = sections()
    lines: list[str] = []
    for setting in describe(settings):
        if about.get(setting.section):
            lines += ["", f"[{setting.section}]  # {about.pop(setting.section)}"]
        lines.append(f"{setting.name} = {_toml(setting.value)}")
    return "\n".join(lines).lstrip() + "\n"


def render_markdown() -> str:
    """Give the text of `docs/configuration.md`."""
    lines = [
        "# Configuration",
        "",
        "opwatch reads one TOML file (`--config FILE` or `OPWATCH_CONFIG`) and the environment,",
        "which wins: the variable `OPWATCH_KAFKA__BOOTSTRAP` sets `bootstrap` in `[kafka]`. In",
        "variables, lists and tables are written as JSON. Durations are seconds (`30`) or ISO 8601",
        "(`PT30S`). `opwatch config show` prints what is in force, and `opwatch config check` only",
        "says whether it is valid. An unknown name or a wrong value stops every command with one",
        "line and exit status 2.",
        "",
        "This page is generated from `streams/config.py`:",
        "`python -m streams.config_text > docs/configuration.md`.",
    ]
    about = sections()
    for setting in describe(Settings()):
        if setting.section in about:
            lines += ["", f"## [{setting.section}]", "", about.pop(setting.section), ""]
            lines += ["| setting | default | meaning |", "|-|-|-|"]
        lines.append(f"| `{setting.name}` | `{_toml(setting.value)}` | {setting.meaning} |")
    for name, section in _TABLES.items():
        lines += _table(name, section)
    return "\n".join(lines) + "\n"


def _table(name: str, section: type[Section]) -> list[str]:
    """Give the part on one setting that is a list of tables."""
    rows = [f"| `{key}` | {field.description} |" for key, field in section.model_fields.items()]
    about = section.__doc__ or ""
    return ["", f"## [[{name}]]", "", about, "", "| setting | meaning |", "|-|-|", *rows]


def _toml(value: object, key: str = "") -> str:
    """Write one value as TOML."""
    if isinstance(value, timedelta | datetime):
        return _toml_time(value)
    if isinstance(value, BaseModel):
        return _toml(value.model_dump())
    if isinstance(value, Mapping):
        pairs = [f"{_toml_key(name)} = {_toml(inner, name)}" for name, inner in _items(value)]
        return f"{{ {', '.join(pairs)} }}" if pairs else "{}"
    if isinstance(value, tuple | list):
        return f"[{', '.join(_toml(inner) for inner in value)}]"
    if isinstance(value, str) and _SECRET.search(key):
        return _toml(_HIDDEN)
    # A basic TOML string escapes as JSON does, and numbers are written alike; DEL alone differs.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _toml_time(value: timedelta | datetime) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    seconds = value.total_seconds()
    return str(int(seconds)) if seconds.is_integer() else str(seconds)


def _items(value: Mapping[Any, object]) -> list[tuple[str, object]]:
    return [(str(name), inner) for name, inner in value.items()]


def _toml_key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _toml(name)


if __name__ == "__main__":
    sys.stdout.write(render_markdown())
