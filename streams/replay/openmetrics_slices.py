"""OpenMetrics with timestamps, read slice of time by slice of time, of all metrics at once.

The file has metric after metric, but who takes samples one by one wants them in time order. So the
file is looked through once, to learn which stretches of it are of which slice; then slices are read
from there. Memory is bounded by one slice.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from streams.domain.errors import OperatorError, OutsideSystemError
from streams.ports import TimedSeries

_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)",?')
_ESCAPED = re.compile(r"\\(.)")
_END = b"# EOF\n"


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Bytes of the file, whole lines, all of one slice."""

    begin: int
    end: int


@dataclass(slots=True)
class OpenMetricsSlices:
    """A file of OpenMetrics, cut by time.

    Attributes:
        path: The file.
        seconds: Length of a slice.
        samples: How many samples there are.
    """

    path: Path
    seconds: int
    samples: int = 0
    _stretches: dict[int, list[_Stretch]] = field(default_factory=dict)
    _labels: dict[bytes, tuple[tuple[str, str], ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, path: Path, seconds: int) -> "OpenMetricsSlices":
        """Look through a file.

        Args:
            path: The file.
            seconds: Length of a slice; slices begin at its multiples.

        Raises:
            OperatorError: It is missing, or a line is no sample with a time.
            OutsideSystemError: The disk failed.
        """
        slices = cls(path, seconds)
        try:
            slices._look_through()
        except FileNotFoundError as error:
            raise OperatorError(f"there is no file {path}") from error
        except OSError as error:
            raise OutsideSystemError(f"cannot read {path}: {error}") from error
        return slices

    def slices(self) -> Iterator[list[TimedSeries]]:
        """Give the series of each slice, in time order, each with its samples in time order.

        Raises:
            OperatorError: A line is no sample.
            OutsideSystemError: The disk failed.
        """
        try:
            with self.path.open("rb") as file:
                for _, stretches in sorted(self._stretches.items()):
                    found: dict[bytes, tuple[list[float], list[int]]] = {}
                    for one in stretches:
                        file.seek(one.begin)
                        self._add(found, file.read(one.end - one.begin))
                    yield [
                        TimedSeries(self._labels_of(head), tuple(values), tuple(instants))
                        for head, (values, instants) in found.items()
                    ]
        except OSError as error:
            raise OutsideSystemError(f"cannot read {self.path}: {error}") from error

    def _look_through(self) -> None:
        length, begin, at = 1000 * self.seconds, 0, 0
        current: int | None = None
        line = b""
        with self.path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not line.startswith(b"#"):
                    number_of_slice = self._milliseconds(line, number) // length
                    self.samples += 1
                    if number_of_slice != current:
                        self._close(current, begin, at)
                        current, begin = number_of_slice, at
                at += len(line)
        if line != _END:
            raise OperatorError(f"{self.path} does not end with # EOF: it is cut off")
        self._close(current, begin, at)

    def _close(self, number: int | None, begin: int, end: int) -> None:
        if number is not None:
            self._stretches.setdefault(number, []).append(_Stretch(begin, end))

    def _milliseconds(self, line: bytes, number: int) -> int:
        try:
            return round(1000 * float(line[line.rindex(b" ") + 1 :]))
        except ValueError as error:
            raise OperatorError(
                f"{self.path}, line {number}: {line.decode(errors='replace').strip()!r} is no "
                "sample with a time"
            ) from error

    def _add(self, found: dict[bytes, tuple[list[float], list[int]]], text: bytes) -> None:
        for line in text.splitlines():
            if line.startswith(b"#"):
                continue
            try:
                head, value, instant = line.rsplit(b" ", 2)
                number, milliseconds = float(value), round(1000 * float(instant))
            except ValueError as error:
                raise OperatorError(
                    f"{self.path}: {line.decode(errors='replace')!r} is no sample with a time"
                ) from error
            values, instants = found.setdefault(head, ([], []))
            values.append(number)
            instants.append(milliseconds)

    def _labels_of(self, head: bytes) -> tuple[tuple[str, str], ...]:
        known = self._labels.get(head)
        if known is None:
            known = self._labels[head] = _labels(head.decode(), self.path)
        return known


def _labels(head: str, path: Path) -> tuple[tuple[str, str], ...]:
    """Read `name{label="value",...}`; the name is a label, too, and they are sorted by name."""
    name, brace, rest = head.partition("{")
    found = [("__name__", name)]
    at = 0
    while brace and rest[at:] != "}":
        match = _LABEL.match(rest, at)
        if match is None:
            raise OperatorError(f"{path}: {head!r} has labels that cannot be read")
        found.append((match[1], _ESCAPED.sub(_unescaped, match[2])))
        at = match.end()
    return tuple(sorted(found))


def _unescaped(escape: re.Match[str]) -> str:
    return "\n" if escape[1] == "n" else escape[1]
