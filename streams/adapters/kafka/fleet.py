"""A simulated fleet that publishes to Kafka, at once or as time passes."""

import math
import time
from collections.abc import Callable
from threading import Event

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from streams.adapters.kafka.clients import REQUEST_SECONDS, plain_producer_settings
from streams.adapters.kafka.transactions import reason
from streams.config import Settings
from streams.domain.errors import OperatorError, OutsideSystemError
from streams.ports import Clock
from streams.scenarios.live import Happening, Live, Subject, happenings

TICK_SECONDS = 0.05
"""How much too early an event may be: sleeping for every single one would cost more than it."""

FULL_SECONDS = 0.02
FLUSH_EVERY = 2_000
"""Events between two looks at whether Kafka takes them: a minute of the default fleet."""


class FleetProducer:
    """Publishes what a scenario's fleet does, outcomes in turn over the partitions."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        """Connect.

        Args:
            settings: Where Kafka is and how the topics are called.
            clock: Processing time.

        Raises:
            OperatorError: The topics are missing.
            OutsideSystemError: Kafka does not answer.
        """
        self._kafka = settings.kafka
        self._topics = settings.topics
        self._clock = clock
        self._producer = Producer(plain_producer_settings(settings.kafka))
        self._refused: KafkaError | None = None
        self.sent = 0
        self._partitions = self._count_partitions()

    def publish(
        self, live: Live, stop: Event, is_full: Callable[[int], bool] = lambda _: False
    ) -> bool:
        """Publish a scenario until all is published or it is told to stop.

        Args:
            live: The scenario; what is overdue is published at once.
            stop: Tells it to stop.
            is_full: Asked with the number of outcomes sent whether readers must catch up first.

        Returns:
            Whether all has been published.

        Raises:
            OutsideSystemError: Kafka does not take it.
        """
        begun: float | None = None
        for number, one in enumerate(happenings(live), start=1):
            if number % FLUSH_EVERY == 0:
                self._flush()
                while is_full(self.sent) and not stop.is_set():
                    time.sleep(FULL_SECONDS)
            if begun is None and one.time >= live.since:
                begun = self._clock.now()
            if not self._await(live.due(one.time, begun or 0.0), stop):
                break
            self._send(one)
        self._flush()
        return not stop.is_set()

    def _send(self, one: Happening) -> None:
        if one.subject is Subject.RELEASE:
            self._producer.produce(self._topics.releases, one.line, on_delivery=self._delivered)
            return
        self._producer.produce(
            self._topics.outcomes,
            one.line,
            partition=self.sent % self._partitions,
            on_delivery=self._delivered,
        )
        self.sent += 1

    def _await(self, due: float, stop: Event) -> bool:
        """Wait until it is time; False if it is time to stop."""
        if due == -math.inf:
            return not stop.is_set()
        while (wait := due - self._clock.now()) > TICK_SECONDS:
            self._producer.poll(0)
            if stop.wait(min(wait, 1.0)):
                return False
        return not stop.is_set()

    def _flush(self) -> None:
        waiting = self._producer.flush(REQUEST_SECONDS)
        if self._refused is not None:
            raise self._failure(self._refused.str())
        if waiting:
            raise self._failure(f"it took nothing for {REQUEST_SECONDS:.0f} s")

    def _delivered(self, error: KafkaError | None, _: Message) -> None:
        self._refused = self._refused or error

    def _count_partitions(self) -> int:
        try:
            known = self._producer.list_topics(timeout=REQUEST_SECONDS).topics
        except KafkaException as error:
            raise self._failure(reason(error)) from error
        for name in (self._topics.outcomes, self._topics.releases):
            if name not in known:
                raise OperatorError(
                    f"there is no topic {name} in Kafka at {self._kafka.bootstrap}; "
                    "create it with opwatch topics create"
                )
        return len(known[self._topics.outcomes].partitions)

    def _failure(self, why: str) -> OutsideSystemError:
        return OutsideSystemError(
            f"cannot publish the simulated fleet to Kafka at {self._kafka.bootstrap}: {why}"
        )
