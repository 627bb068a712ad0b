"""The files of alerts that are committed are those of the default settings."""

from pathlib import Path

from streams.config_alerts import AlertSettings
from streams.wiring.alerts import check_alerts

GENERATED = Path(__file__).parents[2] / "dashboards" / "generated"


def test_the_committed_rules_and_configuration_are_current() -> None:
    # If this fails: opwatch alerts build --out dashboards/generated
    assert check_alerts(AlertSettings(), GENERATED) == [
        "all files are as they would be built",
        f"promtool: accepts {GENERATED / 'rules.yaml'}",
        f"amtool: accepts {GENERATED / 'alertmanager.yml'}",
    ]
