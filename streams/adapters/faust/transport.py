"""Faust's Kafka transport, set right in the respects opwatch depends on.

These are known troubles of faust-streaming 0.15.3 and aiokafka 0.14.0; later versions may not need
them, so the pins and this module go together (see docs/decisions/0002-faust.md).
"""

import asyncio
import logging
from contextlib import suppress

import aiokafka
import faust
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

QUIET_SECONDS = 30.0
"""How long the client does not repeat itself: without a broker it complains 30 times a second."""

TALKATIVE = (
    "aiokafka",
    "aiokafka.conn",
    "aiokafka.consumer.consumer",
    "aiokafka.consumer.fetcher",
    "aiokafka.consumer.group_coordinator",
)
"""Loggers of the client; a filter of a logger does not see what its children log."""


class Seldom(logging.Filter):
    """Lets the same complaint through once in a while only."""

    def __init__(self) -> None:
        """Start without having heard anything."""
        super().__init__()
        self._told: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether a record is worth telling: what differs in its arguments only is not."""
        complaint = str(record.msg)
        if record.created - self._told.get(complaint, float("-inf")) < QUIET_SECONDS:
            return False
        self._told[complaint] = record.created
        return True


class ReadCommittedThread(driver.AIOKafkaConsumerThread):
    """Reads committed data only; by itself Faust does so only where it writes transactions."""

    logger = logging.getLogger("faust")

    def _create_worker_consumer(self, transport: driver.Transport) -> aiokafka.AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"  # noqa: SLF001 - before it starts
        return consumer

    async def on_thread_stop(self) -> None:
        """Stop the consumer; a fetch that waits for a lost broker ends with a cancellation."""
        with suppress(asyncio.CancelledError):
            await super().on_thread_stop()


class CommittedConsumer(driver.Consumer):
    """A consumer that knows transaction markers for gaps in the offsets, not for messages."""

    logger = logging.getLogger("faust")

    def _new_consumer_thread(self) -> driver.AIOKafkaConsumerThread:
        return ReadCommittedThread(self, loop=self.loop, beacon=self.beacon)

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        # Faust counts the message that ends a gap as part of it, and would commit it before it has
        # been processed.
        await super()._add_gap(tp, offset_from, offset_to - 1)


class CommittedTransport(driver.Transport):
    """Faust's transport with the consumer above."""

    Consumer = CommittedConsumer


def use_committed_transport(app: faust.App) -> None:
    """Give an app the transport above, and its client some restraint."""
    app.transport = CommittedTransport([*app.conf.broker_consumer], app)
    for name in TALKATIVE:
        logger = logging.getLogger(name)
        if not any(isinstance(one, Seldom) for one in logger.filters):
            logger.addFilter(Seldom())
