"""What all tables of the settings file have in common."""

import contextlib
from datetime import timedelta

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator


class Section(BaseModel):
    """One table of the settings file: frozen, and strict about names."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    @field_validator("*", mode="before")
    @classmethod
    def _text_of_seconds(cls, value: object, info: ValidationInfo) -> object:
        """Read seconds from text too: an environment variable is never a number."""
        field = cls.model_fields[info.field_name or ""]
        if field.annotation is timedelta and isinstance(value, str):
            with contextlib.suppress(ValueError):
                return float(value)
        return value

    @field_validator("*", mode="after")
    @classmethod
    def _no_negative_duration(cls, value: object) -> object:
        if isinstance(value, timedelta) and value < timedelta(0):
            message = "a duration must not be negative"
            raise ValueError(message)
        return value
