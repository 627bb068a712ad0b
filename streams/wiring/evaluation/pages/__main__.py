"""Prints how often an incident is one page, as JSON."""

import argparse
import json
import sys

import numpy as np

from detectors.evaluation.cells import seed_of
from streams.wiring.evaluation.pages.runs import Fleet, last_records
from streams.wiring.evaluation.pages.scores import Verdict, judge, summary
from streams.wiring.evaluation.pages.truth import EPISODE, WARM_UP, incidents

_DAY = 1440


def figures(seeds: range, episodes: int, quiet_days: int) -> dict[str, object]:
    """Measure.

    Args:
        seeds: One course of incidents for each.
        episodes: Incidents, or pairs of them, in a course.
        quiet_days: Days of fleets in which nothing breaks, after the warm-up.
    """
    verdicts: list[Verdict] = []
    false = 0
    for seed in seeds:
        generator = np.random.default_rng(seed_of(seed, "pages", "incidents"))
        fleet, truth = Fleet(generator), incidents(episodes, generator)
        windows = WARM_UP + EPISODE * episodes
        found, nothing = judge(truth, last_records(fleet, windows, truth), fleet.volume(windows))
        verdicts += found
        false += nothing
    quiet = [_quiet(seed) for seed in range(seeds.start, seeds.start + quiet_days)]
    return {
        "seeds": [seeds.start, seeds.stop - 1],
        **summary(verdicts, false),
        "quiet_days": quiet_days,
        "false_incidents": sum(quiet),
    }


def _quiet(seed: int) -> int:
    """Give the number of incidents in a day in which nothing breaks."""
    fleet = Fleet(np.random.default_rng(seed_of(seed, "pages", "quiet")))
    return len(last_records(fleet, WARM_UP + _DAY))


def main() -> None:
    """Read the command line and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", default="101-110", help="first and last seed")
    parser.add_argument("--episodes", type=int, default=12, help="incidents of a seed")
    parser.add_argument("--quiet-days", type=int, default=30, help="days without incidents")
    chosen = parser.parse_args()
    first, last = map(int, chosen.seeds.split("-"))
    found = figures(range(first, last + 1), chosen.episodes, chosen.quiet_days)
    sys.stdout.write(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
