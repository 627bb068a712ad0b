"""The founding incident through the whole stack, from simulated operations to the pager.

`opwatch stack up` as a process: embedded broker, opwatch, Prometheus, Alertmanager, and a webhook
of this test at the end of it.
"""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import Empty, Queue

import pytest

from streams.adapters.webhook_receiver import Notification, WebhookReceiver

OPWATCH = (sys.executable, "-m", "streams.cli")
PACE = ("--speed", "40", "--incident-duration", "50", "--before", "120")
"""The incident lasts more than a minute of the clock: dashboards look no closer than a window."""

PATIENCE_SECONDS = 240.0
"""For the whole incident, on a busy machine; alone it takes a minute and a half."""

QUIET_SECONDS = 10.0
"""How long nothing may follow: minutes of the hurried fleet."""

LAST_SECONDS = 20.0
"""How long before the notification of its end an incident was surely open."""

CULPRIT = "image-template-migration"


@dataclass(frozen=True, slots=True)
class Story:
    """What happened to whom.

    Attributes:
        notifications: All that came, in order.
        said: What the stack wrote.
        complaints: What it wrote to standard error.
        status: Its exit status.
        checked: `opwatch dashboards check` on its Prometheus, while it ran.
        left: Files it has left in its working folder and that for temporary files.
    """

    notifications: list[Notification]
    said: str
    complaints: str
    status: int
    checked: subprocess.CompletedProcess[str]
    left: list[Path]

    def to(self, receiver: str) -> list[tuple[str, str]]:
        """Give status and alert of what a receiver was sent about incidents.

        On a machine that is busy enough, alerts about opwatch itself may come, too.
        """
        return [
            (alert.status, alert.labels["alertname"])
            for one in self.notifications
            if one.receiver == receiver
            for alert in one.alerts
            if "incident" in alert.labels
        ]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """The incident, hurried, until it has been resolved and nothing follows."""
    folder = tmp_path_factory.mktemp("stack")
    for name in ("temporary", "working"):
        (folder / name).mkdir()
    received: Queue[Notification] = Queue()
    with (
        WebhookReceiver(received.put) as receiver,
        (folder / "said").open("wb") as said,
        (folder / "complaints").open("wb") as complaints,
    ):
        process = subprocess.Popen(  # noqa: S603 our own command
            [*OPWATCH, "stack", "up", *PACE, "--webhook", receiver.url],
            stdout=said,
            stderr=complaints,
            env={**os.environ, "TMPDIR": str(folder / "temporary")},
            cwd=folder / "working",
        )
        try:
            notifications = _until_resolved(received, process, folder)
            open_until = datetime.now(UTC) - timedelta(seconds=QUIET_SECONDS + LAST_SECONDS)
            prometheus = _address("Prometheus", (folder / "said").read_text())
            checked = _checked(prometheus, open_until, folder / "dashboards")
            process.send_signal(signal.SIGINT)
            status = process.wait(60)
        finally:
            process.kill()
            process.wait()
    return Story(
        notifications,
        (folder / "said").read_text(),
        (folder / "complaints").read_text(),
        status,
        checked,
        [*(folder / "temporary").iterdir(), *(folder / "working").iterdir()],
    )


def _until_resolved(
    received: Queue[Notification], process: subprocess.Popen[bytes], folder: Path
) -> list[Notification]:
    notifications: list[Notification] = []
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            notifications.append(received.get(timeout=0.5))
        except Empty:
            continue
        if is_the_end(notifications[-1]):
            deadline = min(deadline, time.monotonic() + QUIET_SECONDS)
    told = (folder / "said").read_text() + (folder / "complaints").read_text()
    assert process.poll() is None, told
    return notifications


def is_the_end(notification: Notification) -> bool:
    """Tell whether a notification says that the incident is over."""
    return notification.status == "resolved" and any(
        alert.labels["alertname"] == "OpwatchIncident" for alert in notification.alerts
    )


def _checked(
    prometheus: str, open_until: datetime, folder: Path
) -> subprocess.CompletedProcess[str]:
    """Ask every query of every dashboard about the two minutes before the incident's end."""
    subprocess.run(  # noqa: S603 our own command
        [*OPWATCH, "dashboards", "build", "--out", folder], check=True, capture_output=True
    )
    files = sorted(folder.glob("*.json"))
    assert files
    for file in files:  # what looks ten minutes back looks back as long in the fleet's time
        file.write_text(file.read_text().replace("offset 600s", "offset 15s"))
    span = (
        "--from",
        (open_until - timedelta(minutes=2)).isoformat(),
        "--to",
        open_until.isoformat(),
    )
    return subprocess.run(  # noqa: S603 our own command
        [*OPWATCH, "dashboards", "check", *files, "--prometheus", prometheus, *span],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def _address(server: str, said: str) -> str:
    found = re.search(rf"^ +{server} +(http://127\.0\.0\.1:\d+)", said, re.MULTILINE)
    assert found, said
    return found[1]


def test_one_page_tells_of_the_incident_in_all_regions_and_one_that_it_is_over(
    story: Story,
) -> None:
    page = "OpwatchIncident"
    assert story.to("opwatch-pager") == [("firing", page), ("resolved", page)], story.said
    first = next(
        alert
        for one in story.notifications
        for alert in one.alerts
        if alert.labels["alertname"] == page
    )
    assert "os=windows" in first.annotations["summary"]
    assert int(first.annotations["regions_affected"]) > 10
    for seconds in re.findall(r"(\w+) to opwatch-pager: .* \((.*) was judged\)", story.said):
        print("notified of:", *seconds)  # noqa: T201 a figure for whoever runs this with -s


def test_one_notification_tells_of_the_release_that_did_it(story: Story) -> None:
    assert story.to("opwatch-news") == [("firing", "OpwatchAttributionFound")], story.said
    (news,) = [one for one in story.notifications if one.receiver == "opwatch-news"]
    assert news.alerts[0].labels["release"] == CULPRIT


def test_page_attribution_and_end_come_in_this_order(story: Story) -> None:
    assert [
        (alert.status, alert.labels["alertname"])
        for one in story.notifications
        if one.receiver in {"opwatch-pager", "opwatch-news"}
        for alert in one.alerts
        if "incident" in alert.labels
    ] == [
        ("firing", "OpwatchIncident"),
        ("firing", "OpwatchAttributionFound"),
        ("resolved", "OpwatchIncident"),
    ]


def test_no_region_is_told_by_itself(story: Story) -> None:
    told = {name for _, name in story.to("opwatch-chat")}
    assert "OpwatchRegionAffected" not in told, story.said


def test_the_terminal_tells_of_every_notification(story: Story) -> None:
    told = re.findall(r"^(FIRING|RESOLVED) to (\S+): (\w+):", story.said, re.MULTILINE)
    came = [
        (alert.status.upper(), one.receiver, alert.labels["alertname"])
        for one in story.notifications
        for alert in one.alerts
    ]
    # More may have come while the dashboards were asked.
    assert Counter(came) <= Counter(told)


def test_every_panel_variable_and_annotation_has_data(story: Story) -> None:
    print(story.checked.stdout)  # noqa: T201 what was left out, for whoever runs this with -s
    assert story.checked.returncode == 0, story.checked.stderr


def test_ctrl_c_ends_it_well_and_leaves_nothing_behind(story: Story) -> None:
    assert (story.status, story.complaints) == (0, "")
    assert story.left == []
    assert story.said.endswith("stopped\n")
    for server in ("Prometheus", "Alertmanager"):
        with pytest.raises(urllib.error.URLError):
            urllib.request.urlopen(_address(server, story.said), timeout=5)  # noqa: S310 loopback
