"""The report's page: what it says, that its numbers lead to their data, and that it is safe."""

import base64
import hashlib
import itertools
import json
import re
from collections import Counter

import pytest
from incident_records import incident_record, incident_region
from small_reports import (
    SETTINGS,
    STEPS,
    Page,
    Record,
    change_point,
    course_of_records,
    fleet_rows,
    resolved_record,
    small_report,
    step,
)

from streams.replay.report import Report, report_clock

UTC = report_clock("UTC")
HOSTILE = (
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    "\"'><b onload=x>",
    "a&amp;b&",
    "<!--",
    "]]>",
    "شرق-أوروبا\u202e",
    "javascript:alert(1)",
    "%{x}<br>$a$",
)


def page_of(report: Report, zone: str = "UTC") -> Page:
    return Page(report.html(report_clock(zone)))


def full_report() -> Report:
    return small_report(course_of_records(), [change_point()])


def test_the_page_answers_the_questions_in_the_order_in_which_they_are_asked() -> None:
    text = page_of(full_report()).text
    questions = (
        "What happened",
        "To whom",
        "From when to when",
        "How bad",
        "What caused it",
        "How it recovered",
        "When we knew, and when we could have known",
        "What was not affected",
    )
    body = text[text.index("Incident 1: os windows", text.index("Data of the whole replay")) :]
    places = [body.index(question) for question in questions]
    assert places == sorted(places)


def test_the_page_says_what_when_where_how_bad_and_who() -> None:
    text = page_of(full_report()).text
    for expected in (
        "opwatch report: 1 incident",
        "From 2021-10-13 06:27 until 06:47 operations failed in 1 region: os windows.",
        "1,000 of 2,000 operations failed; 20.0 would have been ordinary.",
        "Most probable cause: migration (75.0 %).",
        "instead of 99.00 %",
        "980 operations failed that would have succeeded (90 %: 970 to 990): 49.00 % of all",
        "2021-10-13 06:26 to 06:28",
        "E<1>",
        "The page went out at 2021-10-13 06:30, 3 min after the onset.",
        "could have known at 06:28, 2 min earlier.",
        "since the onset 50 of 100 operations had failed, 1.0 were expected",
        "migration: last step before the onset",
        "migration: taken back, for the first time",
        "migration at 95.0 %: for the first time 90% or more",
        "1 of 1 region has recovered. It was eu at 2021-10-13 06:47.",
        "cannot be told from twin",
        "fails <only> where exposed",
    ):
        assert expected in text, expected


def test_every_number_leads_to_something_on_the_page() -> None:
    page = page_of(full_report())
    there = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(there) == len(set(there))
    assert len(page.figures) > 100
    assert {target for _, target in page.figures} <= set(there)


def test_a_number_of_the_record_leads_to_the_field_that_holds_it() -> None:
    page = page_of(full_report())
    checked = 0
    for text, target in page.figures:
        row = "".join(page.rows.get(target, []))
        if re.fullmatch(r"i1-f\d+", target) and re.fullmatch(r"[\d,]+", text):
            assert row.split(".")[0].endswith(text.replace(",", "")), (text, row)
            checked += 1
    assert checked > 10


def test_a_time_leads_to_a_row_with_that_time() -> None:
    page = page_of(full_report())
    times = [
        (text, "".join(page.rows[target]))
        for text, target in page.figures
        if target in page.rows and re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", text)
    ]
    assert len(times) > 10
    for text, row in times:
        assert text in row.replace("T", " "), (text, row)


def test_the_counts_by_region_are_those_of_record_and_windows_side_by_side() -> None:
    page = page_of(full_report())
    assert page.rows["i1-c0"] == ["eu", "2,000", "1,000", "2,000", "1,000", "3", "equal"]


def test_the_region_with_the_most_failures_beyond_the_ordinary_stands_first() -> None:
    regions = [
        incident_region(region="eu", excess_failures=10.0),
        incident_region(region="us", excess_failures=20.0),
    ]
    text = page_of(small_report([resolved_record(scope={}, regions=regions)])).text
    table = text[text.index("By region, worst first") :]
    assert table.index("us1005") < table.index("eu1005")


def test_counts_that_differ_from_the_record_are_called_different() -> None:
    region = resolved_record()["regions"][0] | {"failures": 999}
    page = page_of(small_report([resolved_record(regions=[region])]))
    assert page.rows["i1-c0"][-1] == "differ"


