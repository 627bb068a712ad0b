"""The 15 harmless releases around an incident: a table, relative to its onset.

They are made to be plausible suspects: some reach only Windows, Linux or one VM type, some are
complete before the onset or start after it, seven step within the hour before it, one steps in one
region three minutes before it, one is paused, one was taken back. No two reach the regions in the
same order. Where an incident stays in one region, `reaching` gives one more that steps there in
time.
"""

import enum
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise

from streams.scenarios.fleet import Scope
from streams.scenarios.releases import Pause, ReleasePlan, Rollback, Stage, offset_of_stage

_WINDOWS: Scope = {"os": ("windows",)}
_LINUX: Scope = {"os": ("linux",)}

_RING_BOUNDS = (0, 1, 3, 7, 13)
"""Where the rings begin in the order of regions."""


class _Pattern(enum.Enum):
    """How a release spreads."""

    RINGS = "region by region, in growing groups"
    SHARES = "everywhere, in growing shares"
    GLOBAL = "one region, then everywhere at once"


def _ringed(order: tuple[str, ...], bake_hours: float, gap_minutes: float) -> tuple[Stage, ...]:
    """Canary, pilot, early, broad, rest; a safe deployment order region by region."""
    bounds = (*_RING_BOUNDS, len(order))
    names = ("canary", "pilot", "early", "broad", "rest")
    return tuple(
        Stage(
            name=name,
            regions=order[first:last],
            gap=timedelta(minutes=gap_minutes),
            bake=timedelta(hours=bake_hours),
        )
        for name, (first, last) in zip(names, pairwise(bounds), strict=True)
    )


def _percentages(bake_hours: float) -> tuple[Stage, ...]:
    """Everywhere at once, but only a share of the fleet at first."""
    return tuple(
        Stage(name=f"{share:.0%}", exposure=share, bake=timedelta(hours=bake_hours))
        for share in (0.01, 0.1, 0.5, 1.0)
    )


