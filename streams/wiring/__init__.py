"""Composition root: settings in, a running processor out.

The only place that knows both the stages and the adapters.
"""

from pathlib import Path

from streams.adapters import scenario_files
from streams.adapters.kafka import topics
from streams.adapters.system_clock import SystemClock
from streams.config import Settings
from streams.replay import driver
from streams.replay.request import Progress, ReplayRequest, ReplaySummary
from streams.scenarios.catalogue import SCENARIOS, build
from streams.scenarios.default_fleet import default_fleet
from streams.wiring.demo import demo
from streams.wiring.evaluation import EvaluationRequest, evaluate
from streams.wiring.evaluation.attribution import evaluate_attribution
from streams.wiring.worker import run_worker

__all__ = [
    "EvaluationRequest",
    "check_topics",
    "create_topics",
    "demo",
    "evaluate",
    "evaluate_attribution",
    "list_scenarios",
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


def list_scenarios() -> list[tuple[str, str]]:
    """Give the name of each scenario, and what it is about."""
    return [(name, _about(builder.__doc__)) for name, builder in SCENARIOS.items()]


def simulate(name: str, out: Path, seed: int, volume: float, progress: Progress) -> None:
    """Write the events and the truth of a scenario into a folder.

    Args:
        name: Name of the scenario.
        out: The folder to write.
        seed: The same seed gives the same bytes.
        volume: Operations, as a multiple of the scenario's own.
        progress: Hears how far it is; for bytes it hears minutes.
    """
    scenario = build(name, seed=seed, volume=volume * default_fleet().operations_per_minute)
    scenario_files.write_scenario(
        scenario,
        out,
        lambda done: progress.advance(done.minutes, done.of_minutes, done.outcomes, done.minutes),
    )


def _about(docstring: str | None) -> str:
    return (docstring or "").partition("\n")[0]
