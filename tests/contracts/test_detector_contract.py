"""Every detector holds to what `detectors.checks` demands."""

from typing import Any

import pytest
from detector_subjects import codes, hours, ratios, volume

from detectors.checks import Check, yield_checks
from detectors.contract import Subject

SUBJECTS: tuple[Subject[Any], ...] = (ratios(), hours(), codes(), volume())


@pytest.mark.parametrize("check", list(yield_checks()), ids=lambda check: check.__name__)
@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
def test_the_detector_passes(subject: Subject[Any], check: Check) -> None:
    check(subject)
