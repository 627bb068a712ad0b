"""The founding incident: Azure 0NC_-L9G, 13 October 2021, 06:27 to 12:42 UTC.

From the public review: start, create, update and delete of Windows VMs, scale sets and availability
sets failed in all regions at once, Linux was fine; the image repository answered with zero results
after 20 % of the images had been migrated by a template outside the staged release system; a fix
went to one region first, then region by region.

Ours, because nobody published it: callers try a failed operation again 1.15 times on average, so
that 20 % of failing first attempts make 0.2 * 2.15 / (0.8 + 0.2 * 2.15) = 35 % of all trials fail;
the order of mitigation and its times within the window; two tests of the migration at an exposure
of 0.001, too small to show in any success rate.
"""

from datetime import UTC, datetime, timedelta

from streams.scenarios.fleet import ErrorKind, Scope
from streams.scenarios.incident import Effect, Incident, RegionWindow
from streams.scenarios.releases import ReleasePlan, Rollback, Stage

ONSET = datetime(2021, 10, 13, 6, 27, tzinfo=UTC)
DURATION = timedelta(hours=6, minutes=15)
MIGRATION = "image-template-migration"

_SCOPE: Scope = {"os": ("windows",), "operation": ("create", "delete", "start", "update")}

_MIGRATED_SHARE = 0.2
_RETRIES_PER_FAILURE = 1.15

_FIRST_FIXED = "westcentralus"
_FIRST_FIXED_AT = 0.56
"""Part of the incident after which the first, smallest region is fixed: 09:57 at full length."""
_OTHERS_FROM = 0.72
"""Part of the incident after which the second region is fixed: 10:57, after an hour of watching."""


def founding_incident(
    regions: tuple[str, ...], *, registered: bool, duration: timedelta | None = None
) -> Incident:
    """Give the incident.

    Args:
        regions: Names of the default fleet's regions, the largest first.
        registered: Whether the migration is a release anybody knows of.
        duration: From onset to the recovery of the last region; the original's 6 h 15 min if None.
    """
    length = DURATION if duration is None else duration
    recoveries = _recoveries(regions, length)
    effect = Effect(
        scope=_SCOPE,
        windows=tuple(
            RegionWindow(region=name, onset=ONSET, recovered=recoveries[name]) for name in regions
        ),
        susceptible_share=_MIGRATED_SHARE,
        retries_per_failure=_RETRIES_PER_FAILURE,
        signature=(
            ErrorKind(
                code="ImageRepositoryZeroResults",
                message="The image repository returned zero results for the requested version.",
                weight=80,
            ),
            ErrorKind(
                code="ProvisioningFailed",
                message="Provisioning of the resource failed: no image version was found.",
                weight=20,
            ),
        ),
    )
    return Incident(effects=(effect,), culprit=MIGRATION if registered else None)


def migration(incident: Incident) -> ReleasePlan:
    """Give the migration as a release: two tests, 20 % everywhere, the fix region by region."""
    fixes = sorted(incident.regions, key=lambda window: (window.recovered, window.region))
    tests = (
        Stage(name="test-1", regions=(_FIRST_FIXED,), exposure=0.001, bake=timedelta(hours=26)),
        Stage(name="test-2", regions=("northcentralus",), exposure=0.001, bake=timedelta(hours=8)),
    )
    # Its bake time outlasts any incident: the migration is taken back, never completed.
    migrated = Stage(name="migrate-20-percent", exposure=_MIGRATED_SHARE, bake=timedelta(days=30))
    return ReleasePlan(
        release=MIGRATION,
        component="image-repository",
        version="template-3",
        started=incident.onset - sum((stage.length for stage in tests), start=timedelta(0)),
        stages=(*tests, migrated),
        scope={"os": ("windows",)},
        rollbacks=tuple(Rollback(time=fix.recovered, regions=(fix.region,)) for fix in fixes),
    )


def _recoveries(regions: tuple[str, ...], length: timedelta) -> dict[str, datetime]:
    """One region first, then the others from the smallest to the largest; whole seconds."""
    others = [name for name in reversed(regions) if name != _FIRST_FIXED]
    step = (1.0 - _OTHERS_FROM) / (len(others) - 1)
    parts = {name: _OTHERS_FROM + index * step for index, name in enumerate(others)}
    parts[_FIRST_FIXED] = _FIRST_FIXED_AT
    return {
        name: ONSET + timedelta(seconds=round(length.total_seconds() * part))
        for name, part in parts.items()
    }
