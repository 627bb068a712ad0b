"""Would it have paged earlier, or at all, or falsely: pages are matched, and a sentence says it."""

import json
from collections.abc import Sequence

import pytest

from streams.replay.answers import answers
from streams.replay.request import ReplaySummary
from streams.replay.side_by_side import SideBySide, as_html, as_json, as_markdown
from streams.replay.trials import Page, Ranking, Trial, Wanted, score, wanted_of_truth

ONSET = 1_634_106_420.0
"""2021-10-13 06:27 UTC."""
WINDOWS, LINUX = {"os": ["windows"]}, {"os": ["linux"]}
RANKING = Ranking("migration", 0.93, 0.02)


def page(
    minute: float,
    scope: dict[str, list[str]] = WINDOWS,
    *,
    lasts: float | None = 60,
    name: str = "a",
) -> Page:
    """Make a page so many minutes after the onset."""
    raised = ONSET + 60 * minute
    resolved = None if lasts is None else raised + 60 * lasts
    return Page(name, raised, raised - 240, resolved, scope, RANKING, RANKING, 3, 2)


def trial(*pages: Page, name: str = "as it is") -> Trial:
    summary = ReplaySummary(
        events=10, duplicates=0, late=0, dead_letters=0, windows=3, change_points=4, incidents=1
    )
    return Trial(name, summary, tuple(pages), {"success_ratio": 4})


TRUTH = (Wanted("outage", ONSET, ONSET + 3600, WINDOWS, "migration", ONSET),)


def told(trials: Sequence[Trial], *, true: bool = True) -> list[str]:
    return SideBySide(tuple(trials), TRUTH if true else None, ()).answers


def test_the_page_nearest_to_an_incident_is_for_it_and_others_are_false_or_again() -> None:
    early, right, again, apart = page(-30, lasts=5), page(6), page(30), page(7, LINUX)
    scored = score([early, right, again, apart], TRUTH)
    assert scored.met == (right,)
    assert scored.again == (again,)
    assert scored.false == (early, apart)


def test_a_page_long_after_the_end_is_for_nothing() -> None:
    late = page(200)
    assert score([late], TRUTH).false == (late,)


def test_with_the_truth_delays_and_false_pages_are_told() -> None:
    assert told(
        [trial(page(6)), trial(page(4.5), page(-100, lasts=5)), trial(), trial(page(6))]
    ) == [
        "Pages for outage 6 min after its onset; not once falsely.",
        (
            "Pages for outage 4.5 min after its onset, 1.5 min earlier than the first; "
            "once falsely (at 2021-10-13 04:47Z)."
        ),
        "Never pages for outage (os=windows); not once falsely.",
        "Pages for outage 6 min after its onset, at the same time as the first; not once falsely.",
    ]


def test_a_first_that_does_not_page_is_named() -> None:
    assert told([trial(), trial(page(6))])[1] == (
        "Pages for outage 6 min after its onset, where the first does not page at all; "
        "not once falsely."
    )


def test_without_the_truth_the_others_are_held_against_the_first() -> None:
    first = trial(page(6), page(300, LINUX, name="b"))
    others = [trial(page(8)), trial(page(6), page(300, LINUX), page(500)), trial()]
    assert told([first, *others], true=False) == [
        "Pages twice: at 2021-10-13 06:33Z for os=windows; at 2021-10-13 11:27Z for os=linux.",
        "Pages for os=windows 2 min later than the first; not at all for os=linux.",
        (
            "Pages for os=windows at the same time as the first; "
            "pages for os=linux at the same time as the first; "
            "once for what the first does not page for (at 2021-10-13 14:47Z)."
        ),
        "Not at all for os=windows; not at all for os=linux.",
    ]
    assert answers([trial(), trial()], (), true=False) == [
        "Never pages.",
        "Never pages, like the first.",
    ]


def test_the_truth_of_a_simulation_is_read() -> None:
    truth = {
        "incidents": [
            {
                "incident": "outage",
                "onset": "2021-10-13T06:27:00Z",
                "end": "2021-10-13T07:27:00Z",
                "scope": {"os": ["windows"]},
                "culprit": "migration",
            }
        ]
    }
    assert wanted_of_truth(truth) == TRUTH
    with pytest.raises(KeyError):
        wanted_of_truth({})


def test_a_page_is_made_of_the_first_and_the_last_record() -> None:
    record = {
        "incident": "a",
        "raised": "2021-10-13T06:33:00Z",
        "onset": "2021-10-13T06:28:00Z",
        "resolved": None,
        "scope": {"os": ["windows"]},
        "regions": [{"region": "eu", "recovered": None}],
        "candidates": [],
        "no_release_probability": 1.0,
    }
    last = {
        **record,
        "raised": "2021-10-13T07:33:00Z",
        "onset": "2021-10-13T06:27:00Z",
        "resolved": "2021-10-13T07:30:00Z",
        "regions": [{"region": "eu", "recovered": "2021-10-13T07:20:00Z"}],
        "candidates": [{"release": "migration", "probability": 0.93}],
        "no_release_probability": 0.02,
    }
    made = Page.of(record, last)
    assert (made.raised, made.onset, made.resolved) == (ONSET + 360, ONSET, ONSET + 3780)
    assert (made.first, made.last) == (Ranking(None, 0.0, 1.0), RANKING)
    assert (made.recovered, made.regions) == (1, 1)


FOUND = SideBySide(
    (trial(page(6), name="as <it> is"), trial(page(4), page(-100, LINUX, lasts=5), name="a|b")),
    TRUTH,
    ((ONSET - 60, 1.0), (ONSET, 0.5), (ONSET + 60, 0.75)),
)


def test_the_table_says_delays_rankings_and_false_pages() -> None:
    lines = as_markdown(FOUND).splitlines()
    assert (
        "| as <it> is | 2021-10-13 06:33Z | os=windows | 6 min | migration 0.93, none 0.02 | "
        "migration 0.93, none 0.02 | 2021-10-13 07:33Z | 2 of 3 regions |"
    ) in lines
    assert any(
        line.startswith(r"| a\|b | 2021-10-13 04:47Z | os=linux | false |") for line in lines
    )
    assert r"| a\|b | 10 | 3 | 4 | success_ratio 4 | 2 | 1 |" in lines


def test_the_json_says_the_same() -> None:
    whole = json.loads(as_json(FOUND))
    assert whole["version"] == 1
    assert whole["truth"][0]["culprit"] == "migration"
    first, second = whole["settings"]
    assert first["pages"][0]["delay_seconds"] == 360
    assert first["missed"] == []
    assert [one["for"] for one in second["pages"]] == ["outage", None]
    nothing = SideBySide((trial(),), TRUTH, ())
    assert json.loads(as_json(nothing))["settings"][0]["missed"] == ["outage"]


def test_names_do_not_become_markup_and_the_plot_has_a_lane_each() -> None:
    text = as_html(FOUND)
    assert "<it>" not in text
    assert "as &lt;it&gt; is" in text
    assert text.count("<circle") == 3
    assert text.count("<rect") == 4  # the truth, and three incidents
    assert "<polyline" in text
    assert "<svg" not in as_html(SideBySide((trial(),), None, ()))
