"""A Kafka broker inside this process, for the demo and nothing else.

It is the mock cluster of librdkafka, the library inside confluent-kafka, reached through the public
functions of its header ``rdkafka_mock.h``. ``docs/decisions/0001-embedded-broker.md`` has reasons
and the measurements. What a user of this module must know:

- About 5 MB a partition are kept; a reader that falls further behind loses the oldest batches.
- Transactions are not isolated, and offsets sent in one are forgotten: one worker, started once.
- The markers that end a transaction have no valid checksum. librdkafka does not look; Faust must be
  told not to (``broker_check_crcs=False``), or it stops at the first marker.
- A consumer that rejoins its group waits until the session of the one before it has expired.
"""

import ctypes
from collections.abc import Mapping
from typing import Self

from confluent_kafka import cimpl

from streams.domain.errors import OutsideSystemError

_PRODUCER = 0  # RD_KAFKA_PRODUCER of rdkafka.h
_NO_ERROR = 0  # RD_KAFKA_RESP_ERR_NO_ERROR
_ERROR_BYTES = 512  # what librdkafka's own examples reserve for a message
_LOG_CRITICAL = b"2"  # syslog level: without it librdkafka warns that this client has no servers


class EmbeddedBrokerError(OutsideSystemError):
    """The embedded broker could not be started or refused a topic."""


class EmbeddedBroker:
    """One broker on a free port of the loopback interface, alive until ``close``.

    Attributes:
        bootstrap: ``host:port`` for the clients.

    Raises:
        EmbeddedBrokerError: this build of confluent-kafka has no mock cluster, or it did not start.
    """

    def __init__(self) -> None:
        self._library = _load()
        self._client = _new_client(self._library)
        self._cluster = self._library.rd_kafka_mock_cluster_new(self._client, 1)
        if not self._cluster:
            self._library.rd_kafka_destroy(self._client)
            raise EmbeddedBrokerError("librdkafka could not start its mock cluster")
        # The default of 3 s is for groups whose members start one after another; here it is one.
        self._library.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, 0)
        self.bootstrap: str = self._library.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()

    def create_topics(self, partitions: Mapping[str, int]) -> None:
        """Create topics. A topic that is merely used comes into being with 4 partitions.

        Args:
            partitions: topic name to its number of partitions.

        Raises:
            EmbeddedBrokerError: a topic exists already or cannot have this number of partitions.
        """
        for topic, count in partitions.items():
            error = self._library.rd_kafka_mock_topic_create(
                self._cluster, topic.encode(), count, 1
            )
            if error != _NO_ERROR:
                reason = self._library.rd_kafka_err2str(error).decode()
                message = f"topic {topic!r} with {count} partitions: {reason}"
                raise EmbeddedBrokerError(message)

    def close(self) -> None:
        """Stop the broker and forget everything in it. Closing twice is harmless."""
        if self._cluster:
            self._library.rd_kafka_mock_cluster_destroy(self._cluster)
            self._library.rd_kafka_destroy(self._client)
            self._cluster = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _load() -> ctypes.CDLL:
    """The librdkafka that confluent-kafka has loaded, with the types of the functions used here."""
    library = ctypes.CDLL(cimpl.__file__)
    pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    signatures = {
        "rd_kafka_conf_new": (pointer, []),
        "rd_kafka_conf_set": (number, [pointer, text, text, text, ctypes.c_size_t]),
        "rd_kafka_new": (pointer, [number, pointer, text, ctypes.c_size_t]),
        "rd_kafka_destroy": (None, [pointer]),
        "rd_kafka_err2str": (text, [number]),
        "rd_kafka_mock_cluster_new": (pointer, [pointer, number]),
        "rd_kafka_mock_cluster_destroy": (None, [pointer]),
        "rd_kafka_mock_cluster_bootstraps": (text, [pointer]),
        "rd_kafka_mock_group_initial_rebalance_delay_ms": (None, [pointer, ctypes.c_int32]),
        "rd_kafka_mock_topic_create": (number, [pointer, text, number, number]),
    }
    for name, (result, arguments) in signatures.items():
        try:
            function = getattr(library, name)
        except AttributeError as error:
            message = f"this build of confluent-kafka has no {name}, which the demo's broker needs"
            raise EmbeddedBrokerError(message) from error
        function.restype, function.argtypes = result, arguments
    return library


def _new_client(library: ctypes.CDLL) -> int:
    """The handle of a librdkafka client, which a mock cluster needs for its threads."""
    error = ctypes.create_string_buffer(_ERROR_BYTES)
    settings = library.rd_kafka_conf_new()
    library.rd_kafka_conf_set(settings, b"log_level", _LOG_CRITICAL, error, _ERROR_BYTES)
    client: int | None = library.rd_kafka_new(_PRODUCER, settings, error, _ERROR_BYTES)
    if client is None:
        message = f"librdkafka made no client: {error.value.decode(errors='replace')}"
        raise EmbeddedBrokerError(message)
    return client
