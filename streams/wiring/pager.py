"""Tells a person at a terminal whom Alertmanager notifies of what."""

from collections.abc import Callable
from threading import Lock

from rich.console import Console
from rich.markup import escape

from dashboards.alertmanager import HEARTBEAT
from streams.adapters.stop_signal import told_to_stop
from streams.adapters.webhook_receiver import Notification, NotifiedAlert, WebhookReceiver


class Pager:
    """Writes a line for each alert of a notification; any thread may call it."""

    def __init__(
        self, console: Console, remark: Callable[[NotifiedAlert], str] = lambda _: ""
    ) -> None:
        """Begin.

        Args:
            console: Where to write.
            remark: Gives what is to be said of an alert besides, or nothing.
        """
        self._console = console
        self._remark = remark
        self._lock = Lock()

    def notified(self, notification: Notification) -> None:
        """Tell of a notification, unless it is the heartbeat, which says nothing new."""
        if notification.receiver == HEARTBEAT:
            return
        with self._lock:
            for alert in notification.alerts:
                self._tell(notification.receiver, alert)

    def _tell(self, receiver: str, alert: NotifiedAlert) -> None:
        colour = "red" if alert.status == "firing" else "green"
        name = alert.labels.get("alertname", "")
        text = f"{receiver}: {name}: {alert.annotations.get('summary', '')}{self._remark(alert)}"
        self._console.print(
            f"[bold {colour}]{escape(alert.status.upper())}[/bold {colour}] to {escape(text)}",
            highlight=False,
            soft_wrap=True,
        )


def run_pager(host: str, port: int, console: Console) -> None:
    """Receive notifications and tell of them until SIGINT or SIGTERM comes.

    Args:
        host: Address to listen on.
        port: Its port; 0 takes any free one.
        console: Where they are told.

    Raises:
        OperatorError: The address cannot be bound.
    """
    with told_to_stop() as stop, WebhookReceiver(Pager(console).notified, host, port) as receiver:
        console.print(f"waiting for notifications at {receiver.url}", soft_wrap=True)
        stop.wait()
