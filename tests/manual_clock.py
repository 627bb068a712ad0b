"""A clock that tests move."""


class ManualClock:
    """Processing time that stands still until it is moved.

    Args:
        now: Where it starts, in seconds since the epoch.
    """

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.time = now

    def now(self) -> float:
        """Give the time."""
        return self.time
