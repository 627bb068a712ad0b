"""Where a report's numbers come from: an identifier for every field of a record and every line."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from streams.replay.report.document import Figure, Moment

Path: TypeAlias = tuple[str | int, ...]
Leaf: TypeAlias = str | int | float | bool | None


class RecordSources:
    """Identifiers of the fields of one incident record: of what a number in the report links to."""

    def __init__(self, key: str, raw: Mapping[str, Any]) -> None:
        """Walk through the record.

        Args:
            key: Identifier of the incident in the report.
            raw: The record.
        """
        self.fields = tuple(_leaves(raw, ()))
        self._key = key
        self._places = {path: place for place, (path, _) in enumerate(self.fields)}

    def id(self, *path: str | int) -> str:
        """Give the identifier of a field."""
        return f"{self._key}-f{self._places[path]}"

    def figure(self, text: str, *path: str | int) -> Figure:
        """Write a number that stands in a field."""
        return Figure(text, self.id(*path))

    def moment(self, time: float, *path: str | int, since: float | None = None) -> Moment:
        """Write an instant that stands in a field."""
        return Moment(time, self.id(*path), since)


def line_id(key: str, line: int) -> str:
    """Give the identifier of a revision, a change point or a release step: what it is, which line.

    Args:
        key: Of the incident, for a revision; `point` or `step` otherwise.
        line: Line in its file.
    """
    return f"{key}-l{line}"


POINT, STEP = "point", "step"


def _leaves(value: Any, path: Path) -> Iterator[tuple[Path, Leaf]]:  # noqa: ANN401 any JSON
    if isinstance(value, Mapping):
        for name, below in value.items():
            yield from _leaves(below, (*path, str(name)))
    elif isinstance(value, list | tuple):
        for place, below in enumerate(value):
            yield from _leaves(below, (*path, place))
    else:
        yield path, value
