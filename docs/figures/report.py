"""Take pictures of a report as a desktop and a phone show it.

    python docs/figures/report.py REPORT FOLDER

REPORT is the report.html of a replay; needs Chromium. `make report-pictures` does all of it.
"""  # noqa: INP001 a script, not a package

import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

DESKTOP, PHONE = (1100, 1400), (390, 1400)


def main(report: Path, folder: Path) -> None:
    """Write report.png, report-causes.png and report-phone.png."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": DESKTOP[0], "height": DESKTOP[1]})
        drawn(page, report)
        page.screenshot(path=folder / "report.png")
        page.evaluate(
            "document.getElementById('i1-plot-exposure').scrollIntoView({behavior: 'instant'})"
        )
        page.screenshot(path=folder / "report-causes.png")
        page = browser.new_page(viewport={"width": PHONE[0], "height": PHONE[1]})
        drawn(page, report)
        page.screenshot(path=folder / "report-phone.png")
        browser.close()


def drawn(page: Page, report: Path) -> None:
    """Open a report and wait for its plots."""
    page.goto(report.resolve().as_uri())
    page.wait_for_selector("html[data-drawn=yes]", state="attached")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
