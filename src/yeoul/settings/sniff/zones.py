"""The zone of times that are written without one: guessed, and said to be."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from yeoul.errors import InputError
from yeoul.plugins import nearest

__all__ = ["ZoneGuess", "check_zone", "guess_zone"]

_QUARTER_US = 900_000_000
_NEAR_US = 20_000_000
"""The last line of a log is written when its file changes."""
_FARTHEST = 14 * 4
_WELL_KNOWN = (
    *("UTC", "Asia/Seoul", "Europe/London", "Europe/Berlin", "Europe/Athens", "Europe/Istanbul", "Asia/Dubai"),
    *("Asia/Karachi", "Asia/Kolkata", "Asia/Dhaka", "Asia/Bangkok", "Asia/Shanghai", "Australia/Sydney"),
    *("Pacific/Auckland", "America/Sao_Paulo", "America/New_York", "America/Chicago", "America/Denver"),
    *("America/Los_Angeles", "America/Anchorage", "Pacific/Honolulu"),
)


@dataclass(frozen=True, slots=True)
class ZoneGuess:
    """A zone, and why this one."""

    name: str
    why: str
    sure: bool


def check_zone(name: str) -> str:
    """The zone of this name.

    Raises:
        InputError: there is none.
    """
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        close = nearest(name, available_timezones())
        message = f"got --timezone `{name}`; legal: an IANA name such as `UTC` or `Asia/Seoul`{close}"
        raise InputError(message) from None
    return name


def guess_zone(last_us: int | None, changed_us: int) -> ZoneGuess:
    """The zone in which a log's last line, read as UTC at `last_us`, was written when its file changed.

    >>> guess_zone(1_772_482_205_000_000, 1_772_449_805_500_000).name
    'Asia/Seoul'
    """
    here = _of_this_machine()
    if last_us is not None:
        quarters = round((last_us - changed_us) / _QUARTER_US)
        ahead_us = quarters * _QUARTER_US
        if abs(quarters) <= _FARTHEST and abs(last_us - changed_us - ahead_us) <= _NEAR_US:
            names = [here, *_WELL_KNOWN] if here else list(_WELL_KNOWN)
            for name in names:
                if _offset_us(name, changed_us) == ahead_us:
                    why = f"guessed: the last line is {ahead_us / 3.6e9:+g} h from when its file changed"
                    return ZoneGuess(name, why, sure=False)
    if here:
        return ZoneGuess(here, "guessed: the zone of this machine", sure=False)
    return ZoneGuess("UTC", "guessed: nothing tells another", sure=False)


def _offset_us(name: str, at_us: int) -> int:
    moment = datetime.fromtimestamp(at_us / 1e6, UTC).astimezone(ZoneInfo(name))
    return (moment.utcoffset() or timedelta()) // timedelta(microseconds=1)


def _of_this_machine() -> str:
    """The IANA name of the machine's zone, or nothing."""
    link = Path("/etc/localtime")
    named = os.environ.get("TZ", "").removeprefix(":")
    target = os.path.realpath(link) if link.exists() else ""
    for name in (named, target.rpartition("/zoneinfo/")[2]):
        try:
            if name:
                ZoneInfo(name)
                return "UTC" if name in {"Etc/UTC", "UTC", "Universal", "Zulu", "Etc/UCT"} else name
        except (ZoneInfoNotFoundError, ValueError, OSError):
            continue
    return ""
