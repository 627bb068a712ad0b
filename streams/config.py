"""Settings: what there is to set, validated once, frozen.

Every setting has a default that suits a first try on one machine. How file and environment are read
is in `streams.config_reading`.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import (
    AwareDatetime,
    Field,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from streams.config_alerts import AlertmanagerSettings, AlertSettings
from streams.config_archive import ArchiveSettings
from streams.config_section import Section

PREFIX = "OPWATCH_"
"""What the names of environment variables begin with."""

DELIMITER = "__"
"""What stands between section and setting in the name of an environment variable."""

Ratio = Annotated[float, Field(gt=0, lt=1)]


class KafkaSettings(Section):
    """Where Kafka is, and how this installation calls itself there."""

    bootstrap: str = "127.0.0.1:9092"
    """Addresses of some brokers, `host:port`, separated by commas."""
    application: str = Field("opwatch", pattern=r"^[A-Za-z0-9._-]{1,100}$")
    """Prefix of consumer groups and transactional ids; unlike that of any other installation."""
    session_timeout: timedelta = timedelta(seconds=10)
    """How long Kafka waits for a silent worker before others take over its partitions."""
    client: dict[str, str] = Field(default_factory=dict)
    """Further librdkafka settings for every client, such as security.protocol or sasl.username."""


class TopicSettings(Section):
    """Names of the topics, and how many partitions the counts have."""

    outcomes: str = "vm-operations"
    """Topic that outcome events are read from."""
    releases: str = "releases"
    """Topic that release events are read from."""
    prefix: str = Field("opwatch.", pattern=r"^[A-Za-z0-9._-]{0,100}$")
    """What the names of opwatch's own topics begin with."""
    counts_partitions: int = Field(4, ge=1, le=256)
    """Partitions of the counts: the most judges that can work side by side."""
    replication: int = Field(1, ge=1)
    """Replication factor of the topics that `opwatch topics create` creates."""

    def named(self, name: str) -> str:
        """Give the full name of one of opwatch's own topics."""
        return f"{self.prefix}{name}"


class ErrorRule(Section):
    """Whose fault a failure with a matching error code is; the first rule that matches decides."""

    code: str
    """Shell-style pattern, such as `Client.*`, matched against the whole error code."""
    fault: Literal["platform", "caller"]
    """Whose fault it is; failures of the caller are counted apart."""


