"""A whole opwatch installation on a real Kafka: topics, events, workers as processes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Self

from confluent_kafka import Consumer, Message, Producer

PATIENCE_SECONDS = 240.0
COMMAND_SECONDS = 240.0
QUIET_SECONDS = 3.0


class LiveInstallation:
    """One installation, with topics nobody else uses.

    Args:
        bootstrap: Address of the broker.
        name: Prefix of its topics, and its application name.
        folder: Where the workers' logs go.
        settings: Further settings, as environment variables without the prefix `OPWATCH_`.
    """

    def __init__(
        self, bootstrap: str, name: str, folder: Path, settings: Mapping[str, str] | None = None
    ) -> None:
        self.bootstrap = bootstrap
        self.name = name
        self._folder = folder
        self.environment = {
            "KAFKA__BOOTSTRAP": bootstrap,
            "KAFKA__APPLICATION": name,
            "KAFKA__SESSION_TIMEOUT": "PT6S",
            "TOPICS__OUTCOMES": f"{name}-operations",
            "TOPICS__RELEASES": f"{name}-releases",
            "TOPICS__PREFIX": f"{name}-",
            "INGEST__IDLE_AFTER": "PT3S",
            "WORKER__SNAPSHOT_EVERY": "PT2S",
            "HTTP__PORT": "0",
            "LOG__FORMAT": "json",
            **(settings or {}),
        }
        self._workers: list[subprocess.Popen[bytes]] = []
        self.command("topics", "create")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.kill()
            worker.wait()

    def command(self, *words: str) -> str:
        """Run an `opwatch` command to its end and give what it printed."""
        done = subprocess.run(  # noqa: S603 - our own command
            [*_OPWATCH, *words],
            env=self._environment({}),
            capture_output=True,
            text=True,
            check=False,
            timeout=COMMAND_SECONDS,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def produce(
        self,
        outcomes: Iterable[bytes],
        releases: Iterable[bytes],
        partition: Callable[[int, bytes], int],
    ) -> None:
        """Produce release events, then outcomes in their order.

        Args:
            outcomes: Outcome events.
            releases: Release events.
            partition: Gives the partition of an outcome from its number and its bytes.
        """
        producer = Producer(
            # Without idempotence a retry may come after what was sent later.
            {"bootstrap.servers": self.bootstrap, "linger.ms": 20, "enable.idempotence": True}
        )
        for line in releases:
            producer.produce(f"{self.name}-releases", line)
        producer.flush()
        for number, line in enumerate(outcomes):
            producer.produce(f"{self.name}-operations", line, partition=partition(number, line))
            if number % 10_000 == 0:
                producer.flush()
        producer.flush()

    def start_worker(self, **settings: str) -> subprocess.Popen[bytes]:
        """Start a worker, with further settings as environment variables without the prefix."""
        number = len(self._workers)
        with (self._folder / f"worker-{number}.log").open("wb") as log:
            worker = subprocess.Popen(  # noqa: S603 - our own command
                [*_OPWATCH, "run"], env=self._environment(settings), stdout=log, stderr=log
            )
        self._workers.append(worker)
        return worker

    def logs(self) -> str:
        """Give what the workers have logged last, for the message of a failure."""
        files = sorted(self._folder.glob("worker-*.log"))
        return "\n".join(f"{file.name}:\n{file.read_text()[-2000:]}" for file in files)

    def messages(
        self, topic: str, count: int, during: Callable[[int], None] = lambda _: None
    ) -> list[bytes]:
        """Read a topic until it holds so many messages, then a while on, so that more would show.

        Args:
            topic: Its name without the prefix; it has one partition.
            count: How many messages are expected; 0 takes what is there when nothing more comes for
                a while.
            during: Told of the number of messages read, each time it grows.
        """
        consumer = Consumer(
            {
                "bootstrap.servers": self.bootstrap,
                "group.id": f"{self.name}-reader",
                "auto.offset.reset": "earliest",
                "isolation.level": "read_committed",
            }
        )
        consumer.subscribe([f"{self.name}-{topic}"])
        values: list[bytes] = []
        last = time.monotonic() + PATIENCE_SECONDS
        deadline = last
        while time.monotonic() < deadline:
            message: Message | None = consumer.poll(0.5)
            if message is not None and message.error() is None:
                values.append(message.value() or b"")
                during(len(values))
                if len(values) >= count:  # from now on, wait for what should not be there
                    deadline = min(last, time.monotonic() + QUIET_SECONDS)
            self._assert_alive()
        consumer.close()
        return values

    def _assert_alive(self) -> None:
        for worker in self._workers:
            status = worker.poll()
            assert status in (None, 0, -signal.SIGKILL), f"a worker died: {status}\n{self.logs()}"

    def _environment(self, settings: Mapping[str, str]) -> dict[str, str]:
        own = {**self.environment, **settings}
        return {**os.environ, **{f"OPWATCH_{name}": value for name, value in own.items()}}


_OPWATCH: Sequence[str] = (sys.executable, "-m", "streams.cli")
