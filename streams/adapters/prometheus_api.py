"""The HTTP API of a Prometheus: queries, and which values a label has."""

import http.client
import json
import math
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import Any

from streams.domain.errors import OperatorError, OutsideSystemError

TIMEOUT_SECONDS = 60.0
"""Patience with one query."""


class QueryRefusedError(OutsideSystemError):
    """Prometheus does not answer the query; the message is its reason."""


@dataclass(frozen=True, slots=True)
class PrometheusApi:
    """One server.

    Attributes:
        url: Its address, such as `http://127.0.0.1:9090`; a path may follow.
        timeout: Patience with one query, in seconds.
    """

    url: str
    timeout: float = TIMEOUT_SECONDS

    def __post_init__(self) -> None:
        """Refuse what is no address of a server."""
        parts = urllib.parse.urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise OperatorError(
                f"{self.url!r} is no address of a Prometheus: write http://HOST:PORT"
            )

    def query(self, expr: str, at: float) -> list[float]:
        """Give the values that a query has at one instant.

        Args:
            expr: PromQL.
            at: Seconds since the epoch.

        Returns:
            One value a series that is no NaN.

        Raises:
            QueryRefusedError: The query is wrong, or too much for the server.
            OutsideSystemError: The server does not answer.
        """
        found = self._ask("query", {"query": expr, "time": f"{at:.3f}"})
        if found["resultType"] in {"scalar", "string"}:
            return _numbers([found["result"]])
        return _numbers(one["value"] for one in found["result"] if "value" in one)

    def query_range(self, expr: str, start: float, end: float, step: int) -> list[float]:
        """Give the values that a query has from one instant to another.

        Args:
            expr: PromQL.
            start: First instant, in seconds since the epoch.
            end: Last instant, in seconds since the epoch.
            step: Seconds from one to the next.

        Returns:
            All values of all series that are no NaN.

        Raises:
            QueryRefusedError: The query is wrong, or too much for the server.
            OutsideSystemError: The server does not answer.
        """
        words = {"query": expr, "start": f"{start:.3f}", "end": f"{end:.3f}", "step": str(step)}
        found = self._ask("query_range", words)
        return _numbers(pair for one in found["result"] for pair in one.get("values", ()))

    def label_values(self, label: str, selector: str, start: float, end: float) -> list[str]:
        """Give the values that a label has in some series.

        Args:
            label: Its name.
            selector: Which series.
            start: First instant, in seconds since the epoch.
            end: Last instant, in seconds since the epoch.

        Raises:
            QueryRefusedError: The selector is wrong.
            OutsideSystemError: The server does not answer.
        """
        words = {"match[]": selector, "start": f"{start:.3f}", "end": f"{end:.3f}"}
        path = f"label/{urllib.parse.quote(label)}/values?{urllib.parse.urlencode(words)}"
        return [str(value) for value in self._ask(path, None)]

    def _ask(self, path: str, words: dict[str, str] | None) -> Any:  # noqa: ANN401 JSON
        url = f"{self.url.rstrip('/')}/api/v1/{path}"
        body = None if words is None else urllib.parse.urlencode(words).encode()
        request = urllib.request.Request(url, data=body)  # noqa: S310 http or https, see above
        try:
            with urllib.request.urlopen(request, timeout=self.timeout) as answer:  # noqa: S310
                text = answer.read()
        except urllib.error.HTTPError as error:
            with error:
                text = error.read()
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            if isinstance(reason, TimeoutError):
                raise QueryRefusedError(f"no answer within {self.timeout:g} s") from error
            raise OutsideSystemError(
                f"Prometheus at {self.url} does not answer: {reason}"
            ) from error
        return self._data(text)

    def _data(self, text: bytes) -> Any:  # noqa: ANN401 JSON
        try:
            answer = json.loads(text)
            if answer["status"] == "success":
                return answer["data"]
            reason = f"{answer['errorType']}: {answer['error']}"
        except (ValueError, KeyError, TypeError) as error:
            start = text[:80].decode(errors="replace")
            raise OutsideSystemError(
                f"what answers at {self.url} is no Prometheus: {start!r}; check the address"
            ) from error
        raise QueryRefusedError(reason)


def _numbers(pairs: Any) -> list[float]:  # noqa: ANN401 JSON
    return [value for _, text in pairs if not math.isnan(value := float(text))]
