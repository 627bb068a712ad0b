"""`opwatch stack` as somebody types it: what is wrong is said in one line, with exit status 2."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from streams.adapters import local_servers

OPWATCH = (sys.executable, "-m", "streams.cli", "stack")


def refused(*words: str, **environment: str) -> str:
    """Run a command that must be refused, and give the line it says."""
    done = subprocess.run(  # noqa: S603 our own command
        [*OPWATCH, *words],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 2, done
    (line,) = done.stderr.splitlines()
    return line


@pytest.mark.parametrize("command", ["up", "play"])
def test_a_scenario_that_is_not_there_is_refused_with_those_that_are(command: str) -> None:
    assert re.search(
        r"no scenario 'nonsense'; there are .*quiet-day", refused(command, "--scenario", "nonsense")
    )


def test_sigterm_while_it_starts_stops_what_has_been_started(tmp_path: Path) -> None:
    """It is told before the worker runs, which has handlers of its own."""
    pids = tmp_path / "pids"
    # Alertmanager is started first; while Prometheus does not become ready, SIGTERM comes.
    programs = {
        "prometheus-alertmanager": '/usr/bin/prometheus-alertmanager "$@"',
        "prometheus": "sleep 600",
    }
    for name, command in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\necho $$ >>{pids}\nexec {command}\n")
        (tmp_path / name).chmod(0o755)
    process = subprocess.Popen(  # noqa: S603 our own command
        [*OPWATCH, "up"],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    while not (pids.is_file() and len(pids.read_text().split()) == 2):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, complaints = process.communicate(timeout=60)
    assert process.returncode == 130, complaints
    for pid in map(int, pids.read_text().split()):
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_without_prometheus_it_says_how_to_install_it(tmp_path: Path) -> None:
    (tmp_path / "prometheus-alertmanager").symlink_to("/usr/bin/prometheus-alertmanager")
    said = refused("up", PATH=str(tmp_path))
    assert "no prometheus on PATH; install it (Debian: apt-get install prometheus)" in said


def test_a_kafka_that_is_not_there_is_told() -> None:
    port = local_servers.free_port()
    said = refused("play", OPWATCH_KAFKA__BOOTSTRAP=f"127.0.0.1:{port}")
    assert f"cannot publish the simulated fleet to Kafka at 127.0.0.1:{port}: " in said


def test_a_pager_that_cannot_listen_says_where() -> None:
    assert "cannot receive notifications on 192.0.2.1:1: " in refused(
        "pager", "--host", "192.0.2.1", "--port", "1"
    )


def test_the_pager_tells_what_it_is_sent_until_it_is_stopped(tmp_path: Path) -> None:
    with (
        subprocess.Popen(  # noqa: S603 our own command
            [*OPWATCH, "pager", "--port", "0"], stdout=subprocess.PIPE, text=True
        ) as process,
        ExitStack() as ending,
    ):
        ending.callback(process.kill)
        assert process.stdout is not None
        first = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+/", first)
        assert found, first
        configuration = (
            "route: {receiver: me, group_wait: 0s}\n"
            f"receivers: [{{name: me, webhook_configs: [{{url: '{found[0]}'}}]}}]\n"
        )
        with local_servers.alertmanager(tmp_path, configuration) as manager:
            alert = b'[{"labels": {"alertname": "One"}, "annotations": {"summary": "It fails."}}]'
            request = urllib.request.Request(  # noqa: S310 loopback
                f"{manager.url}/api/v2/alerts", alert, {"Content-Type": "application/json"}
            )
            urllib.request.urlopen(request, timeout=10).close()  # noqa: S310 loopback
            assert process.stdout.readline() == "FIRING to me: One: It fails.\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def test_play_stops_when_it_is_told_to_and_says_how_far_it_came(kafka: str) -> None:
    """At the clock's pace: the history, then a few outcomes a second."""
    admin = AdminClient({"bootstrap.servers": kafka})
    topics = [NewTopic(f"stack-commands-{name}", 1, 1) for name in ("operations", "releases")]
    for made in admin.create_topics(topics).values():
        made.result(30)
    environment = {
        "OPWATCH_KAFKA__BOOTSTRAP": kafka,
        "OPWATCH_TOPICS__OUTCOMES": "stack-commands-operations",
        "OPWATCH_TOPICS__RELEASES": "stack-commands-releases",
    }
    words = ("--repeat", "--before", "10", "--incident-duration", "10", "--volume", "0.1")
    with (
        subprocess.Popen(  # noqa: S603 our own command
            [*OPWATCH, "play", *words],
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            text=True,
        ) as process,
        ExitStack() as ending,
    ):
        ending.callback(process.kill)
        assert process.stdout is not None
        assert process.stdout.readline().startswith("founding-incident: history from ")
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert re.fullmatch(r"published \d+ outcomes\n", said)