def test_causes_are_ranked_with_no_known_release_among_them() -> None:
    text = page_of(full_report()).text
    ranking = text[text.index("Ranking of revision 3") :]
    places = [ranking.index(name) for name in ("migration", "no known release", "agent-2")]
    assert places == sorted(places)


def test_exonerated_releases_have_a_card_for_their_owner() -> None:
    cleared = {
        "release": "agent-2",
        "probability": 0.0,
        "cleared": True,
        "exoneration": "What did not run agent-2 failed: 9 of 10 operations.",
    }
    others = incident_record()["candidates"][:1]
    text = page_of(small_report([resolved_record(candidates=[*others, cleared])])).text
    assert "Exoneration cards: 1 release is cleared" in text
    assert "agent-2: cleared, 0.0 % What did not run agent-2 failed: 9 of 10 operations." in text
    assert "1 release that is cleared" in text


def test_several_incidents_have_an_overview_and_a_part_each() -> None:
    second = incident_record(
        incident="i-2",
        raised="2021-10-13T06:45:00Z",
        onset="2021-10-13T06:40:00Z",
        scope={"os": ["linux"]},
        related=[{"incident": "i-1", "relation": "follows", "statement": "Began soon after."}],
    )
    page = page_of(small_report([*course_of_records(), second]))
    assert "opwatch report: 2 incidents" in page.text
    assert "Overview" in page.text
    assert page.text.index("Incident 1: os windows") < page.text.index("Incident 2: os linux")
    assert "follows" in page.text
    assert "Since 2021-10-13 06:40 operations have been failing" in page.text
    targets = {attributes.get("id") for _, attributes in page.tags}
    assert {"i1", "i2", "i2-cause", "i2-record"} <= targets


def test_a_quiet_replay_says_that_it_was_quiet_and_over_what() -> None:
    text = page_of(small_report([], [change_point(direction="recovered")])).text
    assert "opwatch report: No incident" in text
    assert "Nothing was found that would have been worth a page" in text
    assert "48,003" in text
    assert "2 h" in text
    assert "Change points1" in text


def test_a_replay_without_operations_says_so() -> None:
    report = Report(SETTINGS, [], [])
    text = page_of(report).text
    assert "The replay has no operations." in text
    assert "No operations." in text


def test_an_incident_outside_of_the_windows_has_a_part_without_counts() -> None:
    later = resolved_record(onset="2021-11-13T06:27:00Z", resolved="2021-11-13T06:47:00Z")
    page = page_of(small_report([later]))
    assert "Of 1 region" not in page.text
    assert "No region had operations." in page.text
    assert "1,000 of 2,000 operations failed" in page.text


def test_what_is_not_affected_or_only_a_little_is_told() -> None:
    secondary = {
        "scope": {"os": ["linux"]},
        "regions": ["eu", "us"],
        "onset": "2021-10-13T06:35:00Z",
        "resolved": None,
        "impact": incident_record()["impact"],
    }
    record = resolved_record(
        secondary=[secondary],
        unaffected={"os": [{"value": "mac", "operations": 900, "failures": 3}]},
        unknown={"os": [{"value": "bsd", "operations": 4, "failures": 0}]},
    )
    text = page_of(small_report([record])).text
    assert "macoshealthy9003" in text.replace(" ", "")
    assert "bsdostoolittletraffictotell40" in text.replace(" ", "")
    assert "os linuxeu and us2021-10-13 06:35not yet50 of 100" in text


def test_times_are_told_in_the_zone_asked_for_and_the_zone_is_named() -> None:
    text = page_of(full_report(), "Europe/Berlin").text
    assert "All times are event times in Europe/Berlin (UTC+02:00)." in text
    assert "From 2021-10-13 08:27 until 08:47 operations failed" in text
    assert "06:27" not in text.replace("2021-10-13T06:27:00Z", "")


def test_over_a_change_of_the_clocks_every_time_names_its_offset() -> None:
    moved = [step(60 * 24 * 30, 0.5)]
    text = page_of(small_report(course_of_records(), steps=moved), "Europe/Berlin").text
    assert "From 2021-10-13 08:27 UTC+02:00 until 08:47 UTC+02:00 operations failed" in text
    assert "2021-11-12 07:27 UTC+01:00" in text


