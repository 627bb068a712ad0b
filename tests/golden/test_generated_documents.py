"""The documents that are generated from the code are committed and current."""

from pathlib import Path

import pytest

from streams import config_text, telemetry

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize(
    ("name", "current", "command"),
    [
        ("metrics.md", telemetry.render_markdown(), "python -m streams.telemetry"),
        ("configuration.md", config_text.render_markdown(), "python -m streams.config_text"),
    ],
)
def test_a_generated_document_is_current(name: str, current: str, command: str) -> None:
    committed = (DOCS / name).read_text("utf-8")
    assert committed == current, f"docs/{name} is out of date: run `{command} > docs/{name}`"
