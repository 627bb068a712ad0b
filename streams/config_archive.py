"""Settings of the archive of closed windows."""

from datetime import timedelta
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from streams.config_section import Section


class ArchiveSettings(Section):
    """Where closed windows are kept for good; workers with the judge role write there."""

    url: str = ""
    """A folder, or an address that fsspec knows, such as `s3://bucket/opwatch`; empty: nowhere."""
    every: timedelta = timedelta(minutes=5)
    """Processing time between two files: so long a closed window is in Kafka alone."""
    merge_every: timedelta = timedelta(hours=1)
    """How often the files of days that are over are merged, one for each day."""
    options: dict[str, str] = Field(default_factory=dict)
    """Further options of the address for fsspec, such as endpoint_url for s3."""

    @field_validator("url")
    @classmethod
    def _no_password(cls, value: str) -> str:
        if urlsplit(value).password is not None:
            message = "must not contain a password: put it into options or the environment"
            raise ValueError(message)
        return value

    @field_validator("every", "merge_every")
    @classmethod
    def _some_time(cls, value: timedelta) -> timedelta:
        if value < timedelta(seconds=1):
            message = "must be at least 1 second"
            raise ValueError(message)
        return value
