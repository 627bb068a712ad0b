"""Pages without Prometheus rules: open incidents are pushed to Alertmanager.

An alert there lasts as long as it is pushed again; when the worker is gone for longer than three
pushes, it ends. Its labels and its text are those of the page rule, so that routes and templates
are the same. One or the other: rules go on for minutes after the end that is pushed.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from threading import Event
from typing import Any, Protocol

import structlog

from dashboards.alerting import page
from dashboards.alerting.alerts import AlertOptions
from streams.adapters.alertmanager import PushedAlert
from streams.domain.errors import OpwatchError
from streams.domain.incidents import RegionStatus
from streams.domain.time import parse_instant
from streams.incident_samples import scope_text
from streams.ports import Clock

log = structlog.get_logger("opwatch")

POLL_SECONDS = 1.0
"""How often it is looked whether an incident has opened or resolved; nothing is sent for that."""

RETRY_SECONDS = 5.0
"""After a push that failed; Alertmanager may have been restarted."""

LASTS = 3
"""Pushes that may be missed before an alert ends by itself."""

Record = Mapping[str, Any]


class Incidents(Protocol):
    """What is known of incidents, each by its name with its newest record."""

    def open_incidents(self) -> Mapping[str, Record]:
        """Give those that are not resolved."""
        ...

    def resolved_incidents(self) -> Mapping[str, Record]:
        """Give those that were resolved lately."""
        ...

    def pushed(self, result: str, count: int) -> None:
        """Count pushes: `accepted` or `failed`."""
        ...


class PagePusher:
    """Pushes the page of every open incident, and its end."""

    def __init__(
        self,
        incidents: Incidents,
        push: Callable[[Sequence[PushedAlert]], None],
        every: timedelta,
        options: AlertOptions,
        clock: Clock,
    ) -> None:
        """Describe it; `run` does the work.

        Args:
            incidents: What is known of incidents.
            push: Posts alerts; raises `OpwatchError` when it cannot.
            every: Processing time between pushes of the same.
            options: Where pages lead.
            clock: Processing time.
        """
        self._incidents = incidents
        self._push = push
        self._every = every.total_seconds()
        self._options = options
        self._clock = clock
        self._due = clock.now()
        self._started: dict[str, float] = {}
        self._ended: set[str] = set()
        self._failing = False
        for result in ("accepted", "failed"):  # a counter that is born at 1 shows no increase
            incidents.pushed(result, 0)

    def run(self, told_to_stop: Event) -> None:
        """Push until told to stop; what is open then goes on with whoever is next."""
        while not told_to_stop.wait(POLL_SECONDS):
            self.turn()

    def turn(self) -> None:
        """Push if there is news, or if it is time to do so again."""
        try:
            self._turn()
        except Exception as error:  # noqa: BLE001 a page that fails must not end the watching
            self._failed(error)

    def _turn(self) -> None:
        now = self._clock.now()
        unresolved = self._incidents.open_incidents()
        resolved = self._incidents.resolved_incidents()
        self._ended &= resolved.keys()
        self._started = {
            name: at for name, at in self._started.items() if name in unresolved or name in resolved
        }
        ending = {name: one for name, one in resolved.items() if name not in self._ended}
        opening = unresolved.keys() - self._started.keys()
        if not unresolved and not ending:
            return
        if now < self._due and (self._failing or not (opening or ending)):
            return
        for name in opening:
            self._started[name] = now
        self._push(
            [
                *(self._alert(one, now, now + LASTS * self._every) for one in unresolved.values()),
                *(self._alert(one, now, now) for one in ending.values()),
            ]
        )
        self._succeeded(now)
        self._ended |= ending.keys()
        self._started = {name: self._started[name] for name in unresolved}

    def _alert(self, record: Record, now: float, ends_at: float) -> PushedAlert:
        found = open_incident(record)
        annotations = page.annotations(found, self._options)
        return PushedAlert(
            labels=page.labels(found.incident),
            annotations=annotations,
            starts_at=self._started.get(found.incident, now),
            ends_at=ends_at,
            source=annotations["dashboard_url"],
        )

    def _succeeded(self, now: float) -> None:
        self._due = now + self._every
        self._incidents.pushed("accepted", 1)
        if self._failing:
            log.info("pages_pushed_again")
        self._failing = False

    def _failed(self, error: Exception) -> None:
        """Say so once, however often it fails; a defect of ours is told with its traceback."""
        self._due = self._clock.now() + RETRY_SECONDS
        self._incidents.pushed("failed", 1)
        if not self._failing:
            trace = None if isinstance(error, OpwatchError) else error
            log.warning(
                "pages_not_pushed",
                reason=str(error),
                consequence=f"tried again every {RETRY_SECONDS:.0f} s",
                exc_info=trace,
            )
        self._failing = True


def open_incident(record: Record) -> page.OpenIncident:
    """Give what a page tells of an incident's record."""
    statuses = [RegionStatus(one["status"]) for one in record["regions"]]
    best = record["candidates"][0] if record["candidates"] else None
    return page.OpenIncident(
        incident=str(record["incident"]),
        scope=scope_text(record["scope"]),
        onset=parse_instant(record["onset"]),
        affected=tuple(
            sorted(
                str(one["region"])
                for one in record["regions"]
                if one["status"] == RegionStatus.AFFECTED.value
            )
        ),
        recovered=statuses.count(RegionStatus.RECOVERED),
        silent=statuses.count(RegionStatus.NO_TRAFFIC),
        excess_failures=float(record["impact"]["excess_failures"]),
        candidate=str(best["release"]) if best else None,
        probability=float(best["probability"]) if best else 0.0,
        no_release_probability=float(record["no_release_probability"]),
    )
