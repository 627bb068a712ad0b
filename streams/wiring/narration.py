"""Tells a person at a terminal what opwatch sees, as it sees it."""

from collections import defaultdict

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from detectors.detections import Direction
from streams.adapters.prometheus import MetricStore
from streams.domain.incidents import IncidentRecord, IncidentStatus
from streams.domain.time import format_instant, window_end
from streams.scenarios.generate import Scenario
from streams.windows.closed import ClosedWindow
from streams.wiring.scope_text import scope_text

EVERY_WINDOWS = 15
"""Windows between two lines about the fleet while nothing is wrong."""

BLOCKS = "▁▂▃▄▅▆▇█"

SHOWN = 5
"""Candidates and change points shown at once."""


class Narrator:
    """Writes the story of a run to a console."""

    def __init__(self, console: Console) -> None:
        """Begin with nothing told."""
        self._console = console
        self._counts: dict[int, dict[str, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))
        self._told: int | None = None
        self._alarmed = 0
        self._troubled = False
        self._ranked: tuple[str, float] | None = None
        self._recovered: set[str] = set()

    def begin(self, scenario: Scenario, bootstrap: str, metrics: str) -> None:
        """Say what is about to happen."""
        say = self._console.print
        say("[bold]opwatch demo[/bold]: the Azure VM incident of 13 October 2021, sped up")
        say(f"  broker   {bootstrap} (embedded, loopback only)")
        say(f"  fleet    {len(scenario.fleet.region_names)} simulated regions, {len(scenario.releases)} "
            "releases rolling out at the same time")
        say(f"  metrics  {metrics}")
        say("")

    def window(self, closed: ClosedWindow) -> None:
        """Tell of a closed window: success ratios by operating system, and change points."""
        if closed.window is None:
            return
        self._count(closed)
        degraded = [one for one in closed.change_points if one.direction is Direction.DEGRADED]
        for point in degraded[: max(SHOWN - self._alarmed, 0)]:
            series = " ".join(point.series.values())
            self._console.print(
                f"{_clock(point.raised)}  [red]change point[/red] {escape(series)}: success "
                f"{point.baseline_ratio:.1%} -> {point.ratio:.1%} since {_clock(point.onset)}"
            )
        self._alarmed += len(degraded)
        self._tell_fleet(closed)

    def incident(self, record: IncidentRecord) -> None:
        """Tell of an incident's new record, as far as it says something new."""
        if record.revision == 1:
            self._open(record)
        self._rank(record)
        for region in record.regions:
            if region.recovered is not None and region.region not in self._recovered:
                self._recovered.add(region.region)
                self._console.print(
                    f"{_clock(record.raised)}  [green]recovered[/green] {escape(region.region)} "
                    f"({len(self._recovered)} of {len(record.regions)} regions)"
                )
        if record.status is IncidentStatus.RESOLVED:
            self._troubled = False
            self._resolve(record)

    def end(self, store: MetricStore, events: int, seconds: float) -> None:
        """Say how it went and where to look next."""
        say = self._console.print
        samples = store.text().count("\n")
        say("")
        say(f"[bold]Done[/bold]: {events:,} operations in {seconds:.0f} s, {samples:,} lines on /metrics.")
        say("Where to look next:")
        say("  opwatch simulate founding-incident --out fleet    the same incident at full length, as files")
        say("  opwatch replay --outcomes fleet/outcomes.jsonl.zst --releases fleet/releases.jsonl --out result")
        say("  open result/report.html                           what a reader gets after an incident")
        say("  opwatch topics create && opwatch run              on your own Kafka")
        say("  docs/architecture.md                              how it works")

    def _count(self, closed: ClosedWindow) -> None:
        cells = closed.cells
        position = cells.dimensions.index("os")
        names, codes = cells.values[position], cells.codes[position].tolist()
        counts = self._counts[closed.window or 0]
        for code, trials, failures in zip(
            codes, cells.trials.tolist(), cells.failures.tolist(), strict=True
        ):
            both = counts[names[code]]
            both[0] += trials
            both[1] += failures

    def _tell_fleet(self, closed: ClosedWindow) -> None:
        """Tell the success ratios of the newest window that all partitions have surely closed."""
        ready = min(self._counts) if len(self._counts) > EVERY_WINDOWS else None
        if ready is None:
            return
        counts = self._counts.pop(ready)
        step = 3 if self._troubled else EVERY_WINDOWS
        if self._told is not None and ready < self._told + step:
            return
        self._told = ready
        parts = []
        for name, (trials, failures) in sorted(counts.items()):
            ratio = 1 - failures / max(trials, 1)
            block = BLOCKS[min(int(ratio * len(BLOCKS)), len(BLOCKS) - 1)]
            colour = "green" if ratio > 0.95 else "red"
            parts.append(f"{escape(name)} [{colour}]{block} {ratio:6.1%}[/{colour}]")
        instant = window_end(ready, closed.window_seconds)
        learning = "  (learning what is normal)" if closed.learning.all() else ""
        self._console.print(f"{_clock(instant)}  success  {'   '.join(parts)}{learning}")

    def _open(self, record: IncidentRecord) -> None:
        self._troubled = True
        impact = record.impact
        errors = ", ".join(error.error_code for error in record.errors[:2])
        self._console.print(
            f"{_clock(record.raised)}  [bold red]INCIDENT[/bold red] {escape(scope_text(record.scope))}, "
            f"{len(record.regions)} regions, since {_clock(record.onset)}: "
            f"{impact.failures} of {impact.operations} operations failed, "
            f"{impact.expected_failures:.0f} expected; errors that rose: {escape(errors)}"
        )

    def _rank(self, record: IncidentRecord) -> None:
        if not record.candidates:
            return
        first = record.candidates[0]
        news = (first.release, round(first.probability, 1))
        if news == self._ranked:
            return
        self._ranked = news
        table = Table(title=f"{_clock(record.raised)}  which release?", title_justify="left")
        table.add_column("release")
        table.add_column("probability", justify="right")
        table.add_column("why")
        for candidate in record.candidates[:SHOWN]:
            strongest = max(candidate.evidence, key=lambda row: abs(row.log_likelihood_ratio))
            table.add_row(
                candidate.release, f"{candidate.probability:.1%}", escape(strongest.statement)
            )
        table.add_row("no known release", f"{record.no_release_probability:.1%}", "")
        self._console.print(table)

    def _resolve(self, record: IncidentRecord) -> None:
        impact, first = record.impact, record.candidates[0]
        self._console.print(
            f"{_clock(record.raised)}  [bold green]RESOLVED[/bold green] {_clock(record.onset)} to "
            f"{_clock(record.resolved or record.raised)}: {impact.failures - impact.expected_failures:,.0f} "
            f"operations failed that would not have; cause: {escape(first.release)} "
            f"({first.probability:.1%})"
        )


def _clock(instant: float) -> str:
    return format_instant(instant)[11:16]
