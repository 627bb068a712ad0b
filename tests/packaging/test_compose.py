"""The stack in `compose/`: valid, complete, and with configurations its servers accept.

No Docker engine is needed: Compose's own loader judges the file, each server's own tool its
configuration, and Apache Kafka formats its storage with the settings given to its container.
"""

import json
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards.alerting.alerts import AlertOptions
from dashboards.grafana.catalogue import dashboards
from dashboards.grafana.installation import Installation
from servers.kafka_server import LIBRARIES
from streams.config import Settings
from streams.config_reading import load

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "compose"
BUILT = ROOT / ".cache" / "compose" / "docker-compose"
"""Where `make` builds it if Docker brings none."""

OURS = ("topics", "opwatch", "simulator", "pager")


def docker_compose(*words: str) -> str:
    """Run Compose on the stack, with all its profiles, and give what it prints."""
    command = [str(BUILT)] if BUILT.is_file() else ["docker", "compose"]
    file = ["--file", str(COMPOSE / "compose.yaml"), "--profile", "*"]
    return run(*command, *file, *words)


def run(*words: str | Path) -> str:
    """Run a command that has to succeed, and give what it prints."""
    done = subprocess.run(  # noqa: S603 our own words
        [str(word) for word in words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@cache
def services() -> dict[str, Any]:
    """The services as Compose reads them."""
    known: dict[str, Any] = json.loads(docker_compose("config", "--format", "json"))["services"]
    return known


def mounted(service: str, target: str) -> Path:
    """Give the file or folder of this repository that a service finds at a path."""
    (source,) = [
        volume["source"] for volume in services()[service]["volumes"] if volume["target"] == target
    ]
    return Path(source)


def test_compose_finds_nothing_wrong_with_the_file() -> None:
    assert docker_compose("config", "--quiet") == ""


def test_the_simulator_is_there_only_when_it_is_asked_for() -> None:
    assert services()["simulator"]["profiles"] == ["simulator"]
    assert [name for name, one in services().items() if "profiles" in one] == ["simulator"]


def test_every_image_is_pinned_to_a_version() -> None:
    for name, service in services().items():
        assert re.fullmatch(r"[\w/.-]+:v?\d+\.\d+\.\d+", service["image"]), name


def test_nothing_is_published_beyond_this_machine() -> None:
    published = [port for service in services().values() for port in service.get("ports", [])]
    assert published
    assert {port["host_ip"] for port in published} == {"127.0.0.1"}


def test_every_file_that_is_mounted_exists() -> None:
    mounts = [
        Path(volume["source"])
        for service in services().values()
        for volume in service.get("volumes", [])
        if volume["type"] == "bind"
    ]
    assert len(mounts) >= len(services())
    for source in mounts:
        assert source.is_relative_to(ROOT)
        assert source.exists(), source


def test_whoever_is_waited_for_can_be_seen_to_be_healthy() -> None:
    image = (ROOT / "Dockerfile").read_text()
    for name, service in services().items():
        for other, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                check = services()[other].get("healthcheck")
                assert (check and not check.get("disable")) or "HEALTHCHECK" in image, (name, other)
            if how["condition"] == "service_completed_successfully":
                assert services()[other]["restart"] == "no", (name, other)


@pytest.mark.parametrize("service", OURS)
def test_our_containers_run_commands_that_exist(service: str) -> None:
    told = run(sys.executable, "-m", "streams.cli", *services()[service]["command"], "--help")
    assert "Usage: opwatch" in told


def test_prometheus_accepts_its_configuration_and_finds_the_rules(tmp_path: Path) -> None:
    for name in ("prometheus.yml", "rules.yaml"):
        shutil.copy(mounted("prometheus", f"/etc/prometheus/{name}"), tmp_path / name)
    told = run("promtool", "check", "config", tmp_path / "prometheus.yml")
    assert "rule files found" in told


def test_prometheus_scrapes_opwatch_and_alerts_alertmanager_at_their_ports() -> None:
    configuration = yaml.safe_load(
        mounted("prometheus", "/etc/prometheus/prometheus.yml").read_text()
    )
    (scrape,) = configuration["scrape_configs"]
    assert scrape["job_name"] == AlertOptions().job
    (manager,) = configuration["alerting"]["alertmanagers"]
    for config in (scrape, manager):
        (target,) = config["static_configs"][0]["targets"]
        service, port = target.split(":")
        assert [one["target"] for one in services()[service]["ports"]] == [int(port)]


def test_alertmanager_accepts_its_configuration(tmp_path: Path) -> None:
    shutil.copy(mounted("alertmanager", "/etc/alertmanager/alertmanager.yml"), tmp_path)
    shutil.copytree(mounted("alertmanager", "/etc/alertmanager/templates"), tmp_path / "templates")
    told = run("amtool", "check-config", tmp_path / "alertmanager.yml")
    assert "SUCCESS" in told
    assert "1 templates" in told


def test_rules_routes_and_texts_are_as_the_settings_of_the_stack_make_them(tmp_path: Path) -> None:
    run(
        *(sys.executable, "-m", "streams.cli", "alerts", "build", "--out", tmp_path),
        *("--config", COMPOSE / "opwatch.toml"),
    )
    for service, target, made in (
        ("prometheus", "/etc/prometheus/rules.yaml", "rules.yaml"),
        ("alertmanager", "/etc/alertmanager/alertmanager.yml", "alertmanager.yml"),
    ):
        assert mounted(service, target).read_text() == (tmp_path / made).read_text(), made
    templates = mounted("alertmanager", "/etc/alertmanager/templates")
    assert {file.name: file.read_text() for file in templates.iterdir()} == {
        file.name: file.read_text() for file in (tmp_path / "templates").iterdir()
    }


def test_settings_lead_to_the_kafka_and_the_pager_of_the_stack() -> None:
    settings = load(COMPOSE / "opwatch.toml", {})
    listeners = services()["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    assert f"INSIDE://{settings.kafka.bootstrap}," in listeners
    assert settings.alerts.webhook_url == "http://pager:9095/"


def test_grafana_finds_its_dashboards_and_prometheus() -> None:
    folder = mounted("grafana", "/etc/grafana/provisioning")
    source = yaml.safe_load((folder / "datasources" / "prometheus.yaml").read_text())
    address = source["datasources"][0]["url"]
    assert address == f"http://prometheus:{services()['prometheus']['ports'][0]['target']}"
    provider = yaml.safe_load((folder / "dashboards" / "opwatch.yaml").read_text())
    path = provider["providers"][0]["options"]["path"]
    settings = Settings()
    known = dashboards(Installation(settings.ingest.dimensions, settings.windows.length))
    found = {file.stem for file in mounted("grafana", path).glob("*.json")}
    assert found == set(known)
    home = services()["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert Path(home).parent == Path(path)
    assert Path(home).stem in found


def test_apache_kafka_accepts_the_settings_of_its_container(tmp_path: Path) -> None:
    """The image makes of `KAFKA_LOG_DIRS` the setting `log.dirs`; storage is formatted with it."""
    assert next(LIBRARIES.glob("kafka_2.13-*.jar")).stem.endswith(
        services()["kafka"]["image"].rpartition(":")[2]
    )
    environment = services()["kafka"]["environment"]
    assert mounted_volume("kafka", environment["KAFKA_LOG_DIRS"]) == "kafka"
    settings = {
        name.removeprefix("KAFKA_").lower().replace("_", "."): value
        for name, value in environment.items()
        if name.startswith("KAFKA_")
    }
    settings["log.dirs"] = str(tmp_path / "data")
    file = tmp_path / "server.properties"
    file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    told = run(
        *("java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-cp", f"{LIBRARIES}/*"),
        *("kafka.tools.StorageTool", "format", "-t", environment["CLUSTER_ID"], "-c", file),
    )
    assert (tmp_path / "data" / "meta.properties").is_file(), told
    assert "unknown" not in told.lower()


def mounted_volume(service: str, target: str) -> str:
    """Give the name of the volume that a service has at a path."""
    (source,) = [
        volume["source"] for volume in services()[service]["volumes"] if volume["target"] == target
    ]
    return str(source)
