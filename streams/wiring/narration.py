"""Tells a person at a terminal what opwatch sees, as it sees it."""

from collections import defaultdict

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from streams.adapters.prometheus import MetricStore
from streams.domain.incidents import IncidentRecord, IncidentStatus
from streams.domain.time import format_instant, window_end
from streams.incident_samples import scope_text
from streams.scenarios.generate import Scenario
from streams.windows.closed import ClosedWindow

EVERY_WINDOWS = 15
"""Windows between two lines about the fleet while nothing is wrong."""

EVERY_TROUBLED = 4
"""The same while an incident is open."""

BLOCKS = "▁▂▃▄▅▆▇█"

SHOWN = 3
"""Candidates and change points shown at once."""

CERTAIN = 0.9
"""Probability whose crossing is told."""

UNSEEN = ("freedom", "prior")
"""Kinds of evidence that are about the model, not about anything a reader can look at."""


NEXT = (
    "Where to look next:",
    "  opwatch simulate founding-incident --out fleet     the incident at full length, as files",
    "  opwatch replay --outcomes fleet/outcomes.jsonl.zst \\",
    "    --releases fleet/releases.jsonl --out result     the same stages on the files",
    "  result/report.html                                 what a reader gets after an incident",
    "  opwatch topics create && opwatch run               on a Kafka of your own",
    "  docs/architecture.md                               how it works",
)

HEALTHY = 0.95
"""Success ratio below which a bar turns red."""


class Narrator:
    """Writes the story of a run to a console."""

    def __init__(self, console: Console, partitions: int) -> None:
        """Begin with nothing told.

        Args:
            console: Where to write.
            partitions: Number of counts partitions; a window is told when all of them have closed
                it.
        """
        self._console = console
        self._partitions = partitions
        self._through: dict[int, int] = {}
        self._counts: dict[int, dict[str, list[int]]] = defaultdict(
            lambda: defaultdict(lambda: [0, 0])
        )
        self._told: int | None = None
        self._alarmed = 0
        self._troubled = False
        self._ranked: dict[str, tuple[str, bool]] = {}
        self._recovered: set[tuple[str, str]] = set()

    def begin(self, scenario: Scenario, bootstrap: str, metrics: str) -> None:
        """Say what is about to happen."""
        say = self._console.print
        say("[bold]opwatch demo[/bold]: the Azure VM incident of 13 October 2021, sped up")
        say(f"  broker   {bootstrap} (embedded, loopback only)")
        regions, releases = len(scenario.fleet.region_names), len(scenario.releases)
        say(f"  fleet    {regions} simulated regions, {releases} releases rolling out at once")
        say(f"  metrics  {metrics}")
        say("")

    def window(self, closed: ClosedWindow) -> None:
        """Tell of a closed window: success ratios by operating system, and change points."""
        self._through[closed.partition] = closed.closed_through
        if closed.window is None:
            return
        self._count(closed)
        degraded = [one for one in closed.change_points if one.breaks_success]
        for point in degraded[: max(SHOWN - self._alarmed, 0)]:
            series = " ".join(point.series.values())
            self._print(
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
        told = sum(incident == record.incident for incident, _ in self._recovered)
        for region in record.regions:
            key = (record.incident, region.region)
            if region.recovered is not None and key not in self._recovered:
                self._recovered.add(key)
                told += 1
                self._print(
                    f"{_clock(record.raised)}  [green]recovered[/green] {escape(region.region)} "
                    f"({told} of {len(record.regions)} regions)"
                )
        if record.status is IncidentStatus.RESOLVED:
            self._troubled = False
            self._resolve(record)

    def end(self, store: MetricStore, events: int, seconds: float) -> None:
        """Say how it went and where to look next."""
        say = self._console.print
        samples = store.text().count("\n")
        say("")
        say(f"[bold]Done[/bold]: {events:,} operations in {seconds:.0f} s, {samples:,} samples.")
        for line in NEXT:
            say(line, highlight=False, soft_wrap=True)

    def _print(self, text: str | Table) -> None:
        self._console.print(text, highlight=False, soft_wrap=not isinstance(text, Table))

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
        if len(self._through) < self._partitions:
            return
        through = min(self._through.values())
        for window in sorted(window for window in self._counts if window <= through):
            counts = self._counts.pop(window)
            step = EVERY_TROUBLED if self._troubled else EVERY_WINDOWS
            if self._told is None or window >= self._told + step:
                self._told = window
                self._tell(window, counts, closed)

    def _tell(self, window: int, counts: dict[str, list[int]], closed: ClosedWindow) -> None:
        parts = []
        for name, (trials, failures) in sorted(counts.items()):
            ratio = 1 - failures / max(trials, 1)
            block = BLOCKS[min(int(ratio * len(BLOCKS)), len(BLOCKS) - 1)]
            colour = "green" if ratio > HEALTHY else "red"
            parts.append(f"{escape(name)} [{colour}]{block} {ratio:6.1%}[/{colour}]")
        instant = window_end(window, closed.window_seconds)
        learning = "  (learning what is normal)" if closed.learning.all() else ""
        self._print(f"{_clock(instant)}  success  {'   '.join(parts)}{learning}")

    def _open(self, record: IncidentRecord) -> None:
        self._troubled = True
        impact = record.impact
        errors = ", ".join(error.error_code for error in record.errors[:2])
        self._print(
            f"{_clock(record.raised)}  [bold red]INCIDENT[/bold red] {escape(_scope(record))}, "
            f"{len(record.regions)} regions, since {_clock(record.onset)}: "
            f"{impact.failures} of {impact.operations} operations failed, "
            f"{impact.expected_failures:.0f} expected; errors that rose: {escape(errors)}"
        )

    def _rank(self, record: IncidentRecord) -> None:
        if not record.candidates:
            return
        first = record.candidates[0]
        news = (first.release, first.probability >= CERTAIN)
        if news == self._ranked.get(record.incident):
            return
        self._ranked[record.incident] = news
        table = Table(title=f"{_clock(record.raised)}  which release?", title_justify="left")
        table.add_column("release")
        table.add_column("probability", justify="right")
        table.add_column("why")
        for candidate in record.candidates[:SHOWN]:
            seen = [row for row in candidate.evidence if row.kind not in UNSEEN]
            strongest = max(seen, key=lambda row: abs(row.log_likelihood_ratio), default=None)
            why = "" if strongest is None else escape(strongest.statement)
            table.add_row(escape(candidate.release), f"{candidate.probability:.1%}", why)
        table.add_row("no known release", f"{record.no_release_probability:.1%}", "")
        self._print(table)

    def _resolve(self, record: IncidentRecord) -> None:
        first = record.candidates[0] if record.candidates else None
        if first is None or first.probability < record.no_release_probability:
            cause = f"no known release ({record.no_release_probability:.1%})"
        else:
            cause = f"{escape(first.release)} ({first.probability:.1%})"
        excess = record.impact.failures - record.impact.expected_failures
        self._print(
            f"{_clock(record.raised)}  [bold green]RESOLVED[/bold green] {_clock(record.onset)} to "
            f"{_clock(record.resolved or record.raised)}: {excess:,.0f} more failed than would "
            f"have; cause: {cause}"
        )


def _scope(record: IncidentRecord) -> str:
    return scope_text({name: list(values) for name, values in record.scope.items()})


def _clock(instant: float) -> str:
    return format_instant(instant)[11:16]
