"""The report as Markdown: what it says, and that names from outside stay names."""

import re

import pytest
from small_reports import change_point, course_of_records, resolved_record, small_report

from streams.replay.report import report_clock
from streams.replay.report.markdown import escaped

UTC = report_clock("UTC")


def test_markdown_says_the_same_without_the_data_behind_it() -> None:
    text = small_report(course_of_records(), [change_point()]).markdown(UTC)
    assert text.startswith("# opwatch report: 1 incident\n")
    assert "## Incident 1: os windows" in text
    assert "From 2021-10-13 06:27 until 06:47 operations failed in 1 region: os windows." in text
    assert "| eu | 2,000 | 1,000 | 20.0 | 980 | 970 to 990 |" in text
    assert "windows.parquet" in text
    assert "field by field" not in text


def test_every_row_of_a_table_has_as_many_cells_as_its_head() -> None:
    record = resolved_record(errors=[{"error_code": "a|b\nc", "failures": 1}])
    lines = small_report([record]).markdown(UTC).splitlines()
    cells = [len(re.findall(r"(?<!\\)\|", line)) for line in lines]
    tables = [line.startswith("|") for line in lines]
    assert any(tables)
    for place, inside in enumerate(tables):
        if inside and tables[place - 1]:
            assert cells[place] == cells[place - 1], lines[place]


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("<script>", r"\<script\>"),
        ("[a](http://b)", r"\[a\](http://b)"),
        ("*a*_b_`c`", r"\*a\*\_b\_\`c\`"),
        ("a|b", r"a\|b"),
        ("a\nb\u2028c\r# d", r"a b c \# d"),
        ("back\\slash", r"back\\slash"),
        ("&lt;", r"\&lt;"),
        ("agent-2.41", "agent-2.41"),
    ],
)
def test_names_are_written_so_that_they_are_shown_as_they_are(name: str, written: str) -> None:
    assert escaped(name) == written
