"""Events per second of ingest against its peers: the same topic, one core, one run.

Run: `make bench-ingest`, or `PYTHONPATH=tests python benchmarks/ingest.py [--events 1000000]`.

Apache Kafka (one node, started here, its JIT compiler on) gets events of about 280 bytes: 10,000
series, one hour of event time, 2 % failures, four partitions. Then each contestant reads them in a
process of its own that is pinned to the first core; the broker is kept to the other cores where
there are any:

- opwatch: ingest as it runs in production (`streams.adapters.kafka.ingest`), with validation, event
  time, duplicates, durations, counts blocks and one transaction per flush;
- bare loop: the same consumer settings; consume, decode what is counted into typed structs, count
  in a dictionary by minute and series. No validation beyond types, no event time, nothing written;
- Faust agent: a plain agent over raw bytes that does what the bare loop does, event by event. It
  reads only the first events: it would take minutes for all.

Time runs from the first message in hand to the last one counted (opwatch: committed). The figures
are medians; the last line is one JSON object. Beside each rate stands the processor time of the
whole process, which other load on the machine does not change much.
"""

import argparse
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import faust
import msgspec
from confluent_kafka import Consumer, Message, Producer

from servers.kafka_server import KafkaServer, TopicMaker
from streams.adapters.kafka.clients import consumer_settings
from streams.adapters.kafka.ingest import KafkaIngest
from streams.adapters.system_clock import SystemClock
from streams.config import KafkaSettings, Settings, TopicSettings
from streams.domain.outcomes import SourcePartition
from streams.stages.ingest import Flush
from streams.stages.records import PartitionPosition

PARTITIONS = 4
START = datetime(2021, 10, 13, 6, 0, tzinfo=UTC)
SPAN_SECONDS = 3600
OWN_TOPICS = ("counts", "late", "dead-letters")
CONTESTANTS = ("opwatch", "bare_loop", "faust_agent")
Result = dict[str, float]


class Event(msgspec.Struct, gc=False):
    """What the bare loop and the Faust agent decode."""

    time: str
    operation: str
    outcome: str
    region: str
    os: str
    vm_type: str


decode = msgspec.json.Decoder(Event).decode
Counts = Counter[tuple[str, str, str, str, str, str]]


def key(event: Event) -> tuple[str, str, str, str, str, str]:
    """Give the minute, the series and the outcome of an event."""
    minute = event.time[:16]
    return minute, event.region, event.os, event.vm_type, event.operation, event.outcome


