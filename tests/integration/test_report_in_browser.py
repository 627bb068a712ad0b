"""The founding incident's report in a real browser: drawn, quiet, and readable by everybody."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright
from small_reports import Page as ReadPage
from small_reports import resolved_record, small_report, step

from streams.adapters.scenario_files import write_scenario
from streams.config import Settings
from streams.replay.driver import replay
from streams.replay.report import ReportFormat, report_clock
from streams.replay.report.folder import ReportRequest, write_report
from streams.replay.request import ReplayRequest
from streams.scenarios.catalogue import build

DESKTOP, PHONE = (1280, 900), (390, 844)
PLOTS = ("success", "heat", "exposure", "posterior")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


class Still:
    """Hears no progress, and is a clock that stands long after all events."""

    def advance(self, done_bytes: int, total_bytes: int, events: int, windows: int) -> None:
        pass

    def now(self) -> float:
        return 4e9


@dataclass
class Seen:
    """A page, and what it did that it should not have done.

    Attributes:
        page: The page, drawn.
        requests: Everything it asked for but itself.
        complaints: What it wrote to the console, and errors.
    """

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of the founding incident, squeezed into half an hour."""
    folder = tmp_path_factory.mktemp("founding")
    squeezed = build(
        "founding-incident",
        seed=1,
        volume=500,
        before=timedelta(minutes=130),
        after=timedelta(minutes=10),
        incident_duration=timedelta(minutes=30),
    )
    files = write_scenario(squeezed, folder / "events")
    still = Still()
    request = ReplayRequest((files.outcomes_path,), None, files.releases_path, folder / "result")
    replay(Settings(), request, still, still)
    return folder / "result" / "report.html"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        yield chromium
        chromium.close()


def opened(browser: Browser, report: Path, size: tuple[int, int], scheme: str = "light") -> Seen:
    width, height = size
    page = browser.new_page(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
    )
    seen = Seen(page)
    page.on("request", lambda request: seen.requests.append(request.url))
    page.on("console", lambda message: seen.complaints.append(message.text))
    page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    page.goto(report.as_uri())
    # Waiting for a function would evaluate a string in the page, which its policy forbids.
    page.wait_for_selector("html[data-drawn=yes]", state="attached")
    seen.requests.remove(report.as_uri())
    return seen


@pytest.fixture
def desktop(browser: Browser, report: Path) -> Iterator[Seen]:
    seen = opened(browser, report, DESKTOP)
    yield seen
    seen.page.close()


@pytest.fixture
def phone(browser: Browser, report: Path) -> Iterator[Seen]:
    seen = opened(browser, report, PHONE)
    yield seen
    seen.page.close()


def time_range(page: Page, name: str) -> list[float]:
    """Give the ends of the time axis of a plot, in milliseconds."""
    ends: list[float] = page.evaluate(
        "(id) => { const axis = document.querySelector(`#${id} .live`)._fullLayout.xaxis;"
        " return axis.range.map((end) => axis.r2l(end)); }",
        f"i1-plot-{name}",
    )
    return ends


def test_every_count_stands_in_the_row_that_it_leads_to(report: Path) -> None:
    page = ReadPage(report.read_text("utf-8"))
    counts = [(text, target) for text, target in page.figures if re.fullmatch(r"[\d,]+", text)]
    found = [(text, page.rows[target]) for text, target in counts if target in page.rows]
    assert len(found) > 100
    for text, row in found:
        numbers = re.findall(r"-?\d+\.?\d*", " ".join(row).replace(",", ""))
        assert text.replace(",", "") in {f"{float(number):.0f}" for number in numbers}, (text, row)


def test_the_report_made_anew_has_the_bytes_of_the_replays(report: Path, tmp_path: Path) -> None:
    for form in ReportFormat:
        request = ReportRequest(report.parent, form, "UTC", tmp_path / form.file)
        anew = write_report(Settings(), request, Still())
        assert anew.read_bytes() == (report.parent / form.file).read_bytes()


def test_the_page_asks_for_nothing_and_complains_of_nothing(desktop: Seen) -> None:
    assert desktop.requests == []
    assert desktop.complaints == []


def test_every_plot_is_drawn_over_its_printed_form(desktop: Seen) -> None:
    page = desktop.page
    figures = page.locator("figure")
    assert figures.count() == 1 + len(PLOTS)
    for number in range(figures.count()):
        figure = figures.nth(number)
        assert figure.locator(".live .main-svg").first.is_visible()
        assert figure.locator("svg.paper").is_hidden()
    points = page.locator("#i1-plot-success .scatterlayer .js-line").first.get_attribute("d")
    assert points is not None
    assert points.count("L") > 50
    assert page.locator("#i1-plot-success .barlayer path").count() >= 1
    assert page.locator("#i1-plot-heat .heatmaplayer image").count() == 1
    assert page.locator("#i1-plot-exposure .scatterlayer .point").count() > 50
    assert page.locator("#i1-plot-posterior .scatterlayer .js-line").count() >= 2


