"""The report of a small incident, word for word.

A difference means that readers now get other words: write them anew only if they should, with
`OPWATCH_WRITE_GOLDEN=1 pytest tests/golden/test_report_markdown.py`, and read the difference.
"""

import os
from pathlib import Path

from small_reports import change_point, course_of_records, small_report

from streams.replay.report import report_clock

GOLDEN = Path(__file__).parent / "records" / "small-report.md"


def test_the_report_of_a_small_incident_reads_as_before() -> None:
    report = small_report(course_of_records(), [change_point()])
    text = report.markdown(report_clock("Europe/Berlin"))
    if os.environ.get("OPWATCH_WRITE_GOLDEN"):
        GOLDEN.write_text(text, "utf-8")
    assert text == GOLDEN.read_text("utf-8")