def events(count: int) -> Iterator[tuple[int, bytes]]:
    """Make events in the order of their times: (milliseconds since the epoch, JSON)."""
    draw = random.Random(20211013)  # noqa: S311 - traffic, no secret
    for number in range(count):
        moment = START + timedelta(seconds=SPAN_SECONDS * number / count)
        accepted = moment - timedelta(seconds=draw.expovariate(1 / 40))
        series = draw.randrange(10_000)
        failed = draw.random() < 0.02  # noqa: PLR2004
        record = {
            "id": f"{draw.getrandbits(64):016x}",
            "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "operation": ("create", "start", "stop", "delete", "resize")[series % 5],
            "outcome": "failure" if failed else "success",
            "region": f"region{series // 5 % 50:02d}",
            "os": ("windows", "linux")[series // 250 % 2],
            "vm_type": f"Standard_D{series // 500}s_v5",
            "resource_id": f"/subscriptions/{series % 7}/vms/{draw.getrandbits(32):08x}",
            "correlation_id": f"{draw.getrandbits(64):016x}",
            "started": accepted.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            **({"error_code": f"Error{series % 7}"} if failed else {}),
        }
        yield int(moment.timestamp() * 1000), msgspec.json.encode(record)


def produce(bootstrap: str, topic: str, count: int) -> float:
    """Write the events, in order within each partition, and give their mean size in bytes."""
    producer = Producer(
        {"bootstrap.servers": bootstrap, "linger.ms": 20, "queue.buffering.max.messages": 1_000_000}
    )
    size = 0
    for number, (milliseconds, value) in enumerate(events(count)):
        size += len(value)
        producer.produce(topic, value, partition=number % PARTITIONS, timestamp=milliseconds)
        if number % 10_000 == 0:
            producer.poll(0)
    if producer.flush(60):
        raise SystemExit("the broker did not take all events within a minute")
    return size / count


class Finish:
    """Hears of what ingest commits, and stops it when everything is."""

    def __init__(self, count: int) -> None:
        self.stop = threading.Event()
        self.records = 0
        self.ended = 0.0
        self._count = count

    def reading(self, positions: Mapping[SourcePartition, PartitionPosition]) -> None:
        """Nothing to count: time begins with the first message."""

    def flushed(self, flush: Flush, lag: Mapping[int, int]) -> None:
        """Count the records of a committed flush."""
        del lag
        self.records += flush.statistics.records
        if self.records >= self._count:
            self.ended = time.perf_counter()
            self.stop.set()

    def aborted(self) -> None:
        """Nothing to count: the input is read again."""

    def stepped(self, stage: str, seconds: float) -> None:
        """Nothing to count: only what is committed counts."""


class TimedIngest(KafkaIngest):
    """Ingest that notes when it had the first message in hand."""

    began: float | None = None

    def _take(self, messages: Sequence[Message]) -> None:
        self.began = self.began or time.perf_counter()
        super()._take(messages)


def run_opwatch(bootstrap: str, prefix: str, count: int) -> Result:
    """Ingest everything as production does."""
    settings = Settings(
        kafka=KafkaSettings(bootstrap=bootstrap, application=f"bench{uuid.uuid4().hex[:8]}"),
        topics=TopicSettings(
            outcomes=f"{prefix}events", prefix=prefix, counts_partitions=PARTITIONS
        ),
    )
    finish = Finish(count)
    ingest = TimedIngest(settings, "0", SystemClock(), finish)
    ingest.run(finish.stop)
    return result(finish.records, finish.ended - (ingest.began or 0.0))


def run_bare_loop(bootstrap: str, prefix: str, count: int) -> Result:
    """Consume in batches, decode, count."""
    kafka = KafkaSettings(bootstrap=bootstrap)
    consumer = Consumer(consumer_settings(kafka, f"bench{uuid.uuid4().hex[:8]}"))
    consumer.subscribe([f"{prefix}events"])
    counts: Counts = Counter()
    read, began = 0, 0.0
    while read < count:
        messages = consumer.consume(10_000, 0.1)
        values = [message.value() or b"" for message in messages if message.error() is None]
        if values:
            began = began or time.perf_counter()
            counts.update(map(key, map(decode, values)))
            read += len(values)
    done = result(counts.total(), time.perf_counter() - began)
    consumer.close()
    return done


def run_faust_agent(bootstrap: str, prefix: str, count: int) -> Result:
    """Do what the bare loop does in a plain agent; ends the process."""
    app = faust.App(
        f"bench{uuid.uuid4().hex[:8]}",
        broker=f"kafka://{bootstrap}",
        topic_disable_leader=True,
        web_enabled=False,
        store="memory://",
    )
    topic = app.topic(f"{prefix}events", value_type=bytes, value_serializer="raw")
    counts: Counts = Counter()

    @app.agent(topic)
    async def count_events(stream: faust.StreamT[bytes]) -> None:
        began, read = 0.0, 0
        async for value in stream:
            began = began or time.perf_counter()
            counts[key(decode(value))] += 1
            read += 1
            if read == count:
                # Past the worker, which takes standard output for logs and seconds to stop.
                os.write(1, json.dumps(result(read, time.perf_counter() - began)).encode() + b"\n")
                os._exit(0)

    faust.Worker(app, loglevel="error").execute_from_commandline()
    raise SystemExit(f"the Faust worker ended before its {count} events; {count_events}")


def result(read: int, seconds: float) -> Result:
    """Give the figures of a run that took so long."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "events_per_s": read / seconds,
        "processor_us_per_event": time.process_time() / read * 1e6,
        "peak_memory_mb": peak,
    }


def contestant(name: str, core: int, bootstrap: str, prefix: str, count: int) -> Result:
    """Run one contestant in a process of its own."""
    command = [sys.executable, __file__, "--contestant", name, "--bootstrap", bootstrap]
    command += ["--prefix", prefix, "--events", str(count), "--core", str(core)]
    ended = subprocess.run(  # noqa: S603 - ourselves
        command, stdout=subprocess.PIPE, check=True, text=True, timeout=600
    )
    found: Result = json.loads(ended.stdout.splitlines()[-1])
    rate, cost = found["events_per_s"], found["processor_us_per_event"]
    print(f"  {name:12} {rate:>9,.0f} events/s, {cost:6.2f} µs of processor time each")
    return found


def compare(count: int, faust_count: int, runs: int) -> dict[str, float]:
    """Start a broker, fill a topic, let everybody read it, and give the figures."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(
        0, set(cores[1:]) or set(cores)
    )  # what the broker and the producer inherit
    with KafkaServer(optimise=True) as server:
        maker = TopicMaker(server.bootstrap)
        maker.create({"events": PARTITIONS, **dict.fromkeys(OWN_TOPICS, PARTITIONS)})
        size = produce(server.bootstrap, maker.name("events"), count)
        others = f"cores {cores[1:]}" if cores[1:] else "the same core"
        print(f"{count:,} events of {size:.0f} bytes")
        print(f"contestants on core {cores[0]}, Apache Kafka on {others}")
        found: dict[str, list[Result]] = {name: [] for name in CONTESTANTS}
        for number in range(runs):
            print(f"run {number + 1} of {runs}")
            for name in CONTESTANTS:
                wanted = min(faust_count, count) if name == "faust_agent" else count
                done = contestant(name, cores[0], server.bootstrap, maker.prefix, wanted)
                found[name].append(done)
    rates = {
        name: statistics.median(one["events_per_s"] for one in results)
        for name, results in found.items()
    }
    return {
        "opwatch_events_per_s": round(rates["opwatch"]),
        "bare_loop_events_per_s": round(rates["bare_loop"]),
        "faust_agent_events_per_s": round(rates["faust_agent"]),
        "ratio_bare_loop": round(rates["opwatch"] / rates["bare_loop"], 3),
        "ratio_faust_agent": round(rates["opwatch"] / rates["faust_agent"], 1),
        "peak_memory_mb": round(max(one["peak_memory_mb"] for one in found["opwatch"]), 1),
    }


def main() -> None:
    """Compare, or be one of the contestants."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--faust-events", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--contestant", choices=CONTESTANTS, help=argparse.SUPPRESS)
    parser.add_argument("--core", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--bootstrap", help=argparse.SUPPRESS)
    parser.add_argument("--prefix", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.contestant is None:
        print(json.dumps(compare(chosen.events, chosen.faust_events, chosen.runs)))
        return
    os.sched_setaffinity(0, {chosen.core})
    run = {
        "opwatch": run_opwatch,
        "bare_loop": run_bare_loop,
        "faust_agent": run_faust_agent,
    }[chosen.contestant]
    sys.argv = sys.argv[:1]  # Faust would read the rest
    print(json.dumps(run(chosen.bootstrap, chosen.prefix, chosen.events)))


if __name__ == "__main__":
    main()
