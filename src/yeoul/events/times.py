"""Durations and times at the edges; inside, every time is an integer of microseconds since 1970-01-01 UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from yeoul.errors import ConfigError

__all__ = ["format_duration", "iso", "parse_duration", "parse_iso"]

_UNITS_US = {
    "us": 1,
    "ms": 1_000,
    "s": 1_000_000,
    "m": 60_000_000,
    "h": 3_600_000_000,
    "d": 86_400_000_000,
    "w": 604_800_000_000,
}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(us|ms|s|m|h|d|w)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_duration(text: str) -> int:
    """Microseconds of a duration such as `10s`, `1.5h` or `1h 30m`.

    Raises:
        ConfigError: not a duration.

    >>> parse_duration("10s")
    10000000
    >>> parse_duration("1h 30m") == parse_duration("90m")
    True
    """
    rest = text.strip() if isinstance(text, str) else ""
    total = 0.0
    at = 0
    while at < len(rest):
        match = _DURATION.match(rest, at)
        if match is None:
            break
        total += float(match[1]) * _UNITS_US[match[2]]
        at = match.end()
        while at < len(rest) and rest[at] == " ":
            at += 1
    if not rest or at < len(rest):
        message = (
            f"got the duration `{text}`; legal: a number and a unit (us, ms, s, m, h, d, w), such as `10s` or `1h 30m`"
        )
        raise ConfigError(message)
    return round(total)


def format_duration(us: int) -> str:
    """The shortest exact text of a duration.

    >>> format_duration(90_000_000), format_duration(604_800_000_000), format_duration(1_500_000)
    ('90s', '7d', '1500ms')
    """
    for unit in ("d", "h", "m", "s", "ms"):
        if us and us % _UNITS_US[unit] == 0:
            return f"{us // _UNITS_US[unit]}{unit}"
    return f"{us}us" if us else "0s"


def iso(us: int) -> str:
    """A time as ISO 8601 UTC with `Z`; the fraction has three digits, or six when it needs them, or none.

    >>> iso(1_772_449_805_123_000), iso(0), iso(-62_135_510_400_000_000)
    ('2026-03-02T11:10:05.123Z', '1970-01-01T00:00:00Z', '0001-01-02T00:00:00Z')
    """
    moment = _EPOCH + timedelta(microseconds=int(us))
    text = moment.isoformat()[:19]  # strftime writes the year 1 as `1`
    fraction = moment.microsecond
    if fraction == 0:
        return f"{text}Z"
    return f"{text}.{fraction // 1000:03d}Z" if fraction % 1000 == 0 else f"{text}.{fraction:06d}Z"


def parse_iso(text: str) -> int:
    """Microseconds of an ISO 8601 time; without a zone it is UTC.

    Raises:
        ConfigError: not a time.

    >>> parse_iso("2026-03-02T20:10:05.123+09:00") == parse_iso("2026-03-02T11:10:05.123Z")
    True
    """
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        message = f"got the time `{text}`; legal: ISO 8601, such as `2026-03-02T20:10:05Z`"
        raise ConfigError(message) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(microseconds=1)
