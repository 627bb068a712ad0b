"""Operations counted the plain way, to compare what opwatch counted with."""

import json
from collections import Counter
from datetime import datetime
from pathlib import Path

from streams.replay.inputs import read_events
from streams.windows.closed_codec import decode_closed

Counts = Counter[tuple[str, int, str]]
"""Operations by series (its values, joined), window and kind."""


def counted(path: Path, seconds: int) -> Counts:
    """Count a file of outcome events the plain way: every id once, whenever it came.

    Args:
        path: The file.
        seconds: Length of a window.
    """
    counts: Counts = Counter()
    seen: set[str] = set()
    for event in (json.loads(line) for batch in read_events(path) for line in batch.lines):
        if event["id"] in seen:
            continue
        seen.add(event["id"])
        instant = datetime.fromisoformat(event["time"]).timestamp()
        series = "/".join(
            event.get(name) or "unknown" for name in ("region", "os", "vm_type", "operation")
        )
        cell = (series, int(instant // seconds))
        if event.get("fault") == "caller" and event["outcome"] in ("failure", "timeout"):
            counts[*cell, "caller_faults"] += 1
        elif event["outcome"] == "cancelled":
            counts[*cell, "cancelled"] += 1
        else:
            counts[*cell, "trials"] += 1
            counts[*cell, "failures"] += event["outcome"] in ("failure", "timeout")
    return +counts


def counted_windows(messages: list[bytes]) -> Counts:
    """Add up the closed windows and late outcomes that a live worker wrote."""
    counts: Counts = Counter()
    for message in messages:
        cells = decode_closed(message).cells
        for name in ("trials", "failures", "cancelled", "caller_faults"):
            for key, window, count in zip(
                cells.keys(), cells.windows.tolist(), getattr(cells, name).tolist(), strict=True
            ):
                counts["/".join(key), window, name] += count
    return +counts
