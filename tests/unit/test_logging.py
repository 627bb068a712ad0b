"""Logs: one form for ours and the libraries', and no secrets in them."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from streams.adapters.logging import configure
from streams.config import LogSettings


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def _json_logs(level: str = "info") -> io.StringIO:
    stream = io.StringIO()
    configure(LogSettings.model_validate({"level": level, "format": "json"}), stream)
    return stream


def _lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_ours_and_the_libraries_logs_have_one_form() -> None:
    stream = _json_logs()
    structlog.stdlib.get_logger("streams.wiring").info("worker_started", roles=["judge"])
    logging.getLogger("faust").warning("no %s", "leader")
    ours, theirs = _lines(stream)
    assert ours["message"] == "worker_started"
    assert ours["roles"] == ["judge"]
    assert theirs["message"] == "no leader"
    assert theirs["logger"] == "faust"
    for line in (ours, theirs):
        assert str(line["timestamp"]).endswith("Z")
        assert line["level"] in {"info", "warning"}


@pytest.mark.parametrize("library", ["faust", "mode.service", "aiokafka.consumer", "asyncio"])
def test_libraries_are_quiet_at_info_and_talk_at_debug(library: str) -> None:
    quiet = _json_logs("info")
    logging.getLogger(library).info("a step")
    assert quiet.getvalue() == ""
    talking = _json_logs("debug")
    logging.getLogger(library).info("a step")
    assert len(_lines(talking)) == 1


def test_what_is_below_the_level_is_not_written() -> None:
    stream = _json_logs("error")
    structlog.stdlib.get_logger("x").warning("w")
    logging.getLogger("aiokafka").warning("w")
    assert stream.getvalue() == ""


def test_configuring_again_writes_each_line_once() -> None:
    _json_logs()
    stream = _json_logs()
    structlog.stdlib.get_logger("x").info("once")
    assert len(_lines(stream)) == 1


def test_secrets_are_taken_out_wherever_they_stand() -> None:
    stream = _json_logs()
    structlog.stdlib.get_logger("x").info(
        "connecting to kafka://me:hunter2@broker:9092",
        client={"sasl.password": "hunter2", "nested": [{"api_key": "hunter2"}]},
        token="hunter2",  # noqa: S106 what must not be seen
        note="sasl.password=hunter2, retries=3",
    )
    logging.getLogger("aiokafka").error("bad config {'sasl.password': 'hunter2'}")
    assert "hunter2" not in stream.getvalue()
    first = _lines(stream)[0]
    assert first["message"] == "connecting to kafka://[redacted]@broker:9092"
    assert first["note"] == "sasl.password=[redacted], retries=3"


def test_secrets_in_an_exception_are_taken_out_too() -> None:
    stream = _json_logs()
    error = RuntimeError("password=hunter2 refused")
    structlog.stdlib.get_logger("x").error("failed", exc_info=error)
    assert "hunter2" not in stream.getvalue()
    assert "RuntimeError" in stream.getvalue()


def test_the_console_form_is_for_people_and_without_colours_in_a_file() -> None:
    stream = io.StringIO()
    configure(LogSettings(), stream)
    structlog.stdlib.get_logger("x").info("worker_started", partition=3)
    assert "worker_started" in stream.getvalue()
    assert "partition=3" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()
