"""Composition root: settings in, a running processor out.

The only place that knows both the stages and the adapters.
"""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from streams.adapters import scenario_files
from streams.adapters.kafka import topics
from streams.config import Settings
from streams.replay.request import Progress
from streams.scenarios.catalogue import SCENARIOS, build
from streams.scenarios.default_fleet import default_fleet
from streams.wiring.demo import demo
from streams.wiring.evaluation import EvaluationRequest, evaluate
from streams.wiring.evaluation.attribution import evaluate_attribution
from streams.wiring.replaying import replay, what_if
from streams.wiring.worker import run_worker

__all__ = [
    "EvaluationRequest",
    "SimulationRequest",
    "check_topics",
    "create_topics",
    "demo",
    "evaluate",
    "evaluate_attribution",
    "list_scenarios",
    "replay",
    "run_worker",
    "simulate",
    "what_if",
]


def create_topics(settings: Settings) -> list[str]:
    """Create the topics that are missing; a line for each."""
    return topics.create_topics(settings)


def check_topics(settings: Settings) -> list[str]:
    """Give what is wrong with the topics, a line each."""
    return topics.check_topics(settings)


def list_scenarios() -> list[tuple[str, str]]:
    """Give the name of each scenario, and what it is about."""
    return [(name, _about(builder.__doc__)) for name, builder in SCENARIOS.items()]


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationRequest:
    """Which scenario to write where.

    Attributes:
        name: Name of the scenario.
        out: The folder to write.
        seed: The same seed gives the same bytes.
        volume: Operations, as a multiple of the scenario's own.
        before: Time before the onset; None for the scenario's own.
        after: Time after the end; None for the scenario's own.
        incident_duration: From onset to end; None for the original's.
    """

    name: str
    out: Path
    seed: int = 1
    volume: float = 1.0
    before: timedelta | None = None
    after: timedelta | None = None
    incident_duration: timedelta | None = None


def simulate(request: SimulationRequest, progress: Progress) -> None:
    """Write the events and the truth of a scenario into a folder.

    Args:
        request: Which scenario to write where.
        progress: Hears how far it is; for bytes it hears minutes.
    """
    scenario = build(
        request.name,
        seed=request.seed,
        volume=request.volume * default_fleet().operations_per_minute,
        before=request.before,
        after=request.after,
        incident_duration=request.incident_duration,
    )
    scenario_files.write_scenario(
        scenario,
        request.out,
        lambda done: progress.advance(done.minutes, done.of_minutes, done.outcomes, done.minutes),
    )


def _about(docstring: str | None) -> str:
    return (docstring or "").partition("\n")[0]
