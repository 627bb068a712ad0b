"""Composition root: settings in, a running processor out. The only place that knows both the stages and the adapters."""

from pathlib import Path

from streams.adapters.kafka import topics
from streams.adapters.scenario_files import write_scenario
from streams.adapters.system_clock import SystemClock
from streams.config import Settings
from streams.replay import driver
from streams.replay.request import Progress, ReplayRequest, ReplaySummary
from streams.wiring.demo import demo
from streams.wiring.worker import run_worker

__all__ = [
    "check_topics",
    "create_topics",
    "demo",
    "replay",
    "run_worker",
    "simulate",
]


def replay(settings: Settings, request: ReplayRequest, progress: Progress) -> ReplaySummary:
    """Replay files through the stages; see `streams.replay.driver`."""
    return driver.replay(settings, request, progress, SystemClock())


def create_topics(settings: Settings) -> list[str]:
    """Create the topics that are missing; a line for each."""
    return topics.create_topics(settings)


def check_topics(settings: Settings) -> list[str]:
    """Give what is wrong with the topics, a line each."""
    return topics.check_topics(settings)
