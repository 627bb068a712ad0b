"""Apache Kafka on loopback for tests, benchmarks and evaluation: one KRaft node.

The jars come from Maven (`make kafka` copies them into ``.cache/kafka/lib``). A server lives in a
temporary folder, which ``stop()`` removes; only a start that failed leaves its log behind.
"""

import os
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Self

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

LIBRARIES = Path(__file__).resolve().parents[2] / ".cache" / "kafka" / "lib"
START_SECONDS = 60.0
STOP_SECONDS = 15.0
POLL_SECONDS = 0.05

_SETTINGS = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{broker}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={folder}/data
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
log.retention.ms=-1
log.cleaner.dedupe.buffer.size=2097152
message.max.bytes=16777216
replica.fetch.max.bytes=16777216
"""
# retention -1: events of the year 2018 must not be deleted as too old while a test reads them.
# cleaner buffer 2 MB: the default of 128 MB would take a quarter of the heap below.
# message.max.bytes 16 MB: a test of oversized events needs a broker that accepts them.

_JAVA = (
    "java",
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel={compiler}",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-cp",
    "{classpath}",
)


class KafkaServerError(RuntimeError):
    """Apache Kafka could not be started; the message says why and where its log is."""


class KafkaServer:
    """One running Apache Kafka node.

    Args:
        libraries: folder with the jars of Apache Kafka.
        optimise: compile fully: starts half a second later, serves faster: for benchmarks.

    Raises:
        KafkaServerError: jars or Java missing, or the server did not become ready.
    """

    def __init__(self, libraries: Path = LIBRARIES, *, optimise: bool = False) -> None:
        if not any(libraries.glob("kafka_2.13-*.jar")):
            message = f"no Apache Kafka in {libraries}: run `make kafka`"
            raise KafkaServerError(message)
        if shutil.which("java") is None:
            message = "no java on PATH: run `make kafka`, or install a Java 17 runtime"
            raise KafkaServerError(message)
        self._folder = Path(tempfile.mkdtemp(prefix="opwatch-kafka-"))
        self._log = self._folder / "server.log"
        compiler = 4 if optimise else 1
        classpath = f"{libraries}/*"
        self._java = [part.format(compiler=compiler, classpath=classpath) for part in _JAVA]
        broker, controller = _free_ports(2)
        self.bootstrap = f"127.0.0.1:{broker}"
        self._settings = self._folder / "server.properties"
        self._settings.write_text(
            _SETTINGS.format(broker=broker, controller=controller, folder=self._folder),
            encoding="utf-8",
        )
        self._process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        identity = uuid.uuid4().hex[:22]
        settings = str(self._settings)
        with self._log.open("wb") as log:
            formatted = subprocess.run(  # noqa: S603 - our own command line
                [*self._java, "kafka.tools.StorageTool", "format", "-t", identity, "-c", settings],
                stdout=log,
                stderr=log,
                check=False,
            )
            if formatted.returncode != 0:
                raise self._failure("its storage could not be formatted")
            process = subprocess.Popen(  # noqa: S603 - our own command line
                [*self._java, "kafka.Kafka", settings], stdout=log, stderr=log
            )
        try:
            self._await_ready(process)
        except BaseException:
            process.kill()
            process.wait()
            raise
        return process

    def _await_ready(self, process: subprocess.Popen[bytes]) -> None:
        host, port = self.bootstrap.split(":")
        deadline = time.monotonic() + START_SECONDS
        while not _accepts(host, int(port)):
            if process.poll() is not None:
                raise self._failure(f"it ended with status {process.returncode}")
            if time.monotonic() > deadline:
                raise self._failure(f"it did not listen within {START_SECONDS:.0f} s")
            time.sleep(POLL_SECONDS)
        try:
            AdminClient({"bootstrap.servers": self.bootstrap}).list_topics(timeout=START_SECONDS)
        except KafkaException as error:
            raise self._failure(f"it did not answer: {error}") from error

    def _failure(self, what: str) -> KafkaServerError:
        tail = "\n".join(self._log.read_text(errors="replace").splitlines()[-20:])
        return KafkaServerError(f"Apache Kafka did not start: {what}; log: {self._log}\n{tail}")

    def stop(self) -> None:
        """End the server and remove everything it wrote. Stopping twice is harmless."""
        self._process.kill()  # no test reads its data again, and a clean stop takes seconds
        self._process.wait(STOP_SECONDS)
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class TopicMaker:
    """Creates topics whose names nobody else uses, so that tests can share one server.

    Args:
        bootstrap: address of the broker.
    """

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        self.prefix = f"t{uuid.uuid4().hex[:8]}."
        self._admin = AdminClient({"bootstrap.servers": bootstrap})

    def name(self, topic: str) -> str:
        """The unique name that stands for ``topic``."""
        return self.prefix + topic

    def create(self, topics: Mapping[str, int], config: Mapping[str, str] | None = None) -> None:
        """Create ``topics`` (short name to number of partitions) under their unique names.

        Raises:
            KafkaException: the broker refused one.
        """
        wanted = [
            NewTopic(self.name(topic), partitions, 1, config=dict(config or {}))
            for topic, partitions in topics.items()
        ]
        for created in self._admin.create_topics(wanted, operation_timeout=30).values():
            created.result(START_SECONDS)

    def __call__(self, *topics: str, partitions: int = 1) -> list[str]:
        """Create each of ``topics`` with ``partitions`` partitions and return the unique names."""
        self.create(dict.fromkeys(topics, partitions))
        return [self.name(topic) for topic in topics]


def running_server() -> str | None:
    """Address of an Apache Kafka that runs already (``OPWATCH_TEST_KAFKA``), if there is one."""
    return os.environ.get("OPWATCH_TEST_KAFKA") or None


def _free_ports(count: int) -> Iterable[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [opened.getsockname()[1] for opened in sockets]
    for opened in sockets:
        opened.close()
    return ports


def _accepts(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1.0).close()
    except OSError:
        return False
    return True
