"""In which forms a report is written, and what their files are called."""

import enum

from streams.replay.report.builder import Report
from streams.replay.report.clock import ReportClock


class ReportFormat(enum.Enum):
    """In which form a report is written."""

    HTML = "html"
    MARKDOWN = "markdown"
    JSON = "json"

    @property
    def file(self) -> str:
        """Name of the file of this form in a replay's folder."""
        return {"html": "report.html", "markdown": "report.md", "json": "report.json"}[self.value]


def rendered(report: Report, form: ReportFormat, clock: ReportClock) -> str:
    """Give a report in one of its forms."""
    match form:
        case ReportFormat.HTML:
            return report.html(clock)
        case ReportFormat.MARKDOWN:
            return report.markdown(clock)
        case ReportFormat.JSON:
            return report.json(clock)
