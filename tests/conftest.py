"""What all tests stand on: signals, no deadlines, one Apache Kafka for the whole session."""

import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from servers.kafka_server import KafkaServer, TopicMaker, running_server

# A shell that starts the tests in the background has them ignore Ctrl-C, and so the commands that
# they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes says more about the machine than about the code.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def kafka() -> Iterator[str]:
    """Address of an Apache Kafka: the one named in ``OPWATCH_TEST_KAFKA``, else one of our own."""
    running = running_server()
    if running is not None:
        yield running
        return
    with KafkaServer() as server:
        yield server.bootstrap


@pytest.fixture
def fresh_topics(kafka: str) -> TopicMaker:
    """Creates topics that no other test uses: ``fresh_topics("a", "b", partitions=2)``."""
    return TopicMaker(kafka)
