"""Messages of ingest: records out of Kafka, and what a flush has to write."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, cast

from confluent_kafka import Message

from streams.adapters.kafka.clients import MAXIMUM_MESSAGE_BYTES
from streams.config import TopicSettings
from streams.domain.outcomes import DeadLetter, LateOutcome, SourcePartition
from streams.ports import OutgoingMessage
from streams.stages.ingest import Flush, RecordBatch
from streams.windows.codec import encode_block

if TYPE_CHECKING:
    from streams.formats.cloudevents import Headers

KEPT_BYTES = MAXIMUM_MESSAGE_BYTES - 65_536
"""A dead letter's value is cut here; its coordinates still lead to the whole."""


def record_batch(source: SourcePartition, messages: Sequence[Message]) -> RecordBatch:
    """Give the messages of one partition to the stage; none of them is an error."""
    headers = cast("list[Headers | None]", list(map(Message.headers, messages)))
    times = [milliseconds / 1000 for _, milliseconds in map(Message.timestamp, messages)]
    return RecordBatch(
        source=source,
        values=list(map(Message.value, messages)),
        offsets=cast("list[int]", list(map(Message.offset, messages))),
        headers=headers if any(headers) else None,
        # Without a record time a message has a negative one, and every event would be ahead of it.
        times=times if min(times) >= 0 else None,
    )


def flush_messages(flush: Flush, topics: TopicSettings) -> Iterator[OutgoingMessage]:
    """Give everything a flush has to write: counts blocks, late outcomes and dead letters."""
    counts = topics.named("counts")
    for partition, blocks in sorted(flush.blocks.items()):
        for block in blocks:
            yield OutgoingMessage(counts, encode_block(block), partition=partition)
    for late in flush.late:
        yield OutgoingMessage(
            topics.named("late"), late.value, partition=0, headers=_late_headers(late)
        )
    for letter in flush.dead_letters:
        value = None if letter.value is None else letter.value[:KEPT_BYTES]
        yield OutgoingMessage(
            topics.named("dead-letters"), value, partition=0, headers=_dead_letter_headers(letter)
        )


def _late_headers(late: LateOutcome) -> tuple[tuple[str, bytes], ...]:
    return (*_coordinates(late.source, late.offset), ("opwatch-window", str(late.window).encode()))


def _dead_letter_headers(letter: DeadLetter) -> tuple[tuple[str, bytes], ...]:
    return (
        *_coordinates(letter.source, letter.offset),
        ("opwatch-reason", letter.reason.value.encode()),
        ("opwatch-detail", letter.detail.encode()),
    )


def _coordinates(source: SourcePartition, offset: int) -> tuple[tuple[str, bytes], ...]:
    return (
        ("opwatch-topic", source.topic.encode()),
        ("opwatch-partition", str(source.partition).encode()),
        ("opwatch-offset", str(offset).encode()),
    )
