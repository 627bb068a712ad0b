"""Event time: one representation inside, RFC 3339 at the edge.

Inside opwatch an instant is a float: seconds since 1970-01-01T00:00:00Z. A window is an int: its
index, the window start divided by the window length. Windows are half-open: [start, end).
"""

from datetime import UTC, datetime

EARLIEST = 0.0
"""The first event time accepted, 1970-01-01: anything earlier is a mistake of the sender's."""

LATEST = 4_102_444_800.0
"""The first event time refused, 2100-01-01: a sentinel such as year 9999 would end every window."""


def format_instant(seconds: float) -> str:
    """Write an instant as RFC 3339 in UTC, with milliseconds only where it has any.

    Args:
        seconds: Seconds since the epoch.

    Returns:
        For example `2021-10-13T06:27:00Z` or `2021-10-13T06:27:00.250Z`.
    """
    milliseconds = round(seconds * 1000)
    whole, rest = divmod(milliseconds, 1000)
    text = datetime.fromtimestamp(whole, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{rest:03d}Z" if rest else f"{text}Z"


def parse_instant(text: str) -> float:
    """Read an RFC 3339 instant with an offset.

    Args:
        text: For example `2021-10-13T06:27:00Z`.

    Returns:
        Seconds since the epoch.

    Raises:
        ValueError: The text is no RFC 3339 instant, or it has no offset.
    """
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        message = f"time {text!r} has no offset: write it as 2021-10-13T06:27:00Z"
        raise ValueError(message)
    return instant.timestamp()


def window_of(seconds: float, window_seconds: int) -> int:
    """Give the index of the tumbling window that holds an instant."""
    return int(seconds // window_seconds)


def window_start(window: int, window_seconds: int) -> float:
    """Give the first instant of a window, in seconds since the epoch."""
    return float(window * window_seconds)


def window_end(window: int, window_seconds: int) -> float:
    """Give the first instant after a window, in seconds since the epoch."""
    return float((window + 1) * window_seconds)
