"""What the documents name exists: pages, headings, make targets, commands, settings, metrics."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.main import get_command

from streams.cli import app
from streams.config import Settings
from streams.telemetry import CATALOGUE, Kind

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])

LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
MAKE = re.compile(r"\bmake ([a-z][a-z-]*)")
COMMAND = re.compile(r"^(?: {4})?(?:\$ )?opwatch ([a-z-]+(?!\S)[^|#\n]*)", re.MULTILINE)
CODE = re.compile(r"`([^`\n]+)`")
METRIC = re.compile(r"(?<!:)\bopwatch_[a-z_]+")  # of recording rules, another part begins so
FILE = re.compile(r"(?:streams|detectors|dashboards|tests|benchmarks|requirements|docs)/[\w./-]*")
OUTPUTS = (".jsonl", ".parquet", ".yml")
TERM = re.compile(r"^\| \*\*(.+?)\*\*", re.MULTILINE)


def texts() -> Iterator[tuple[str, str]]:
    """Give every page's name and text."""
    for page in PAGES:
        yield page.relative_to(ROOT).as_posix(), page.read_text("utf-8")


def code_of(text: str, pattern: re.Pattern[str]) -> Iterator[str]:
    """Give what a pattern finds in code, so that a sentence may use the same words."""
    fenced = re.findall(r"^```.*?^```", text, re.MULTILINE | re.DOTALL)
    indented = re.findall(r"^ {4}.*$", text, re.MULTILINE)
    for piece in (*fenced, *indented, *CODE.findall(text)):
        yield from pattern.findall(piece)


def anchor(heading: str) -> str:
    """Give the anchor that a heading is linked to by."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    """Give the anchors of a page."""
    return {anchor(heading) for heading in HEADING.findall(page.read_text("utf-8"))}


def broken_links(page: Path) -> list[str]:
    """Give the relative links of a page that lead nowhere."""
    broken = []
    for link in LINK.findall(page.read_text("utf-8")):
        if "://" in link:
            continue
        path, _, fragment = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (fragment and fragment not in anchors(target)):
            broken.append(link)
    return broken


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    assert broken_links(page) == []


def test_a_link_to_a_missing_page_or_heading_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Here I am\n[a](#here-i-am) [b](#gone) [c](gone.md) [d](page.md#here-i-am)\n")
    assert broken_links(page) == ["#gone", "gone.md"]


def test_every_make_target_named_exists() -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {(page, target) for page, text in texts() for target in code_of(text, MAKE)}
    assert {("README.md", "demo"), ("README.md", "test")} <= named
    assert {(page, target) for page, target in named if target not in targets} == set()


def test_every_command_named_exists_with_its_options() -> None:
    named = [
        (page, line.strip())
        for page, text in texts()
        for line in code_of(text.replace("\\\n", " "), COMMAND)
    ]
    assert ("README.md", "topics create") in named
    assert [(page, line) for page, line in named if not is_a_command(line)] == []


def is_a_command(line: str) -> bool:
    """Tell whether words after `opwatch` are a command, and its options those it has."""
    words, command = line.split(), get_command(app)
    while hasattr(command, "commands"):
        unnamed = command.commands.get(getattr(command, "unnamed", ""))
        if words and words[0] in command.commands:
            command = command.commands[words.pop(0)]
        elif unnamed is not None:
            command = unnamed
        elif words and not words[0].startswith("-"):
            return False
        else:
            break
    known = {"--help", *(option for one in command.params for option in one.opts)}
    return {word for word in words if word.startswith("--")} <= known


@pytest.mark.parametrize("line", ["rerun", "topics drop", "replay --fast", "--nothing"])
def test_what_is_no_command_is_noticed(line: str) -> None:
    assert not is_a_command(line)


def test_every_setting_named_exists() -> None:
    sections = {name: type(section) for name, section in Settings()}
    known = {
        f"{name}.{field}" for name, section in sections.items() for field in section.model_fields
    }
    setting = re.compile(rf"^((?:{'|'.join(sections)})\.[a-z_]+)(?: = .*)?$")
    named = {
        (page, found[1])
        for page, text in texts()
        for piece in CODE.findall(text)
        if (found := setting.match(piece)) and not found[1].endswith(OUTPUTS)
    }
    assert ("docs/operations.md", "ingest.idle_after") in named
    assert {(page, name) for page, name in named if name not in known} == set()


def test_every_metric_named_exists() -> None:
    known = {metric.name for metric in CATALOGUE}
    known |= {
        f"{one.name}_{part}"
        for one in CATALOGUE
        if one.kind is Kind.HISTOGRAM
        for part in ("bucket", "count")
    }
    named = {(page, name) for page, text in texts() for name in METRIC.findall(text)}
    whole = {(page, name) for page, name in named if not name.endswith("_")}
    assert ("docs/operations.md", "opwatch_late_total") in whole
    assert {(page, name) for page, name in whole if name not in known} == set()


def test_every_file_named_exists() -> None:
    named = {(page, name) for page, text in texts() for name in code_of(text, FILE)}
    assert ("docs/architecture.md", "streams/stages/ingest.py") in named
    assert {(page, name) for page, name in named if not (ROOT / name).exists()} == set()


def test_the_glossary_names_no_term_twice() -> None:
    text = (ROOT / "docs" / "glossary.md").read_text("utf-8")
    terms = Counter(term.lower() for term in TERM.findall(text))
    assert terms["watermark"] == 1
    assert [term for term, count in terms.items() if count > 1] == []


def test_decisions_are_numbered_without_gaps_and_say_how_to_undo_them() -> None:
    decisions = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    numbers = [int(path.name[:4]) for path in decisions]
    assert numbers == list(range(1, len(numbers) + 1))
    for number, path in zip(numbers, decisions, strict=True):
        text = path.read_text("utf-8")
        assert text.startswith(f"# {number}. "), path.name
        assert "## Context" in text, path.name
        assert "## Decision" in text, path.name
        assert "## To undo" in text or "To go back" in text, path.name
