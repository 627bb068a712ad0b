"""How long a page takes, and what the rules cost, with a real Prometheus and Alertmanager.

An incident of 60 regions is shown on a page of metrics; Prometheus scrapes it every 15 s and has
our rules, Alertmanager our configuration. Told are the seconds from then to each notification, and
how long the rules took when they were evaluated last. Run it in the root of the repository:

    PYTHONPATH=tests python benchmarks/alerting.py --incidents 10
"""

import argparse
import json
import tempfile
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from queue import Empty

from incident_records import incident_record, incident_region
from receiving_server import ReceivingServer

from dashboards.alerting.alerts import AlertOptions
from dashboards.alerting.receivers import TEMPLATES, TEMPLATES_FILE, ReceiverKind, Receivers
from dashboards.alertmanager import Timing, render_alertmanager
from dashboards.rules import render_rules, render_yaml
from streams import telemetry
from streams.adapters.http import HttpServer, Probes
from streams.adapters.local_servers import alertmanager, prometheus
from streams.adapters.prometheus import CONTENT_TYPE, Exporter, MetricStore
from streams.config import HttpSettings
from streams.incident_samples import INCIDENT_METRICS, incident_samples

REGIONS = [f"region-{number:02}" for number in range(60)]
SCRAPE = "15s"
WARM_UP_S, REST_S = 20.0, 45.0


def show(store: MetricStore, incidents: int) -> None:
    """Show incidents of all regions."""
    regions = [incident_region(region=name) for name in REGIONS]
    samples = [
        sample
        for number in range(incidents)
        for sample in incident_samples(incident_record(incident=f"i-{number}", regions=regions))
    ]
    for metric in INCIDENT_METRICS:
        own = [(labels, value) for kind, labels, value in samples if kind is metric]
        store.set_series(metric, [labels for labels, _ in own], [value for _, value in own])


def scraping(metrics: str, alerts: str) -> str:
    """Give Prometheus's configuration."""
    return render_yaml(
        {
            "global": {"scrape_interval": SCRAPE},
            "rule_files": ["rules.yaml"],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alerts]}]}]},
            "scrape_configs": [{"job_name": "opwatch", "static_configs": [{"targets": [metrics]}]}],
        }
    )


def notifications(server: ReceivingServer, begun: float, until: float) -> None:
    """Tell of every notification until some time."""
    while time.monotonic() < until:
        try:
            posted = server.posted.get(timeout=1.0)
        except Empty:
            continue
        if posted.path != "/heartbeat":
            names = sorted({one["labels"]["alertname"] for one in posted.body["alerts"]})
            after = time.monotonic() - begun
            print(f"{after:5.1f} s  {posted.body['receiver']}: {', '.join(names)}")


def costs(url: str) -> None:
    """Tell how long each group of rules took last."""
    with urllib.request.urlopen(f"{url}/api/v1/rules") as answer:  # noqa: S310 loopback
        groups = json.load(answer)["data"]["groups"]
    for group in groups:
        alerts = sum(len(rule.get("alerts", [])) for rule in group["rules"])
        print(f"{group['name']}: {group['evaluationTime'] * 1000:.0f} ms, {alerts} alerts")


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--incidents", type=int, default=1)
    incidents = parser.parse_args().incidents
    store = MetricStore(("region",))
    store.observe(telemetry.STAGE_DURATION, 0.1, ("incidents",))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        exporter = stack.enter_context(Exporter(store))
        probes = Probes(exporter.page, CONTENT_TYPE, lambda: None, dict)
        metrics = stack.enter_context(HttpServer(HttpSettings(port=0), probes))
        server = stack.enter_context(ReceivingServer())
        receivers = Receivers(
            pager=ReceiverKind.WEBHOOK,
            chat=ReceiverKind.WEBHOOK,
            webhook_url=f"{server.url}/webhook",
            webhook_token=False,
            heartbeat_url=f"{server.url}/heartbeat",
        )
        configuration = render_alertmanager(receivers, Timing())
        files = {TEMPLATES_FILE: TEMPLATES}
        alerts = stack.enter_context(alertmanager(folder / "a", configuration, files=files))
        scraped = scraping(metrics.url.rpartition("/")[2], alerts.url.rpartition("/")[2])
        rules = {"rules.yaml": render_rules(AlertOptions())}
        asked = stack.enter_context(prometheus(folder / "p", scraped, files=rules))
        time.sleep(WARM_UP_S)
        show(store, incidents)
        begun = time.monotonic()
        notifications(server, begun, begun + REST_S)
        costs(asked.url)


if __name__ == "__main__":
    main()
