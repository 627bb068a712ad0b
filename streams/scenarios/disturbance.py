"""What an incident does to the operations of a minute."""

from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from streams.scenarios.sampling import Purpose, pick, stream
from streams.scenarios.tables import EffectTables, Tables
from streams.scenarios.traffic import FAILURE, MINUTE_MS, Events, deliver, is_trial


def disturb(tables: Tables, seed: int, minute: int, ordinary: Events) -> Events:
    """Let the operations of a minute meet the incident.

    An operation meets at most one effect. The retries of those that fail come after the ordinary
    operations, so that these keep their ids.

    Args:
        tables: Of the scenario.
        seed: Of the scenario.
        minute: Minutes since the epoch.
        ordinary: From `draw_minute`; left as they are.

    Returns:
        The same operations without those held back, some of them failing now, and the retries
        behind them.
    """
    if not any(_touches(effect, minute) for effect in tables.effects):
        return ordinary
    random = stream(seed, Purpose.INCIDENT, minute)
    numbers = len(ordinary)
    events = _let_through(random, tables, ordinary)
    untouched = is_trial(tables, events)
    retries = []
    for effect in tables.effects:
        share = effect.settings.susceptible_share * _strength(effect, events)
        hit = untouched & (random.random(len(events)) < share)
        untouched &= ~hit
        events["outcome"][hit] = FAILURE
        events["error"][hit] = effect.errors + pick(random, effect.bounds, int(hit.sum()))
        retries.append(_retries(random, effect, events[hit]))
    repeated = np.concatenate(retries)
    repeated["number"] = numbers + np.arange(len(repeated))
    deliver(random, tables.fleet.delivery, repeated)
    return np.concatenate([events, repeated])


def _touches(effect: EffectTables, minute: int) -> bool:
    begin, end = minute * MINUTE_MS, (minute + 1) * MINUTE_MS
    return bool(np.any((effect.onset < end) & (effect.recovered > begin)))


def _let_through(random: np.random.Generator, tables: Tables, ordinary: Events) -> Events:
    """Leave out, in a copy, the operations that some effect holds back."""
    events = ordinary.copy()
    for effect in tables.effects:
        share = effect.settings.held_back_share
        if share:
            happens = random.random(len(events)) >= share * _strength(effect, events)
            events = events[happens]
    return events


def _strength(effect: EffectTables, events: Events) -> NDArray[np.float64]:
    """Give how much of an effect's shares each event meets, 0 to 1; shape (events,)."""
    onset, recovered = effect.onset[events["region"]], effect.recovered[events["region"]]
    active = (events["time"] >= onset) & (events["time"] < recovered)
    for name, allowed in effect.allowed.items():
        active &= allowed[events[name]]
    strength = np.where(active, 1.0, 0.0)
    if effect.settings.ramp:
        # Regions without a window are inactive; their onset would overflow the difference.
        since = np.where(active, events["time"] - np.where(active, onset, 0), 0)
        strength *= np.clip(since / (effect.settings.ramp / timedelta(milliseconds=1)), 0, 1)
    return strength


def _retries(random: np.random.Generator, effect: EffectTables, failed: Events) -> Events:
    """Repeat failed operations a Poisson number of times, later in the same minute and outage."""
    mean = effect.settings.retries_per_failure
    again = failed[np.repeat(np.arange(len(failed)), random.poisson(mean, len(failed)))]
    end = np.minimum(
        (again["time"] // MINUTE_MS + 1) * MINUTE_MS, effect.recovered[again["region"]]
    )
    wait = random.random(len(again)) * (end - again["time"])
    again["time"] += wait.astype(np.int64)
    return again
