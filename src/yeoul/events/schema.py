"""What a row is: where its time is, which fields are taken from it and as what type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["EventTime", "Field", "FieldType", "RowSchema"]

FieldType = Literal["str", "int", "float", "bool", "timestamp"]


@dataclass(frozen=True, slots=True)
class EventTime:
    """Where the time of an event is and how it is written."""

    path: tuple[str, ...]
    """The member that holds it; for flat formats one part."""
    formats: tuple[str, ...] = ("iso",)
    """Tried in order: strptime patterns, or `iso`, or `s`, `ms`, `us` for numbers since 1970."""
    timezone: str = "UTC"
    """IANA zone of times that are written without one."""


@dataclass(frozen=True, slots=True)
class Field:
    """One declared field. Without a default a row that lacks it is invalid."""

    name: str
    path: tuple[str, ...]
    type: FieldType = "str"
    default: str | int | float | bool | None = None
    format: tuple[str, ...] = ("iso",)
    """For `timestamp`: as in `EventTime.formats`."""
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True)
class RowSchema:
    """How lines become rows."""

    event_time: EventTime
    fields: tuple[Field, ...]
    line_format: Literal["json", "csv", "logfmt", "pattern"] = "json"
    pattern: str | None = None
    """For `pattern`: a regular expression whose named groups are the members."""
    delimiter: str = ","
    """For `csv`."""
    columns: tuple[str, ...] | None = None
    """For `csv`: names of the columns; without them the first line of each generation is the header."""
    where: str | None = None
    """Rows for which this is false are filtered: a comparison over declared fields, as in SQL."""
    event_id: str | None = None
    """The declared field whose repeats are duplicates."""
    redact: tuple[str, ...] = ()
    """Declared fields that are masked wherever a row is shown or set aside."""
