"""What the records are worth: one for each true incident, none for nothing, begin and end right."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from detectors.arrays import Floats
from streams.domain.incidents import IncidentRecord
from streams.domain.time import window_of
from streams.wiring.evaluation.pages.runs import FIRST, SETTINGS
from streams.wiring.evaluation.pages.truth import SERIES, TrueIncident, members

NEARBY: Final = 10
"""Windows around a true incident in which a record may still be about it."""

CLEAR: Final = 10.0
"""Excess failures of a window from which begin and end can be told to the window."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one true incident.

    Attributes:
        truth: The incident.
        records: How many incident records are about it.
        onset_error: Estimated minus true first window with a clear excess; None where no window has
            one, or nothing was found.
        end_error: The same of the first window after the last of them.
        scope_exact: Whether the record names its series, no more and no fewer.
    """

    truth: TrueIncident
    records: int
    onset_error: int | None
    end_error: int | None
    scope_exact: bool


def judge(
    truth: Sequence[TrueIncident], records: Sequence[IncidentRecord], volume: Floats
) -> tuple[list[Verdict], int]:
    """Compare records with the truth.

    Args:
        truth: What broke.
        records: The last record of every incident.
        volume: float[T, S], expected operations.

    Returns:
        A verdict for every true incident, and the number of records about nothing.
    """
    owners = [_owner(record, truth) for record in records]
    verdicts = []
    for place, one in enumerate(truth):
        mine = [record for record, owner in zip(records, owners, strict=True) if owner == place]
        verdicts.append(_verdict(one, mine, volume))
    return verdicts, owners.count(None)


def summary(verdicts: Sequence[Verdict], false: int) -> dict[str, object]:
    """Give the figures of many runs."""
    paged = [one for one in verdicts if one.truth.pages]
    dependent = [one for one in verdicts if not one.truth.pages]
    by_shape = Counter(one.truth.shape.value for one in paged)
    right = Counter(one.truth.shape.value for one in paged if one.records == 1)
    return {
        "incidents": len(paged),
        "exactly_one_record": _share(sum(one.records == 1 for one in paged), len(paged)),
        "missed": sum(one.records == 0 for one in paged),
        "several_records": sum(one.records > 1 for one in paged),
        "exactly_one_by_shape": {
            name: f"{right[name]} of {count}" for name, count in sorted(by_shape.items())
        },
        "dependents_not_paged": _share(sum(not one.records for one in dependent), len(dependent)),
        "records_about_nothing": false,
        "scope_exact": _share(sum(one.scope_exact for one in paged), len(paged)),
        "onset_error": _errors([one.onset_error for one in paged]),
        "end_error": _errors([one.end_error for one in paged]),
    }


def _owner(record: IncidentRecord, truth: Sequence[TrueIncident]) -> int | None:
    """Give the position of the true incident that a record is about."""
    begin, end = _window(record.onset), _end(record)
    inside = _series(record)
    likeness = [
        (float((inside & one.series()).sum() / (inside | one.series()).sum()), -place)
        for place, one in enumerate(truth)
        if begin < one.end + NEARBY and (end is None or end > one.first - NEARBY)
    ]
    best, place = max(likeness, default=(0.0, 0))
    return -place if best > 0 else None


def _verdict(truth: TrueIncident, records: Sequence[IncidentRecord], volume: Floats) -> Verdict:
    clear = np.flatnonzero((truth.effect(len(volume)) * volume).sum(axis=1) > CLEAR)
    onset_error = end_error = None
    if records and clear.size:
        onset_error = _window(records[0].onset) - int(clear[0])
        end = _end(records[0])
        end_error = None if end is None else end - int(clear[-1]) - 1
    exact = bool(records) and bool(np.array_equal(_series(records[0]), truth.series()))
    return Verdict(truth, len(records), onset_error, end_error, exact)


def _series(record: IncidentRecord) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    regions = tuple(region.region for region in record.regions)
    inside: np.ndarray[tuple[int], np.dtype[np.bool_]] = members(record.scope) & members(
        {"region": regions}
    )
    return inside.reshape(len(SERIES))


def _window(instant: float) -> int:
    return window_of(instant, SETTINGS.windows.seconds) - FIRST


def _end(record: IncidentRecord) -> int | None:
    return None if record.resolved is None else _window(record.resolved)


def _share(count: int, whole: int) -> float | None:
    return round(count / whole, 4) if whole else None


def _errors(found: Sequence[int | None]) -> dict[str, float] | None:
    """Give the median and the 90 % quantile of the absolute errors, in windows."""
    errors = np.abs([one for one in found if one is not None])
    if not errors.size:
        return None
    median, most = np.quantile(errors, (0.5, 0.9)).tolist()
    return {"scored": errors.size, "median": median, "quantile_90": most}
