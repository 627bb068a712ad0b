"""The operations of one minute on an ordinary day, drawn as arrays."""

from datetime import timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from streams.domain.outcomes import Outcome
from streams.scenarios.fleet import Delivery, Fleet
from streams.scenarios.sampling import Purpose, cumulative, pick, stream
from streams.scenarios.tables import Tables

MINUTE_MS: Final = 60_000
NO_ERROR: Final = -1
NOT_REDELIVERED: Final = -1

OUTCOMES: Final = tuple(Outcome)
"""Vocabulary of the field `outcome`."""

SUCCESS: Final = OUTCOMES.index(Outcome.SUCCESS)
FAILURE: Final = OUTCOMES.index(Outcome.FAILURE)
TIMEOUT: Final = OUTCOMES.index(Outcome.TIMEOUT)
CANCELLED: Final = OUTCOMES.index(Outcome.CANCELLED)

EVENT: Final = np.dtype(
    [
        ("number", np.int64),  # within its minute; with the minute it makes the id
        ("origin", np.int64),  # number of the first attempt; its own number unless it is a retry
        ("region", np.int64),
        ("os", np.int64),
        ("vm_type", np.int64),
        ("operation", np.int64),
        ("zone", np.int64),
        ("cluster", np.int64),
        ("resource_type", np.int64),
        ("resource", np.int64),  # number of the resource acted on
        ("gap", np.int64),  # decides which optional field the event leaves out, 0 to 19
        ("time", np.int64),  # event time, milliseconds since the epoch
        ("duration", np.int64),  # milliseconds
        ("outcome", np.int64),
        ("error", np.int64),
        ("arrival", np.int64),  # milliseconds since the epoch
        ("redelivery", np.int64),  # likewise, or NOT_REDELIVERED
    ]
)
"""One operation outcome; dimension fields hold codes of `Tables`."""

Events = NDArray[np.void]
"""Array of `EVENT`, shape (events,)."""

_RESOURCES = 200_000
_GAPS = 20
_REGIONAL_SHARE = 0.2
"""Part of the operations in a region with zones that name no zone."""
_REDELIVERY_MS = (1_000, 59_000)


def draw_minute(tables: Tables, seed: int, minute: int) -> Events:
    """Draw the operations that end in one minute, as if nothing went wrong.

    Counts are Poisson with the daily profile. Failures of one series and minute are beta-binomial:
    their ratio is drawn from Beta(p M, (1 - p) M), M = (1 - rho) / rho, then each operation fails
    on its own.

    Args:
        tables: Of the scenario.
        seed: Of the scenario.
        minute: Minutes since the epoch.

    Returns:
        Events in the order of their numbers, not of time.
    """
    random = stream(seed, Purpose.TRAFFIC, minute)
    counts = random.poisson(
        tables.series.volume * _volume_by_region(tables.fleet, minute)[tables.series.region]
    )
    series = np.repeat(np.arange(len(counts)), counts)
    events = np.zeros(len(series), dtype=EVENT)
    events["number"] = events["origin"] = np.arange(len(series))
    for name in ("region", "os", "vm_type", "operation"):
        events[name] = getattr(tables.series, name)[series]
    events["time"] = minute * MINUTE_MS + random.integers(0, MINUTE_MS, len(series))
    _place(random, tables, events)
    _judge(random, tables, events, _failure_ratios(random, tables)[series])
    deliver(random, tables.fleet.delivery, events)
    return events


def deliver(random: np.random.Generator, delivery: Delivery, events: Events) -> None:
    """Draw when events arrive, and a second time for those that are delivered twice; in place."""
    size = len(events)
    # Cubed, so that most events arrive at once and few use the allowed disorder up.
    skew = random.random(size) ** 3
    delay = skew * _ms(delivery.allowed_disorder)
    late = random.random(size) < delivery.late_share
    least, greatest = (_ms(bound) for bound in delivery.lateness)
    delay[late] = least + skew[late] * (greatest - least)
    events["arrival"] = events["time"] + delay.astype(np.int64)
    again = random.random(size) < delivery.duplicate_share
    redelivery = events["arrival"] + random.integers(*_REDELIVERY_MS, size)
    events["redelivery"] = np.where(again, redelivery, NOT_REDELIVERED)