class IngestSettings(Section):
    """How events are read, folded and bounded."""

    dimensions: tuple[str, ...] = ("region", "os", "vm_type", "operation")
    """What makes a series: fields of the outcome event or keys of its attributes."""
    error_rules: tuple[ErrorRule, ...] = ()
    """Whose fault a failure is where the event does not say; no rule: the platform's."""
    duplicate_horizon: timedelta = timedelta(minutes=10)
    """Event time within which an id counts once."""
    allowed_disorder: timedelta = timedelta(seconds=30)
    """How far the watermark of a partition trails its latest event time."""
    idle_after: timedelta = timedelta(seconds=60)
    """Processing time without a message after which a partition no longer holds windows open."""
    maximum_ahead: timedelta = timedelta(hours=1)
    """How far an event may be ahead of its record's time before it is a dead letter."""
    maximum_event_bytes: int = Field(1_048_576, ge=1024)
    """Size of a record beyond which it is a dead letter, unread."""
    flush_interval: timedelta = timedelta(seconds=1)
    """Processing time between two writes of counts."""
    flush_cells: int = Field(50_000, ge=100)
    """Cells (window and series) after which counts are written sooner."""
    batch_size: int = Field(10_000, ge=1)
    """Records taken from Kafka at once, at most."""

    @field_validator("dimensions")
    @classmethod
    def _distinct(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value or len(set(value)) != len(value):
            message = "dimensions must name at least one dimension, each once"
            raise ValueError(message)
        if "region" not in value:
            message = "dimensions must contain 'region': recovery is followed region by region"
            raise ValueError(message)
        return value


SHORTEST_S, LONGEST_S = 10, 3600


class WindowSettings(Section):
    """Tumbling windows and the bounds on what they may hold."""

    length: timedelta = timedelta(minutes=1)
    """Length of a window: whole seconds, from 10 seconds to 1 hour."""
    values_per_dimension: int = Field(1_000, ge=1)
    """Values of one dimension that are told apart; the rest is counted as `__other__`."""
    series: int = Field(20_000, ge=1)
    """Series that are told apart; the rest is counted as `__other__`."""

    @field_validator("length")
    @classmethod
    def _whole_seconds(cls, value: timedelta) -> timedelta:
        seconds = value.total_seconds()
        if not SHORTEST_S <= seconds <= LONGEST_S or seconds != int(seconds):
            message = "window length must be a whole number of seconds from 10 s to 1 h"
            raise ValueError(message)
        return value

    @property
    def seconds(self) -> int:
        """Give the window length in seconds."""
        return int(self.length.total_seconds())


SHORTEST_LEARNING, LONGEST_LEARNING = timedelta(hours=3), timedelta(days=7)


SeriesPattern = dict[str, str]
"""Dimension -> value: all series that have these values."""


class KnownBaseline(Section):
    """A failure ratio that somebody states; series with these values do not learn theirs."""

    series: SeriesPattern
    """Dimension -> value; all series that have these values."""
    failure_ratio: Ratio
    """Share of operations that fail while nothing is wrong."""


class AcceptedLevel(Section):
    """An order to take the present level of some series for normal, and to close their alarms."""

    series: SeriesPattern
    """Dimension -> value; all series that have these values."""
    at: AwareDatetime
    """Event time from which on it holds; carried out once, at the next window that closes."""


class DetectorSettings(Section):
    """What the detector bank promises."""

    false_alarms_per_day: float = Field(1.0, gt=0)
    """False alarms of one kind of change that the whole fleet may raise in a day."""
    group_by: tuple[str, ...] = ("operation", "os")
    """Series equal in these dimensions learn from each other; other names are passed over."""
    kinds: tuple[Literal["volume", "error_code", "duration"], ...] = ("volume", "error_code")
    """Kinds of change looked for beside the success ratio; each keeps the promise for itself."""
    error_codes: int = Field(50, ge=1, le=1000)
    """Error codes told apart in a counts partition; the rest is counted as `__other__`."""
    volume_learning: timedelta = timedelta(days=1)
    """How much of a series' volume must be known before it is judged: 3 hours to 1 week."""

    pool_below: float = Field(12.0, ge=0)
    """Operations an hour below which series are also judged in sums with others; 0 for never."""
    forget_after: timedelta = timedelta(days=14)
    """Event time without operations after which a series is forgotten: at least 1 day."""
    known_baselines: tuple[KnownBaseline, ...] = ()
    """Failure ratios that are stated, not learned; of several that match, the last counts."""
    accepted_levels: tuple[AcceptedLevel, ...] = ()
    """New levels that somebody accepts as normal, each once."""

    def shaping(self) -> str:
        """Give the settings that shape a judge's state, as JSON: statements may come and go."""
        return self.model_dump_json(exclude={"known_baselines", "accepted_levels"})

    @field_validator("forget_after")
    @classmethod
    def _remembered(cls, value: timedelta) -> timedelta:
        if value < timedelta(days=1):
            message = "forget_after must be at least 1 day"
            raise ValueError(message)
        return value

    @field_validator("volume_learning")
    @classmethod
    def _learnable(cls, value: timedelta) -> timedelta:
        if not SHORTEST_LEARNING <= value <= LONGEST_LEARNING:
            message = "volume_learning must be from 3 hours to 1 week"
            raise ValueError(message)
        return value


ScopePattern = dict[str, Annotated[tuple[str, ...], Field(min_length=1)]]
"""Dimension -> values: all series with one of these values in each of these dimensions."""


class Dependency(Section):
    """A statement that some operations fail when others do, though less."""

    of: ScopePattern = Field(min_length=1)
    """Dimension -> values: what depends."""
    on: ScopePattern = Field(min_length=1)
    """Dimension -> values: what it depends on."""


class IncidentSettings(Section):
    """How change points become incidents, and incidents pages."""

    history: timedelta = timedelta(hours=6)
    """Event time of closed windows that is kept to find scope and release from."""
    merge_within: timedelta = timedelta(minutes=15)
    """How far apart the onsets of change points of one incident may be."""
    spread_within: timedelta = timedelta(hours=1)
    """How long after its latest region an incident of the same scope may reach the next one."""
    relapse_within: timedelta = timedelta(hours=1)
    """How long after its recovery a region that degrades again belongs to the same incident."""
    impact_every: timedelta = timedelta(minutes=10)
    """While nothing else changes, an open incident's impact is written again this often."""
    related_within: timedelta = timedelta(hours=2)
    """How long after a recovery an incident that begins in the same place is linked to it."""
    mitigation_within: timedelta = timedelta(minutes=30)
    """How long after a recovery or a rollback it is linked as possibly caused by the mitigation."""
    secondary_within: timedelta = timedelta(hours=1)
    """How long after an incident's onset a weaker one may begin and be its secondary impact."""
    outlast_after: timedelta = timedelta(minutes=15)
    """How long secondary impact may outlast its incident before it becomes one of its own."""
    dependencies: tuple[Dependency, ...] = ()
    """Which operations are known to fail with which others."""


class Component(Section):
    """What is known of a component before any data."""

    component: str = Field(min_length=1)
    """Its name, as release events give it."""
    odds: float = Field(1.0, ge=0.1, le=10.0)
    """How much likelier a release of it is the cause than one of another component: its history."""
    serves: ScopePattern = Field(default_factory=dict)
    """Dimension -> values: the operations that need it. A release of a component that serves
    nothing of an incident's scope has a tenth of the odds."""


class AttributionSection(Section):
    """What is known of releases before any data; all of it together counts for a factor of 10."""

    components: tuple[Component, ...] = ()
    """Components of which anything is known."""
    off_system_odds: float = Field(3.0, ge=0.1, le=10.0)
    """The same for a release whose events say `off_system`: outside the staged release system."""


class HttpSettings(Section):
    """Where /metrics, /healthz and /readyz are served."""

    host: str = "127.0.0.1"
    """Address to listen on; only this machine can reach the default."""
    port: int = Field(9464, ge=0, le=65535)
    """Port to listen on; 0 takes any free one."""


class LogSettings(Section):
    """How logs are written, to standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least important messages to write; libraries start at `warning` unless it is `debug`."""
    format: Literal["console", "json"] = "console"
    """For people, or one JSON object a line."""


class WorkerSettings(Section):
    """This worker process."""

    roles: tuple[Literal["ingest", "judge", "incidents"], ...] = ("ingest", "judge", "incidents")
    """What this process does; leave out what other workers do."""
    snapshot_every: timedelta = timedelta(minutes=2)
    """Processing time between snapshots: at most so much input is read again after a crash."""


class Settings(BaseSettings):
    """All settings of one opwatch installation."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter=DELIMITER, frozen=True, extra="forbid"
    )

    kafka: KafkaSettings = KafkaSettings()
    topics: TopicSettings = TopicSettings()
    ingest: IngestSettings = IngestSettings()
    windows: WindowSettings = WindowSettings()
    detectors: DetectorSettings = DetectorSettings()
    incidents: IncidentSettings = IncidentSettings()
    attribution: AttributionSection = AttributionSection()
    alerts: AlertSettings = AlertSettings()
    alertmanager: AlertmanagerSettings = AlertmanagerSettings()
    archive: ArchiveSettings = ArchiveSettings()
    http: HttpSettings = HttpSettings()
    log: LogSettings = LogSettings()
    worker: WorkerSettings = WorkerSettings()

    @field_validator("detectors")
    @classmethod
    def _known_series(cls, value: DetectorSettings, info: ValidationInfo) -> DetectorSettings:
        known = [one.series for one in value.known_baselines]
        for series in (*known, *(one.series for one in value.accepted_levels)):
            _refuse_unknown("series", series, info)
        return value

    @field_validator("incidents")
    @classmethod
    def _known_dependencies(cls, value: IncidentSettings, info: ValidationInfo) -> IncidentSettings:
        for one in value.dependencies:
            _refuse_unknown("dependencies", {*one.of, *one.on}, info)
        return value

    @field_validator("attribution")
    @classmethod
    def _known_services(cls, value: AttributionSection, info: ValidationInfo) -> AttributionSection:
        for one in value.components:
            _refuse_unknown("serves", one.serves, info)
        return value

    @property
    def group_positions(self) -> tuple[int, ...]:
        """Give the positions of the grouping dimensions in a series key."""
        dimensions = self.ingest.dimensions
        return tuple(
            dimensions.index(name) for name in self.detectors.group_by if name in dimensions
        )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 the library passes all by name
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what is given and nothing else: `config_reading.load` reads file and environment."""
        return (init_settings,)


def _refuse_unknown(where: str, named: Iterable[str], info: ValidationInfo) -> None:
    """Refuse a statement about dimensions that there are not."""
    ingest = info.data.get("ingest")
    unknown = sorted(set(named) - set(ingest.dimensions)) if ingest else []
    if unknown:
        message = f"{where}: there is no dimension {unknown[0]!r} in ingest.dimensions"
        raise ValueError(message)
