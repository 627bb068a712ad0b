"""A fleet and what goes wrong in it as arrays: names become codes that draws can index."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from streams.scenarios.fleet import ErrorKind, Fleet
from streams.scenarios.incident import Effect
from streams.scenarios.sampling import (
    Purpose,
    cumulative,
    from_table,
    log_normal_table,
    stream,
)

_GREATEST_FAILURE_RATIO = 0.5
_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesTables:
    """One entry per series (region x os x vm_type x operation); all arrays have shape (series,).

    Attributes:
        region: Code of the region, likewise `os`, `vm_type` and `operation`.
        volume: Share of the fleet's traffic, adds up to 1.
        failure_ratio: Baseline, 0 to 1.
    """

    region: NDArray[np.int64]
    os: NDArray[np.int64]
    vm_type: NDArray[np.int64]
    operation: NDArray[np.int64]
    volume: NDArray[np.float64]
    failure_ratio: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectTables:
    """One effect.

    Attributes:
        allowed: Dimension -> whether each of its codes is in scope, shape (codes,).
        onset: First affected millisecond since the epoch by region code, shape (regions,).
        recovered: First millisecond not affected any more, shape (regions,).
        errors: First position of its signature in `Tables.errors`.
        bounds: Cumulative weights of its signature.
        settings: The effect itself.
    """

    allowed: dict[str, NDArray[np.bool_]]
    onset: NDArray[np.int64]
    recovered: NDArray[np.int64]
    errors: int
    bounds: NDArray[np.float64]
    settings: Effect


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """Everything the draws of a scenario need.

    Attributes:
        fleet: The fleet itself.
        series: Its series.
        zones: Vocabulary of zones; code 0 is no zone.
        zone_codes: Codes of each region's zones, filled up with 0, shape (regions, most zones).
        zone_counts: Zones of each region, shape (regions,).
        clusters: Vocabulary of clusters; region code times clusters per region, plus the number
            within it.
        durations: Quantiles in milliseconds, shape (operations, 4096).
        errors: Vocabulary: the platform's, timeouts, the caller's, then each effect's signature.
        effects: In the order given.
    """

    fleet: Fleet
    series: SeriesTables
    zones: tuple[str | None, ...]
    zone_codes: NDArray[np.int64]
    zone_counts: NDArray[np.int64]
    clusters: tuple[str, ...]
    durations: NDArray[np.float64]
    errors: tuple[ErrorKind, ...]
    effects: tuple[EffectTables, ...]


def tables_of(fleet: Fleet, effects: Iterable[Effect], seed: int) -> Tables:
    """Lay out a fleet and what goes wrong in it.

    Raises:
        ValueError: An effect names a region or a value that the fleet does not have.
    """
    every_zone = dict.fromkeys(zone for region in fleet.regions for zone in region.zones)
    zones = (None, *every_zone)
    clusters = tuple(
        f"{name}-c{number + 1:02d}"
        for name in fleet.region_names
        for number in range(fleet.clusters_per_region)
    )
    errors = [*fleet.platform_errors, *fleet.timeouts, *fleet.caller_errors]
    laid_out = []
    for effect in effects:
        laid_out.append(_effect_tables(effect, _vocabularies(fleet, zones, clusters), len(errors)))
        errors.extend(effect.signature)
    return Tables(
        fleet=fleet,
        series=_series_tables(fleet, seed),
        zones=zones,
        zone_codes=_zone_codes(fleet, zones),
        zone_counts=np.array([len(region.zones) for region in fleet.regions]),
        clusters=clusters,
        durations=np.array(
            [
                log_normal_table(kind.median_duration.total_seconds() * 1000, kind.duration_spread)
                for kind in fleet.operations
            ]
        ),
        errors=tuple(errors),
        effects=tuple(laid_out),
    )


def milliseconds(instant: datetime) -> int:
    """Give an aware instant in milliseconds since the epoch."""
    return round(instant.timestamp() * 1000)


def _vocabularies(
    fleet: Fleet, zones: tuple[str | None, ...], clusters: tuple[str, ...]
) -> dict[str, tuple[str | None, ...]]:
    return {
        "region": fleet.region_names,
        "os": tuple(share.value for share in fleet.os),
        "vm_type": tuple(share.value for share in fleet.vm_types),
        "operation": tuple(kind.name for kind in fleet.operations),
        "resource_type": tuple(share.value for share in fleet.resource_types),
        "zone": zones,
        "cluster": clusters,
    }


def _series_tables(fleet: Fleet, seed: int) -> SeriesTables:
    weights = (
        _shares([region.weight for region in fleet.regions]),
        _shares([share.weight for share in fleet.os]),
        _shares([share.weight for share in fleet.vm_types]),
        _shares([kind.weight for kind in fleet.operations]),
    )
    codes = np.indices([len(each) for each in weights]).reshape(4, -1)
    region, os, vm_type, operation = (np.asarray(code) for code in codes)
    volume = np.ones(len(region))
    for code, share in zip((region, os, vm_type, operation), weights, strict=True):
        volume *= share[code]
    baseline = np.array([kind.failure_ratio for kind in fleet.operations])[operation]
    # Divided by its mean, so that an operation keeps the failure ratio its fleet promises.
    spread = log_normal_table(math.exp(-(fleet.baseline_spread**2) / 2), fleet.baseline_spread)
    factor = from_table(stream(seed, Purpose.FLEET), spread, len(region))
    return SeriesTables(
        region=region,
        os=os,
        vm_type=vm_type,
        operation=operation,
        volume=volume,
        failure_ratio=np.minimum(baseline * factor, _GREATEST_FAILURE_RATIO),
    )


def _zone_codes(fleet: Fleet, zones: tuple[str | None, ...]) -> NDArray[np.int64]:
    codes = np.zeros((len(fleet.regions), max(len(zones) - 1, 1)), dtype=np.int64)
    for row, region in zip(codes, fleet.regions, strict=True):
        row[: len(region.zones)] = [zones.index(zone) for zone in region.zones]
    return codes


def _shares(weights: list[float]) -> NDArray[np.float64]:
    return np.array(weights) / math.fsum(weights)


def _effect_tables(
    effect: Effect, vocabularies: dict[str, tuple[str | None, ...]], errors: int
) -> EffectTables:
    regions = vocabularies["region"]
    for name, values in (("region", [w.region for w in effect.windows]), *effect.scope.items()):
        missing = sorted(set(values) - set(vocabularies[name]))
        if missing:
            raise ValueError(f"the fleet has no {name} {missing}")
    windows = {window.region: window for window in effect.windows}
    return EffectTables(
        allowed={
            name: np.array([value in values for value in vocabularies[name]])
            for name, values in effect.scope.items()
        },
        onset=np.array(
            [milliseconds(windows[r].onset) if r in windows else _NEVER for r in regions]
        ),
        recovered=np.array(
            [milliseconds(windows[r].recovered) if r in windows else _NEVER for r in regions]
        ),
        errors=errors,
        bounds=cumulative([kind.weight for kind in effect.signature]),
        settings=effect,
    )