def is_trial(tables: Tables, events: Events) -> NDArray[np.bool_]:
    """Tell which events count for the success rate: not cancelled, not the caller's fault."""
    trials: NDArray[np.bool_] = (events["outcome"] != CANCELLED) & ~is_caller_fault(tables, events)
    return trials


def is_caller_fault(tables: Tables, events: Events) -> NDArray[np.bool_]:
    """Tell which events are failures by the caller's fault."""
    first = len(tables.fleet.platform_errors) + len(tables.fleet.timeouts)
    last = first + len(tables.fleet.caller_errors)
    faults: NDArray[np.bool_] = (events["error"] >= first) & (events["error"] < last)
    return faults


def _volume_by_region(fleet: Fleet, minute: int) -> NDArray[np.float64]:
    hour = minute / 60 % 24
    offsets = [region.utc_offset / timedelta(hours=1) for region in fleet.regions]
    return np.array(
        [fleet.operations_per_minute * fleet.profile.factor(hour + offset) for offset in offsets]
    )


def _failure_ratios(random: np.random.Generator, tables: Tables) -> NDArray[np.float64]:
    ratio, rho = tables.series.failure_ratio, tables.fleet.overdispersion
    if rho == 0:
        return ratio
    concentration = (1 - rho) / rho
    return random.beta(ratio * concentration, (1 - ratio) * concentration)


def _place(random: np.random.Generator, tables: Tables, events: Events) -> None:
    """Draw where within its region, on what resource and for how long each operation ran."""
    size, region = len(events), events["region"]
    zonal = (tables.zone_counts[region] > 0) & (random.random(size) >= _REGIONAL_SHARE)
    position = (random.random(size) * tables.zone_counts[region]).astype(np.int64)
    events["zone"] = np.where(zonal, tables.zone_codes[region, position], 0)
    per_region = tables.fleet.clusters_per_region
    events["cluster"] = region * per_region + random.integers(0, per_region, size)
    shares = cumulative([share.weight for share in tables.fleet.resource_types])
    events["resource_type"] = pick(random, shares, size)
    events["resource"] = random.integers(0, _RESOURCES, size)
    events["gap"] = random.integers(0, _GAPS, size)
    quantile = random.integers(0, tables.durations.shape[1], size)
    events["duration"] = tables.durations[events["operation"], quantile].astype(np.int64)


def _judge(
    random: np.random.Generator, tables: Tables, events: Events, ratio: NDArray[np.float64]
) -> None:
    """Draw how each operation ended."""
    fleet, size = tables.fleet, len(events)
    fate = random.random(size)
    cancelled = fate < fleet.cancelled_share
    by_caller = ~cancelled & (fate < fleet.cancelled_share + fleet.caller_fault_share)
    failed = ~cancelled & ~by_caller & (random.random(size) < ratio)
    ordinary = [kind.weight for kind in (*fleet.platform_errors, *fleet.timeouts)]
    error = pick(random, cumulative(ordinary), size)
    caller_error = pick(random, cumulative([kind.weight for kind in fleet.caller_errors]), size)
    timed_out = failed & (error >= len(fleet.platform_errors))
    events["error"] = np.select(
        [failed, by_caller], [error, len(ordinary) + caller_error], NO_ERROR
    )
    events["outcome"] = np.select(
        [cancelled, timed_out, failed | by_caller], [CANCELLED, TIMEOUT, FAILURE], SUCCESS
    )


def _ms(length: timedelta) -> float:
    return length / timedelta(milliseconds=1)
