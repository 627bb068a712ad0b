"""Logging: structlog and the standard library in one form, on standard error, without secrets."""

import logging
import re
import sys
from collections.abc import Mapping
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from streams.config import LogSettings

REDACTED = "[redacted]"

_SECRET_KEY = re.compile(r"password|passwd|secret|token|sasl|credential|api_?key", re.IGNORECASE)
_SECRET_IN_TEXT = re.compile(
    r"(?P<address>(?<=://)[^/\s@]+(?=@))"
    r"|(?P<name>[\w.-]*(?:password|passwd|secret|token)[\w.-]*['\"]?\s*[=:]\s*['\"]?)[^\s,;'\"&}]+",
    re.IGNORECASE,
)

_LIBRARIES = (
    "aiohttp",
    "aiokafka",
    "asyncio",
    "confluent_kafka",
    "faust",
    "kafka",
    "mode",
    "urllib3",
)
"""Loggers that tell of every step they take at info: that is debugging to an operator."""


def configure(settings: LogSettings, stream: TextIO | None = None) -> None:
    """Set logging up for the whole process; may be called again.

    Args:
        settings: Level and format.
        stream: Where to write; standard error unless given.
    """
    target = stream or sys.stderr
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_endings(settings, colours=target.isatty()),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _LIBRARIES:
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate = True
        library.setLevel(level if level <= logging.DEBUG else max(level, logging.WARNING))
    logging.captureWarnings(capture=True)


def redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Take secrets out of an event: values under telling keys, and telling parts of texts."""
    return {key: _without_secrets(key, value) for key, value in event.items()}


def _without_secrets(key: str, value: object) -> object:
    if _SECRET_KEY.search(key):
        return REDACTED
    if isinstance(value, Mapping):
        return {name: _without_secrets(str(name), inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_without_secrets("", inner) for inner in value]
    if isinstance(value, str):
        return _SECRET_IN_TEXT.sub(lambda found: f"{found['name'] or ''}{REDACTED}", value)
    return value


def _endings(settings: LogSettings, *, colours: bool) -> list[Processor]:
    """Give the last processors: exceptions become text first, so that they are redacted too."""
    if settings.format == "json":
        return [
            structlog.processors.format_exc_info,
            redact,
            structlog.processors.EventRenamer("message"),
            structlog.processors.JSONRenderer(),
        ]
    return [
        structlog.processors.format_exc_info,
        redact,
        structlog.dev.ConsoleRenderer(colors=colours),
    ]
