"""The system's clock."""

import time


class SystemClock:
    """Processing time as the system tells it."""

    def now(self) -> float:
        """Give the processing time in seconds since the epoch."""
        return time.time()
