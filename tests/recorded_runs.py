"""Made-up records in the shape of recorded fault-injection experiments."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

SCRIPT = ("create", "attach_volume", "delete")

BEGIN = datetime(2020, 1, 1, tzinfo=UTC)

Records = tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]


def instant(minutes: float) -> str:
    return (BEGIN + timedelta(minutes=minutes)).isoformat(timespec="milliseconds")


def experiments(
    components: Sequence[str], *, failing: Sequence[str] = (), repeat: int = 1, gap: float = 1.0
) -> Records:
    """Give operations, releases and labels of two rounds of each component.

    Args:
        components: One host each; the first round of a component is faulty.
        failing: Components whose faulty rounds fail to attach a volume.
        repeat: Experiments with each component.
        gap: Minutes between two operations of a run.
    """
    ops: list[dict[str, Any]] = []
    releases: list[dict[str, Any]] = []
    labels: list[dict[str, Any]] = []
    for component in components:
        for number in range(2 * repeat):
            faulty = number % 2 == 0
            run, begin = f"{component}/{number}", 10.0 * number
            failed = ["attach_volume"] if faulty and component in failing else []
            for place, operation in enumerate(SCRIPT):
                started = begin + 0.5 + place * gap
                ops.append(
                    {
                        "event_id": f"{run}/{operation}",
                        "started_at": instant(started),
                        "occurred_at": instant(started + gap / 2),
                        "zone": f"host-{component}",
                        "os_type": "linux",
                        "vm_type": "tiny",
                        "operation": operation,
                        "outcome": "failed" if operation in failed else "succeeded",
                        "error_code": "E42" if operation in failed else None,
                    }
                )
            releases.append(
                {
                    "release_id": f"release-{run}",
                    "component": component,
                    "version": "mutant" if faulty else "original",
                    "zone": f"host-{component}",
                    "at": instant(begin),
                }
            )
            labels.append(
                {
                    "run": run,
                    "host": f"host-{component}",
                    "start": instant(begin),
                    "end": instant(begin + 9.0),
                    "fault_injected": faulty,
                    "fault_activated_at": instant(begin + 1.0) if faulty else None,
                    "label": "FAILURE" if failed else "NO_FAILURE",
                    "n_ops": len(SCRIPT),
                    "n_failed": len(failed),
                }
            )
    return ops, releases, labels
