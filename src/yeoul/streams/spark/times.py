"""Times in lines as expressions: ISO 8601, numbers since 1970 and strptime patterns, in any zone, as microseconds."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from yeoul.events.times import parse_iso
from yeoul.streams.spark.members import Member
from yeoul.streams.spark.sql import choice, refuse, text

__all__ = ["repeats_hours", "time_us"]

_UNITS_US = {"s": 1_000_000, "ms": 1_000, "us": 1}
_FIRST_US = parse_iso("0001-01-02T00:00:00Z")
_LAST_US = parse_iso("9999-12-30T00:00:00Z")
_NUMBER = r"^[+-]?[0-9]{1,18}(\.[0-9]{1,20})?([eE][+]?[0-9]{1,2})?$"
_DAY = r"(?!000[01]|9999)\d{4}-\d{2}-\d{2}"
_ISO = rf"^{_DAY}([T ]\d{{2}}:\d{{2}}:\d{{2}}([.,]\d{{1,9}})?(Z|[+-](0\d|1[0-7]):?[0-5]\d)?)?\z"
"""The forms that Spark reads itself, as it should: most times are of these."""
_CLOCK = r"(\d{2})(?:(:?)(\d{2})(?:\8(\d{2})(?:[.,](\d+))?)?)?"
_OFFSET = r"Z|([+-](?:[01]\d|2[0-3]))(?::?([0-5]\d))?"
_WIDE = rf"^(?!0000)(?:(\d{{4}})-(\d{{2}})-(\d{{2}})|(\d{{4}})(\d{{2}})(\d{{2}}))(?:[Tt ]{_CLOCK}(?:{_OFFSET})?)?\z"
"""The others: with or without `-` and `:`, down to the hour, with any offset."""
_DIGITS = "$1$4$2$5$3$6$7$9$10$11"
"""Year to fraction, of `_WIDE`."""
_APART = r"^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})"
_ZONED = r"[Tt ].*[Z+-]"
_LETTERS = {
    "Y": "yyyy",
    "m": "MM",
    "d": "dd",
    "H": "HH",
    "M": "mm",
    "S": "ss",
    "f": "SSSSSS",
    "b": "MMM",
    "B": "MMMM",
    "j": "DDD",
    "I": "hh",
    "p": "a",
    "z": "[XXX][XX]",
    "%": "%",
}
"""What Spark writes for a directive of strptime; numbers have their full width in it."""


def time_us(stream: str, key: str, member: Member, formats: tuple[str, ...], zone: str) -> str:
    """The expression of a member's time in UTC microseconds by the first format that fits; NULL where none does.

    Raises:
        ConfigError: a pattern that Spark has no letters for.
    """
    found = [_by_format(stream, key, member, one, zone) for one in formats]
    return found[0] if len(found) == 1 else f"coalesce({', '.join(found)})"


def repeats_hours(zone: str) -> bool:
    """Whether local times occur twice there: its offset was, or will be, not the same in some month since 2000.

    >>> repeats_hours("America/New_York"), repeats_hours("Asia/Seoul"), repeats_hours("UTC")
    (True, False, False)
    """
    there = ZoneInfo(zone)
    months = (datetime(2000 + month // 12, month % 12 + 1, 1, tzinfo=there) for month in range(12 * 38))
    return len({each.utcoffset() for each in months}) > 1


def _by_format(stream: str, key: str, member: Member, one: str, zone: str) -> str:
    if one in _UNITS_US:
        return _number(member, _UNITS_US[one])
    said = member.text
    if one == "iso":
        text_ = f"{member.kind} = 'STRING' AND {said} RLIKE "
        return choice((text_ + text(_ISO), _iso(said, zone)), (text_ + text(_WIDE), _wide_iso(said, zone)))
    read = f"try_to_timestamp({said}, {text(_pattern(stream, key, one))})"
    us = _within(f"unix_micros({read})") if "%z" in one else _local(read, zone)
    return choice((f"{member.kind} = 'STRING'", us))


def _iso(said: str, zone: str) -> str:
    # a fraction may stand behind a comma, which Spark does not know
    read = f"try_cast(replace({said}, ',', '.') AS TIMESTAMP)"
    return choice((f"{said} RLIKE {text(_ZONED)}", f"unix_micros({read})"), otherwise=_local(read, zone))


def _wide_iso(said: str, zone: str) -> str:
    """By its digits, and its offset in minutes by itself: Spark knows no more than 18 hours."""
    digits = f"rpad(regexp_replace({said}, {text(_WIDE)}, {text(_DIGITS)}), 20, '0')"
    read = f"try_cast(regexp_replace({digits}, {text(_APART)}, '$1-$2-$3 $4:$5:$6.') AS TIMESTAMP)"
    offset = f"rpad(regexp_replace({said}, {text(_WIDE)}, '$12$13'), 5, '0')"
    hours, minutes = f"CAST(left({offset}, 3) AS INT)", f"CAST(concat(left({offset}, 1), right({offset}, 2)) AS INT)"
    us = f"unix_micros({read}) - ({hours} * 60 + {minutes}) * 60000000L"
    return choice((f"{said} RLIKE {text(_ZONED)}", _within(us)), otherwise=_local(read, zone))


def _within(us: str) -> str:
    """Of times with an offset: those that are times in every zone."""
    return choice((f"{us} BETWEEN {_FIRST_US} AND {_LAST_US}", us))


def _number(member: Member, unit_us: int) -> str:
    """Whole numbers are multiplied; others are rounded to the nearest microsecond, halves to even."""
    first, last = _FIRST_US // unit_us + 1, _LAST_US // unit_us
    whole = member.as_("bigint")
    exact = f"try_cast({member.text} AS DECIMAL(28,9))"
    return choice(
        (f"{member.kind} = 'BIGINT'", choice((f"{whole} BETWEEN {first} AND {last}", f"{whole} * {unit_us}"))),
        (
            f"{member.fraction} OR ({member.kind} = 'STRING' AND {member.text} RLIKE {text(_NUMBER)})",
            choice((f"{exact} BETWEEN {first} AND {last}", f"CAST(bround({exact} * {unit_us}) AS BIGINT)")),
        ),
    )


def _local(read: str, zone: str) -> str:
    """Of a time without zone; one that does not occur there is NULL, of one that occurs twice it is the first."""
    if zone == "UTC":
        return f"unix_micros({read})"
    there = f"to_utc_timestamp({read}, {text(zone)})"
    return choice((f"from_utc_timestamp({there}, {text(zone)}) = {read}", f"unix_micros({there})"))


def _pattern(stream: str, key: str, strptime: str) -> str:
    """Spark's letters for a strptime pattern.

    >>> _pattern("s", "event_time", "%d/%b/%Y:%H:%M:%S %z")
    'dd/MMM/yyyy:HH:mm:ss [XXX][XX]'
    >>> print(_pattern("s", "event_time", "%H o'clock"))
    HH 'o''clock'
    """
    found = []
    for letter, other in re.findall(r"%(.)|([^%]+)", strptime):
        if letter and letter not in _LETTERS:
            legal = f"`iso`, `s`, `ms`, `us`, or a pattern of {', '.join(f'%{one}' for one in _LETTERS if one != '%')}"
            raise refuse(stream, key, f"the time format `{strptime}` with `%{letter}`", legal)
        # whatever is a letter, or has a meaning in Spark's patterns, stands in quotes
        found.append(_LETTERS[letter] if letter else re.sub(r"[A-Za-z#{}\[\]']+", _quoted, other))
    return "".join(found)


def _quoted(found: re.Match[str]) -> str:
    return "'" + found[0].replace("'", "''") + "'"
