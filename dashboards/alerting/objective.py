"""The safety net: an error budget that burns in a region although no incident tells of it.

Several windows and burn rates in one alert, as in the SRE Workbook, chapter 5, "Multiwindow,
Multi-Burn-Rate Alerts". The sums over days are made from recorded rates: over the counters
themselves a query of three days would read more samples than Prometheus allows.
"""

from dataclasses import dataclass

from dashboards.alerting import page
from dashboards.alerting.alerts import Alert, AlertOptions, Dashboard, Severity
from dashboards.queries import DECIDED, FAILED, per_second, select, total
from streams import telemetry

NAME = "OpwatchErrorBudgetBurns"
TRIALS = "region:opwatch_trials:rate5m"
FAILURES = "region:opwatch_failures:rate5m"

INTERVAL_S = 60
"""How often the rates are recorded, in seconds."""

FEWEST_FAILURES = 10
"""In the long window; below, one failure of a quiet region would burn all of its budget."""

KNOWN_SHARE = 0.5
"""How much of the long window must have been recorded: a new installation knows no three days."""


@dataclass(frozen=True, slots=True)
class Burn:
    """A rate at which the budget must not burn.

    Attributes:
        rate: In budgets of 30 days per 30 days.
        long: Window over which it counts, in minutes.
        short: Window in which it must go on, in minutes.
    """

    rate: float
    long: int
    short: int


BURNS = (Burn(14.4, 60, 5), Burn(6, 6 * 60, 30), Burn(1, 3 * 24 * 60, 6 * 60))
"""2 % of the budget in an hour, 5 % in six hours, 10 % in three days."""


def recordings() -> tuple[dict[str, object], ...]:
    """Give the recording rules."""
    trials = total("sum", ["region"], per_second(telemetry.OPERATIONS, DECIDED, over="5m"))
    failures = total("sum", ["region"], per_second(telemetry.OPERATIONS, FAILED, over="5m"))
    return ({"record": TRIALS, "expr": trials}, {"record": FAILURES, "expr": failures})


def alert(options: AlertOptions) -> Alert:
    """Give the alert; its value is the failure ratio of the longest window that burns."""
    budget = 1 - options.objective
    return Alert(
        name=NAME,
        expression="\nor\n".join(_burns(one, budget) for one in BURNS),
        severity=Severity.WARNING,
        summary="Region {{ $labels.region }} burns its error budget: "
        "{{ $value | humanizePercentage }} of operations fail",
        description=f"Objective: {options.objective:.5g} of operations succeed over 30 days. "
        "No open incident tells of the region.\nThe failures are too slow, too old or too "
        "scattered for a change point.",
        dashboard=Dashboard.SERIES,
        chosen=("region",),
    )


def _burns(burn: Burn, budget: float) -> str:
    limit = f"{burn.rate * budget:.6g}"
    told = f"max_over_time({select(telemetry.INCIDENT_REGION_STATUS)}[{burn.short}m])"
    return f"""\
(
  {_ratio(burn.long)} > {limit}
  and {_ratio(burn.short)} > {limit}
  and sum_over_time({FAILURES}[{burn.long}m]) * {INTERVAL_S} >= {FEWEST_FAILURES}
  and count_over_time({TRIALS}[{burn.long}m]) >= {KNOWN_SHARE * burn.long * 60 / INTERVAL_S:.0f}
  unless on (region) {total("max", ["region"], told)} >= {page.AFFECTED}
)"""


def _ratio(minutes: int) -> str:
    """Give the failure ratio of the last minutes; the rates themselves are of five."""
    if minutes == 5:  # noqa: PLR2004
        return f"{FAILURES} / {TRIALS}"
    return f"sum_over_time({FAILURES}[{minutes}m]) / sum_over_time({TRIALS}[{minutes}m])"
