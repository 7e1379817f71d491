"""What texts in a workspace file stand for: durations, sizes, field paths, zones, times, `K of N`."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import BeforeValidator

from yeoul.errors import ConfigError
from yeoul.events import parse_duration, parse_iso, parse_path
from yeoul.ingest.decode.times import TimeColumn
from yeoul.plugins import nearest

__all__ = [
    "Duration",
    "FieldPath",
    "Formats",
    "Legal",
    "LocalDays",
    "LocalTime",
    "Persist",
    "PositiveDuration",
    "Size",
    "Start",
    "TimeZone",
    "parse_size",
]

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(B|kB|MB|GB|TB)")
_UNITS = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_PERSIST = re.compile(r"\s*(\d+)\s+of\s+(\d+)\s*")


@dataclass(frozen=True, slots=True)
class Legal:
    """What may stand at a key, in words; for messages and for the reference page."""

    text: str


def parse_size(text: Any) -> int:
    """Bytes of a size such as `256MB`.

    Raises:
        ConfigError: not a size.

    >>> parse_size("1.5kB")
    1500
    """
    match = _SIZE.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        message = f"got the size `{text}`; legal: a number and a unit (B, kB, MB, GB, TB), such as `256MB`"
        raise ConfigError(message)
    return round(float(match[1]) * _UNITS[match[2]])


def _positive(text: Any) -> int:
    us = parse_duration(text)
    if us <= 0:
        message = f"got the duration `{text}`; legal: above zero, such as `10s`"
        raise ConfigError(message)
    return us


def _field_path(text: Any) -> tuple[str, ...]:
    if not isinstance(text, str):
        message = f"got `{text}`; legal: a field path, such as `_source.params.cpk`"
        raise ConfigError(message)
    return parse_path(text)


def _zone(name: Any) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError, TypeError, AttributeError):
        close = nearest(name, available_timezones()) if isinstance(name, str) else ""
        message = f"got the timezone `{name}`; legal: an IANA name such as `UTC` or `Asia/Seoul`{close}"
        raise ConfigError(message) from None
    return str(name)


def _formats(value: Any) -> list[Any]:
    formats = value if isinstance(value, list) else [value]
    if not formats or not all(isinstance(one, str) and one for one in formats):
        message = (
            f"got the time format `{value}`; legal: `iso`, `s`, `ms`, `us`, a strptime pattern, or a list of these"
        )
        raise ConfigError(message)
    for one in formats:
        try:
            TimeColumn("format", (one,), "UTC")
        except ConfigError as error:
            raise ConfigError(str(error).removeprefix("format: ") + nearest(one, ["iso"])) from None
    return formats


def _start(value: Any) -> str | int:
    if isinstance(value, str) and value in {"earliest", "latest"}:
        return value
    if isinstance(value, datetime):
        return parse_iso((value if value.tzinfo else value.replace(tzinfo=UTC)).isoformat())
    if isinstance(value, date):
        return parse_iso(value.isoformat())
    try:
        return parse_iso(value)
    except ConfigError:
        close = nearest(value, ["earliest", "latest"]) if isinstance(value, str) else ""
        message = f"got `{value}`; legal: `earliest`, `latest` or a time such as `2026-03-02T20:10:05Z`{close}"
        raise ConfigError(message) from None


def _local_time(value: Any) -> datetime:
    """A time as it was written; with a zone it keeps it."""
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            value = datetime.fromisoformat(value.strip())
    if isinstance(value, datetime):
        return datetime.combine(value.date(), value.time(), value.tzinfo)  # not the parser's own class
    if isinstance(value, date):
        return datetime.combine(value, time())
    message = f"got `{value}`; legal: a time such as `2026-03-02T03:00`, by the clock of `timezone`"
    raise ConfigError(message)


def _local_days(value: Any) -> list[date]:
    found = []
    for one in value if isinstance(value, list) else [value]:
        day: Any = one
        if isinstance(one, str):
            with contextlib.suppress(ValueError):
                day = date.fromisoformat(one.strip())
        if not isinstance(day, date) or isinstance(day, datetime):
            message = f"got the day `{one}`; legal: days such as `2026-12-25`"
            raise ConfigError(message)
        found.append(date(day.year, day.month, day.day))
    return found


def _persist(value: Any) -> tuple[int, int]:
    match = _PERSIST.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        message = f"got `{value}`; legal: `K of N` ticks, such as `2 of 3`"
        raise ConfigError(message)
    return int(match[1]), int(match[2])


def _from(parse: Callable[[Any], Any]) -> BeforeValidator:
    return BeforeValidator(parse)


Duration = Annotated[int, _from(parse_duration), Legal("a duration, such as `10s` or `1h 30m`")]
PositiveDuration = Annotated[int, _from(_positive), Legal("a duration above zero, such as `10s`")]
Size = Annotated[int, _from(parse_size), Legal("a size, such as `256MB`")]
FieldPath = Annotated[tuple[str, ...], _from(_field_path), Legal("a field path, such as `_source.params.cpk`")]
TimeZone = Annotated[str, _from(_zone), Legal("an IANA time zone, such as `Asia/Seoul`")]
Formats = Annotated[list[str], _from(_formats), Legal("`iso`, `s`, `ms`, `us`, a strptime pattern, or a list of these")]
Start = Annotated[str | int, _from(_start), Legal("`earliest`, `latest` or a time")]
LocalTime = Annotated[datetime, _from(_local_time), Legal("a time such as `2026-03-02T03:00`")]
LocalDays = Annotated[list[date], _from(_local_days), Legal('a list of days, such as `["2026-12-25"]`')]
Persist = Annotated[tuple[int, int], _from(_persist), Legal("`K of N` ticks, such as `2 of 3`")]
