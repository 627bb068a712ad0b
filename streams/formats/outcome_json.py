"""Outcome events: bytes to columns, alone or as the data of a CloudEvent.

Every value is decoded alone, by one typed decoder that the interpreter's loop never leaves. Joining
the values of a batch with commas and decoding one list was measured slower (775 against 686 ns an
event: the joined copy falls out of the cache) and can be fooled by a value such as `{..},{..}`
beside an empty one; this way each value is one JSON document or it is none.

What the contract leaves open: of two equal keys in an object the last one counts; unknown fields
are passed over unread, as long as they are JSON; an empty string is a value here and "unknown"
later.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import cast

import msgspec
import numpy as np

from streams.domain.outcomes import DeadLetterReason
from streams.domain.time import EARLIEST, LATEST
from streams.formats.cloudevents import (
    Envelope,
    Headers,
    has_envelope,
    open_envelope,
    open_structured,
)
from streams.formats.instants import Bool, Float64, Int64, instants
from streams.formats.outcome_contract import EVENT_TYPE, EventId, OutcomeData, OutcomeEvent
from streams.formats.rejections import Rejection, explain, reject

_MARK = b'"specversion"'
_CHUNK = 512
"""Values decoded at once. 10,000 events do not fit into a processor's cache: reading them again
costs more than decoding them, 1850 against 1320 ns an event in all."""

_decode_event = msgspec.json.Decoder(OutcomeEvent).decode
_decode_data = msgspec.json.Decoder(OutcomeData).decode


Numbering = Callable[[Sequence[OutcomeData]], Int64]
"""Gives each outcome the number of its series."""


@dataclass(frozen=True, slots=True)
class OutcomeBatch:
    """N decoded outcomes of consecutive records, as columns.

    Attributes:
        rows: (N,) which record each comes from, ascending.
        ids: (N,) what makes each unique.
        times: (N,) event times, in seconds since the epoch.
        started: (N,) when the operation was accepted, in seconds since the epoch; NaN where
            unknown.
        series: (N,) number of the series of each.
        others_at: (M,) positions of the outcomes that are no success, ascending.
        others: (M,) what the contract says about those.
    """

    rows: Int64
    ids: Sequence[EventId]
    times: Float64
    started: Float64
    series: Int64
    others_at: Int64
    others: Sequence[OutcomeData]

    def keep(self, mask: Bool) -> "OutcomeBatch":
        """Keep some outcomes.

        Args:
            mask: (N,) whether to keep each.
        """
        if mask.all():
            return self
        kept = mask[self.others_at]
        return OutcomeBatch(
            rows=self.rows[mask],
            ids=list(compress(self.ids, mask.tolist())),
            times=self.times[mask],
            started=self.started[mask],
            series=self.series[mask],
            others_at=(np.cumsum(mask) - 1)[self.others_at[kept]],
            others=list(compress(self.others, kept.tolist())),
        )


Rejections = list[tuple[int, Rejection]]
"""Records that are no outcomes: (row, why)."""


def decode_outcomes(
    values: Sequence[bytes | None],
    headers: Sequence[Headers | None] | None,
    maximum_bytes: int,
    number: Numbering,
) -> tuple[OutcomeBatch, Rejections]:
    """Decode consecutive records.

    Args:
        values: Values of the records.
        headers: Headers of each record, or None where no record has any.
        maximum_bytes: Larger values are refused unread.
        number: Numbers the series of outcomes.

    Returns:
        The outcomes, and the records that are none. Each record is in exactly one of the two.
    """
    announced = headers is not None and any(map(has_envelope, headers))
    columns = _Columns(number)
    for start in range(0, len(values), _CHUNK):
        chunk = values[start : start + _CHUNK]
        if announced or max(map(len, filter(None, chunk)), default=0) > maximum_bytes:
            own = [None] * len(chunk) if headers is None else headers[start : start + _CHUNK]
            pairs = zip(chunk, own, strict=True)
            columns.sort_out(start, [_decode_one(*pair, maximum_bytes) for pair in pairs])
            continue
        decoded, plain = _decode_plain(chunk)
        if plain:
            events = cast("list[OutcomeEvent]", decoded)
            ids, texts = [one.id for one in events], [one.time for one in events]
            columns.add(range(start, start + len(chunk)), events, ids, texts)
        else:
            columns.sort_out(start, decoded)
    return columns.finish()


@dataclass(frozen=True, slots=True)
class _Enveloped:
    """An outcome whose identity, and perhaps its time, is the envelope's."""

    data: OutcomeData
    id: EventId
    time: str


_Decoded = OutcomeEvent | _Enveloped | Rejection


def _decode_plain(values: Sequence[bytes | None]) -> tuple[list[_Decoded], bool]:
    """Decode values without announced envelopes; also say whether all of them were plain events."""
    decoded: list[_Decoded] = []
    plain = True
    events = map(_decode_event, cast("Sequence[bytes]", values))
    while len(decoded) < len(values):
        try:
            # `extend` keeps what it took before the decoder raised, and `map` goes on behind that
            # value.
            decoded.extend(events)
        except (ValueError, TypeError, RecursionError) as error:
            decoded.append(_second_look(values[len(decoded)], error))
            plain = False
    return decoded, plain


