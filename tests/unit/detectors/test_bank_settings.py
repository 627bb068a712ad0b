"""Settings of the bank: what is refused, and what the promise means in windows."""

from typing import Any

import pytest

from detectors.bank import BankSettings
from detectors.recovery import RecoverySettings


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("window_seconds", 0),
        ("shares", 0),
        ("false_alarms_per_day", 0.0),
        ("false_alarms_per_day", float("inf")),
        ("degradation_odds", (0.5,) * 7),
        ("degradation_weights", (1.0,)),
        ("degradation_weights", (0.0,) * 7),
        ("improvement_odds", (2.0, 0.5, 0.1)),
        ("rho_prior", 0.5),
        ("rho_interval", 0.9),
        ("prior_failure_ratio", 1.0),
        ("spread_floor", 5.0),
        ("holdback_windows", -1),
        ("ring_windows", 20),
        ("memory_windows", 0),
        ("materiality_odds", float("nan")),
    ],
)
def test_a_setting_without_meaning_is_refused_by_name_and_value(field: str, value: object) -> None:
    arguments: dict[str, Any] = {field: value}
    with pytest.raises(ValueError, match=rf"^{field} = "):
        BankSettings(**arguments)


def test_banks_that_share_a_promise_get_equal_parts() -> None:
    assert BankSettings(false_alarms_per_day=2.0).windows_per_false_alarm == 720
    shared = BankSettings(false_alarms_per_day=2.0, shares=4, window_seconds=30)
    assert shared.windows_per_false_alarm == 5760


@pytest.mark.parametrize("field", ["evidence", "evidence_windows", "near_odds", "lull_windows"])
def test_a_recovery_setting_below_its_least_value_is_refused(field: str) -> None:
    arguments: dict[str, Any] = {field: 0}
    with pytest.raises(ValueError, match=rf"^{field} = 0: must be at least"):
        RecoverySettings(**arguments)
