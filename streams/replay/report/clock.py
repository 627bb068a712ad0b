"""Instants as people of one time zone read them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from streams.domain.errors import OperatorError

_MINUTE_S = 60


@dataclass(frozen=True, slots=True)
class ReportClock:
    """Writes instants in one time zone.

    Attributes:
        zone: The time zone.
        changes: Whether its offset from UTC changes within the report: then every instant names
            its own.
    """

    zone: ZoneInfo
    changes: bool = False

    def over(self, instants: Iterable[float]) -> "ReportClock":
        """Give the clock for a report about these instants, in seconds since the epoch."""
        offsets = {self._local(instant).utcoffset() for instant in instants}
        return ReportClock(self.zone, changes=len(offsets) > 1)

    def instant(self, seconds: float, since: float | None = None) -> str:
        """Write date and time, such as `2021-10-13 08:27`, with seconds where it has any.

        Args:
            seconds: Seconds since the epoch.
            since: An instant told just before: the date of both is not told twice.
        """
        if since is not None and self._local(since).date() == self._local(seconds).date():
            return self.time(seconds)
        return f"{self._local(seconds):%Y-%m-%d} {self.time(seconds)}"

    def time(self, seconds: float) -> str:
        """Write the time of day, such as `08:27`."""
        local = self._local(seconds)
        text = local.strftime("%H:%M" if not seconds % _MINUTE_S else "%H:%M:%S")
        return f"{text} {_offset(local)}" if self.changes else text

    def exact(self, seconds: float) -> str:
        """Write an instant as RFC 3339 with the zone's offset, for machines."""
        return self._local(seconds).isoformat()

    def naming(self, seconds: float) -> str:
        """Say which zone it is, and its offset at an instant, such as `UTC`."""
        key = self.zone.key
        return key if key == "UTC" else f"{key} ({_offset(self._local(seconds))})"

    def shift(self, seconds: float) -> float:
        """Give the offset from UTC at an instant, in seconds: axes keep to one."""
        offset = self._local(seconds).utcoffset()
        return 0.0 if offset is None else offset.total_seconds()

    def axis(self, seconds: float) -> str:
        """Name the offset of an axis that begins at an instant."""
        return "UTC" if self.zone.key == "UTC" else _offset(self._local(seconds))

    def _local(self, seconds: float) -> datetime:
        return datetime.fromtimestamp(seconds, self.zone)


def report_clock(name: str) -> ReportClock:
    """Give the clock of a time zone.

    Raises:
        OperatorError: There is no such zone.
    """
    try:
        return ReportClock(ZoneInfo(name))
    except (OSError, ValueError, KeyError) as error:
        raise OperatorError(
            f"--timezone {name!r}: there is no such time zone; write it as Europe/Berlin or UTC"
        ) from error


def _offset(local: datetime) -> str:
    text = local.strftime("%z")
    return f"UTC{text[:3]}:{text[3:5]}"
