"""Score opwatch on recorded real operations: `make evaluate DATA=folder`.

The events of DATA/openstack_fault_injection are produced into Apache Kafka under their own
timestamps and consumed by live workers: one, two with other batch boundaries, and one that is
killed on the way and started again. Each time the incidents must be those of a replay of the same
events, byte for byte, and the counts those of the input.
"""

import gzip
import json
import signal
import sys
import tempfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from live_installation import LiveInstallation
from plain_counts import counted, counted_windows

from servers.kafka_server import KafkaServer, running_server

WINDOW_SECONDS = 3600

SETTINGS = {
    # A worker that reads up on a busy machine must not be taken for dead.
    "KAFKA__SESSION_TIMEOUT": "PT20S",
    # Eleven hosts with two operations an hour between them: the widest windows, and a promise loose
    # enough for a test bed on which every second run has a fault injected.
    "WINDOWS__LENGTH": str(WINDOW_SECONDS),
    "DETECTORS__FALSE_ALARMS_PER_DAY": "5",
    "INCIDENTS__HISTORY": "PT240H",
}

PARTITIONS = 4


def records(path: Path) -> Iterator[dict[str, Any]]:
    """Give the records of a compressed file of JSON lines."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def outcome(record: dict[str, Any]) -> dict[str, Any]:
    """Give a recorded operation as an outcome event; its host stands for its region."""
    return {
        "id": record["event_id"],
        "time": record["occurred_at"],
        "started": record["started_at"],
        "operation": record["operation"],
        "outcome": {"succeeded": "success", "failed": "failure"}[record["outcome"]],
        "region": record["region"] or record["zone"],
        "zone": record["zone"],
        "os": record["os_type"],
        "vm_type": record["vm_type"],
        "resource_id": record["resource_id"],
        "correlation_id": record["correlation_id"],
        "error_code": record["error_code"],
        "error_message": record["error_message"],
    }


def release(record: dict[str, Any]) -> dict[str, Any]:
    """Give a recorded deployment as a release event: all of one host at once."""
    return {
        "id": f"{record['release_id']}/{record['at']}",
        "time": record["at"],
        "release": record["release_id"],
        "component": record["component"],
        "version": record["version"],
        "action": "completed",
        "scope": {"region": [record["zone"]]},
        "exposure": 1,
    }


def convert(source: Path, target: Path) -> tuple[Path, Path]:
    """Write outcome and release events, each in time order; give the two files."""
    written = []
    for name, make in (("ops", outcome), ("releases", release)):
        events = [make(record) for record in records(source / f"{name}.jsonl.gz")]
        events.sort(key=lambda event: (event["time"], event["id"]))
        path = target / f"{name}.jsonl"
        path.write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")
        written.append(path)
    return written[0], written[1]


def replayed(
    installation: LiveInstallation, outcomes: Path, releases: Path, out: Path
) -> list[bytes]:
    """Replay the events and give the incident records."""
    installation.command(
        *("replay", "--outcomes", str(outcomes), "--releases", str(releases), "--out", str(out))
    )
    return (out / "incidents.jsonl").read_bytes().splitlines()


def by_id(_: int, line: bytes) -> int:
    """Spread events over the partitions."""
    return zlib.crc32(json.loads(line)["id"].encode()) % PARTITIONS


def one_worker(installation: LiveInstallation) -> Callable[[int], None]:
    """Run one worker, undisturbed."""
    installation.start_worker()
    return lambda _: None


def two_workers(installation: LiveInstallation) -> Callable[[int], None]:
    """Run two workers with other batch boundaries."""
    installation.start_worker(INGEST__BATCH_SIZE="97", INGEST__FLUSH_INTERVAL="0.1")
    installation.start_worker(INGEST__BATCH_SIZE="41")
    return lambda _: None


def killed_worker(installation: LiveInstallation) -> Callable[[int], None]:
    """Run one worker in tiny steps, kill it after its first records, and start it again."""
    slow = {"INGEST__BATCH_SIZE": "20", "INGEST__FLUSH_INTERVAL": "0.05"}
    victim = installation.start_worker(**slow)

    def kill(_: int) -> None:
        if victim.poll() is None:
            victim.send_signal(signal.SIGKILL)
            victim.wait()
            installation.start_worker(**slow)

    return kill


MODES: dict[str, Callable[[LiveInstallation], Callable[[int], None]]] = {
    "one worker": one_worker,
    "two workers, other batches": two_workers,
    "worker killed and restarted": killed_worker,
}


def evaluate(bootstrap: str, data: Path) -> bool:
    """Run all modes and print what came of them; give whether all is well."""
    well, expected = True, list[bytes]()
    with tempfile.TemporaryDirectory(prefix="opwatch-evaluate-") as name:
        folder = Path(name)
        outcomes, releases = convert(data / "openstack_fault_injection", folder)
        plain = counted(outcomes, WINDOW_SECONDS)
        say(f"{sum(1 for _ in outcomes.open())} operations, {describe(plain)}")
        for number, (mode, start) in enumerate(MODES.items()):
            own = folder / str(number)
            own.mkdir()
            application = f"evaluate-{folder.name[-8:]}-{number}"
            with LiveInstallation(bootstrap, application, own, SETTINGS) as installation:
                if not expected:
                    expected = replayed(installation, outcomes, releases, own / "result")
                installation.produce(
                    outcomes.read_bytes().splitlines(), releases.read_bytes().splitlines(), by_id
                )
                during = start(installation)
                incidents = installation.messages("incidents", len(expected), during)
                same = incidents == expected
                windows = installation.messages("windows", 0)
                exact = counted_windows(windows) == plain
            say(
                f"{mode}: {len(incidents)} incident records, "
                f"{'the same as' if same else 'OTHER THAN'} the replay's; counts "
                f"{'equal' if exact else 'DO NOT EQUAL'} the input's"
            )
            well = well and same and exact and bool(expected)
    return well


def say(line: str) -> None:
    """Write a line at once, so that it can be watched."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def describe(counts: Counter[tuple[str, int, str]]) -> str:
    """Say how much is in a count."""
    totals: Counter[str] = Counter()
    for (_, _, kind), count in counts.items():
        totals[kind] += count
    return ", ".join(f"{count} {kind}" for kind, count in sorted(totals.items()))


def main(arguments: list[str]) -> int:
    """Evaluate the folder named on the command line."""
    data = Path(arguments[0]) if arguments else Path()
    if not (data / "openstack_fault_injection").is_dir():
        say(f"no folder openstack_fault_injection in {data}: give DATA=folder")
        return 2
    running = running_server()
    if running is not None:
        return 0 if evaluate(running, data) else 1
    with KafkaServer() as server:
        return 0 if evaluate(server.bootstrap, data) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
