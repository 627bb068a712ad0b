"""The configuration of Alertmanager: `dashboards/generated/alertmanager.yml`.

One notification for an incident: its page is grouped by incident and keeps back the alerts of the
regions. What is found out later is an alert of its own, and never "resolved".
"""

from dataclasses import dataclass

from dashboards.alerting import incidents, page, worker
from dashboards.alerting.alerts import Severity
from dashboards.alerting.receivers import TEMPLATES_FILE, Receivers, heartbeat, receiver
from dashboards.rules import render_yaml

PAGER, CHAT, NEWS, HEARTBEAT = "opwatch-pager", "opwatch-chat", "opwatch-news", "opwatch-heartbeat"

_HEADER = (
    "# Made by `opwatch alerts build`. For Alertmanager 0.25 or newer; the receivers' keys and\n"
    "# addresses are in files that you write.\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long Alertmanager waits, in Prometheus's notation.

    Attributes:
        pager_wait: Before the first notification of a page, which is alone in its group.
        wait: Before the first notification of everything else, so that what belongs together comes
            together.
        interval: Before news of the same group, its end among them.
        repeat: Before a notification is repeated although nothing has changed.
        news_repeat: The same for what has nothing to add; longer than Alertmanager remembers is
            longer than it can promise.
        heartbeat: How often the dead-man's switch is sent.
    """

    pager_wait: str = "0s"
    wait: str = "30s"
    interval: str = "1m"
    repeat: str = "4h"
    news_repeat: str = "5d"
    heartbeat: str = "1m"


def render_alertmanager(receivers: Receivers, timing: Timing) -> str:
    """Give the text of the configuration file.

    Args:
        receivers: Who hears what.
        timing: How long it waits; the defaults suit people.
    """
    return _HEADER + render_yaml(
        {
            "templates": [TEMPLATES_FILE],
            "route": _route(timing),
            "inhibit_rules": _inhibitions(),
            "receivers": [
                receiver(PAGER, receivers.pager, receivers, resolved=True),
                receiver(CHAT, receivers.chat, receivers, resolved=True),
                receiver(NEWS, receivers.chat, receivers, resolved=False),
                heartbeat(HEARTBEAT, receivers),
            ],
        }
    )


def _route(timing: Timing) -> dict[str, object]:
    return {
        "receiver": CHAT,
        "group_by": ["alertname", page.LABEL],
        "group_wait": timing.wait,
        "group_interval": timing.interval,
        "repeat_interval": timing.repeat,
        "routes": [
            {
                "receiver": HEARTBEAT,
                "matchers": [f'alertname="{worker.DEAD_MAN}"'],
                "group_wait": "0s",
                "group_interval": timing.heartbeat,
                # Asked once in each interval, and shorter, so that each of them sends.
                "repeat_interval": "1s",
            },
            {
                "receiver": NEWS,
                "matchers": [f'severity="{Severity.INFO.value}"'],
                "group_by": ["alertname", page.LABEL, "release"],
                "repeat_interval": timing.news_repeat,
            },
            {
                "receiver": PAGER,
                "matchers": [f'severity="{Severity.CRITICAL.value}"'],
                "group_wait": timing.pager_wait,
            },
        ],
    }


def _inhibitions() -> list[dict[str, object]]:
    blind = f"{worker.WORKER_DOWN}|{worker.STALLED}|{worker.WATERMARK}"
    return [
        {
            "source_matchers": [f'alertname="{page.NAME}"'],
            "target_matchers": [f'alertname="{incidents.REGION}"'],
            "equal": [page.LABEL],
        },
        {
            "source_matchers": [f'alertname="{worker.DOWN}"'],
            "target_matchers": [f'alertname=~"{blind}"'],
        },
    ]
