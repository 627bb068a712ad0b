"""The readable range of a partition while its leader changes."""

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from streams.adapters.kafka.offsets import readable_range

WHERE = TopicPartition("topic", 0)


class Moody(Consumer):
    """A consumer whose broker fails a few times before it answers."""

    def __init__(self, *errors: KafkaError) -> None:
        super().__init__({"bootstrap.servers": "127.0.0.1:1", "group.id": "g", "log_level": 0})
        self.errors = list(errors)

    def get_watermark_offsets(self, *_: object, **__: object) -> tuple[int, int]:
        """Fail as long as there are errors left."""
        if self.errors:
            raise KafkaException(self.errors.pop(0))
        return 3, 7


def test_a_partition_without_a_leader_is_asked_again() -> None:
    """A topic that was just made answers NOT_LEADER for a moment."""
    error = KafkaError(KafkaError.NOT_LEADER_FOR_PARTITION, "not leader")
    assert readable_range(Moody(error, error), WHERE) == (3, 7)


def test_what_cannot_be_tried_again_is_raised_at_once() -> None:
    """An unknown topic does not come into being by asking."""
    consumer = Moody(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED, "no"))
    with pytest.raises(KafkaException, match="no"):
        readable_range(consumer, WHERE)
