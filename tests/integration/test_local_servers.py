"""Prometheus and Alertmanager, as installed, started and stopped by opwatch."""

import socket
import stat
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from streams.adapters import local_servers
from streams.domain.errors import OperatorError, OutsideSystemError

PROMETHEUS = "global: {scrape_interval: 1s}\nrule_files: [rules.yaml]\n"
RULES = "groups: [{name: one, rules: [{record: one, expr: vector(1)}]}]\n"
ALERTMANAGER = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"


def _answer(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 loopback
        text: str = answer.read().decode()
    return text


def test_prometheus_serves_what_it_was_configured_with_until_the_context_ends(
    tmp_path: Path,
) -> None:
    with local_servers.prometheus(tmp_path, PROMETHEUS, files={"rules.yaml": RULES}) as server:
        server.check()
        assert server.url.startswith("http://127.0.0.1:")
        assert '"one"' in _answer(f"{server.url}/api/v1/rules")
    with pytest.raises(urllib.error.URLError):
        _answer(f"{server.url}/-/ready")


def test_prometheus_starts_again_on_the_port_and_the_data_it_had(tmp_path: Path) -> None:
    with local_servers.prometheus(tmp_path, "") as first:
        port = int(first.url.rpartition(":")[2])
    with local_servers.prometheus(tmp_path, "", port=port) as second:
        assert second.url == first.url


def test_flags_are_handed_through(tmp_path: Path) -> None:
    with local_servers.prometheus(
        tmp_path, "", flags=["--storage.tsdb.allow-overlapping-blocks", "--query.max-samples=1234"]
    ) as server:
        assert '"query.max-samples":"1234"' in _answer(f"{server.url}/api/v1/status/flags")


def test_alertmanager_serves_and_keeps_its_configuration_to_itself(tmp_path: Path) -> None:
    with local_servers.alertmanager(
        tmp_path, ALERTMANAGER, files={"templates/page.tmpl": "{{/* nothing */}}"}
    ) as server:
        assert "nobody" in _answer(f"{server.url}/api/v2/receivers")
    assert stat.S_IMODE((tmp_path / "alertmanager.yml").stat().st_mode) == 0o600
    assert (tmp_path / "templates" / "page.tmpl").is_file()


def test_a_server_that_does_not_start_is_told_with_its_last_word(tmp_path: Path) -> None:
    with (
        pytest.raises(
            OutsideSystemError, match=r"Prometheus at .* ended.*field nonsense not found"
        ),
        local_servers.prometheus(tmp_path, "nonsense: true\n"),
    ):
        pass


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(OutsideSystemError, match="address already in use"),
        local_servers.alertmanager(tmp_path, ALERTMANAGER, port=taken.getsockname()[1]),
    ):
        pass


def test_a_server_that_dies_is_told_when_it_is_looked_after(tmp_path: Path) -> None:
    with local_servers.prometheus(tmp_path, "") as server:
        server.process.kill()
        server.process.wait()
        with pytest.raises(OutsideSystemError, match=r"Prometheus at .* ended with status -9"):
            server.check()


def test_a_server_that_is_not_installed_is_told_with_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with (
        pytest.raises(OperatorError, match=r"no prometheus on PATH.*apt-get install prometheus"),
        local_servers.prometheus(tmp_path, ""),
    ):
        pass


GRAFANA = """\
#!{python}
# Stands in for Grafana's program: serves its health at the address of its settings.
import configparser, http.server, sys
words = dict(word.split("=", 1) for word in sys.argv[2:])
assert sys.argv[1] == "server"
settings = configparser.ConfigParser()
settings.read(words["--config"])
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = (words["--homepath"] + " " + settings["paths"]["provisioning"]).encode()
        self.send_response(200 if self.path == "/api/health" else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
where = settings["server"]["http_addr"], int(settings["server"]["http_port"])
http.server.HTTPServer(where, Handler).serve_forever()
"""


def test_grafana_is_started_with_what_it_is_to_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in an archive of its makers, unpacked: what it serves lies beside its program."""
    home = tmp_path / "grafana-13"
    for name in ("bin", "conf"):
        (home / name).mkdir(parents=True)
    (home / "conf" / "defaults.ini").touch()
    program = home / "bin" / "grafana"
    program.write_text(GRAFANA.format(python=sys.executable))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(home / "bin"))
    folder = tmp_path / "run"
    assert local_servers.is_installed(local_servers.GRAFANA)
    with local_servers.grafana(folder, files={"provisioning/some/where.yaml": "a: 1"}) as server:
        assert _answer(f"{server.url}/api/health") == f"{home} {folder}/provisioning"
        assert (folder / "provisioning" / "some" / "where.yaml").read_text() == "a: 1"


def test_without_a_program_grafana_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not local_servers.is_installed(local_servers.GRAFANA)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(OperatorError, match="cannot prepare Prometheus in"),
        local_servers.prometheus(tmp_path / "file", ""),
    ):
        pass
