"""Prometheus' remote write, version 1: snappy-compressed protocol buffers over HTTP.

The messages are described in code, with the numbers of prometheus/prompb/remote.proto and
types.proto: two small messages do not want a compiler in the build.
"""

import http.client
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import cramjam
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from streams.domain.errors import OperatorError, OutsideSystemError
from streams.ports import TimedSeries

MOST_SAMPLES = 20_000
"""Samples in a request: about 100 KB on the wire."""

TIMEOUT_S = 60.0
PAUSES_S = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0)
"""Between attempts when the server is overloaded or away."""

_TOO_MANY, _NOT_FOUND, _SERVER_FAULT = 429, 404, 500
_SAID = 300
"""Characters of an answer that are told."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a server would not take, and sending again would not change.

    Attributes:
        samples: How many samples.
        first: Time of the earliest, in seconds since the epoch.
        last: Time of the latest.
        why: What the server says.
    """

    samples: int
    first: float
    last: float
    why: str


class RemoteWrite:
    """Sends samples to a server that takes remote write."""

    def __init__(
        self, url: str, headers: Mapping[str, str], sleep: Callable[[float], object]
    ) -> None:
        """Say where to.

        Args:
            url: The whole address, such as http://127.0.0.1:9090/api/v1/write.
            headers: Further headers, such as Authorization; they are never told to anybody else.
            sleep: Waits so many seconds.

        Raises:
            OperatorError: It is no address.
        """
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise OperatorError(
                f"--remote-write {url}: give the whole address, such as "
                "http://127.0.0.1:9090/api/v1/write"
            )
        if parts.password is not None:
            raise OperatorError("--remote-write: put a password into --headers, not the address")
        self._url = url
        self._headers = dict(headers)
        self._sleep = sleep

    def send(self, series: Sequence[TimedSeries]) -> list[Refusal]:
        """Send samples, in requests of bounded size.

        Args:
            series: Series with their samples in time order; the server has nothing later of them.

        Returns:
            What was refused for good, such as samples that are too old.

        Raises:
            OperatorError: The server takes no remote write, or not from us.
            OutsideSystemError: It does not answer, or only with failures, for long.
        """
        return [one for part in _parts(series) if (one := self._post(part)) is not None]

    def _post(self, series: Sequence[TimedSeries]) -> Refusal | None:
        body = bytes(cramjam.snappy.compress_raw(_encoded(series)))
        for pause in (*PAUSES_S, None):
            status, said = self._answer(body)
            if status in {0, _TOO_MANY} or status >= _SERVER_FAULT:
                if pause is None:
                    break
                self._sleep(pause)
                continue
            if status < http.client.BAD_REQUEST:
                return None
            if status == http.client.BAD_REQUEST:
                return _refusal(series, said)
            raise OperatorError(self._misdirected(status, said))
        raise OutsideSystemError(f"{self._url} does not take samples: {said or status}")

    def _answer(self, body: bytes) -> tuple[int, str]:
        """Send one request; give its status, 0 without an answer, and what was said."""
        request = urllib.request.Request(  # noqa: S310 http or https, checked
            self._url,
            data=body,
            method="POST",
            headers={
                "Content-Encoding": "snappy",
                "Content-Type": "application/x-protobuf",
                "User-Agent": "opwatch",
                "X-Prometheus-Remote-Write-Version": "0.1.0",
                **self._headers,
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
                return int(answer.status), ""
        except urllib.error.HTTPError as error:
            with error:
                said = error.read(_SAID).decode(errors="replace")
            return error.code, " ".join(said.split())
        except (OSError, http.client.HTTPException) as error:
            return 0, " ".join(str(getattr(error, "reason", error)).split())

    def _misdirected(self, status: int, said: str) -> str:
        if status == _NOT_FOUND:
            return (
                f"{self._url} takes no remote write: a Prometheus needs "
                "--web.enable-remote-write-receiver, and the path is /api/v1/write"
            )
        return f"{self._url} answers {status}: {said or http.client.responses.get(status, '')}"


def _parts(series: Sequence[TimedSeries]) -> list[list[TimedSeries]]:
    """Cut series into requests; the samples of one series in a slice stay together."""
    parts: list[list[TimedSeries]] = [[]]
    held = 0
    for one in series:
        if held + len(one.values) > MOST_SAMPLES and parts[-1]:
            parts.append([])
            held = 0
        parts[-1].append(one)
        held += len(one.values)
    return parts if series else []


def _refusal(series: Sequence[TimedSeries], said: str) -> Refusal:
    return Refusal(
        sum(len(one.values) for one in series),
        min(one.instants[0] for one in series) / 1000,
        max(one.instants[-1] for one in series) / 1000,
        said,
    )


def _encoded(series: Sequence[TimedSeries]) -> bytes:
    request = _WRITE_REQUEST()
    for one in series:
        written = request.timeseries.add()
        for name, value in one.labels:
            written.labels.add(name=name, value=value)
        for number, instant in zip(one.values, one.instants, strict=True):
            written.samples.add(value=number, timestamp=instant)
    return bytes(request.SerializeToString())


def _write_request() -> Any:  # noqa: ANN401 a class made at run time
    """Make the class of the message `prometheus.WriteRequest`."""
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name="opwatch/remote.proto", package="prometheus", syntax="proto3"
    )
    for message, fields in {
        "Label": [("name", field.TYPE_STRING, ""), ("value", field.TYPE_STRING, "")],
        "Sample": [("value", field.TYPE_DOUBLE, ""), ("timestamp", field.TYPE_INT64, "")],
        "TimeSeries": [
            ("labels", field.TYPE_MESSAGE, ".prometheus.Label"),
            ("samples", field.TYPE_MESSAGE, ".prometheus.Sample"),
        ],
        "WriteRequest": [("timeseries", field.TYPE_MESSAGE, ".prometheus.TimeSeries")],
    }.items():
        described = file.message_type.add(name=message)
        for number, (name, kind, of) in enumerate(fields, 1):
            label = field.LABEL_REPEATED if of else field.LABEL_OPTIONAL
            described.field.add(
                name=name, number=number, type=kind, label=label, type_name=of or None
            )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("prometheus.WriteRequest"))


_WRITE_REQUEST = _write_request()
