"""Topics: which there are, how they are made, and whether they are as they should be."""

from dataclasses import dataclass, field

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from streams.adapters.kafka.clients import (
    MAXIMUM_MESSAGE_BYTES,
    REQUEST_SECONDS,
    admin_settings,
)
from streams.adapters.kafka.transactions import reason
from streams.config import Settings
from streams.domain.errors import OperatorError, OutsideSystemError

_COMPACTED = {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.1"}
_LARGE = {"max.message.bytes": str(MAXIMUM_MESSAGE_BYTES)}
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class TopicPlan:
    """A topic opwatch needs; `partitions` None means that any number will do."""

    name: str
    partitions: int | None
    config: dict[str, str] = field(default_factory=dict)


def planned_topics(settings: Settings) -> tuple[TopicPlan, ...]:
    """Give every topic of an installation, the two it only reads first."""
    topics, parts = settings.topics, settings.topics.counts_partitions
    two_days = {"retention.ms": str(2 * _DAY_MS)}
    two_weeks = {"retention.ms": str(14 * _DAY_MS)}
    return (
        TopicPlan(topics.outcomes, None),
        TopicPlan(topics.releases, None, {"retention.ms": "-1"}),
        TopicPlan(topics.named("counts"), parts, {**_LARGE, **two_days}),
        TopicPlan(topics.named("windows"), 1, {**_LARGE, **two_weeks}),
        TopicPlan(topics.named("change-points"), 1, dict(_COMPACTED)),
        TopicPlan(topics.named("incidents"), 1, dict(_COMPACTED)),
        TopicPlan(topics.named("late"), 1, {**_LARGE, **two_weeks}),
        TopicPlan(topics.named("dead-letters"), 1, {**_LARGE, **two_weeks}),
        TopicPlan(topics.named("judge-snapshots"), parts, {**_LARGE, **_COMPACTED}),
        TopicPlan(topics.named("incidents-snapshots"), 1, {**_LARGE, **_COMPACTED}),
    )


def partition_counts(settings: Settings) -> dict[str, int]:
    """Give the number of partitions of every topic there is.

    Raises:
        OperatorError: A setting in `kafka.client` is none of librdkafka's.
        OutsideSystemError: The broker does not answer.
    """
    client = _client(settings)
    try:
        listed = client.list_topics(timeout=REQUEST_SECONDS / 3)
    except KafkaException as error:
        message = (
            f"Kafka at {settings.kafka.bootstrap} does not answer ({reason(error)}): "
            "is it running, and is kafka.bootstrap right?"
        )
        raise OutsideSystemError(message) from error
    return {name: len(topic.partitions) for name, topic in listed.topics.items()}


def check_topics(settings: Settings) -> list[str]:
    """Give what is wrong with the topics, a line each; nothing if they are as they should be."""
    found = partition_counts(settings)
    problems = []
    for plan in planned_topics(settings):
        partitions = found.get(plan.name)
        if partitions is None:
            problems.append(f"topic {plan.name} does not exist: run `opwatch topics create`")
        elif plan.partitions is not None and partitions != plan.partitions:
            problems.append(
                f"topic {plan.name} has {partitions} partitions, not {plan.partitions}: "
                "use another topics.prefix, or set topics.counts_partitions to what it has"
            )
    return problems


def create_topics(settings: Settings, source_partitions: int = 4) -> list[str]:
    """Create the topics that are missing.

    Args:
        settings: The installation's settings.
        source_partitions: Partitions of a source topic that does not exist yet.

    Returns:
        A line for each topic created.

    Raises:
        OutsideSystemError: The broker does not answer, or refuses a topic.
    """
    found = partition_counts(settings)
    missing = [plan for plan in planned_topics(settings) if plan.name not in found]
    if not missing:
        return []
    wanted = [
        NewTopic(
            plan.name,
            num_partitions=plan.partitions or source_partitions,
            replication_factor=settings.topics.replication,
            config=plan.config,
        )
        for plan in missing
    ]
    # Patience is librdkafka's: it says what went wrong, an impatient future would not.
    client = _client(settings)  # must live until the answers are there
    asked = client.create_topics(
        wanted, operation_timeout=REQUEST_SECONDS, request_timeout=REQUEST_SECONDS
    )
    for name, made in asked.items():
        try:
            made.result()
        except KafkaException as error:
            message = f"Kafka refused to create topic {name}: {reason(error)}"
            raise OutsideSystemError(message) from error
    return [f"created {topic.topic} with {topic.num_partitions} partitions" for topic in wanted]


def _client(settings: Settings) -> AdminClient:
    try:
        return AdminClient(admin_settings(settings.kafka))
    except KafkaException as error:
        raise OperatorError(f"settings [kafka] and [kafka.client]: {reason(error)}") from error
