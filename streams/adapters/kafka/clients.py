"""Settings of the librdkafka clients, each with the reason for its value."""

import logging
from typing import Any

from streams.config import KafkaSettings

ClientSettings = dict[str, Any]
"""Settings of a client, as librdkafka names them."""

MAXIMUM_MESSAGE_BYTES = 16 * 1024 * 1024
"""Largest message of opwatch's own topics: a window of ten thousand series fits with room."""

TRANSACTION_TIMEOUT_MS = 15_000
"""How long a worker that died in a transaction can hold up readers, at most."""

REQUEST_SECONDS = 30.0
"""Patience with the broker before a call is given up."""


def consumer_settings(kafka: KafkaSettings, group: str) -> ClientSettings:
    """Give the settings of a consumer that reads committed data and commits by hand."""
    return {
        **_common(kafka),
        "group.id": group,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "earliest",
        "isolation.level": "read_committed",
        "session.timeout.ms": int(kafka.session_timeout.total_seconds() * 1000),
        "heartbeat.interval.ms": int(kafka.session_timeout.total_seconds() * 1000 / 5),
        "partition.assignment.strategy": "range",
        "enable.partition.eof": True,
        # With the default of 1000 a full queue halts fetching for a second: a third of the
        # throughput.
        "fetch.queue.backoff.ms": 5,
        "queued.min.messages": 100_000,
        "queued.max.messages.kbytes": 65_536,
        "fetch.message.max.bytes": 4 * 1024 * 1024,
        "receive.message.max.bytes": 256 * 1024 * 1024,
    }


def producer_settings(kafka: KafkaSettings, transactional_id: str) -> ClientSettings:
    """Give the settings of a transactional producer."""
    return {
        **_common(kafka),
        "transactional.id": transactional_id,
        "transaction.timeout.ms": TRANSACTION_TIMEOUT_MS,
        "linger.ms": 0,
        # Blocks and snapshots are compressed already, and Faust's client reads no zstd by itself.
        "compression.type": "none",
        "message.max.bytes": MAXIMUM_MESSAGE_BYTES,
    }


def plain_producer_settings(kafka: KafkaSettings) -> ClientSettings:
    """Give the settings of a producer of many small events, without transactions."""
    return {**_common(kafka), "linger.ms": 50, "compression.type": "zstd"}


def admin_settings(kafka: KafkaSettings) -> ClientSettings:
    """Give the settings of an administrative client."""
    return {**_common(kafka)}


def _common(kafka: KafkaSettings) -> ClientSettings:
    return {
        "bootstrap.servers": kafka.bootstrap,
        "client.id": kafka.application,
        "logger": _ClientLog(),
        "log_level": 2,
        **kafka.client,
    }


class _ClientLog:
    """Takes what librdkafka writes to standard error by itself.

    What goes wrong comes back from the calls and is told by us, in one line; librdkafka would
    repeat it every second.
    """

    def log(self, _: int, text: str, *arguments: object) -> None:
        """Log a line as something for developers, whatever level librdkafka gives it."""
        logging.getLogger("confluent_kafka").debug(text, *arguments)
