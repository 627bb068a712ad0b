"""The report that people read after an incident: one HTML file, Markdown, or JSON."""

from streams.replay.report.builder import Report
from streams.replay.report.clock import ReportClock, report_clock
from streams.replay.report.forms import ReportFormat, rendered

__all__ = ["Report", "ReportClock", "ReportFormat", "rendered", "report_clock"]
