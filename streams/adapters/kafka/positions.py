"""Positions of ingest, as they lie in the committed offsets of its consumer group."""

import structlog
from confluent_kafka import TopicPartition

from streams.domain.errors import OperatorError, SnapshotError
from streams.stages.records import PartitionPosition

log = structlog.get_logger(__name__)


def committed_position(known: TopicPartition, group: str) -> PartitionPosition | None:
    """Give the position that was committed with an offset; None before the first one.

    Args:
        known: The committed offset with its metadata.
        group: Name of the consumer group, for messages.

    Raises:
        OperatorError: The metadata is somebody else's.
    """
    if known.offset < 0:
        return None
    where = f"consumer group {group}, partition {known.partition} of {known.topic}"
    if not known.metadata:
        # Kafka's own tools set offsets without metadata: whoever uses them wants just this.
        log.warning("offset_set_by_hand", where=where, offset=known.offset)
        return PartitionPosition(known.offset, None, known.offset)
    try:
        return PartitionPosition.decode(known.metadata)
    except SnapshotError as error:
        raise OperatorError(
            f"{where}: {error}; is kafka.application the same as that of something else?"
        ) from error
