"""The plots of a report: which points they have, and how names and times are put on them."""

import re

import numpy as np
import pytest
from cell_tables import Cell, cell_table
from incident_records import incident_record, incident_region
from small_reports import (
    DIMENSIONS,
    ONSET,
    SETTINGS,
    STEPS,
    change_point,
    course_of_records,
    fleet_rows,
)

from streams.domain.time import parse_instant
from streams.replay.report import ReportClock, report_clock
from streams.replay.report.counts import RegionWindows
from streams.replay.report.drawings import (
    HEAT_REGIONS,
    exposure_plot,
    heat_plot,
    incident_plot,
    posterior_plot,
    success_plot,
)
from streams.replay.report.facts import IncidentFacts, counter_of, incident_facts
from streams.replay.report.figures import figure
from streams.replay.report.paper import paper
from streams.replay.report.plots import PosteriorPlot, Sign
from streams.replay.report.records import read_change_points, read_incidents, read_steps
from streams.replay.windows_table import ArchiveRows, archive_rows

UTC = report_clock("UTC")


def facts_of(records: list[dict[str, object]], rows: ArchiveRows | None = None) -> IncidentFacts:
    (revisions,) = read_incidents(records).values()
    steps = read_steps(STEPS)
    counter = counter_of(revisions[-1].record, steps, SETTINGS.windows.seconds)
    counter.add_rows(fleet_rows() if rows is None else rows)
    recovered = change_point(direction="recovered", raised="2021-10-13T06:49:30Z")
    points = read_change_points([change_point(), change_point(), recovered])
    return incident_facts(1, revisions, counter.counted(), points, steps)


def test_the_curve_has_a_point_a_window_with_its_counts_and_all_marks() -> None:
    plot = incident_plot(facts_of(course_of_records()), UTC)
    assert (plot.width, len(plot.starts)) == (60, 90)
    assert (sum(plot.trials), sum(plot.failures)) == (9003, 70 + 1000 + 2)
    assert [mark.label for mark in plot.marks] == ["onset", "page", "resolved"]
    degraded, recovered = plot.ticks
    assert (degraded.times, degraded.counts) == (((ONSET + 2) * 60.0,), (2,))
    assert (recovered.times, recovered.sign) == (((ONSET + 22) * 60.0,), Sign.GOOD)
    assert [band.release for band in plot.bands] == ["migration", "agent-2"]


def test_the_map_has_all_affected_regions_and_the_busiest_of_the_others() -> None:
    cells = [Cell(ONSET, (f"r{n:02d}", "windows"), 10 + n, 1) for n in range(80)]
    rows = archive_rows(cell_table(DIMENSIONS, cells))
    regions = [incident_region(region=name) for name in ("r03", "r01")]
    plot = heat_plot(facts_of([incident_record(regions=regions)], rows), UTC)
    assert len(plot.regions) == HEAT_REGIONS
    assert plot.regions[:2] == ("r01", "r03")
    assert plot.regions[2:] == tuple(f"r{n:02d}" for n in range(22, 80))
    assert "Of 60 regions, r01 failed most" in plot.alternative


def test_a_cause_that_came_late_had_no_probability_before() -> None:
    late = [{"release": "late", "probability": 0.9}]
    revision = incident_record(revision=2, candidates=late, no_release_probability=0.1)
    plot = posterior_plot(facts_of([incident_record(), revision]))
    assert plot.names == ("late", "migration", "agent-2", "no known release")
    assert plot.probabilities == ((0.0, 0.9), (0.75, 0.0), (0.05, 0.0), (0.2, 0.1))


def test_every_dot_is_a_region_for_a_while_with_its_share_of_the_release() -> None:
    plot = exposure_plot(facts_of(course_of_records()))
    migration, agent = plot.dots
    assert {dot.exposure for dot in migration if dot.region == "us"} == {0.2}
    assert {dot.exposure for dot in migration if dot.region == "eu"} == {0.0, 1.0}
    assert {dot.exposure for dot in agent} == {0.0}
    assert sum(dot.trials for dot in migration) == 18_003


def test_names_are_put_into_figures_so_that_plotly_shows_them_as_they_are() -> None:
    name = "<b>%{x}</b>&amp;$a$"
    plot = PosteriorPlot("t", "a", (0.0,), (name, "no known release"), ((0.5,), (0.5,)))
    trace = figure(plot, UTC)["data"][0]
    assert trace["name"] == "&lt;b&gt;%{x}&lt;/b&gt;&amp;amp;&#36;a&#36;"
    assert name not in trace["hovertemplate"]


def hourly(start: str) -> RegionWindows:
    """Give six hours of one region from a time on."""
    first = int(parse_instant(start)) // 3600
    counts = np.full((4, 1, 6), 100)
    counts[1:] = 0
    return RegionWindows(("eu",), first, 3600, counts, np.zeros((0, 1, 6)))


@pytest.mark.parametrize(
    ("clock", "expected"),
    [
        (UTC, ["10-31 00:00", "01:00", "02:00", "03:00", "04:00", "05:00", "06:00"]),
        (
            report_clock("Europe/Berlin"),
            ["10-31 02:00", "03:00", "04:00", "05:00", "06:00", "07:00", "08:00"],
        ),
    ],
)
def test_the_axis_of_a_drawing_keeps_to_its_first_offset_over_a_change_of_the_clocks(
    clock: ReportClock, expected: list[str]
) -> None:
    plot = success_plot(hourly("2021-10-31T00:00:00Z"), "t", clock)
    drawn = paper(plot, clock)
    labels = re.findall(r'text-anchor="middle">([^<]*)<', drawn)
    assert labels == expected
    assert clock.axis(parse_instant("2021-10-31T00:00:00Z")) in drawn
    ticks = figure(plot, clock)["data"][0]["x"]
    assert np.diff(ticks).tolist() == [3_600_000] * 5


def test_a_drawing_has_the_curve_within_its_frame_and_only_the_marks_within_its_time() -> None:
    plot = incident_plot(facts_of(course_of_records()), UTC)
    drawn = paper(plot, UTC)
    (points,) = re.findall(r'polyline class="curve s1" points="([^"]*)"', drawn)
    places = [tuple(map(float, point.split(","))) for point in points.split()]
    assert len(places) == 90
    assert all(56 <= x <= 888 and 20 <= y <= 240 for x, y in places)
    assert drawn.count('class="mark bad"') == 2
    assert drawn.count('class="mark good"') == 1
