"""Faust's Kafka transport, set right in the two respects opwatch depends on.

Both are known troubles of faust-streaming 0.15.3; a later version may not need them, so the pin and
this module go together (see docs/decisions/0002-faust.md).
"""

import aiokafka
import faust
from faust.transport.drivers import aiokafka as driver
from faust.types import TP


class ReadCommittedThread(driver.AIOKafkaConsumerThread):
    """Reads committed data only; by itself Faust does so only where it writes transactions."""

    def _create_worker_consumer(self, transport: driver.Transport) -> aiokafka.AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"  # noqa: SLF001 - before it starts
        return consumer


class CommittedConsumer(driver.Consumer):
    """A consumer that knows transaction markers for gaps in the offsets, not for messages."""

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
    """Give an app the transport above."""
    app.transport = CommittedTransport([*app.conf.broker_consumer], app)
