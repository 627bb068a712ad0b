"""Questions to a running Prometheus, for tests."""

import json
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

PATIENCE_SECONDS = 100.0
"""A running Prometheus looks for new blocks once a minute."""


def instant(url: str, query: str, at: float) -> dict[str, float]:
    """Ask for the values of a query at one time.

    Returns:
        Values by their labels, each as `name=value` and joined with commas, the metric's name left
        out.
    """
    words = urllib.parse.urlencode({"query": query, "time": at})
    with urllib.request.urlopen(f"{url}/api/v1/query?{words}") as answer:  # noqa: S310 loopback
        found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
    return {
        ",".join(
            f"{name}={value}" for name, value in sorted(one["metric"].items()) if name != "__name__"
        ): float(one["value"][1])
        for one in found
    }


def once(question: Callable[[], dict[str, float]]) -> dict[str, float]:
    """Ask until there is an answer that is not empty."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (answer := question()):
        assert time.monotonic() < deadline, "nothing came"
        time.sleep(0.5)
    return answer
