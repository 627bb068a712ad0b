"""The recorded runs: operations, deployments and labels joined, run by run.

The data set keeps operations of all runs in one file. An operation belongs to the run that was
under way on its host when it started; runs of one host never overlap.
"""

import gzip
import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from streams.domain.errors import OperatorError
from streams.domain.time import parse_instant

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a run; instants in seconds since the run's start."""

    started: float
    finished: float
    operation: str
    failed: bool
    error_code: str | None
    os: str
    vm_type: str


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of the workload: one VM, a fixed script.

    Attributes:
        release: Id of the deployment at its start.
        component: File that was deployed: mutated in a faulty run, the original in a harmless one.
        version: Of the component.
        faulty: Whether a fault was injected and its code was reached.
        labelled_failure: Whether the data set's authors judged that the run failed.
        operations: In the order in which they finished.
    """

    release: str
    component: str
    version: str
    faulty: bool
    labelled_failure: bool
    operations: tuple[Operation, ...]

    @property
    def failures(self) -> int:
        """Number of operations that failed."""
        return sum(one.failed for one in self.operations)


@dataclass(frozen=True, slots=True)
class Recordings:
    """All runs.

    Attributes:
        ordinary: Without a fault, or with one whose code was never reached; in order of time.
        faulty: The others, by component.
    """

    ordinary: tuple[Run, ...]
    faulty: Mapping[str, tuple[Run, ...]]

    def everything(self) -> Iterator[Operation]:
        """Give the operations of all runs."""
        for runs in (self.ordinary, *self.faulty.values()):
            for run in runs:
                yield from run.operations

    @property
    def longest(self) -> float:
        """Seconds from the start of a run to its last outcome, at most."""
        return max((one.finished for one in self.everything()), default=0.0)

    @property
    def operations(self) -> frozenset[str]:
        """Names of all operations."""
        return frozenset(one.operation for one in self.everything())


def read_recordings(folder: Path) -> Recordings:
    """Read the three files of the data set.

    Args:
        folder: Holds `ops.jsonl.gz`, `releases.jsonl.gz` and `labels.jsonl.gz`.

    Raises:
        OperatorError: A file is missing, or the files do not fit together.
    """
    return join(*(_records(folder / f"{name}.jsonl.gz") for name in ("ops", "releases", "labels")))


def join(ops: Iterable[Record], releases: Iterable[Record], labels: Iterable[Record]) -> Recordings:
    """Join the records of the three files.

    Args:
        ops: Operations.
        releases: Deployments, one at the start of each run on its host.
        labels: The truth of each run; counts of its operations are checked against it.

    Raises:
        OperatorError: They do not fit together.
    """
    ordered = sorted(labels, key=lambda label: (label["start"], label["run"]))
    operations = _by_run(ops, ordered)
    deployed = {(one["zone"], one["at"]): one for one in releases}
    ordinary, faulty = [], defaultdict(list)
    for label in ordered:
        release = deployed.get((label["host"], label["start"]))
        if release is None:
            raise OperatorError(f"run {label['run']}: no release at its start")
        run = _run(label, release, operations[label["run"]])
        if run.faulty:
            faulty[run.component].append(run)
        else:
            ordinary.append(run)
    return Recordings(tuple(ordinary), {name: tuple(faulty[name]) for name in sorted(faulty)})


def _records(path: Path) -> list[Record]:
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            return [json.loads(line) for line in file]
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OperatorError(f"cannot read {path}: {reason}") from error


def _by_run(ops: Iterable[Record], labels: list[Record]) -> dict[str, list[Record]]:
    """Give the operations of each run."""
    of_host: dict[str, list[tuple[float, float, str]]] = defaultdict(list)
    for label in labels:
        span = parse_instant(label["start"]), parse_instant(label["end"])
        of_host[label["host"]].append((*span, label["run"]))
    found: dict[str, list[Record]] = {label["run"]: [] for label in labels}
    for one in ops:
        started = parse_instant(one["started_at"])
        spans = of_host[one["zone"]]
        place = bisect_right(spans, started, key=lambda span: span[0]) - 1
        if place < 0 or started > spans[place][1]:
            raise OperatorError(f"operation {one['event_id']} belongs to no run")
        found[spans[place][2]].append(one)
    return found


def _run(label: Record, release: Record, ops: list[Record]) -> Run:
    begin = parse_instant(label["start"])
    operations = sorted(
        (
            Operation(
                started=parse_instant(one["started_at"]) - begin,
                finished=parse_instant(one["occurred_at"]) - begin,
                operation=one["operation"],
                failed=one["outcome"] == "failed",
                error_code=one["error_code"],
                os=one["os_type"],
                vm_type=one["vm_type"],
            )
            for one in ops
        ),
        key=lambda one: (one.finished, one.started, one.operation),
    )
    run = Run(
        release=release["release_id"],
        component=release["component"],
        version=release["version"],
        faulty=label["fault_injected"] and label["fault_activated_at"] is not None,
        labelled_failure=label["label"] == "FAILURE",
        operations=tuple(operations),
    )
    if (len(operations), run.failures) != (label["n_ops"], label["n_failed"]):
        raise OperatorError(f"run {label['run']}: its operations are not as many as its label says")
    return run
