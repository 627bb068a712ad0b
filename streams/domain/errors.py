"""Errors by whose fault they are.

`OperatorError` is the fault of whoever runs opwatch and becomes one line and exit status 2. What a
sender did wrong is no exception but a dead letter: see `DeadLetter` in `streams.domain.outcomes`.
"""


class OpwatchError(Exception):
    """Root of every error opwatch raises on purpose."""


class OperatorError(OpwatchError):
    """Configuration, a path, an option or a topic is wrong; the message says what to do next."""


class OutsideSystemError(OpwatchError):
    """Kafka, a disk or another system did not do its part; the message names it and its address."""


class SnapshotError(OpwatchError):
    """A snapshot cannot be used: other settings or another version wrote it, or it is damaged."""
