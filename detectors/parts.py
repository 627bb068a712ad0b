"""The state of a detector that is made of parts: one flat snapshot, `part.name` to plain data."""

from collections.abc import Mapping
from typing import Protocol

from detectors.arrays import Integers, Snapshot


class Stated(Protocol):
    """Something whose state is plain data."""

    def state(self) -> Snapshot: ...  # noqa: D102 the class says it


class Part(Stated, Protocol):
    """State of a bank, an entry per series."""

    def keep(self, rows: Integers) -> None: ...  # noqa: D102
    def restore(self, state: Snapshot) -> None: ...  # noqa: D102


def joined(parts: Mapping[str, Stated]) -> Snapshot:
    """Give the states of all parts as one."""
    snapshot: Snapshot = {}
    for name, part in parts.items():
        snapshot |= {f"{name}.{key}": value for key, value in part.state().items()}
    return snapshot


def state_of(name: str, snapshot: Snapshot) -> Snapshot:
    """Give the state of one part."""
    prefix = f"{name}."
    return {
        key.removeprefix(prefix): value for key, value in snapshot.items() if key.startswith(prefix)
    }


def restore(parts: Mapping[str, Part], snapshot: Snapshot, version: int) -> None:
    """Let all parts go on from a snapshot.

    Raises:
        ValueError: It is of another version, or does not fit a part.
    """
    if snapshot.get("version") != version:
        raise ValueError(f"version = {snapshot.get('version')!r}: must be {version}")
    for name, part in parts.items():
        part.restore(state_of(name, snapshot))
