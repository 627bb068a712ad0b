"""The readable range of a partition, asked again while the broker is changing its mind."""

import time

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from streams.adapters.kafka.clients import REQUEST_SECONDS

# librdkafka marks errors of this call neither way, so the ones that pass are named.
PASSING = frozenset(
    {
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
    }
)

PAUSE_SECONDS = 0.2
"""Between two attempts: a partition that was just made, or moved, has a leader within seconds."""


def readable_range(consumer: Consumer, where: TopicPartition) -> tuple[int, int]:
    """Give the first readable offset of a partition, and the first that is not there yet.

    Args:
        consumer: Any consumer; its isolation level decides what is readable.
        where: The partition.

    Raises:
        KafkaException: The broker did not answer, or not what could be tried again.
    """
    deadline = time.monotonic() + REQUEST_SECONDS
    while True:
        try:
            low, high = consumer.get_watermark_offsets(where, timeout=REQUEST_SECONDS)
        except KafkaException as error:
            if error.args[0].code() not in PASSING or time.monotonic() > deadline:
                raise
            time.sleep(PAUSE_SECONDS)
        else:
            return low, high