def hostile_records(name: str) -> list[Record]:
    candidate = {
        "release": name,
        "component": name,
        "probability": 0.9,
        "tied_with": [name],
        "told_apart": [
            {"release": name, "region": name, "time": "2021-10-13T06:27:00Z", "exposures": [0, 1]}
        ],
        "cleared": False,
        "evidence": [{"kind": name, "statement": name, "log_likelihood_ratio": 1.0}],
    }
    cleared = {"release": name, "probability": 0, "cleared": True, "exoneration": name}
    record = resolved_record(
        incident=name,
        status=name,
        scope={"os": ["windows", name], name: [name]},
        regions=[incident_region(region=name, status=name), incident_region()],
        errors=[{"error_code": name, "failures": 1}],
        candidates=[candidate, cleared],
        no_release_forms={name: 0.2},
        release_pairs=[{"releases": [name, name], "probability": 0.1}],
        next_experiment={"statement": name},
        related=[{"incident": name, "relation": name, "statement": name}],
        secondary=[
            {
                "scope": {name: [name]},
                "regions": [name],
                "onset": "2021-10-13T06:27:00Z",
                "impact": incident_record()["impact"],
            }
        ],
        unaffected={name: [{"value": name, "operations": 1, "failures": 0}]},
    )
    return [record]


def elements(page: Page) -> Counter[str]:
    return Counter(tag for tag, _ in page.tags if tag not in {"a", "bdi"})


@pytest.mark.parametrize("name", HOSTILE)
def test_names_from_outside_never_become_markup(name: str) -> None:
    point = change_point(series={"region": "eu", name: name}, kind=name)
    steps = [*STEPS, step(3, 0.5, release=name, os=(name,))]
    html = small_report(hostile_records(name), [point], steps).html(UTC)
    page = Page(html)
    known = page_of(small_report(hostile_records("name"), [point], steps))
    # Numbers in sentences become links, and names stand apart from what is around them.
    assert elements(page) == elements(known)
    attributes = {attribute for _, found in page.tags for attribute in found}
    assert not [one for one in attributes if one.startswith("on")]
    assert len(page.named("script")) == 3
    assert " ".join(name.split()) in page.text
    plots = re.findall(r'<script type="application/json" id="plots">(.*?)</script>', html)
    assert len(plots) == 1
    assert "<" not in plots[0]
    assert json.loads(plots[0])


def test_the_page_reaches_for_nothing_outside_itself() -> None:
    page = page_of(full_report())
    assert {tag for tag, _ in page.tags}.isdisjoint({"link", "img", "iframe", "object", "form"})
    assert not [one for _, found in page.tags for one in found if one in {"src", "srcset"}]
    assert all(str(found["href"]).startswith("#") for found in page.named("a"))


def test_the_policy_of_the_page_lets_its_own_scripts_run_and_nothing_else() -> None:
    html = full_report().html(UTC)
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)
    assert "default-src 'none'" in policy
    assert "unsafe-eval" not in policy
    assert "http:" not in policy
    assert "https:" not in policy
    (own,) = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(own.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in policy
    assert "script-src 'sha256-" in policy


def test_headings_are_one_first_and_no_level_is_left_out() -> None:
    levels = [int(tag[1]) for tag, _ in page_of(full_report()).tags if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(later <= earlier + 1 for earlier, later in itertools.pairwise(levels))


def test_tables_have_captions_and_their_cells_know_their_heads() -> None:
    page = page_of(full_report())
    assert len(page.named("caption")) == len(page.named("table")) > 10
    assert {found.get("scope") for found in page.named("th")} == {"row", "col"}


def test_every_plot_has_a_drawing_for_paper_that_says_what_it_shows() -> None:
    page = page_of(full_report())
    drawings = page.named("svg")
    assert len(drawings) == len(page.named("figure")) == 5
    assert all(found["role"] == "img" and found["aria-label"] for found in drawings)


def test_the_same_input_gives_the_same_bytes() -> None:
    assert full_report().html(UTC) == full_report().html(UTC)


def test_a_long_list_of_change_points_is_cut_and_says_where_the_rest_is() -> None:
    text = page_of(small_report(course_of_records(), [change_point()] * 600)).text
    assert "600 change points" in text
    assert "500 of them are shown; all are in change_points.jsonl." in text


def test_rows_of_the_windows_table_show_what_they_sum_up() -> None:
    page = page_of(full_report())
    rows = fleet_rows()
    assert f"{int(rows.cells.trials.sum()):,}" in page.text
    assert "2021-10-13 06:32103525" not in page.text
    assert "2021-10-13 06:321035249.51 %3" in page.text