def _at_once(order: tuple[str, ...], bake_hours: float) -> tuple[Stage, ...]:
    """One region for a day's confidence, then everything."""
    return (
        Stage(name="canary", regions=order[:1], bake=timedelta(hours=bake_hours)),
        Stage(name="global", bake=timedelta(hours=1)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """One release: stage number `stage` takes its first step `minutes` after the onset.

    `stride` and `first` give its order of regions: every stride-th region, from the first on, over
    and over. `bake_hours` follow each stage, `gap_minutes` lie between two regions of a stage. In
    `release` and `version`, `{month}` stands for the onset's; `machine` is the position of the one
    machine type it touches, and `{machine}` for its short name.
    """

    release: str
    component: str
    version: str
    pattern: _Pattern
    stage: int
    minutes: float
    bake_hours: float
    gap_minutes: float = 15
    stride: int = 1
    first: int = 0
    scope: Scope = field(default_factory=dict)
    machine: int | None = None
    pause: Pause | None = None
    rolled_back_minutes: float | None = None


_PAUSE = Pause(stage=2, after=timedelta(minutes=20), length=timedelta(hours=3))

# A table reads best in rows.
# fmt: off
_ROWS = (
    # Complete before the onset.
    _Row(release="host-agent-2.41", component="host-agent", version="2.41.0",
         pattern=_Pattern.RINGS, stage=4, minutes=-600, bake_hours=4, gap_minutes=10, stride=3,
         first=9),
    _Row(release="quota-service-118", component="quota-service", version="118",
         pattern=_Pattern.GLOBAL, stage=1, minutes=-270, bake_hours=12, stride=7, first=14),
    _Row(release="linux-agent-1.9.4", component="linux-agent", version="1.9.4",
         pattern=_Pattern.RINGS, stage=4, minutes=-330, bake_hours=2, gap_minutes=12, stride=9,
         first=2, scope=_LINUX),
    # Taken back before the onset.
    _Row(release="scheduler-5.2", component="vm-scheduler", version="5.2.0", pattern=_Pattern.RINGS,
         stage=2, minutes=-420, bake_hours=3, stride=11, first=19, rolled_back_minutes=-250),
    # Under way; seven of these step within the hour before the onset.
    _Row(release="gateway-{month}.2", component="control-plane-gateway", version="{month}.2",
         pattern=_Pattern.RINGS, stage=3, minutes=-52, bake_hours=5, gap_minutes=21, stride=13,
         first=5),
    _Row(release="windows-guest-agent-2.7", component="windows-guest-agent", version="2.7.41491",
         pattern=_Pattern.RINGS, stage=2, minutes=-44, bake_hours=3, gap_minutes=17, stride=17,
         first=11, scope=_WINDOWS),
    _Row(release="nic-driver-linux-44", component="nic-driver", version="44",
         pattern=_Pattern.RINGS, stage=3, minutes=-47, bake_hours=6, gap_minutes=19, stride=19,
         first=16, scope=_LINUX),
    _Row(release="disk-cache-{machine}", component="disk-cache", version="3.0.1",
         pattern=_Pattern.RINGS, stage=1, minutes=-25, bake_hours=4, gap_minutes=40, stride=3,
         first=4, machine=0),
    _Row(release="name-service-77", component="name-service", version="77", pattern=_Pattern.SHARES,
         stage=2, minutes=-48, bake_hours=5),
    # The bystander: this stage's first region steps three minutes before the onset, the next 37
    # minutes after it.
    _Row(release="image-cache-1.14", component="image-cache", version="1.14.2",
         pattern=_Pattern.RINGS, stage=2, minutes=-3, bake_hours=6, gap_minutes=40, stride=7,
         first=6),
    _Row(release="billing-hooks-9", component="billing-hooks", version="9.0",
         pattern=_Pattern.RINGS, stage=4, minutes=-95, bake_hours=2, gap_minutes=35, stride=9,
         first=13),
    _Row(release="windows-update-proxy-6", component="windows-update-proxy", version="6.1",
         pattern=_Pattern.RINGS, stage=2, minutes=-130, bake_hours=3, gap_minutes=14, stride=11,
         first=8, scope=_WINDOWS, pause=_PAUSE),
    # After the onset.
    _Row(release="metrics-relay-31", component="metrics-relay", version="31",
         pattern=_Pattern.RINGS, stage=0, minutes=22, bake_hours=1, gap_minutes=9, stride=13,
         first=1),
    _Row(release="burst-limits-{machine}", component="burst-limits", version="4.4",
         pattern=_Pattern.RINGS, stage=0, minutes=75, bake_hours=1, stride=17, first=3,
         machine=1),
    _Row(release="console-proxy-12", component="console-proxy", version="12.3",
         pattern=_Pattern.SHARES, stage=0, minutes=140, bake_hours=1.5),
)
# fmt: on


MACHINES = ("Standard_F8s_v2", "Standard_B2ms")
"""Machine types of the default fleet that some releases touch."""


def concurrent_releases(
    regions: tuple[str, ...],
    onset: datetime,
    *,
    machines: tuple[str, str] = MACHINES,
    halted: datetime | None = None,
) -> tuple[ReleasePlan, ...]:
    """Give the harmless releases around an onset.

    Args:
        regions: Names of the fleet's regions; with 20 of them the orders are all different.
        onset: What the table's minutes count from.
        machines: The two machine types that one release each touches.
        halted: When all of them are stopped; None for never.

    Raises:
        ValueError: There are too few regions for five rings.
    """
    if len(regions) <= _RING_BOUNDS[-1]:
        raise ValueError(
            f"five rings need more than {_RING_BOUNDS[-1]} regions, not {len(regions)}"
        )
    plans = (_plan(_named(row, machines, onset), regions, onset) for row in _ROWS)
    return tuple(replace(plan, halted=halted) for plan in plans)


def reaching(
    region: str,
    at: datetime,
    *,
    release: str,
    component: str,
    version: str,
    regions: tuple[str, ...],
    halted: datetime | None = None,
) -> ReleasePlan:
    """Give one more harmless release, which reaches a region in its third ring at a given time."""
    third = _RING_BOUNDS[2]
    others = [name for name in regions if name != region]
    stages = _ringed((*others[:third], region, *others[third:]), bake_hours=4, gap_minutes=25)
    return ReleasePlan(
        release=release,
        component=component,
        version=version,
        started=at - offset_of_stage(stages, 2),
        stages=stages,
        halted=halted,
    )


def _named(row: _Row, machines: tuple[str, str], onset: datetime) -> _Row:
    """Fill in the names that depend on the fleet and the month."""
    machine = None if row.machine is None else machines[row.machine]
    names = {"month": f"{onset:%Y.%m}", "machine": "" if machine is None else _short(machine)}
    return replace(
        row,
        release=row.release.format(**names),
        version=row.version.format(**names),
        scope=row.scope if machine is None else {"vm_type": (machine,)},
    )


def _short(machine: str) -> str:
    """Shorten a machine type: Standard_F8s_v2 to f8s."""
    return machine.removeprefix("Standard_").partition("_")[0].lower()


def _plan(row: _Row, regions: tuple[str, ...], onset: datetime) -> ReleasePlan:
    stages = _stages(row, _order(regions, row.stride, row.first))
    back = row.rolled_back_minutes
    return ReleasePlan(
        release=row.release,
        component=row.component,
        version=row.version,
        started=onset + timedelta(minutes=row.minutes) - offset_of_stage(stages, row.stage),
        stages=stages,
        scope=row.scope,
        pause=row.pause,
        rollbacks=() if back is None else (Rollback(time=onset + timedelta(minutes=back)),),
    )


def _stages(row: _Row, order: tuple[str, ...]) -> tuple[Stage, ...]:
    match row.pattern:
        case _Pattern.RINGS:
            return _ringed(order, row.bake_hours, row.gap_minutes)
        case _Pattern.SHARES:
            return _percentages(row.bake_hours)
        case _Pattern.GLOBAL:
            return _at_once(order, row.bake_hours)


def _order(regions: tuple[str, ...], stride: int, first: int) -> tuple[str, ...]:
    """Walk the ring of regions by a stride, and append in order what the walk leaves out."""
    walk = [regions[(first + step * stride) % len(regions)] for step in range(len(regions))]
    return tuple(dict.fromkeys([*walk, *regions]))
