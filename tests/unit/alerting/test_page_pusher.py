"""When open incidents are pushed, with which times, and what becomes of a push that fails."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
import structlog
from incident_records import incident_record
from manual_clock import ManualClock

from dashboards.alerting import page
from dashboards.alerting.alerts import AlertOptions
from streams.adapters.alertmanager import PushedAlert
from streams.domain.errors import OutsideSystemError
from streams.wiring.pages import RETRY_SECONDS, PagePusher

EVERY = 60.0
START = 1_000_000.0


class Known:
    """What is known of incidents, set by the test."""

    def __init__(self) -> None:
        self.unresolved: dict[str, Mapping[str, Any]] = {}
        self.resolved: dict[str, Mapping[str, Any]] = {}
        self.counts: dict[str, int] = {}

    def opens(self, incident: str) -> None:
        self.unresolved[incident] = incident_record(incident=incident)
        self.resolved.pop(incident, None)

    def resolves(self, incident: str) -> None:
        self.resolved[incident] = self.unresolved.pop(incident)

    def open_incidents(self) -> Mapping[str, Mapping[str, Any]]:
        return dict(self.unresolved)

    def resolved_incidents(self) -> Mapping[str, Mapping[str, Any]]:
        return dict(self.resolved)

    def pushed(self, result: str, count: int) -> None:
        self.counts[result] = self.counts.get(result, 0) + count


class Pushing:
    """A pusher at work, with a clock, and an Alertmanager that can be told to fail."""

    def __init__(self) -> None:
        self.known = Known()
        self.clock = ManualClock(START)
        self.error: Exception | None = None
        self.pushes: list[Sequence[PushedAlert]] = []
        self.restart()

    def restart(self) -> None:
        every = timedelta(seconds=EVERY)
        self.pusher = PagePusher(self.known, self._push, every, AlertOptions(), self.clock)

    def _push(self, alerts: Sequence[PushedAlert]) -> None:
        if self.error is not None:
            raise self.error
        self.pushes.append(alerts)

    def after(self, seconds: float) -> list[tuple[str, float, float]]:
        """Give what a turn so much later pushes: incident, start, end, counted from the start."""
        self.clock.time += seconds
        before = len(self.pushes)
        self.pusher.turn()
        return [
            (one.labels["incident"], one.starts_at - START, one.ends_at - START)
            for push in self.pushes[before:]
            for one in push
        ]


@pytest.fixture
def pushing() -> Pushing:
    return Pushing()


def test_nothing_is_pushed_without_an_incident(pushing: Pushing) -> None:
    assert pushing.after(0) == pushing.after(1000) == []
    assert pushing.known.counts == {"accepted": 0, "failed": 0}


def test_an_incident_is_pushed_at_once_and_again_when_it_is_time(pushing: Pushing) -> None:
    pushing.after(10)
    pushing.known.opens("i-1")
    assert pushing.after(1) == [("i-1", 11, 191)]
    assert pushing.after(59) == []
    assert pushing.after(1) == [("i-1", 11, 251)]
    assert pushing.known.counts == {"accepted": 2, "failed": 0}


def test_a_second_incident_does_not_wait_for_the_time_of_the_first(pushing: Pushing) -> None:
    pushing.known.opens("i-1")
    pushing.after(0)
    pushing.known.opens("i-2")
    assert pushing.after(5) == [("i-1", 0, 185), ("i-2", 5, 185)]


def test_a_resolved_incident_ends_once_at_once(pushing: Pushing) -> None:
    pushing.known.opens("i-1")
    pushing.after(0)
    pushing.known.resolves("i-1")
    assert pushing.after(5) == [("i-1", 0, 5)]
    assert pushing.after(1) == pushing.after(EVERY) == []


def test_an_incident_that_relapses_fires_anew(pushing: Pushing) -> None:
    pushing.known.opens("i-1")
    pushing.after(0)
    pushing.known.resolves("i-1")
    pushing.after(5)
    pushing.known.opens("i-1")
    assert pushing.after(5) == [("i-1", 10, 190)]
    pushing.known.resolves("i-1")
    assert pushing.after(5) == [("i-1", 10, 15)]


def test_an_incident_that_another_worker_follows_now_is_not_ended(pushing: Pushing) -> None:
    pushing.known.opens("i-1")
    pushing.after(0)
    pushing.known.unresolved.clear()
    assert pushing.after(5) == pushing.after(EVERY) == []


def test_a_worker_that_is_started_again_goes_on(pushing: Pushing) -> None:
    pushing.known.opens("i-1")
    pushing.after(0)
    pushing.restart()
    assert pushing.after(30) == [("i-1", 30, 210)]
    pushing.restart()
    pushing.known.resolves("i-1")
    assert pushing.after(1) == [("i-1", 31, 31)]


def test_a_push_that_fails_is_made_again_soon_and_told_once(pushing: Pushing) -> None:
    pushing.error = OutsideSystemError("no answer")
    pushing.known.opens("i-1")
    with structlog.testing.capture_logs() as told:
        assert pushing.after(0) == pushing.after(1) == pushing.after(RETRY_SECONDS) == []
        assert pushing.known.counts == {"accepted": 0, "failed": 2}
        pushing.error = None
        assert pushing.after(1) == []
        assert pushing.after(RETRY_SECONDS) == [("i-1", 0, 192)]
    assert [one["event"] for one in told] == ["pages_not_pushed", "pages_pushed_again"]
    assert told[0]["reason"] == "no answer"
    assert told[0]["exc_info"] is None


def test_an_end_that_could_not_be_pushed_is_pushed_later(pushing: Pushing) -> None:
    pushing.known.opens("i-1")
    pushing.after(0)
    pushing.error = OutsideSystemError("no answer")
    pushing.known.resolves("i-1")
    assert pushing.after(1) == pushing.after(1) == []
    assert pushing.known.counts["failed"] == 1
    pushing.error = None
    assert pushing.after(RETRY_SECONDS) == [("i-1", 0, 7)]
    assert pushing.after(EVERY) == []


def test_a_defect_of_ours_is_told_with_its_traceback_and_ends_nothing(pushing: Pushing) -> None:
    pushing.known.opens("i-1")
    del pushing.known.unresolved["i-1"]["scope"]  # type: ignore[attr-defined]
    with structlog.testing.capture_logs() as told:
        pushing.after(0)
    assert isinstance(told[0]["exc_info"], KeyError)
    pushing.known.opens("i-1")
    assert pushing.after(RETRY_SECONDS) == [("i-1", 0, 185)]


def test_a_page_has_the_labels_and_links_of_the_rule(pushing: Pushing) -> None:
    pushing.known.opens("i 1")
    pushing.after(0)
    (alert,) = pushing.pushes[0]
    assert alert.labels == {
        "alertname": "OpwatchIncident",
        "incident": "i 1",
        "severity": "critical",
    }
    assert alert.annotations["runbook_url"] == "docs/runbook.md#opwatchincident"
    assert alert.annotations["dashboard_url"].endswith("/d/opwatch-incident?var-incident=i+1")
    assert alert.source == alert.annotations["dashboard_url"]
    assert page.NAME == "OpwatchIncident"