def told_at(page: Page, area: int) -> str:
    """Point at the middle of an area of the success plot, and give what it tells."""
    plot = page.locator("#i1-plot-success .nsewdrag").nth(area)
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box is not None
    for share in (0.4, 0.5):
        plot.hover(position={"x": box["width"] * share, "y": box["height"] * 0.5})
    page.wait_for_selector("#i1-plot-success .hoverlayer .hovertext")
    page.wait_for_timeout(500)  # the last label replaces the one before
    return " ".join(page.locator("#i1-plot-success .hoverlayer .hovertext").all_text_contents())


def test_hovering_tells_the_counts_of_a_point_and_which_releases_ran(desktop: Seen) -> None:
    assert re.search(r"2021-10-13 \d\d:\d\d.*%: \d+ of \d+ failed", told_at(desktop.page, 0))
    assert "image-template-migration20% of the scope ran it" in told_at(desktop.page, 1)


def test_dragging_zooms_and_a_double_click_resets(desktop: Seen) -> None:
    page = desktop.page
    plot = page.locator("#i1-plot-success .nsewdrag").first
    plot.scroll_into_view_if_needed()
    whole, box = time_range(page, "success"), plot.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.4, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, middle, steps=5)
    page.mouse.up()
    for _ in range(100):
        low, high = time_range(page, "success")
        if high - low < whole[1] - whole[0]:
            break
        page.wait_for_timeout(100)
    assert high - low == pytest.approx(0.2 * (whole[1] - whole[0]), rel=0.05)
    page.locator("#i1-plot-success [data-zoom=reset]").click()
    assert time_range(page, "success") == pytest.approx(whole)


@pytest.mark.parametrize("name", PLOTS)
def test_the_keyboard_zooms_every_plot(desktop: Seen, name: str) -> None:
    page = desktop.page
    whole = time_range(page, name)
    for how, factor in (("in", 0.5), ("out", 1.0)):
        page.locator(f"#i1-plot-{name} [data-zoom={how}]").focus()
        page.keyboard.press("Enter")
        low, high = time_range(page, name)
        assert high - low == pytest.approx(factor * (whole[1] - whole[0]))


def test_a_number_opens_the_data_that_it_comes_from(desktop: Seen) -> None:
    page = desktop.page
    page.locator("p.lead a.n").nth(3).click()
    (target,) = {page.evaluate("location.hash")}
    row = page.locator(target)
    assert row.is_visible()
    link = page.locator("p.lead a.n").nth(3).text_content() or ""
    assert link.replace(",", "") in (row.text_content() or "")


def test_a_keyboard_user_sees_where_the_focus_is(desktop: Seen) -> None:
    page = desktop.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Tab")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


def test_a_phone_shows_the_page_without_scrolling_sideways(phone: Seen) -> None:
    wide = phone.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide == [PHONE[0], PHONE[0]]
    for number in range(phone.page.locator("figure .live").count()):
        box = phone.page.locator("figure .live").nth(number).bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= PHONE[0]
    assert phone.complaints == phone.requests == []


def test_on_paper_the_drawings_stand_where_the_plots_were(desktop: Seen) -> None:
    page = desktop.page
    page.emulate_media(media="print")
    for number in range(page.locator("figure").count()):
        assert page.locator("figure svg.paper").nth(number).is_visible()
        assert page.locator("figure .live").nth(number).is_hidden()
    assert page.locator("nav").is_hidden()
    assert page.pdf(format="A4").startswith(b"%PDF")


def test_without_scripts_everything_can_be_read(browser: Browser, report: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(report.as_uri())
    assert page.locator("figure svg.paper").count() == 1 + len(PLOTS)
    assert page.locator("figure svg.paper").first.is_visible()
    assert page.locator(".tools").first.is_hidden()
    context.close()


@pytest.mark.parametrize("name", ["</script><img src=x>", "%{x}<br>$a$&amp;", "شرق\u202e"])
def test_names_from_outside_are_shown_as_they_are_by_plots_too(
    browser: Browser, tmp_path: Path, name: str
) -> None:
    record = resolved_record(candidates=[{"release": name, "probability": 0.8}])
    html = small_report([record], steps=[step(-30, 0.5, release=name)]).html(report_clock("UTC"))
    (tmp_path / "report.html").write_text(html, "utf-8")
    seen = opened(browser, tmp_path / "report.html", DESKTOP)
    assert seen.page.locator("img").count() == 0
    legend = seen.page.locator("#i1-plot-posterior .legendtext").first
    assert legend.text_content() == name
    assert f"{name}50% of the scope ran it" in told_at(seen.page, 1)
    assert seen.complaints == seen.requests == []
    seen.page.close()


@pytest.mark.parametrize(
    ("size", "scheme"), [(DESKTOP, "light"), (PHONE, "dark")], ids=["desktop-light", "phone-dark"]
)
def test_the_page_passes_the_checks_of_axe(
    browser: Browser, report: Path, size: tuple[int, int], scheme: str
) -> None:
    seen = opened(browser, report, size, scheme)
    # All tables of data are built alike; axe takes a minute for the long ones.
    for name in ("cleared", "counts", "revisions", "earliest"):
        seen.page.evaluate(f"document.getElementById('i1-{name}').open = true")
    options = {"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"]}
    found = Axe().run(seen.page, options=options)
    told = [
        (one["id"], [node["html"][:200] for node in one["nodes"][:3]])
        for one in found.response["violations"]
    ]
    seen.page.close()
    assert told == [], json.dumps(told, indent=1)
