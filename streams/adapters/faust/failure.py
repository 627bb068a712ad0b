"""The error a worker ends with, wherever it happened."""


class Failure:
    """Holds the first error that makes going on pointless; any thread may tell it.

    Faust's own way, a crash of the app, would write tracebacks of its services on the way; here the
    worker is stopped in order, and whoever runs it gets the error itself.
    """

    def __init__(self) -> None:
        """Start without an error."""
        self.error: BaseException | None = None

    def tell(self, error: BaseException) -> None:
        """Note an error; those that follow from it are passed over."""
        self.error = self.error or error
