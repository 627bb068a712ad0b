"""Messages of an earlier run under other settings cannot be added up with those of this one."""

from streams.config import Settings
from streams.domain.errors import OperatorError


def refuse_foreign(settings: Settings, window_seconds: int, dimensions: tuple[str, ...]) -> None:
    """Refuse counts that were cut into other windows or series.

    Args:
        settings: The installation's settings.
        window_seconds: Length of the message's windows.
        dimensions: Dimensions of the message's cells.

    Raises:
        OperatorError: One of them is not that of the settings.
    """
    if window_seconds != settings.windows.seconds:
        raise OperatorError(
            f"counts with windows of {window_seconds} s wait for a worker with windows of "
            f"{settings.windows.seconds} s: use new topics after changing windows.length"
        )
    if dimensions != settings.ingest.dimensions:
        raise OperatorError(
            f"counts by {', '.join(dimensions)} wait for a worker that counts by "
            f"{', '.join(settings.ingest.dimensions)}: use new topics after changing "
            "ingest.dimensions"
        )
