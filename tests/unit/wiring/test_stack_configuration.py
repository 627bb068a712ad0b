"""What the servers of a stack are configured with, and how it is hurried."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards.alerting.alerts import AlertOptions
from dashboards.alertmanager import HEARTBEAT, PAGER
from dashboards.rules import render_rules
from streams.wiring.stack_configuration import (
    alertmanager_configuration,
    grafana_dashboards,
    grafana_data_source,
    hurried,
    prometheus_configuration,
    rules,
)

HERE, THERE = "http://127.0.0.1:1/", "http://127.0.0.1:2/hook"


@pytest.mark.parametrize(
    ("duration", "speed", "expected"),
    [
        ("15s", 1.0, "15s"),
        ("15s", 5.0, "3000ms"),
        ("1m30s", 20.0, "4500ms"),
        ("2h", 60.0, "120000ms"),
        ("15s", 60.0, "1000ms"),
        ("1s", 60.0, "1s"),
        ("500ms", 60.0, "500ms"),
        ("0s", 60.0, "0s"),
        ("1d", 7.0, "12342858ms"),
    ],
)
def test_a_duration_is_shortened_by_the_speed_but_to_no_less_than_a_second(
    duration: str, speed: float, expected: str
) -> None:
    assert hurried(duration, speed) == expected


def test_rules_that_are_not_hurried_are_those_of_every_installation() -> None:
    options = AlertOptions(dashboard_url="http://127.0.0.1:3")
    assert yaml.safe_load(rules(options, 1.0)) == yaml.safe_load(render_rules(options))


def test_hurried_rules_wait_less_and_ask_the_same() -> None:
    usual = yaml.safe_load(render_rules(AlertOptions()))
    quick = yaml.safe_load(rules(AlertOptions(), 30.0))
    waits = 0
    for one, other in zip(usual["groups"], quick["groups"], strict=True):
        assert other["interval"] == hurried(one["interval"], 30.0)
        for rule, quick_rule in zip(one["rules"], other["rules"], strict=True):
            for field in ("for", "keep_firing_for"):
                if field in rule:
                    waits += 1
                    assert quick_rule.pop(field) == hurried(rule.pop(field), 30.0)
            assert quick_rule == rule
    assert waits > 3


def hooks(document: dict[str, Any]) -> dict[str, list[tuple[str, bool]]]:
    """Receiver -> its webhooks, and whether each hears of the end."""
    return {
        one["name"]: [(hook["url"], hook["send_resolved"]) for hook in one["webhook_configs"]]
        for one in document["receivers"]
    }


def test_everybody_is_notified_at_the_webhook_and_the_further_one_hears_no_heartbeat() -> None:
    text, files = alertmanager_configuration(HERE, THERE, 1.0)
    found = hooks(yaml.safe_load(text))
    assert found[PAGER] == [(HERE, True), (THERE, True)]
    assert found.pop(HEARTBEAT) == [(HERE, False)]
    for name, own in found.items():
        assert [url for url, _ in own] == [HERE, THERE], name
    assert set(yaml.safe_load(text)["templates"]) == set(files)


def test_without_a_further_webhook_there_is_one_each() -> None:
    found = hooks(yaml.safe_load(alertmanager_configuration(HERE, None, 1.0)[0]))
    assert {len(own) for own in found.values()} == {1}


def test_a_hurried_alertmanager_waits_less_and_repeats_no_sooner() -> None:
    usual, quick = (
        yaml.safe_load(alertmanager_configuration(HERE, None, speed)[0])["route"]
        for speed in (1.0, 60.0)
    )
    assert quick["group_wait"] == hurried(usual["group_wait"], 60.0) != usual["group_wait"]
    assert quick["group_interval"] == hurried(usual["group_interval"], 60.0)
    assert quick["repeat_interval"] == usual["repeat_interval"]
    assert [one["receiver"] for one in quick["routes"]] == [
        one["receiver"] for one in usual["routes"]
    ]


def test_prometheus_scrapes_the_worker_and_alerts_alertmanager() -> None:
    document = yaml.safe_load(
        prometheus_configuration(
            metrics="http://127.0.0.1:11", alertmanager="http://127.0.0.1:12", speed=3.0
        )
    )
    assert document["global"] == {"scrape_interval": "5000ms", "evaluation_interval": "5000ms"}
    (scrape,) = document["scrape_configs"]
    assert scrape["job_name"] == AlertOptions().job
    assert scrape["static_configs"] == [{"targets": ["127.0.0.1:11"]}]
    (manager,) = document["alerting"]["alertmanagers"]
    assert manager["static_configs"] == [{"targets": ["127.0.0.1:12"]}]


def test_grafana_is_told_where_prometheus_and_the_dashboards_are() -> None:
    (source,) = yaml.safe_load(grafana_data_source("http://127.0.0.1:13"))["datasources"]
    assert (source["type"], source["url"]) == ("prometheus", "http://127.0.0.1:13")
    (provider,) = yaml.safe_load(grafana_dashboards(Path("/some/where")))["providers"]
    assert provider["options"] == {"path": "/some/where"}
