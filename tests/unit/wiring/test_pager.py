"""What a person at a terminal sees of Alertmanager's notifications."""

from io import StringIO

from rich.console import Console

from dashboards.alertmanager import HEARTBEAT
from streams.adapters.webhook_receiver import Notification, NotifiedAlert
from streams.wiring.pager import Pager


def alert(name: str, status: str = "firing", summary: str = "It fails.") -> NotifiedAlert:
    return NotifiedAlert(status, {"alertname": name}, {"summary": summary})


def told(*notifications: Notification, remark: str = "") -> list[str]:
    """Give the lines that a pager writes."""
    text = StringIO()
    pager = Pager(Console(file=text, width=60), lambda _: remark)
    for one in notifications:
        pager.notified(one)
    return text.getvalue().splitlines()


def test_each_alert_of_a_notification_is_a_line_however_long() -> None:
    lines = told(
        Notification("chat", "firing", (alert("One", summary="x" * 90), alert("Two", "resolved")))
    )
    assert lines == [f"FIRING to chat: One: {'x' * 90}", "RESOLVED to chat: Two: It fails."]


def test_the_heartbeat_is_not_told() -> None:
    assert told(Notification(HEARTBEAT, "firing", (alert("OpwatchDeadMansSwitch"),))) == []


def test_names_from_outside_are_text_and_no_markup() -> None:
    lines = told(Notification("chat", "firing", (alert("[bold]One[/bold]", summary="[red]"),)))
    assert lines == ["FIRING to chat: [bold]One[/bold]: [red]"]


def test_an_alert_without_a_summary_is_told_by_its_name() -> None:
    bare = NotifiedAlert("firing", {"alertname": "One"}, {})
    assert told(Notification("chat", "firing", (bare,)), remark=" (soon)") == [
        "FIRING to chat: One:  (soon)"
    ]