def _second_look(value: bytes | None, error: Exception) -> _Decoded:
    """Explain a value that is no plain event, unless it is a whole CloudEvent nobody announced.

    Files have no headers, and some producers leave out the content type.
    """
    if value is not None and isinstance(error, msgspec.ValidationError) and _MARK in value:
        envelope = open_structured(value)
        return envelope if isinstance(envelope, Rejection) else _enveloped(envelope)
    return explain(error, value)


def _decode_one(value: bytes | None, headers: Headers | None, maximum_bytes: int) -> _Decoded:
    if value is not None and len(value) > maximum_bytes:
        detail = f"{len(value)} bytes, more than {maximum_bytes}"
        return reject(DeadLetterReason.TOO_LARGE, detail)
    envelope = open_envelope(value, headers)
    if envelope is None:
        return _decode_plain([value])[0][0]
    return envelope if isinstance(envelope, Rejection) else _enveloped(envelope)


def _enveloped(envelope: Envelope) -> _Enveloped | Rejection:
    if envelope.type != EVENT_TYPE:
        return reject(DeadLetterReason.UNSUPPORTED, f"CloudEvent of type {envelope.type!r}")
    try:
        data = _decode_data(envelope.data)
    except (ValueError, RecursionError) as error:
        return explain(error, envelope.data)
    time = data.time if data.time is not None else envelope.time
    if time is None:
        return reject(DeadLetterReason.INVALID, "neither the data nor the CloudEvent has a time")
    return _Enveloped(data, (envelope.source, envelope.id), time)


class _Columns:
    """Collects what is wanted of decoded events, which may then go while they are in the cache."""

    def __init__(self, number: Numbering) -> None:
        self._number = number
        self._rows: list[int] = []
        self._ids: list[EventId] = []
        self._texts: list[str] = []
        self._started: list[str | None] = []
        self._series: list[Int64] = [np.empty(0, np.int64)]
        self._others_at: list[int] = []
        self._others: list[OutcomeData] = []
        self._rejections: Rejections = []

    def add(
        self,
        rows: Sequence[int],
        events: Sequence[OutcomeData],
        ids: Sequence[EventId],
        texts: Sequence[str],
    ) -> None:
        """Take N events, with what identifies them and the texts of their times."""
        for place, event in enumerate(events, len(self._rows)):
            if event.outcome != "success":
                self._others_at.append(place)
                self._others.append(event)
        self._rows.extend(rows)
        self._ids.extend(ids)
        self._texts.extend(texts)
        self._started.extend([event.started for event in events])
        self._series.append(self._number(events))

    def sort_out(self, start: int, decoded: Sequence[_Decoded]) -> None:
        """Take what was decoded of the records from `start` on: outcomes here, rejections there."""
        rows: list[int] = []
        events: list[OutcomeData] = []
        ids: list[EventId] = []
        texts: list[str] = []
        for row, one in enumerate(decoded, start):
            if isinstance(one, Rejection):
                self._rejections.append((row, one))
                continue
            rows.append(row)
            events.append(one.data if isinstance(one, _Enveloped) else one)
            ids.append(one.id)
            texts.append(one.time)
        self.add(rows, events, ids, texts)

    def finish(self) -> tuple[OutcomeBatch, Rejections]:
        """Read the times and refuse the events that have none."""
        times = instants(self._texts)
        started, wrong = _started(self._started)
        batch = OutcomeBatch(
            rows=np.array(self._rows, np.int64),
            ids=self._ids,
            times=times,
            started=started,
            series=np.concatenate(self._series),
            others_at=np.array(self._others_at, np.int64),
            others=self._others,
        )
        in_range = (times >= EARLIEST) & (times < LATEST)  # NaN is in no range
        for place in np.flatnonzero(~in_range | wrong).tolist():
            if np.isnan(times[place]):
                why = _no_instant("time", self._texts[place])
            elif not in_range[place]:
                detail = f"time {self._texts[place]!r} is outside 1970 to 2100"
                why = reject(DeadLetterReason.TIME_OUT_OF_RANGE, detail)
            else:
                why = _no_instant("started", self._started[place])
            self._rejections.append((self._rows[place], why))
        return batch.keep(in_range & ~wrong), self._rejections


def _no_instant(field: str, text: str | None) -> Rejection:
    detail = f"{field}: {text!r:.80} is no RFC 3339 instant with an offset"
    return reject(DeadLetterReason.INVALID, detail)


def _started(texts: Sequence[str | None]) -> tuple[Float64, Bool]:
    """Give when operations were accepted (NaN: not said), and which texts are no instants."""
    if None not in texts:
        started = instants(cast("Sequence[str]", texts))
        return started, np.isnan(started)
    said = np.array([text is not None for text in texts], np.bool_)
    started = np.full(len(texts), np.nan)
    started[said] = instants([text for text in texts if text is not None])
    return started, said & np.isnan(started)
